import pytest
from common.codes import new_code
from common.events import Answer
from common.persian import persian_digits
from intake.channels.social.replies import reply_in
from intake.contact import code_in

CODE = new_code()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("31", Answer.ACCEPTED),
        ("۳۱", Answer.ACCEPTED),
        ("٣١", Answer.ACCEPTED),
        (" ۳۳ ", Answer.OBJECTED),
        ("33.", Answer.OBJECTED),
        (f"31 {CODE}", Answer.ACCEPTED),
        (f"کد {persian_digits(CODE)} ۳۳", Answer.OBJECTED),
        ("ممنون ۳۱", Answer.ACCEPTED),
        ("کوچه ۳۱ زباله جمع نشده", None),
        ("31 33", None),
        ("131", None),
        ("سلام", None),
        (CODE, None),
    ],
)
def test_which_texts_are_replies(text: str, answer: Answer | None) -> None:
    assert reply_in(text) is answer


def test_the_code_is_found_in_the_text() -> None:
    assert code_in(f"۳۱ {persian_digits(CODE)}") == CODE
    assert code_in("31 0000000001") is None
