"""What a client posts, read without I/O: a message, its photo's address, and what the client should know of both."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from common.persian import normalise, parse_phone
from pydantic import BeforeValidator, Field

from intake.conversation.heard import FileKind, FileRef
from intake.open311.refusals import Refused
from intake.open311.services import Attribute, Catalogue, Datatype
from intake.schemas import MessageIn, PlaceIn

LONGEST = 4000  # letters of a description, by the specification
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,40})\](?:\[\])?")
_CODE = re.compile(r"[A-Z]{2}(-[A-Z]+)+")
NO_PHONE = "phone: not a telephone number, so no SMS will come; ask with this id how it stands"
NO_MEDIA = "media_url: not an https address, so no file was taken"
NO_FILES = "files are not taken here, only the https address of one as media_url"

Fields = Sequence[tuple[str, str]]


class Open311Message(MessageIn):
    """A message of another city's app; its attributes stand below its description, each in a line."""

    text: Annotated[str, BeforeValidator(normalise), Field(min_length=1, max_length=LONGEST * 2)]


@dataclass(frozen=True, slots=True)
class Submission:
    """A message to accept; `notices` are told to the client."""

    message: Open311Message
    files: Sequence[FileRef] = ()
    account: str | None = None  # given back as it came; there is nobody to answer on it
    notices: Sequence[str] = ()


@dataclass
class Posted:
    """The fields of a form: the last of each name, attributes apart. What was wrong with them gathers in `faults`."""

    fields: Mapping[str, str]
    attributes: Mapping[str, Sequence[str]]
    faults: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, fields: Fields) -> "Posted":
        """From names and values in their order; what is empty is not given."""
        attributes: dict[str, list[str]] = {}
        for name, value in fields:
            if (found := _ATTRIBUTE.fullmatch(name)) and normalise(value):
                attributes.setdefault(found[1], []).append(normalise(value))
        return cls({name: clean for name, value in fields if (clean := normalise(value))}, attributes)

    def get(self, name: str) -> str | None:
        """A field, cleaned."""
        return self.fields.get(name)


def read(posted: Posted, catalogue: Catalogue | None) -> Submission:
    """The submission; Refused 404 for a service that does not exist, 400 with everything else that does not fit.

    While the catalogue is not known (routing has never answered) a code is believed and attributes are kept as given.
    """
    service = _service(posted, catalogue)
    lines = _attribute_lines(posted, catalogue, service)
    place = _place(posted)
    text = _text(posted, catalogue, service, lines)
    if posted.faults:
        raise Refused(400, posted.faults)
    phone, media = posted.get("phone"), posted.get("media_url")
    dialled = phone if phone and len(phone) <= 40 and parse_phone(phone) else None
    files = _files(media)
    notices = [*([NO_PHONE] if phone and not dialled else []), *([NO_MEDIA] if media and not files else [])]
    message = Open311Message(text=text, topic=service, place=place, phone=dialled, name=_name(posted))
    return Submission(message, files, posted.get("account_id"), notices)


def _service(posted: Posted, catalogue: Catalogue | None) -> str:
    code = posted.get("service_code")
    if code is None:
        posted.faults.append("service_code was not provided.")
        return ""
    known = code in catalogue.topics if catalogue else len(code) <= 40 and _CODE.fullmatch(code)
    if not known:
        raise Refused(404, ["service_code was not found; the list of services has those that are."])
    return code


def _text(posted: Posted, catalogue: Catalogue | None, service: str, lines: Sequence[str]) -> str:
    """The description, or the name of the service, and a line for each attribute."""
    description = posted.get("description")
    if description is not None and len(description) > LONGEST:
        posted.faults.append(f"description has more than {LONGEST} characters.")
    topic = catalogue.topics.get(service) if catalogue else None
    text = "\n".join([description or (topic.title_fa if topic else service), *lines])
    if len(text) > LONGEST * 2 and not posted.faults:
        posted.faults.append("attribute: the values are too long together.")
    return text


def _attribute_lines(posted: Posted, catalogue: Catalogue | None, service: str) -> list[str]:
    """`question: answer` for each attribute of the service that was given; others are left out."""
    if catalogue is None:
        return [f"{code}: {'، '.join(values)}" for code, values in posted.attributes.items()]
    lines = []
    for attribute in catalogue.attributes.get(service, ()):
        given = posted.attributes.get(attribute.code, ()) if attribute.variable else ()
        if not given and attribute.required:
            posted.faults.append(f"attribute[{attribute.code}] was not provided.")
        if given and (fault := _fault(attribute, given)):
            posted.faults.append(f"attribute[{attribute.code}] {fault}.")
        elif given:
            lines.append(f"{attribute.description} {'، '.join(attribute.values.get(one, one) for one in given)}")
    return lines


def _fault(attribute: Attribute, given: Sequence[str]) -> str | None:
    if attribute.values and not set(given) <= attribute.values.keys():
        return f"must be of {', '.join(attribute.values)}"
    if len(given) > 1 and attribute.datatype is not Datatype.SOME_OF:
        return "may be given once"
    if attribute.datatype is Datatype.NUMBER and _number(given[0]) is None:
        return "must be a number"
    if attribute.datatype is Datatype.DATETIME and not _is_time(given[0]):
        return "must be a time like 2026-01-31T08:00:00Z"
    return None


def _place(posted: Posted) -> PlaceIn | None:
    lat, long = _degrees(posted, "lat", 90), _degrees(posted, "long", 180)
    if (posted.get("lat") is None) != (posted.get("long") is None):
        posted.faults.append("lat and long must be given together.")
        return None
    id_, words = posted.get("address_id"), posted.get("address_string")
    address = words or (f"شناسه نشانی {id_}" if id_ else None)
    if lat is None and address is None and posted.get("lat") is None:
        posted.faults.append("A location was not provided: lat and long, address_string or address_id.")
    if posted.faults:
        return None
    return PlaceIn(lat=lat, lon=long, address=address[:500] if address else None)


def _degrees(posted: Posted, name: str, most: int) -> float | None:
    text = posted.get(name)
    if text is None:
        return None
    degrees = _number(text)
    if degrees is None or abs(degrees) > most:
        posted.faults.append(f"{name} must be degrees from -{most} to {most}.")
        return None
    return degrees


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _name(posted: Posted) -> str | None:
    names = [name for one in ("first_name", "last_name") if (name := posted.get(one))]
    return " ".join(names)[:200] or None


def _files(media_url: str | None) -> Sequence[FileRef]:
    """What may be fetched later; whoever fetches it must mind that a stranger chose the address."""
    if media_url is None or len(media_url) > 2000 or "\n" in media_url:
        return ()
    try:
        address = urlsplit(media_url)
    except ValueError:
        return ()
    return (FileRef(FileKind.PHOTO, media_url),) if address.scheme == "https" and address.hostname else ()
