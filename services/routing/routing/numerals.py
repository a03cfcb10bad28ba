"""Numbers from 1 to 22 as people write them: 5, پنج, پنجم, بیست و دو."""

from collections.abc import Mapping, Sequence

HIGHEST = 22
_ONES = "یک دو سه چهار پنج شش هفت هشت نه ده یازده دوازده سیزده چهارده پانزده شانزده هفده هجده نوزده بیست".split()
_OTHER_FORMS = {
    "اول": 1, "یکم": 1, "دوم": 2, "سوم": 3, "چار": 4, "چارم": 4, "شیش": 6, "شیشم": 6, "یازدهم": 11, "دوازدهم": 12,
    "پونزده": 15, "پونزدهم": 15, "شونزده": 16, "شونزدهم": 16, "هیفده": 17, "هیجده": 18, "هژده": 18, "هجدهم": 18,
    "بیستودو": 22, "بیستودوم": 22, "بیستویک": 21, "بیستویکم": 21, "بیستم": 20,
}  # fmt: skip
_WORDS: Mapping[str, int] = {
    **{word: at for at, word in enumerate(_ONES, 1)},
    **{word + "م": at for at, word in enumerate(_ONES, 1)},
    **_OTHER_FORMS,
}
_DIGITS: Mapping[str, int] = {form: n for n in range(1, HIGHEST + 1) for form in (str(n), f"{n:02d}")}
# A number before one of these counts something: "منطقه ۲ ماهه برق ندارد".
_COUNTED = frozenset(
    "متر متری تا نفر ماه ماهه روز روزه هفته ساعت ساعته ساله سال بار دقیقه دستگاه عدد شب شبه میلیون درصد".split()
)


def number_at(words: Sequence[str], at: int) -> tuple[int, int]:
    """The number 1-22 that stands at a word, and how many words it has; (0, 0) when none does."""
    number, size = _written_at(words, at)
    counts = at + size < len(words) and words[at + size] in _COUNTED
    return (0, 0) if number == 0 or counts else (number, size)


def _written_at(words: Sequence[str], at: int) -> tuple[int, int]:
    if at >= len(words):
        return 0, 0
    if number := _DIGITS.get(words[at]):
        return number, 1
    if words[at] == "بیست" and words[at + 1 : at + 2] == ["و"] and at + 2 < len(words):
        ones = _WORDS.get(words[at + 2], 0)
        return (20 + ones, 3) if ones in (1, 2) else (0, 0)
    if words[at] == "بیست" and at + 1 < len(words) and words[at + 1] in ("ودو", "ودوم", "ویک", "ویکم"):
        return (22 if "دو" in words[at + 1] else 21), 2
    return _one_word(words, at)


def _one_word(words: Sequence[str], at: int) -> tuple[int, int]:
    """A number in one word; "یک" before a noun is "a", not one."""
    article = words[at] == "یک" and at + 1 < len(words) and words[at + 1] not in _AFTER_ONE
    number = 0 if article else _WORDS.get(words[at], 0)
    return number, 1 if number else 0


_AFTER_ONE = frozenset(
    "تهران شهرداری ناحیه خیابان خیابون کوچه خ میدان میدون بلوار محله شهرک از در تو و هستم هستیم هست است".split()
)
