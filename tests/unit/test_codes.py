from common.codes import is_code, new_code, parse_code
from common.persian import persian_digits
from hypothesis import given
from hypothesis import strategies as st


def test_a_new_code_has_ten_digits_and_its_check_digit_fits() -> None:
    codes = {new_code() for _ in range(1000)}
    assert len(codes) > 990
    assert all(len(code) == 10 and is_code(code) for code in codes)


@given(st.integers(0, 9), st.integers(0, 9))
def test_a_single_wrong_digit_is_caught(place: int, digit: int) -> None:
    code = new_code()
    wrong = code[:place] + str(digit) + code[place + 1 :]
    assert is_code(wrong) == (wrong == code)


@given(st.integers(0, 8))
def test_two_digits_that_changed_places_are_caught(place: int) -> None:
    code = new_code()
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert is_code(swapped) == (swapped == code)


def test_a_code_is_read_as_people_write_it() -> None:
    code = new_code()
    assert parse_code(persian_digits(code)) == code
    assert parse_code(f" {code[:5]}-{code[5:]} ") == code
    assert parse_code("123") is None
