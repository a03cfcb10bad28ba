"""Finglish: what is Persian in Latin letters, and how it is read."""

import pytest
from common.finglish import is_finglish, known_words, latin_majority, to_persian
from common.folding import fold
from common.lexicon import rows
from common.sounds import consonants, distance, latin_sounds, persian_sounds, spell
from hypothesis import given, settings
from hypothesis import strategies as st

# Written for this test, apart from the word lists: a line in Latin letters and the same in Persian ones.
_LINES = """
asfalte kuchamun kande shode va hichkas nemiad dorost kone = آسفالت کوچمون کنده شده و هیچکس نمیاد درست کنه
ye chaleye bozorg jeloye madrese hast bacheha mioftan = یه چاله بزرگ جلوی مدرسه هست بچه‌ها میوفتن
booye fazelab az dariche miad lotfan resedegi konid = بوی فاضلاب از دریچه میاد لطفا رسیدگی کنید
otoboos khate sadeghie azadi nim saate nayumade = اتوبوس خط صادقیه آزادی نیم ساعته نیومده
zobaleha ro 3 roze jam nakardan bu gerefte = زباله‌ها رو 3 روزه جمع نکردن بو گرفته
jub por az lajan shode va ab miad too khoone = جوب پر از لجن شده و آب میاد تو خونه
vanet forush miveh ba bolandgoo az sobh sedash miad = وانت فروش میوه با بلندگو از صبح صداش میاد
barf kuche ro baste mashin gir mikone namak ham narikhtan = برف کوچه رو بسته ماشین گیر میکنه نمک هم نریختن
pole abere piade poole barghish kharabe = پل عابر پیاده پله برقیش خرابه
motor savara az piadero rad mishan khatarnake = موتور سوارا از پیاده‌رو رد میشن خطرناکه
khaheshan satle ashghal bezarid sare kuche golestan = خواهشا سطل آشغال بذارید سر کوچه گلستان
masaleh sakhtemuni ro vasate khiaboon khali kardan = مصالح ساختمونی رو وسط خیابون خالی کردن
shakhe derakht khorde be sime bargh jaraghe mizane = شاخه درخت خورده به سیم برق جرقه میزنه
mooshha az joob miyan too hayat = موش‌ها از جوب میان تو حیاط
taksi haye tajrish kerayeye ezafe migiran = تاکسی های تجریش کرایه اضافه میگیرن
mamnoon az shahrdari baraye tamiz kardane boostan = ممنون از شهرداری برای تمیز کردن بوستان
sare chaharrah cheragh rahnamayi cheshmak mizane = سر چهارراه چراغ راهنمایی چشمک میزنه
divare sakhteman dare mirize ro sare mardom = دیوار ساختمان داره میریزه رو سر مردم
mikham darkhaste nahal bedam che kar konam = میخوام درخواست نهال بدم چه کار کنم
loole ab tarekide va kheyaboon ro ab gerefte = لوله آب ترکیده و خیابون رو آب گرفته
sagaye velgard be bacham hamle kardan = سگای ولگرد به بچم حمله کردن
parkinge mahalle ja nadare hame doble park mikonan = پارکینگ محله جا نداره همه دوبله پارک میکنن
"""
_READ_WELL = 0.9  # of the words; spelled out letter by letter, without the word lists, it is 0.48


def test_nine_words_of_ten_are_read_as_they_are_written_in_persian() -> None:
    pairs = [tuple(map(fold, line.split(" = "))) for line in _LINES.strip().splitlines()]
    right = sum(word in finglish.split() for finglish, persian in pairs for word in persian.split())
    assert right / sum(len(persian.split()) for _, persian in pairs) >= _READ_WELL


@pytest.mark.parametrize(
    ("finglish", "persian"),
    [
        ("khiaboon khiabun khiyaban kheyaboon", "خیابان خیابان خیابان خیابان"),
        ("piadero piyade ro", "پیاده‌رو پیاده‌رو"),
        ("Sa'adat abad", "سعادت‌آباد"),
        ("dast forooshaye jeloye dar metro", "دست‌فروش‌های جلوی در مترو"),
        ("kheyliiiii mamnoon, kuche2 pelak۱۲", "خیلی ممنون کوچه 2 پلاک 12"),
        ("slm lotfan plz", "سلام لطفا لطفا"),
    ],
)
def test_finglish_folds_as_its_persian_does(finglish: str, persian: str) -> None:
    assert fold(finglish) == fold(persian)


@pytest.mark.parametrize(
    ("text", "finglish"),
    [
        ("salam cheragh khamoshe", True),
        ("SALAM! JOOB GEREFTE 2 ROZE", True),
        ("There is a hole in the street, please fix it", False),
        ("the lamp of our street was broken", False),
        ("سلام چراغ خاموشه", False),
        ("ایستگاه brt شلوغه", False),
        ("1234 !!", False),
        ("", False),
    ],
)
def test_finglish_is_told_from_english_and_persian(text: str, finglish: bool) -> None:
    assert is_finglish(text) is finglish


def test_english_is_left_as_it_is_and_persian_takes_only_known_words() -> None:
    assert to_persian("The lamp of our street") == "the lamp of our street"
    assert known_words("پارک laleh مدل xqz") == "پارک لاله مدل xqz"
    assert latin_majority("abc اب") is True
    assert latin_majority("ab ابپ") is False


@given(st.text(st.one_of(st.sampled_from("aeiouxkhsgycABX '’ی3"), st.characters())))
@settings(max_examples=300, deadline=None)
def test_reading_is_total_and_bounded(text: str) -> None:
    for read in (to_persian(text), known_words(text)):
        assert len(read) <= 3 * len(text)
    is_finglish(text)


@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz"), min_size=1, max_size=30))
@settings(max_examples=300, deadline=None)
def test_a_word_spelled_out_is_persian_and_not_empty(word: str) -> None:
    spelled = spell(word)
    assert spelled
    assert not any("a" <= letter <= "z" for letter in spelled)
    assert len(spelled) <= 2 * len(word)


def test_short_forms_are_no_longer_than_three_times_the_latin() -> None:
    assert [row for row in rows("finglish") if len(row) != 2 or len(row[1]) > 3 * len(row[0])] == []


def test_words_that_sound_alike_are_near_and_others_far() -> None:
    assert consonants(latin_sounds("khiaboon")) == consonants(persian_sounds("خیابان"))
    assert distance(latin_sounds("emsal"), persian_sounds("امسال")) < 0.1
    assert distance(latin_sounds("kuche"), persian_sounds("کوچه")) < 0.1
    assert distance(latin_sounds("pol"), persian_sounds("پول")) > 0
    assert distance(latin_sounds("dar"), persian_sounds("دوری")) > 0.75
