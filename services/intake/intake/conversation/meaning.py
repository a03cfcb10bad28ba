"""What a citizen means by one thing that they sent, without looking at what was said before."""

import re
from dataclasses import dataclass
from enum import StrEnum

from common.codes import parse_code
from common.events import Answer
from common.persian import normalise

from intake.channels.social.replies import reply_in
from intake.contact import code_in
from intake.conversation.heard import Heard
from intake.conversation.phrases import (
    ASKS_STATUS,
    CANCELS,
    GREETINGS,
    SKIPS,
    STARTS,
    THANKS,
    WANTS_SMS,
    says_only,
    words_of,
)

CODE_DIGITS = 10
LONGEST_SHORT = 120  # letters; whoever writes more says something
_ANSWER = re.compile(r"(?<!\d)[3۳٣][13۱۳١٣](?!\d)")  # a tenth of what it takes to look closer
_WORD = re.compile(r"\w")
_CALL = re.compile(r"call-[\w.:@+\-]{1,123}", re.ASCII)
_COMMAND = re.compile(r"/(\w+)(?:@\w+)?(?:\s+(\S.*))?", re.DOTALL)


class Meant(StrEnum):
    """What one thing means."""

    START = "start"
    CANCEL = "cancel"
    REPLY = "reply"  # 31 or 33
    STATUS = "status"  # how does my case stand?
    SKIP = "skip"  # the question that was asked
    BY_SMS = "by_sms"
    GREETING = "greeting"
    THANKS = "thanks"
    CHANGE = "change"  # of what was sent before
    SOMETHING = "something"  # words, a place, files, a number: parts of a message
    NOTHING = "nothing"  # that we understand


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is meant, and what of it matters: `text` is normalised, None where there is none."""

    meant: Meant
    text: str | None = None
    answer: Answer | None = None
    code: str | None = None
    call_id: str | None = None


def understand(heard: Heard) -> Meaning:
    """What was meant; a text that says something is never anything less."""
    text = normalise(heard.text) or None if heard.text else None
    if heard.edited:
        return Meaning(Meant.CHANGE, text)
    if heard.files or heard.point is not None or heard.phone is not None:
        return Meaning(Meant.SOMETHING, text)
    if heard.button is not None and (pressed := _short(normalise(heard.button))) is not None:
        return pressed
    if text is None or _WORD.search(text) is None:
        return Meaning(Meant.NOTHING)
    return _short(text) or Meaning(Meant.SOMETHING, text)


def _short(text: str) -> Meaning | None:
    """The meaning of a command, a reply, a question after a code or a courtesy; None when it is none of them."""
    if _ANSWER.search(text) and (answer := reply_in(text)) is not None:  # its reason may be long
        return Meaning(Meant.REPLY, text, answer=answer, code=code_in(text))
    if len(text) > LONGEST_SHORT:
        return None
    if (command := _COMMAND.fullmatch(text)) is not None:
        return _command(command[1].lower(), command[2] or "", text)
    words = words_of(text)
    if (code := _asked_code(words)) is not None:
        return Meaning(Meant.STATUS, text, code=code)
    for meant, known, centre in _SHORT:
        if says_only(words, known, centre):
            return Meaning(meant, text)
    return None


_SHORT = (
    (Meant.START, STARTS, ""),
    (Meant.CANCEL, CANCELS, "cancel"),
    (Meant.BY_SMS, WANTS_SMS, "sms"),
    (Meant.SKIP, SKIPS, "skip"),
    (Meant.GREETING, GREETINGS, "greeting"),
    (Meant.THANKS, THANKS | GREETINGS, "thanks"),
)


def _command(name: str, rest: str, text: str) -> Meaning | None:
    """`/start call-…` is the link that a caller got; words after any other command are words."""
    if name == "start" and rest:
        code = parse_code(rest)
        return Meaning(Meant.STATUS if code else Meant.START, text, code=code, call_id=_call_in(rest))
    if rest:
        return None
    meant = {"start": Meant.START, "help": Meant.START, "cancel": Meant.CANCEL, "skip": Meant.SKIP}
    return Meaning(meant.get(name, Meant.NOTHING), text)


def _call_in(parameter: str) -> str | None:
    """The call of a caller's link, as the link has it (`call_links.py`); read when it is accepted."""
    return parameter if _CALL.fullmatch(parameter) else None


def _asked_code(words: list[str]) -> str | None:
    """The code after whose case is asked: its digits, in one word or several, and words that ask. With such words a
    wrong check digit is a slip, and whoever knows the cases says so."""
    digits = "".join(word for word in words if word.isdigit())
    others = [word for word in words if not word.isdigit()]
    if len(digits) != CODE_DIGITS or not ASKS_STATUS.issuperset(others):
        return None
    return digits if others else parse_code(digits)
