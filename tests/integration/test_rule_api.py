import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from routing.rule_text import default_rules
from workbench.keys import Keys
from workbench.postgres import Postgres

from tests.builders import NOW, a_message
from tests.integration.rules import NET, TO_TRIAGE, Rules, errors_of, rules_on

HOUR = timedelta(hours=1)
GUTTERS = "rules:\n- name: gutters of 5\n  when: {topics: [US-GUTTER], regions: [5]}\n  then: {unit: hq-inspection}\n"


@pytest.fixture
async def rules(postgres: Postgres, database_name: str, keys: Keys) -> AsyncIterator[Rules]:
    async with rules_on(postgres, database_name, keys) as made:
        yield made


async def test_the_rules_in_force_are_read_as_json_or_as_text(rules: Rules) -> None:
    shown = await rules.in_force()
    assert (shown["version"], shown["author"], shown["newest"], shown["in_force"]) == (1, "pasokh", 1, True)
    assert shown["yaml"] == default_rules()
    for path in ("/v1/rules", "/v1/rules/versions/1"):
        text = await rules.asked.get_as("application/yaml, */*;q=0.1", path, "operator")
        assert (text.text, text.headers["content-type"]) == (default_rules(), "application/yaml")
        assert text.headers["content-location"] == "/v1/rules/versions/1"


async def test_what_is_wrong_is_refused_with_rule_line_and_reason(rules: Rules) -> None:
    wrong = """rules:
- name: درخت‌ها
  when: {topics: [GS-TREE-FALL]}
  then: {unit: nobody}

- name: by night
  when:
    shifts: [evening]
    weather: snow
  then: {unit: topic}
"""
    refused = await rules.add(wrong + NET)
    first, *others = errors_of(refused)
    assert refused.status_code == 422
    assert first == ("/yaml", "line 4, rule “درخت‌ها”: then.unit: unknown unit nobody")
    assert [(pointer, detail.partition(": ")[0]) for pointer, detail in others] == [
        ("/yaml", "line 8, rule “by night”"),
        ("/yaml", "line 9, rule “by night”"),
    ]
    assert errors_of(await rules.add("rules: [")) == [("/yaml", errors_of(await rules.add("rules: ["))[0][1])]
    assert errors_of(await rules.add("rules: ["))[0][1].startswith("line 1: does not parse")
    assert (await rules.asked.post("/v1/rules/preview", "supervisor", {"yaml": wrong})).status_code == 422
    assert await rules.count() == 1


async def test_a_rule_that_can_never_match_is_refused_and_names_what_takes_its_cases(rules: Rules) -> None:
    second = "\n- name: never\n  when: {topics: [US-GUTTER], regions: [5], urgent: yes}\n  then: {unit: topic}\n"
    refused = await rules.add(GUTTERS + second + NET)
    [(pointer, detail)] = errors_of(refused)
    assert (refused.status_code, pointer) == (422, "/yaml")
    assert detail.startswith("line 6, rule “never”: can never match")
    assert detail.endswith("gutters of 5")
    assert await rules.count() == 1


async def test_a_new_version_decides_the_next_message(rules: Rules) -> None:
    before, after = a_message(), a_message()
    await rules.receive(before)
    added = await rules.add(GUTTERS + NET)
    assert (added.status_code, added.json()["version"], added.headers["location"]) == (201, 2, "/v1/rules/versions/2")
    assert abs(datetime.fromisoformat(added.json()["begins"]) - datetime.now(UTC)) < HOUR
    await rules.refresh()
    await rules.receive(after)
    cases = [(await rules.asked.get(f"/v1/cases/{m.code}", "supervisor")).json() for m in (before, after)]
    assert [(case["unit"], case["rule"]) for case in cases] == [
        ("region-5", "everything else by the topic"),
        ("hq-inspection", "gutters of 5"),
    ]
    dry = await rules.asked.post("/v1/decisions", "staff:region-5", {"text": "لایروبی جوی", "place": {"region": 5}})
    assert dry.json()["rule"] == "gutters of 5"


async def test_a_version_that_begins_later_is_newest_but_not_in_force(rules: Rules) -> None:
    begins, ends = NOW + HOUR, NOW + 2 * HOUR
    added = await rules.add(TO_TRIAGE, valid_from=begins.isoformat(), valid_until=ends.isoformat())
    assert datetime.fromisoformat(added.json()["begins"]) == begins
    shown = await rules.in_force()
    assert (shown["version"], shown["newest"]) == (1, 2)
    later = (await rules.asked.get("/v1/rules/versions/2", "service")).json()
    assert (later["yaml"], later["in_force"], later["note"]) == (TO_TRIAGE, False, "تغییر آزمایشی")
    assert datetime.fromisoformat(later["valid_until"]) == ends


