"""31 and 33: whether a short text is a citizen's reply to our answer."""

import re

from common.codes import parse_code
from common.events import Answer
from common.persian import latin_digits

ANSWERS = {"31": Answer.ACCEPTED, "33": Answer.OBJECTED}
_WORDS = re.compile(r"\w+")
# Words that people put beside the number; any other word makes it a message ("کوچه ۳۱ …" is an address).
_COURTESY = frozenset(
    "کد پیگیری رهگیری شماره سلام ممنون متشکرم مرسی تشکر با از شما تایید تأیید اعتراض دارم بله خیر".split()
)


def reply_in(text: str) -> Answer | None:
    """The answer in `31`, `۳۳`, `٣١ 1234567890`, `ممنون ۳۱`; None when the text says anything else."""
    words = [word for word in _WORDS.findall(latin_digits(text)) if word not in _COURTESY]
    numbers = {word for word in words if parse_code(word) is None}
    if len(numbers) != 1 or len(words) > 3:
        return None
    return ANSWERS.get(numbers.pop())
