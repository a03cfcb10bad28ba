"""The short words of citizens that a bot must know: to begin, to stop, to skip a question; and what names a place."""

import re
from collections.abc import Collection

from common.persian import latin_digits

_WORDS = re.compile(r"\w+")

CANCELS = frozenset("لغو انصراف کنسل cancel کن کنید شود".split())
STARTS = frozenset("start help شروع راهنما".split())
SKIPS = frozenset(
    (
        "skip رد کن کنید شدن بعدی ندارم ندارد نیست نمیدانم نمی دانم نه خیر لازم بدون عکس شماره تلفن موقعیت مکان"
        " ممنون مرسی"
    ).split()
)
WANTS_SMS = frozenset(
    "sms پیامک پیامکی اس ام اسمس با از طریق خبر بده بدهید بدین دهید کنید کن لطفا می خواهم بفرستید".split()
)
GREETINGS = frozenset("سلام درود علیکم صبح ظهر عصر شب روز بخیر بخیر به خیر وقت شما خسته نباشید hi hello salam".split())
THANKS = frozenset(
    "ممنون ممنونم مرسی متشکرم تشکر سپاس سپاسگزارم باشه چشم اوکی ok thanks دستتون درد نکنه از شما خیلی بسیار".split()
)
# Beside a code these ask how it stands; any other word makes it a message.
ASKS_STATUS = frozenset(
    "کد رهگیری پیگیری شماره پرونده پیام درخواست من م این آن چه چی شد شده شدش است هست کجاست کجا رسید وضعیت وضعیتش نتیجه"
    " لطفا سلام خواستم می خواستم بدانم بدونم ببینم را رو از با در به کجای status code".split()
)
# Of these a word alone says nothing: "کن" skips nothing, "با" wants no SMS.
_CENTRES = {
    "cancel": frozenset("لغو انصراف کنسل cancel".split()),
    "skip": frozenset("skip رد بعدی ندارم ندارد نیست نمیدانم دانم نه خیر لازم بدون".split()),
    "sms": frozenset("sms پیامک پیامکی اسمس اس".split()),
    "greeting": frozenset("سلام درود علیکم بخیر خیر خسته hi hello salam".split()),
    "thanks": frozenset("ممنون ممنونم مرسی متشکرم تشکر سپاس سپاسگزارم باشه چشم اوکی ok thanks درد".split()),
}

# A place is only taken as named where the text is exact enough to send someone: a region, a number, two ways that meet.
_MARKS = (
    r"(?:خیابان|خیابون|کوچه|میدان|میدون|بلوار|بزرگراه|اتوبان|چهارراه|سه ?راه|تقاطع|نبش|روب?ه?‌?روی|جنب|پلاک|محله|شهرک"
    r"|بن ?بست|بوستان|پارک|ایستگاه|متروی?|پل|کوی|فاز|بلوک)"
)
_REGION = re.compile(r"(?:منطقه|ناحیه) ?(?:ی )?\d{1,2}\b")
_NUMBERED = re.compile(_MARKS + r" (?:\w+ )?\d+")
# Words after a mark that are no name: "کوچه ما", "خیابان تاریک است".
_NAMELESS = "ما مان مون من ها های هایی ی ای را رو و که پر خراب تاریک کثیف است از به در هم شده ام مون این آن یک".split()
_MARK = re.compile(rf"\b{_MARKS} (?!(?:{'|'.join(_NAMELESS)})\b)\w")

# Beginnings of words for what can be seen on a photo.
_SEEN = re.compile(
    r"\b(?:چاله|آسفالت|اسفالت|زباله|آشغال|اشغال|نخاله|جوی|جوب|جدول|درخت|شاخه|پیاده ?رو|تابلو|نرده|موزاییک|کفپوش|دیوار"
    r"|نشست|فرونشست|لجن|سد معبر|چراغ|خط ?کشی|حفاری|گودال|داربست|سطل|مخزن|نیمکت|وسایل بازی)"
)
_SMS = re.compile(r"پیامک|اس ?ام ?اس")
_SEND = re.compile(r"بفرست|بده|بدی|خبر|اطلاع|ارسال")


def words_of(text: str) -> list[str]:
    """The words of a text, digits as 0-9, Latin letters small; a half-space parts words."""
    return _WORDS.findall(latin_digits(text).lower())


def says_only(words: Collection[str], known: frozenset[str], centre: str = "") -> bool:
    """Whether there are words, all of them known, and one of them means it."""
    return bool(words) and known.issuperset(words) and (not centre or not _CENTRES[centre].isdisjoint(words))


def names_place(text: str) -> bool:
    """Whether a text says where, so that nobody need be asked: `منطقه ۵`, `کوچه ۱۲`, `خیابان بهار نبش کوچه گل`."""
    text = text.replace("\u200c", " ")
    if _REGION.search(text) or _NUMBERED.search(text):
        return True
    return len(_MARK.findall(text)) >= 2


def can_be_seen(text: str) -> bool:
    """Whether a photo would help whoever must act."""
    return _SEEN.search(text.replace("\u200c", " ")) is not None


def wants_sms(text: str) -> bool:
    """Whether a message asks in passing to be told by SMS."""
    return _SMS.search(text) is not None and _SEND.search(text) is not None
