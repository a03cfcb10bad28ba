"""What `three` does with a city: all its methods, by JSON. Run by `python -m tests.clients`, with an address and a key.

It was written for Python 2: it imports `itertools.ifilter`, which `filter` has been since, and takes the first of
`keys()`, which is no list any more, where it reads XML. So it is given the one and not asked for the other.
"""

import io
import itertools
import sys
from typing import Any


def main(url: str, key: str) -> None:
    """Ask, and check what came."""
    vars(itertools)["ifilter"] = filter  # as Python 2 called it
    from three import Three

    city: Any = Three(url, api_key=key, jurisdiction="tehran.ir", format="json")
    assert city.discovery()["endpoints"][0]["url"] == url
    assert "TT-BUS" in {service["service_code"] for service in city.services()}
    assert city.services("TT-BUS")["attributes"][0]["code"] == "LINE"
    [made] = city.post(
        "TC-POTHOLE", address="ونک", name="first last", phone="09120000000", description="چاله", media=io.BytesIO(b"x")
    )
    code = made["service_request_id"]
    assert city.token(code) == [{"service_request_id": code, "token": code}]
    assert city.request(code)[0]["status"] == "open"
    assert code in {request["service_request_id"] for request in city.requests("TC-POTHOLE", count=5, status="open")}
    assert city.requests(start="01-01-2026", end="02-01-2026") == []
    assert city.post("TC-POTHOLE", api_key="guessed")[0]["code"] == 403
    print("three 0.8.0: discovery, services, a definition, a report, its token, one request, lists, an error")


if __name__ == "__main__":
    main(*sys.argv[1:])
