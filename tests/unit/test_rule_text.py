from dataclasses import replace
from datetime import date

import pytest
from common.calendar import ShiftName
from common.events import Channel, Kind
from hypothesis import given, settings
from routing.city import City
from routing.rule_text import MOST_RULES, RuleProblems, default_rules, read, read_rules, read_stored, write_rules
from routing.rules import Known, Rule, RuleSet, When
from routing.shadows import shadows
from routing.sla import CountedBy, Terms

from tests.unit.rule_cases import KNOWN, TOPICS, UNITS, VALUES, rule_lists

LAST = "- {name: rest, then: {unit: topic}}\n"


def a_text(*rules: str) -> str:
    return "rules:\n" + "".join(f"- {{name: r{n}, {rule}}}\n" for n, rule in enumerate(rules)) + LAST


def reasons(text: str) -> list[tuple[str, int, str]]:
    with pytest.raises(RuleProblems) as refused:
        read(text, KNOWN)
    return [(one.rule, one.line, one.reason) for one in refused.value.problems]


def test_a_rule_is_read_with_all_its_conditions() -> None:
    text = """
rules:
  - name: جمع‌آوری در بهار
    note: "why: because"
    when:
      topics: [A, none]
      groups: [one]
      regions: [1, none]
      kinds: [request, complaint]
      channels: [app]
      urgent: no
      shifts: [night]
      holiday: yes
      from: 1405-02-31
      until: 2027-02-01
    then: {unit: "region-{region}", urgent: yes, deadline: {respond: 30, resolve: 60, by: clock}}
  - name: here
    when: {nahiye: [1-2]}
    then: {unit: hq-desk}
  - name: rest
    then: {unit: topic}
"""
    when = When(
        topics=frozenset({"A", None}),
        groups=frozenset({"one"}),
        regions=frozenset({1, None}),
        kinds=frozenset({Kind.REQUEST, Kind.COMPLAINT}),
        channels=frozenset({Channel.APP}),
        urgent=False,
        shifts=frozenset({ShiftName.NIGHT}),
        holiday=True,
        first=date(2026, 5, 21),
        last=date(2027, 2, 1),
    )
    first = Rule("جمع‌آوری در بهار", "region-{region}", when, True, Terms(30, 60, CountedBy.CLOCK), "why: because")
    here = Rule("here", "hq-desk", When(nahiye=frozenset({(1, 2)})))
    found = read_rules(text, topics=TOPICS, units=UNITS, holidays=frozenset())
    assert found.rules == (first, here, Rule("rest", "topic"))
    assert found.unproven == ()


@settings(max_examples=40, deadline=None)
@given(rule_lists(*VALUES))
def test_what_is_written_reads_back_as_the_same_rules(rules: list[Rule]) -> None:
    asking = [*(rule for rule in rules if rule.when != When()), rules[-1]]
    never = {one.rule for one in shadows(asking, KNOWN).never}
    kept = RuleSet(tuple(rule for n, rule in enumerate(asking) if n not in never), KNOWN)
    text = write_rules(kept)
    assert read(text, KNOWN) == kept
    assert write_rules(read(text, KNOWN)) == text


