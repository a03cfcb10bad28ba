from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from common.calendar import TEHRAN
from common.events import Channel, Kind, MessageReceived, Place
from routing.opening import asked_by
from routing.rule_text import default_rules, read
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_message
from tests.integration.rules import NET, TO_TRIAGE, Rules, errors_of, rules_on

DAY = NOW.astimezone(TEHRAN).replace(hour=11) - timedelta(days=1)
NIGHT = DAY.replace(hour=1)
MANY = [
    a_message(text=text, topic=topic, place=place, kind=kind, channel=channel, occurred_at=at)
    for text, topic in (
        ("برف کوچه را بسته است", "US-SNOW"),
        ("برف آمده ولی عجله‌ای نیست", "US-SNOW"),
        ("درخت افتاده روی سیم برق، خطرناک است", None),
        ("جوب گرفته", None),
        ("سلام لطفا رسیدگی کنید", None),
        ("تشکر از پاکبان محله", "OV-THANKS"),
    )
    for place in (Place(region=5), Place(lat=35.7550, lon=51.3051), None)
    for kind, channel, at in ((None, Channel.APP, DAY), (Kind.COMPLAINT, Channel.PHONE, NIGHT))
]
CHANGED = """rules:
- name: urgent to the desk
  when: {urgent: yes}
  then: {unit: hq-triage}
- name: complaints of the region
  when: {kinds: [complaint], channels: [phone]}
  then: {unit: "region-{region}"}
- name: night
  when: {shifts: [night]}
  then: {unit: hq-inspection}
- name: urban services without nahiye
  when: {groups: [urban-services], nahiye: [5-1]}
  then: {unit: "region-{region}"}
- name: of no region
  when: {regions: [none], topics: [OV-THANKS, none]}
  then: {unit: hq-inspection}
"""


@pytest.fixture
async def rules(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Rules]:
    async with rules_on(postgres, database_name, keys) as made:
        yield made


def decided(rules: Rules, yaml: str, messages: Sequence[MessageReceived]) -> list[tuple[str, str]]:
    """Of each message the unit and the rule, as the whole decision gives them."""
    decisions = rules.decider.decide([asked_by(message) for message in messages], read(yaml, rules.rulebook.known))
    reasons = [{reason.step: reason.because for reason in decision.reasons}["rule"] for decision in decisions]
    units = [because.partition("”: ")[2].partition(",")[0] for because in reasons]
    return [(unit, decision.rule) for unit, decision in zip(units, decisions, strict=True)]


async def test_a_preview_lists_exactly_the_cases_that_would_be_decided_otherwise(rules: Rules) -> None:
    await rules.receive(*MANY)
    before, after = decided(rules, default_rules(), MANY), decided(rules, CHANGED + NET, MANY)
    expected = {
        message.code: {"code": message.code, "before": old, "after": new, "rule": rule}
        for message, (old, _), (new, rule) in zip(MANY, before, after, strict=True)
        if old != new
    }
    assert 5 < len(expected) < len(MANY)
    assert {rule for _, rule in after} >= {"urgent to the desk", "complaints of the region", "of no region"}
    seen = await rules.preview(CHANGED + NET)
    assert {moved["code"]: moved for moved in seen["moved"]} == expected
    assert (seen["looked_at"], seen["in_force"], seen["unproven"]) == (len(MANY), 1, [])
    assert (await rules.preview(default_rules()))["moved"] == []


async def test_a_preview_stores_and_decides_nothing(rules: Rules) -> None:
    await rules.receive(message := a_message())
    case = (await rules.asked.get(f"/v1/cases/{message.code}", "supervisor")).json()
    assert len((await rules.preview(TO_TRIAGE))["moved"]) == 1
    await rules.refresh()
    assert (await rules.asked.get(f"/v1/cases/{message.code}", "supervisor")).json() == case
    assert (rules.rulebook.version, await rules.count()) == (1, 1)


async def test_a_case_that_a_rule_made_urgent_is_urgent_to_a_preview_only_if_its_text_is(rules: Rules) -> None:
    calm = a_message(text="برف آمده ولی عجله‌ای نیست", topic="US-SNOW", occurred_at=NIGHT)
    await rules.receive(calm)
    assert (await rules.asked.get(f"/v1/cases/{calm.code}", "supervisor")).json()["urgent"]
    urgent_first = "rules:\n- name: urgent\n  when: {urgent: yes}\n  then: {unit: hq-triage}\n"
    [moved] = (await rules.preview(urgent_first + NET))["moved"]
    assert (moved["before"], moved["after"]) == ("region-5-oncall", "region-5")


async def test_a_preview_looks_at_the_last_cases_alone(rules: Rules) -> None:
    messages = [a_message(received_at=NOW - timedelta(minutes=n)) for n in range(5)]
    await rules.receive(*messages)
    seen = await rules.preview(TO_TRIAGE, last=3)
    assert ([moved["code"] for moved in seen["moved"]], seen["looked_at"]) == ([m.code for m in messages[:3]], 3)
    for last in (0, 5001):
        answer = await rules.asked.post("/v1/rules/preview", "supervisor", {"yaml": TO_TRIAGE, "last": last})
        assert (answer.status_code, errors_of(answer)[0][0]) == (422, "/last")
