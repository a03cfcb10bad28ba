"""Whether the model belongs to the data: hashes are compared, nothing is trained."""

from pathlib import Path

from routing.model import FILE, Model
from routing.training.sources import CATALOGUE, read_sources


def check(target: Path = CATALOGUE / FILE) -> str | None:
    """What is wrong and which command mends it; None when the model was trained on the data as it is."""
    if not target.exists():
        return "there is no model; run `make model`"
    if Model.from_bytes(target.read_bytes()).about["hash"] != read_sources().hash:
        return "the model was trained on other data; run `make model`"
    return None