def test_the_order_of_what_is_written_does_not_hang_on_that_of_a_set() -> None:
    rule = Rule("a", "topic", When(topics=frozenset({"B", None, "A"}), kinds=frozenset({Kind.THANKS, Kind.REQUEST})))
    text = write_rules(RuleSet((rule, Rule("rest", "topic")), KNOWN))
    assert "topics: [A, B, none]" in text
    assert "kinds: [request, thanks]" in text


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("when: {topic: [A]}, then: {unit: topic}", "unknown field when.topic"),
        ("unless: {topics: [A]}, then: {unit: topic}", "unknown field unless"),
        ("when: {topics: [Z]}, then: {unit: topic}", "when.topics: unknown topic Z"),
        ("when: {groups: [three]}, then: {unit: topic}", "when.groups: unknown group three; there are one, two"),
        ("when: {regions: [9]}, then: {unit: topic}", "when.regions: unknown region 9"),
        ("when: {nahiye: [1-9]}, then: {unit: topic}", "when.nahiye: unknown nahiye 1-9"),
        ("when: {nahiye: [2]}, then: {unit: topic}", "when.nahiye: write a nahiye with its region: 5-2"),
        ("when: {topics: [A]}, then: {unit: hq-other}", "then.unit: unknown unit hq-other"),
        ("when: {from: 1405-02-01, until: 1405-01-31}, then: {unit: topic}", "when: the period is over"),
        ("when: {from: 1405-13-01}, then: {unit: topic}", "when.from: "),
        ("when: {from: 3000-01-01}, then: {unit: topic}", "when.from: a day lies in the years 2000 to 2199"),
        ("when: {kinds: [rant]}, then: {unit: topic}", "when.kinds: "),
        ("when: {shifts: [evening]}, then: {unit: topic}", "when.shifts: "),
        ("when: {urgent: perhaps}, then: {unit: topic}", "when.urgent: "),
        ("when: {topics: []}, then: {unit: topic}", "when.topics: "),
        ("when: {topics: A}, then: {unit: topic}", "when.topics: "),
        ("when: {topics: [[A]]}, then: {unit: topic}", "when.topics: "),
        ("when: {topics: [A]}", "then: "),
        ("when: {urgent: yes}, then: {unit: topic, deadline: {respond: 9, resolve: 5, by: clock}}", "then.deadline: "),
        ("when: {urgent: yes}, then: {unit: topic, deadline: {respond: 1, resolve: 5}}", "then.deadline.by: "),
        ("when: {topics: [A], groups: [two]}, then: {unit: topic}", "can never match: its own conditions exclude"),
        ("when: {regions: [2], nahiye: [1-2]}, then: {unit: topic}", "can never match: its own conditions exclude"),
        (
            'then: {unit: "region-{code}"}',
            "then.unit: unknown template region-{code}; there are topic, region-{region}",
        ),
    ],
)
def test_a_mistake_is_named_with_its_rule_and_its_line(rule: str, reason: str) -> None:
    [(name, line, found)] = reasons(a_text("when: {urgent: yes, kinds: [thanks]}, then: {unit: hq-desk}", rule))
    assert (name, line) == ("r1", 3)
    assert found.startswith(reason)


def test_a_mistake_is_named_with_the_line_of_its_field() -> None:
    text = (
        "rules:\n- name: a\n  when:\n    kinds: [thanks]\n    topics:\n    - A\n    - Z\n  then: {unit: topic}\n" + LAST
    )
    assert reasons(text) == [("a", 7, "when.topics: unknown topic Z")]


def test_all_mistakes_are_named_at_once() -> None:
    text = a_text("when: {topics: [Z]}, then: {unit: x}", "when: {urgent: yes}, then: {unit: topic, also: 1}")
    assert [(rule, line) for rule, line, _ in reasons(text)] == [("r0", 2), ("r0", 2), ("r1", 3)]


def test_a_rule_that_others_take_whole_is_named_with_them() -> None:
    text = a_text("when: {groups: [one]}, then: {unit: topic}", "when: {topics: [B]}, then: {unit: hq-desk}")
    assert reasons(text) == [("r1", 3, "can never match: rules before it take all that it asks for: r0")]


def test_a_reason_names_a_handful_of_rules_and_counts_the_rest() -> None:
    kinds = [f"when: {{kinds: [{kind.value}]}}, then: {{unit: topic}}" for kind in Kind]
    [(rule, _, reason)] = reasons(a_text(*kinds, "when: {topics: [B]}, then: {unit: topic}"))
    assert (rule, reason[-30:]) == ("r6", "or: r0, r1, r2, r3, r4 and 1 more"[-30:])


