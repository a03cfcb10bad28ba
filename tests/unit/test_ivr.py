from datetime import UTC, datetime
from pathlib import Path

import pytest
from intake.channels.phone.ivr import OWN_FILE, read_menu

HEAD = "campaign,key,topic,valid_from,valid_until\n"


def menu(folder: Path, *lines: str) -> Path:
    path = folder / "ivr.csv"
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return path


def test_a_key_means_what_the_campaign_of_the_day_says(tmp_path: Path) -> None:
    snow, pests = "snow,7,US-SNOW,2026-11-22,2027-03-20", "pests,7,US-RODENT,2027-05-22,2027-09-22"
    read = read_menu(menu(tmp_path, snow, pests))
    assert read.topic("7", datetime(2026, 11, 24, 12, tzinfo=UTC)) == "US-SNOW"
    assert read.topic("7", datetime(2027, 6, 1, tzinfo=UTC)) == "US-RODENT"
    assert read.topic("7", datetime(2027, 4, 10, tzinfo=UTC)) is None
    assert read.topic("8", datetime(2026, 11, 24, tzinfo=UTC)) is None
    assert read.topic(None, datetime(2026, 11, 24, tzinfo=UTC)) is None


def test_days_are_those_of_tehran(tmp_path: Path) -> None:
    read = read_menu(menu(tmp_path, "snow,7,US-SNOW,2026-11-22,2026-11-22"))
    assert read.topic("7", datetime(2026, 11, 21, 21, tzinfo=UTC)) == "US-SNOW"
    assert read.topic("7", datetime(2026, 11, 22, 21, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("snow,x,US-SNOW,2026-11-22,2027-03-20",), "ivr.csv:2: a key is digits"),
        (("snow,7,,2026-11-22,2027-03-20",), "ivr.csv:2"),
        (("snow,7,US-SNOW,2026-11-22,soon",), "ivr.csv:2"),
        (("snow,7,US-SNOW,2026-11-22,2026-11-21",), "valid_until is before"),
        (("snow,7,US-SNOW,2026-11-22,2027-03-20", "salt,7,US-SALT,2027-03-20,2027-04-01"), "on the same days"),
    ],
)
def test_a_file_that_does_not_fit_says_where(tmp_path: Path, lines: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_menu(menu(tmp_path, *lines))


def test_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "ivr.csv").write_text("key,topic\n7,US-SNOW\n")
    with pytest.raises(ValueError, match="the first line must be"):
        read_menu(tmp_path / "ivr.csv")


def test_the_file_that_comes_along_is_in_order() -> None:
    assert read_menu(OWN_FILE).lines