async def test_a_version_that_would_lapse_before_it_begins_is_refused(rules: Rules) -> None:
    for given in ({"valid_until": NOW - HOUR}, {"valid_from": NOW + 2 * HOUR, "valid_until": NOW + HOUR}):
        refused = await rules.add(TO_TRIAGE, **{name: at.isoformat() for name, at in given.items()})
        assert (refused.status_code, errors_of(refused)[0][0]) == (422, "/valid_until")
    far = await rules.add(TO_TRIAGE, valid_until="9999-12-31T23:59:59-12:00")
    assert (far.status_code, errors_of(far)[0][0]) == (422, "/valid_until")
    assert (await rules.asked.get("/v1/rules/bounces", "supervisor", since="0001-01-01T00:00:00+14:00")).is_error
    assert await rules.count() == 1


async def test_versions_are_listed_by_pages_the_newest_first(rules: Rules) -> None:
    for n in range(1, 5):
        await rules.add(TO_TRIAGE, based_on=n)
    seen: list[tuple[int, bool]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await rules.asked.get("/v1/rules/versions", "staff:region-5", limit=2, **cursor)).json()
        seen += [(one["version"], one["in_force"]) for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [(5, True), (4, False), (3, False), (2, False), (1, False)]
    assert (await rules.asked.get("/v1/rules/versions", "supervisor", cursor="WyJ4Il0")).status_code == 422
    assert (await rules.asked.get("/v1/rules/versions/6", "supervisor")).status_code == 404
    assert (await rules.asked.get(f"/v1/rules/versions/{2**63}", "supervisor")).status_code == 422


async def test_of_two_supervisors_at_once_one_is_told_of_the_others(rules: Rules) -> None:
    answers = await asyncio.gather(*(rules.add(yaml) for yaml in (TO_TRIAGE, GUTTERS + NET)))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, won.json()["version"]) == (201, 2)
    assert (lost.status_code, lost.json()["newest"]) == (409, 2)
    assert await rules.count() == 2
    assert (await rules.add(GUTTERS + NET, based_on=2)).json()["version"] == 3


async def test_the_same_key_adds_one_version_also_when_sent_twice_at_once(rules: Rules) -> None:
    answers = await asyncio.gather(*(rules.add(TO_TRIAGE, key="k") for _ in range(4)))
    answers.append(await rules.add(TO_TRIAGE, key="k"))
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 4
    assert await rules.count() == 2
    assert (await rules.add(GUTTERS + NET, key="k")).status_code == 422


async def test_staff_read_and_supervisors_edit(rules: Rules) -> None:
    paths = ("/v1/rules", "/v1/rules/versions", "/v1/rules/versions/1", "/v1/rules/bounces")
    for who in ("staff:region-5", "operator", "service", "supervisor", "admin"):
        assert [(await rules.asked.get(path, who)).status_code for path in paths] == [200] * 4
    for who in ("app", "bot"):
        assert [(await rules.asked.get(path, who)).status_code for path in paths] == [403] * 4
    for who in ("staff:region-5", "operator", "service", "app", "bot"):
        assert (await rules.add(TO_TRIAGE, who)).status_code == 403
        assert (await rules.asked.post("/v1/rules/preview", who, {"yaml": TO_TRIAGE})).status_code == 403
    assert (await rules.add(TO_TRIAGE, "admin")).status_code == 201


async def test_five_hundred_rules_fit_and_what_is_larger_does_not(rules: Rules) -> None:
    topics = sorted(rules.decider.city.topics)[:60]
    pairs = [(topic, region) for topic in topics for region in range(1, 9)]
    name = "قاعده‌ای با نامی که برای بازبینی نوشته شده است و یک خط را پر می‌کند"
    whens = (f"{topic} {region}\n  when: {{topics: [{topic}], regions: [{region}]}}" for topic, region in pairs)
    rows = (f"- name: {name} {when}\n  then: {{unit: topic}}\n" for when in whens)
    added = await rules.add("rules:\n" + "".join(rows) + NET)
    assert (added.status_code, added.json()["version"]) == (201, 2)
    assert len((await rules.in_force())["yaml"]) > 64 * 1024
    assert (await rules.add("#" * 512 * 1024 + TO_TRIAGE, based_on=2)).status_code == 413


async def test_bounces_and_their_share_of_what_a_rule_referred_are_shown(rules: Rules) -> None:
    gutters = [a_message() for _ in range(4)]
    await rules.receive(*gutters, a_message(topic="OV-THANKS"))
    for message in gutters[:3]:
        path = f"/v1/cases/{message.code}/bounces"
        assert (await rules.asked.post(path, "supervisor", {"reason": "نه ما"}, If_Match='"1"')).status_code == 200
    found = (await rules.asked.get("/v1/rules/bounces", "staff:region-5")).json()["items"]
    assert found == [
        {"rule": "everything else by the topic", "referred": 4, "bounces": 3, "rate": 0.75},
        {"rule": "thanks go to public relations", "referred": 1, "bounces": 0, "rate": 0.0},
    ]
    later = await rules.asked.get("/v1/rules/bounces", "supervisor", since=(NOW + HOUR).isoformat())
    assert later.json()["items"] == []
