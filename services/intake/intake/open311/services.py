"""GeoReport's services: our topics, and the attributes that a client may ask a citizen for, from `attributes.csv`."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any, Self

from intake.topics import Topic


class Datatype(StrEnum):
    """What an attribute's value is, by the specification's words."""

    STRING = "string"
    NUMBER = "number"
    DATETIME = "datetime"
    TEXT = "text"
    ONE_OF = "singlevaluelist"
    SOME_OF = "multivaluelist"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A question about a topic; one that is not `variable` only tells something."""

    code: str
    order: int
    datatype: Datatype
    required: bool
    variable: bool
    description: str
    hint: str
    values: Mapping[str, str]  # names by keys, of lists

    def document(self) -> dict[str, Any]:
        """As a definition holds it."""
        document: dict[str, Any] = {
            "variable": self.variable,
            "code": self.code,
            "datatype": self.datatype.value,
            "required": self.required,
            "datatype_description": self.hint or None,
            "order": self.order,
            "description": self.description,
        }
        if self.values:
            document["values"] = [{"key": key, "name": name} for key, name in self.values.items()]
        return document


Attributes = Mapping[str, Sequence[Attribute]]  # by topic, in their order


@dataclass(frozen=True)
class Catalogue:
    """The services of a moment."""

    topics: Mapping[str, Topic]
    attributes: Attributes

    @classmethod
    def of(cls, topics: Iterable[Topic], attributes: Attributes) -> Self:
        """All topics but the one that is for what the city has nothing to do with."""
        return cls({topic.code: topic for topic in topics if topic.unit != "none"}, attributes)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The list of services."""
        return [self._document(topic) for topic in self.topics.values()]

    def definition(self, code: str) -> dict[str, Any] | None:
        """What a service asks for; None for one that does not exist."""
        if code not in self.topics:
            return None
        attributes = [attribute.document() for attribute in self.attributes.get(code, ())]
        return {"service_code": code, "attributes": attributes}

    def _document(self, topic: Topic) -> dict[str, Any]:
        return {
            "service_code": topic.code,
            "service_name": topic.title_fa,
            "description": topic.title_en,
            "metadata": topic.code in self.attributes,
            "type": "realtime",
            "keywords": ", ".join((topic.title_en, topic.deputy)),
            "group": topic.deputy_fa,
        }


def load_attributes() -> Attributes:
    """Read `data/attributes.csv`; ValueError says what is wrong in it."""
    text = files("intake.open311").joinpath("data/attributes.csv").read_text(encoding="utf-8")
    found: dict[str, list[Attribute]] = {}
    for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
        try:
            found.setdefault(row["topic"], []).append(_attribute(row))
        except (KeyError, ValueError) as error:
            raise ValueError(f"attributes.csv, line {number}: {error}") from error
    return {topic: sorted(attributes, key=lambda one: one.order) for topic, attributes in found.items()}


def _attribute(row: Mapping[str, str]) -> Attribute:
    values = dict(pair.split("=", 1) for pair in row["values"].split("|")) if row["values"] else {}
    datatype = Datatype(row["datatype"])
    if (datatype in (Datatype.ONE_OF, Datatype.SOME_OF)) != bool(values):
        raise ValueError(f"{row['code']}: a list has values, and nothing else has")
    return Attribute(
        row["code"],
        int(row["order"]),
        datatype,
        row["required"] == "yes",
        row["variable"] == "yes",
        row["description"],
        row["hint"],
        values,
    )
