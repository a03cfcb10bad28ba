"""Which lane a message takes: what may be urgent is suspected early, by the signs that routing weighs later."""

import csv
import json
from importlib.resources import files
from typing import Any

import pytest
from common.auth import Caller
from common.events import Channel, MessageReceived, UrgentMessageReceived
from common.sealed import Sealer, new_keys
from common.signs import may_be_urgent
from intake.contact import Origin, Reader, with_new_code
from intake.schemas import MessageIn
from intake.settings import Settings
from routing.training.urgency import second_test, urgent_topics

from tests.builders import NOW


@pytest.mark.parametrize(
    "text",
    ["بوی شدید گاز میاد", "درخت افتاده رو ماشین", "بچه افتاد تو چاه", "برف کوچه را گرفته", "boye gaz miad az kucheh"],
)
def test_danger_in_the_words_takes_the_urgent_lane(text: str) -> None:
    assert may_be_urgent(text, None)


@pytest.mark.parametrize("text", ["سطل زباله ما را عوض کنید", "دیگه بوی گاز نمیاد، ممنونم", "پیاده‌رو را جارو نزده‌اند"])
def test_calm_words_stay_in_the_bulk(text: str) -> None:
    assert not may_be_urgent(text, None)


def test_a_topic_that_is_urgent_by_default_takes_the_urgent_lane_whatever_the_words() -> None:
    with files("routing").joinpath("data", "topics.csv").open(encoding="utf-8") as file:
        topics = {row["code"]: row["urgent"] == "yes" for row in csv.DictReader(file)}
    assert {code for code in topics if may_be_urgent("سلام", code)} == {
        code for code, urgent in topics.items() if urgent
    }
    assert {code for code, urgent in topics.items() if urgent} == urgent_topics()


def test_a_topic_that_is_not_urgent_asks_for_more_danger_in_the_words() -> None:
    text = "تیر چراغ کج شده"
    assert may_be_urgent(text, None)
    assert not may_be_urgent(text, "US-GUTTER")
    assert may_be_urgent("مخزن آتش گرفته، زود بیاین", "US-WASTE-BIN")


def test_nearly_all_that_is_labelled_urgent_is_suspected_and_most_of_the_rest_is_not() -> None:
    lines = files("routing").joinpath("training", "data", "messages.fa.jsonl").read_text("utf-8").splitlines()
    messages: list[Any] = [*map(json.loads, lines), *second_test()]
    suspected = [(may_be_urgent(m["text"], None), m["urgent"]) for m in messages]
    urgent = [found for found, label in suspected if label]
    calm = [found for found, label in suspected if not label]
    assert sum(urgent) >= 0.98 * len(urgent)
    assert sum(calm) <= 0.2 * len(calm)


def test_intake_chooses_the_lane_with_the_event_and_another_code_keeps_it(tmp_path: Any) -> None:
    (tmp_path / "keys.json").write_text(new_keys())
    reader = Reader(Settings.model_construct(), Sealer.from_file(tmp_path / "keys.json"))
    origin = Origin(Channel.APP, Caller("app-1", frozenset({"app"})))
    urgent, calm = (
        reader.message(MessageIn.model_validate({"text": text}), origin, NOW)
        for text in ("بوی گاز میاد", "سطل ما را عوض کنید")
    )
    assert (type(urgent.event), type(calm.event)) == (UrgentMessageReceived, MessageReceived)
    assert type(with_new_code(urgent).event) is UrgentMessageReceived
