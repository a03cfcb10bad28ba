"""31 and 33: whether a text is a citizen's reply to our answer, with the words that people put around the number.

Streets and houses have numbers too, so a text is a reply in two cases only: all its other words speak of the answer
itself (`ممنون ۳۱`, `مشکل حل نشده ۳۳`), or the number stands for itself at the beginning, set off by a mark or a line
(`۳۳، هنوز آب می‌ریزد`), or at the end as a sentence of its own. Anything else is a message; nothing is lost either way.
"""

import re

from common.codes import parse_code
from common.events import Answer
from common.persian import latin_digits

ANSWERS = {"31": Answer.ACCEPTED, "33": Answer.OBJECTED}
_MAY = re.compile("[3۳٣][13۱۳١٣]")
MOST_WORDS = 12  # of a text that speaks of the answer alone
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_CLAUSES = re.compile(r"[\n.،,;؛:!؟?\-–—]+")
_SENTENCES = re.compile(r"[\n.!؟?؛;]+")
# Words about an answer; none of them can be a part of an address.
_ABOUT_IT = frozenset(
    "کد پیگیری رهگیری شماره سلام درود ممنون ممنونم متشکر متشکرم مرسی تشکر سپاس سپاسگزارم با از شما تایید تأیید"
    " اعتراض معترض معترضم دارم بله خیر نه عدد گزینه پاسخ جواب نظر من ما هست است هستم نیست نیستم می کنم شد شده"
    " نشد نشده مشکل مشکلم حل انجام رسیدگی راضی ناراضی راضیم ناراضیم رضایت موافقم مخالفم قبول پذیرش رد لطفا خیلی"
    " هنوز اصلا متاسفانه متأسفانه کاملا کار کارتون زحمت زحمات خسته نباشید و ثبت شود بود نبود درست برطرف".split()
)
# Beside these the number counts something.
_COUNTED = re.compile(r"(?:31|33)\s+(?:عدد|تا|کار)\b")


def reply_in(text: str) -> Answer | None:
    """The answer in `31`, `۳۳`, `٣١ 1234567890`, `ممنون ۳۱`, `33، تمیز نشده`; None when the text says another thing."""
    if _MAY.search(text) is None:  # most texts, after one scan
        return None
    text = latin_digits(text)
    numbers = {word for word in _WORDS.findall(text) if word in ANSWERS}
    if len(numbers) != 1 or _COUNTED.search(text):
        return None
    first = next((clause for clause in _CLAUSES.split(text) if clause.strip()), "")
    last = next((sentence for sentence in reversed(_SENTENCES.split(text)) if sentence.strip()), "")
    stands = _speaks_of_it(text) or _stands_alone(first) or _stands_alone(last)
    return ANSWERS[numbers.pop()] if stands else None


def _speaks_of_it(text: str) -> bool:
    """Whether there is nothing in it but the number, a code and words about the answer."""
    others = [word for word in _WORDS.findall(text) if word not in ANSWERS and parse_code(word) is None]
    return len(others) <= MOST_WORDS and _ABOUT_IT.issuperset(others)


def _stands_alone(part: str) -> bool:
    """Whether a part of the text is the number and nothing but a courtesy or a code."""
    return any(word in ANSWERS for word in _WORDS.findall(part)) and _speaks_of_it(part)
