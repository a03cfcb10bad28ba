import math

from hypothesis import given
from hypothesis import strategies as st
from routing.cells import M_PER_DEGREE, metres, size_for, square_of, squares_around

LATS, LONS = st.floats(35.4, 36.0), st.floats(50.9, 51.8)


@given(LATS, LONS, st.floats(1, 500), st.floats(0, 1), st.floats(0, 2 * math.pi))
def test_every_point_within_the_radius_is_in_one_of_at_most_nine_squares(
    lat: float, lon: float, radius: float, share: float, bearing: float
) -> None:
    far = radius * share * 0.999 / M_PER_DEGREE
    point = lat + far * math.cos(bearing), lon + far * math.sin(bearing) / math.cos(math.radians(lat))
    around = squares_around(lat, lon, radius).numbers()
    assert square_of(*point, size_for(radius)) in around
    assert len(around) <= 9


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 500))
def test_any_point_on_earth_has_a_square_that_fits_a_bigint(lat: float, lon: float, radius: float) -> None:
    assert 0 < square_of(lat, lon, size_for(radius)) < 1 << 63
    assert len(squares_around(lat, lon, radius).numbers()) <= 49


def test_squares_of_two_sizes_have_no_number_in_common() -> None:
    points = [(35.7 + n / 1000, 51.3) for n in range(50)]
    assert not {square_of(*p, 5) for p in points} & {square_of(*p, 6) for p in points}


def test_a_side_is_the_least_power_of_two_that_is_not_below_the_radius() -> None:
    assert [1 << size_for(radius) for radius in (1, 16, 30, 32, 33, 100, 500)] == [16, 16, 32, 32, 64, 128, 512]


def test_two_points_of_a_city_are_as_far_apart_as_on_the_sphere() -> None:
    one, other = (35.6, 51.2), (35.8, 51.5)
    a, b = (tuple(map(math.radians, point)) for point in (one, other))
    turn = math.sin((b[0] - a[0]) / 2) ** 2 + math.cos(a[0]) * math.cos(b[0]) * math.sin((b[1] - a[1]) / 2) ** 2
    assert math.isclose(metres(*one, *other), 2 * 6_371_000 * math.asin(math.sqrt(turn)), rel_tol=1e-3)