def test_what_was_stored_is_read_though_a_rule_of_it_can_no_longer_match() -> None:
    text = a_text("when: {topics: [C]}, then: {unit: hq-desk}", "when: {topics: [C], urgent: yes}, then: {unit: topic}")
    with pytest.raises(RuleProblems):
        read(text, KNOWN)
    assert [rule.name for rule in read_stored(text, KNOWN).rules] == ["r0", "r1", "rest"]
    with pytest.raises(RuleProblems, match="unknown topic C"):
        read_stored(text, Known({"A": TOPICS["A"]}, KNOWN.units, KNOWN.holidays))


def test_a_name_is_used_once() -> None:
    text = "rules:\n- {name: rest, when: {urgent: yes}, then: {unit: topic}}\n" + LAST
    assert reasons(text) == [(("rest"), line, "another rule has this name too") for line in (2, 3)]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "the text is a list under the one field `rules`"),
        ("rules: {}", 1, "the text is a list under the one field `rules`"),
        ("rules: []", 1, "the last rule must be one without conditions"),
        ("rules:\n- {name: a, when: {urgent: yes}, then: {unit: topic}}", 2, "the last rule must be one without"),
        ("rules:\n- name: a\n  then: {unit: topic", 3, "does not parse: "),
        ("rules:\n- name: a\n  name: b\n  then: {unit: topic}", 3, "name is given twice"),
        ("rules:\n- &a {name: a, then: {unit: topic}}\n- *a\n", 3, "write it out: references"),
        ("rules:\n- ? [a]\n  : b\n", 2, "a field has a plain name"),
        ("rules: []\n---\nrules: []\n", 2, "does not parse: "),
        ("rules: \x00", 1, "does not parse: "),
        ("[" * 60_000, 1, "it is nested too deeply"),
        ("rules:\n" + LAST * (MOST_RULES + 1), 1, f"there are more than {MOST_RULES} rules"),
    ],
)
def test_a_text_that_is_no_rule_set_is_refused(text: str, line: int, reason: str) -> None:
    [(rule, at, found)] = reasons(text)
    assert (rule, at) == ("", line)
    assert found.startswith(reason)


@pytest.mark.parametrize("name", ['"a\\0b"', '"a\\nb"', '"\\uD800"', '" "', '""'])
def test_a_name_is_one_line_of_characters_that_can_be_stored(name: str) -> None:
    text = f"rules:\n- {{name: {name}, when: {{urgent: yes}}, then: {{unit: topic}}}}\n{LAST}"
    assert [reason[:5] for _, _, reason in reasons(text)] == ["name:"]


def test_a_rule_that_could_not_be_proven_is_told_and_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.shadows.shadows.__defaults__", (0,))
    text = a_text("when: {groups: [one]}, then: {unit: topic}", "when: {topics: [B]}, then: {unit: hq-desk}")
    assert read(text, KNOWN).unproven == ("r1",)


def test_the_projects_own_rules_are_read_and_written() -> None:
    city = City.load()
    on_call = {f"region-{region}-oncall" for region in city.regions}
    known = Known(city.topics, frozenset(city.units) | on_call, frozenset())
    rules = read(default_rules(), known)
    assert read(write_rules(rules), known) == rules
    assert replace(rules.rules[-1], name="") == Rule("", "topic")
    assert "spring cleaning" in default_rules()


def test_the_example_of_a_campaign_is_a_rule_that_can_be_used() -> None:
    city = City.load()
    known = Known(city.topics, frozenset(city.units) | {f"region-{n}-oncall" for n in city.regions}, frozenset())
    lines = default_rules().splitlines()
    first = lines.index("# - name: spring cleaning")
    lines[first : first + 5] = [line.removeprefix("# ") for line in lines[first : first + 5]]
    found = read("\n".join(lines), known).rules[-2]
    assert (found.name, found.when.first) == ("spring cleaning", date(2027, 2, 24))
