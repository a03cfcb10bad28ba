import pytest
from common.events import Answer
from common.persian import persian_digits
from intake.channels.social.replies import reply_in
from intake.contact import code_in

CODE = "1234567894"


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
        ("31ممنون", Answer.ACCEPTED),
        ("گزینه ۳۳", Answer.OBJECTED),
        ("عدد 31 با تشکر از زحمات شما", Answer.ACCEPTED),
        ("مشکل حل نشده ۳۳", Answer.OBJECTED),
        ("متاسفانه هنوز مشکل حل نشده است 33", Answer.OBJECTED),
        ("۳۳، هنوز آب از جوی می‌ریزد", Answer.OBJECTED),
        ("33\nدر خیابان بهار تمیز نکردند", Answer.OBJECTED),
        ("۳۳ - فقط نصف کوچه ۱۲ جمع شد", Answer.OBJECTED),
        ("هیچ کس نیامد. ۳۳", Answer.OBJECTED),
        (f"کد رهگیری: {persian_digits(CODE)}\n۳۱", Answer.ACCEPTED),
        ("کوچه ۳۱ زباله جمع نشده", None),
        ("زباله جمع نشده. سعادت آباد، سرو غربی، 31", None),
        ("زباله در گلستان ۳۳", None),
        ("پلاک ۳۳", None),
        ("۳۱ شهریور درخواست دادم", None),
        ("۳۳ روز است که رسیدگی نشده", None),
        ("۳۱ درخت خشک شده", None),
        ("۳۳ تا", None),
        ("کد ۳۱۳۳", None),
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
