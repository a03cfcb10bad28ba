"""Whether one who gives thanks asks for something too, or is ironic: a look costs less than a lost request."""

import re

CERTAIN = 0.95  # below, another topic is worth a look; of the labelled thanks none is
# Folded words of who asks or complains, and of thanks for what is not done yet.
_WORDS = frozenset(
    "لطفا هنوز کنید کنین بکنید بفرستید بفرستین شود گردد میشه بشه مستدعی استدعا تقاضا کاش چرا ولی اما فقط متاسفانه "
    "نمیکنند نمیکنن داغون خراب رها مونده مانده پره میشم میشیم میشوم میشویم پیشاپیش اگر اگه".split()
)
_STEMS = ("خواهش", "فرمایی", "بفرمایی", "نمایید")
# What was not done, as it is written of more than one, to the one who is thanked, or in the perfect.
_UNDONE = re.compile(
    r"ن(?:کرد|شد|یومد|یامد|یاورد|برد|بست|داد|ذاشت|گذاشت|زد|رسید|ساخت|ریخت|فرستاد)(?:ه|هاند|هاید|هاین|ید|ین|ن|ند)"
    r"|نمی(?:کن|بر|ا|ای|د|ساز|زن|ذار|گذار|رس)(?:ید|ین|ند)"
)


def asks(folded: str) -> bool:
    """Whether the words of a folded text ask for something, or complain."""
    return any(word in _WORDS or word.startswith(_STEMS) or _UNDONE.fullmatch(word) for word in folded.split())
