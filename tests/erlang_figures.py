"""What `pyworkforce` says of Erlang C, as the table that `tests/unit/test_erlang.py` holds ours against.

The package brings 250 MB for the three formulas that are compared, so its figures are kept instead of it. To make
them anew: `pip install pyworkforce`, then `python -m tests.erlang_figures > tests/unit/erlang_figures.csv`.
"""

import csv
import sys
from itertools import product

CALLS = (3, 20, 61, 240, 312, 480, 624)  # in half an hour
SERVICE = (60, 110, 120, 130, 240)  # seconds
PROMISES = ((0.8, 20), (0.9, 10), (0.95, 180), (0.999, 180))
COLUMNS = ("calls", "service", "share", "seconds", "agents", "level", "waiting")


def main() -> None:
    """Print the table."""
    from pyworkforce import ErlangC  # installed for this alone; see above

    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(COLUMNS)
    for calls, service, (share, seconds) in product(CALLS, SERVICE, PROMISES):
        model = ErlangC(transactions=calls, aht=service / 60, asa=seconds / 60, interval=30)
        found = model.required_positions(service_level=share)
        exact = (f"{found['service_level']:.12g}", f"{found['waiting_probability']:.12g}")
        rows.writerow((calls, service, share, seconds, found["raw_positions"], *exact))


if __name__ == "__main__":
    main()
