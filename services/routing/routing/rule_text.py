"""A rule set as text that people read and review: YAML in, with every mistake and its line, and YAML out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

import yaml
from common.calendar import jalali
from pydantic import ValidationError

from routing.city import Topic
from routing.marked_yaml import Lines, Unreadable, parse
from routing.rule_fields import NOT_KNOWN, RuleIn
from routing.rules import Known, Rule, RuleSet, When
from routing.shadows import shadows

MOST_RULES = 500
MOST_NAMES = 5  # in one reason


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """What is wrong with a rule; without a name with the text as a whole. Lines count from 1."""

    rule: str
    line: int
    reason: str


class RuleProblems(ValueError):
    """A text that is no rule set, with all that is wrong with it in the order of the lines."""

    def __init__(self, problems: Iterable[RuleProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda one: one.line))
        super().__init__("; ".join(f"line {one.line}: {one.rule or 'rules'}: {one.reason}" for one in self.problems))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One rule of the text being read; `rule` only where nothing is wrong with it by itself."""

    name: str
    line: int
    problems: tuple[RuleProblem, ...] = ()
    rule: Rule | None = None

    def problem(self, reason: str) -> RuleProblem:
        return RuleProblem(self.name, self.line, reason)


def read_rules(text: str, *, topics: Mapping[str, Topic], units: Iterable[str], holidays: frozenset[int]) -> RuleSet:
    """A rule set from YAML; RuleProblems names all that is wrong. `units` with those on call, `holidays` as
    `day_number`."""
    return read(text, Known(topics, frozenset(units), holidays))


def read(text: str, known: Known) -> RuleSet:
    """A rule set from YAML; RuleProblems names all that is wrong, and nothing of it is left out silently."""
    entries = _entries(text, known)
    sound = [(entry, entry.rule) for entry in entries if entry.rule is not None]
    rules = tuple(rule for _, rule in sound)
    found = shadows(rules, known)
    never = [sound[one.rule][0].problem(_never([rules[n].name for n in one.taken_by])) for one in found.never]
    if problems := [*_problems(entries), *never]:
        raise RuleProblems(problems)
    return RuleSet(rules, known, tuple(rules[n].name for n in found.unproven))


def read_stored(text: str, known: Known) -> RuleSet:
    """As `read`, of a version that was read before it was stored.

    A rule that can never match any more, since the catalogue or the holidays have changed, harms nothing and passes.
    """
    entries = _entries(text, known)
    if problems := _problems(entries):
        raise RuleProblems(problems)
    return RuleSet(tuple(entry.rule for entry in entries if entry.rule is not None), known)


def default_rules() -> str:
    """The rules that the project comes with, as text: `data/rules.yaml`."""
    return (files("routing") / "data" / "rules.yaml").read_text(encoding="utf-8")


def write_rules(rules: RuleSet) -> str:
    """YAML that reads back as the same rules: values in a fixed order, days Jalali. Comments are not kept."""
    document = {"rules": [_written(rule) for rule in rules.rules]}
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
    return text.replace("\n- name:", "\n\n- name:")


def _never(names: Sequence[str]) -> str:
    if not names:
        return "can never match: its own conditions exclude each other"
    others = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"can never match: rules before it take all that it asks for: {', '.join(names[:MOST_NAMES])}{others}"


def _problems(entries: Sequence[_Entry]) -> list[RuleProblem]:
    """What is wrong with the rules by themselves, with their names, and with the last of them."""
    problems = [problem for entry in entries for problem in entry.problems]
    problems += _twice(entries)
    if not entries or entries[-1].rule is None or entries[-1].rule.when != When():
        line = entries[-1].line if entries else 1
        problems.append(RuleProblem("", line, "the last rule must be one without conditions: it takes what is left"))
    return problems


def _entries(text: str, known: Known) -> list[_Entry]:
    """The rules of a text, each by itself."""
    try:
        document, lines = parse(text)
    except Unreadable as error:
        raise RuleProblems([RuleProblem("", error.line, error.reason)]) from error
    if not isinstance(document, dict) or document.keys() != {"rules"} or not isinstance(document["rules"], list):
        raise RuleProblems([RuleProblem("", 1, "the text is a list under the one field `rules`")])
    if len(document["rules"]) > MOST_RULES:
        raise RuleProblems([RuleProblem("", 1, f"there are more than {MOST_RULES} rules")])
    return [_entry(n, given, lines, known) for n, given in enumerate(document["rules"])]


def _entry(number: int, given: Any, lines: Lines, known: Known) -> _Entry:
    named = given.get("name") if isinstance(given, dict) else None
    name = named.strip() if isinstance(named, str) and named.strip() else f"rule {number + 1}"
    line = lines["rules", number]
    try:
        rule = RuleIn.model_validate(given, context=known).rule()
    except ValidationError as error:
        problems = (RuleProblem(name, _line(one["loc"], number, lines), _in_words(one)) for one in error.errors())
        return _Entry(name, line, tuple(problems))
    return _Entry(name, line, rule=rule)


def _line(where: Sequence[str | int], number: int, lines: Lines) -> int:
    """Of the innermost part that stands in the text."""
    path = ("rules", number, *where)
    while path not in lines:
        path = path[:-1]
    return lines[path]


def _in_words(error: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in error["loc"] if isinstance(part, str))
    if error["type"] == "extra_forbidden":
        return f"unknown field {name}"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def _twice(entries: Sequence[_Entry]) -> Iterator[RuleProblem]:
    counts = Counter(entry.name for entry in entries)
    return (entry.problem("another rule has this name too") for entry in entries if counts[entry.name] > 1)


def _written(rule: Rule) -> dict[str, Any]:
    deadline = rule.deadline
    terms = deadline and {"respond": deadline.respond, "resolve": deadline.resolve, "by": deadline.by.value}
    then = {"unit": rule.unit, "urgent": rule.urgent, "deadline": terms}
    return _given({"name": rule.name, "note": rule.note, "when": _conditions(rule.when), "then": _given(then)})


def _conditions(when: When) -> dict[str, Any]:
    return _given(
        {
            "topics": _sorted(when.topics),
            "groups": _sorted(when.groups),
            "regions": _sorted(when.regions),
            "nahiye": when.nahiye and [f"{region}-{nahiye}" for region, nahiye in sorted(when.nahiye)],
            "kinds": _in_order(when.kinds),
            "channels": _in_order(when.channels),
            "urgent": when.urgent,
            "shifts": _in_order(when.shifts),
            "holiday": when.holiday,
            "from": when.first and jalali(when.first),
            "until": when.last and jalali(when.last),
        }
    )


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != {}}


def _sorted(values: frozenset[Any] | None) -> list[Any] | None:
    """In order; "not known" is written last."""
    if values is None:
        return None
    return [*sorted(value for value in values if value is not None), *([NOT_KNOWN] if None in values else [])]


def _in_order(values: Iterable[StrEnum] | None) -> list[str] | None:
    """In the order in which their enumeration has them."""
    return None if values is None else [one.value for one in sorted(values, key=list(type(next(iter(values)))).index)]
