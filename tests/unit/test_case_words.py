"""The words that a case is found by."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from routing.words import LONGEST_WORD, MOST_WORDS, spans, tsquery, tsvector, wanted, words_of

DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


def test_a_word_counts_once_and_the_common_ones_not_at_all() -> None:
    words = words_of("سلام لطفاً جوی آب و جوی كنار خیابان", "خیابان بهشتی پلاک ۳")
    assert words == ["جوی", "اب", "کنار", "خیابان", "بهشتی", "پلاک", "3"]


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_text_brings_a_mark_or_a_sign_of_postgresql(text: str, address: str) -> None:
    words = words_of(text, address)
    assert len(words) <= MOST_WORDS
    assert all(word.isalnum() and len(word) <= LONGEST_WORD for word in words)


@given(st.text(max_size=300))
def test_no_search_brings_a_mark_or_a_sign_of_postgresql(text: str) -> None:
    asked = wanted(text)
    assert asked is None or all(word.isalnum() for word in [*asked.words, asked.last])


def test_the_last_word_of_a_search_may_go_on_unless_it_is_a_number() -> None:
    asked = wanted("چاله خیا")
    assert asked is not None
    assert (asked.words, asked.last, asked.completes) == (["چاله"], "خیا", True)
    number = wanted("پلاک ۱۲")
    assert number is not None
    assert (number.last, number.completes) == ("12", False)
    assert wanted("و !") is None


def test_a_search_wants_every_word_an_ending_and_a_unit() -> None:
    asked = wanted("چاله خیا")
    assert asked is not None
    question = tsquery(asked, ["خیابان"], ["region-5", "nahiye-5-1"])
    assert question == "'چاله' & ('خیا' | 'خیابان') & ('@nahiye-5-1' | '@region-5')"


def test_the_marks_of_a_case_are_its_unit_its_day_and_its_week() -> None:
    at = datetime(2026, 5, 15, 23, 30, tzinfo=UTC)
    day = date(2026, 5, 15).toordinal()
    assert tsvector(["چاله"], "region-5", at) == f"چاله @region-5 @d{day} @w{day // 7}"


@given(DAYS, st.integers(0, 2000))
def test_the_spans_cover_each_day_once_newest_first(newest: date, back: int) -> None:
    oldest = newest - timedelta(days=back)
    covered: list[int] = []
    for mark in spans(newest, oldest):
        number = int(mark[2:])
        covered += [number] if mark[1] == "d" else range(number * 7 + 6, number * 7 - 1, -1)
    assert covered[: back + 1] == list(range(newest.toordinal(), oldest.toordinal() - 1, -1))
    assert len(covered) - back - 1 < 7
