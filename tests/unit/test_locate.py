import json
import os
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
import shapely
from common.events import Place
from hypothesis import given
from hypothesis import strategies as st
from routing.boundaries import Boundaries, BoundaryError
from routing.locate import Map, Spot
from routing.regions import Region
from shapely.geometry import Polygon, shape
from workbench.city import load_messages

_BESIDE = Path(__file__).parents[2].parent / "shared" / "data" / "test-only" / "tehran-regions.geojson"
_BOUNDARIES = Path(os.environ.get("PASOKH_TEST_BOUNDARIES") or _BESIDE)
_CITY = Map.load()
_WEST, _SOUTH, _SIDE = 51.10, 35.60, 0.05


def _square(number: int) -> tuple[float, float]:
    """South-west corner of a region's square: six columns, from the south-west."""
    return _SOUTH + (number - 1) // 6 * _SIDE, _WEST + (number - 1) % 6 * _SIDE


def _feature(number: int, properties: Mapping[str, object] | None = None) -> dict[str, object]:
    south, west = _square(number)
    ring = [[west, south], [west + _SIDE, south], [west + _SIDE, south + _SIDE], [west, south + _SIDE], [west, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": properties or {"area": number}, "geometry": geometry}


def _written(folder: Path, features: object) -> Path:
    path = folder / "areas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def _point(lat: float, lon: float) -> Place:
    return Place(lat=lat, lon=lon)


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Map:
    return Map.load(_written(tmp_path_factory.mktemp("squares"), [_feature(n) for n in range(1, 23)]))


@pytest.fixture(scope="module")
def boundaries() -> Path:
    if not _BOUNDARIES.exists():
        pytest.skip("the boundaries of Tehran's regions are not beside the checkout, nor at PASOKH_TEST_BOUNDARIES")
    return _BOUNDARIES


# The point.


@pytest.mark.parametrize("region", _CITY.regions.values(), ids=lambda region: str(region.number))
def test_every_centre_lies_in_its_own_region_by_the_nearest_centre(region: Region) -> None:
    spot = _CITY.locate(_point(region.lat, region.lon))
    assert (spot.region, spot.approximate, spot.doubt) == (region.number, True, None)
    assert spot.nahiye in range(1, region.nahiye + 1)


@given(st.integers(1, 22), st.floats(0.0001, 0.9999), st.floats(0.0001, 0.9999))
def test_a_square_has_every_point_within_it(squares: Map, number: int, up: float, along: float) -> None:
    south, west = _square(number)
    spot = squares.locate(_point(south + up * _SIDE, west + along * _SIDE))
    assert (spot.region, spot.approximate) == (number, False)


def test_a_border_belongs_to_the_region_of_the_lower_number_and_the_edge_to_the_city(squares: Map) -> None:
    south, west = _square(2)
    assert squares.locate(_point(south + 0.01, west)).region == 1
    assert squares.locate(_point(_SOUTH, _WEST)).region == 1
    assert squares.locate(_point(_SOUTH - 1e-6, _WEST + 0.01)).beyond
    assert squares.locate(_point(_SOUTH + 0.01, _WEST - 1e-6)).beyond
    assert squares.locate(_point(_SOUTH + 0.01, _WEST + 6 * _SIDE + 1e-6)).beyond
    assert squares.locate(_point(_square(22)[0] + _SIDE + 1e-6, _WEST + 0.01)).beyond


def test_a_hole_in_a_region_is_not_of_the_region() -> None:
    outer = [(51.3, 35.7), (51.32, 35.7), (51.32, 35.72), (51.3, 35.72)]
    ring = Polygon(outer, [[(51.305, 35.705), (51.315, 35.705), (51.315, 35.715), (51.305, 35.715)]])
    areas = Boundaries.of({(7,): ring})
    assert areas.at(35.702, 51.31) == (7,)
    assert areas.at(35.71, 51.31) is None
    assert areas.at(35.705, 51.31) == (7,)  # the edge of the hole


@pytest.mark.parametrize(
    ("lat", "lon", "name"),
    [(35.82, 51.00, "کرج"), (35.716, 51.08, "شهر قدس"), (35.546, 51.235, "اسلامشهر"), (35.822, 51.66, "لواسان")],
)
def test_a_point_outside_names_the_neighbouring_municipality(lat: float, lon: float, name: str) -> None:
    spot = _CITY.locate(_point(lat, lon))
    assert (spot.region, spot.nahiye, spot.beyond, spot.outside) == (None, None, True, name)
    assert name in spot.because


def test_a_point_far_from_all_is_outside_without_a_name() -> None:
    spot = _CITY.locate(_point(32.65, 51.67), "منطقه ۵")
    assert (spot.region, spot.beyond, spot.outside) == (None, True, None)
    assert spot.doubt == "the point is outside the city, yet the text says region 5"


def test_a_point_at_sea_or_the_pole_is_outside(squares: Map) -> None:
    assert squares.locate(_point(0, 0)).beyond
    assert squares.locate(_point(90, 180)).beyond


# The point against words.


def test_the_point_wins_over_the_text_and_says_so() -> None:
    spot = _CITY.locate(_point(35.7550, 51.3051), "نارمک کوچه سمنگان")
    assert spot.region == 5
    assert spot.doubt == "nearest centre: region 5, yet the text names نارمک: region 8"


def test_the_point_wins_over_the_region_that_was_given() -> None:
    spot = _CITY.locate(Place(lat=35.7550, lon=51.3051, region=12))
    assert (spot.region, spot.doubt) == (5, "nearest centre: region 5, yet region 12 was given")


def test_a_text_that_agrees_with_the_point_or_crosses_it_casts_no_doubt() -> None:
    here = _point(35.7550, 51.3051)
    assert _CITY.locate(here, "پونک، نبش کوچه سوم").doubt is None
    assert _CITY.locate(here, "بزرگراه حکیم شرق به غرب").doubt is None
    assert _CITY.locate(here, "منطقه پنج").doubt is None


def test_the_given_region_wins_over_the_text() -> None:
    spot = _CITY.locate(Place(region=3), "منطقه ۴ ناحیه ۲")
    assert (spot.region, spot.nahiye) == (3, None)
    assert spot.doubt == "region 3 was given, yet the text says region 4"


def test_an_address_is_read_before_the_text() -> None:
    assert _CITY.locate(Place(address="تجریش، خیابان دربند"), "مامور منطقه ۵ گفت").region == 1
    assert _CITY.locate(Place(address="پلاک ۵"), "منطقه ۶").region == 6


def test_without_a_place_or_words_nothing_is_known() -> None:
    assert _CITY.locate(None, None) == Spot(None, None, "the text names no place", approximate=True)


# The nahiye.


def test_the_texts_nahiye_replaces_the_sample_sector_but_not_a_region_elsewhere() -> None:
    here = _point(35.7550, 51.3051)
    assert _CITY.locate(here, "ناحیه ۶").nahiye == 6
    assert _CITY.locate(here, "ناحیه ۹ ").nahiye == _CITY.locate(here).nahiye  # region 5 has seven
    assert _CITY.locate(here, "منطقه ۴ ناحیه ۶").nahiye == _CITY.locate(here).nahiye


def test_nahiye_come_from_polygons_where_they_are_given(tmp_path: Path) -> None:
    features = [
        _feature(region.number, {"region": region.number, "nahiye": n})
        for region in _CITY.regions.values()
        for n in range(1, region.nahiye + 1)
    ]
    for at, feature in enumerate(features):
        west = _WEST + at * 0.002
        feature["geometry"] = shapely.geometry.mapping(shapely.box(west, _SOUTH, west + 0.002, _SOUTH + 0.01))
    city = Map.load(nahiye_geojson=_written(tmp_path, features))
    spot = city.locate(_point(_SOUTH + 0.005, _WEST + 12.5 * 0.002), "ناحیه ۱")
    assert (spot.region, spot.nahiye, spot.sampled, spot.approximate) == (2, 3, False, False)  # region 1 has ten


def test_nahiye_come_from_the_citys_table_where_it_is_given(tmp_path: Path) -> None:
    table = tmp_path / "nahiye-centres.csv"
    rows = [
        f"{region.number},{n},{region.lat + n / 1000},{region.lon}"
        for region in _CITY.regions.values()
        for n in range(1, region.nahiye + 1)
    ]
    table.write_text("\n".join(["region,nahiye,lat,lon", *rows]), encoding="utf-8")
    city = Map.load(nahiye_table=table)
    region = city.regions[5]
    assert city.locate(_point(region.lat + 0.0042, region.lon)).nahiye == 4
    table.write_text("\n".join(["region,nahiye,lat,lon", *rows[1:]]), encoding="utf-8")
    with pytest.raises(ValueError, match="nahiye 1 of region 1 is missing"):
        Map.load(nahiye_table=table)


# Boundaries that are refused.


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda features: features[:-1], "area 22 is missing"),
        (lambda features: [*features, features[0]], "area 1 is there twice"),
        (lambda features: [*features, {**features[0], "properties": {"area": 23}}], "area 23 is not one of the city's"),
        (lambda features: [{**features[0], "properties": {"region": 1}}], "property `area` is None"),
        (lambda features: [{**features[0], "properties": {"area": "1"}}], "property `area` is '1'"),
        (lambda features: [{**features[0], "geometry": {"type": "Point", "coordinates": [51.3, 35.7]}}], "is a Point"),
        (lambda features: [{**features[0], "geometry": None}], "no readable geometry"),
        (lambda _: [], "has no features"),
        (lambda _: "none", "has no features"),
    ],
)
def test_a_boundary_file_that_is_wrong_is_refused_with_the_reason(tmp_path: Path, change: object, reason: str) -> None:
    assert callable(change)
    with pytest.raises(BoundaryError, match=reason):
        Map.load(_written(tmp_path, change([_feature(n) for n in range(1, 23)])))


def test_a_polygon_that_crosses_itself_or_has_its_axes_swapped_is_refused(tmp_path: Path) -> None:
    bow = [[51.3, 35.7], [51.4, 35.8], [51.4, 35.7], [51.3, 35.8], [51.3, 35.7]]
    swapped = [[35.7, 51.3], [35.8, 51.3], [35.8, 51.4], [35.7, 51.3]]
    for ring, reason in ((bow, "not a valid polygon: Self-intersection"), (swapped, "longitude, latitude")):
        geometry = {"type": "Polygon", "coordinates": [ring]}
        with pytest.raises(BoundaryError, match=reason):
            Map.load(_written(tmp_path, [{**_feature(1), "geometry": geometry}]))


def test_a_file_that_is_no_geojson_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    for text in ("{", "[]", "{}"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(BoundaryError, match=r"areas\.geojson is no GeoJSON"):
            Map.load(path)


# Tehran's own boundaries, where they are there.


def test_the_grid_says_what_plain_geometry_says(boundaries: Path) -> None:
    features = json.loads(boundaries.read_bytes())["features"]
    shapes = {feature["properties"]["area"]: shape(feature["geometry"]) for feature in features}
    city = Map.load(boundaries)
    west, south, east, north = shapely.total_bounds(list(shapes.values()))
    dice = random.Random(4)
    points = [(dice.uniform(south, north), dice.uniform(west, east)) for _ in range(20_000)]
    lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
    plain = [0] * len(points)
    for number in sorted(shapes, reverse=True):
        inside = shapely.intersects_xy(shapes[number], lons, lats)
        plain = [number if here else was for here, was in zip(inside, plain, strict=True)]
    assert city.region_shapes is not None
    assert [(city.region_shapes.at(*point) or (0,))[0] for point in points] == plain
    assert len(set(plain)) == 23  # all regions, and outside


def test_the_known_centres_lie_in_their_boundaries(boundaries: Path) -> None:
    city = Map.load(boundaries)
    for region in city.regions.values():
        spot = city.locate(_point(region.lat, region.lon))
        assert (spot.region, spot.approximate) == (region.number, False)


# Every labelled message.


def test_the_texts_of_the_labelled_messages_give_their_regions() -> None:
    pairs = [(row["region"], _CITY.locate(None, row["text"]).region) for row in load_messages()]
    said = [(label, region) for label, region in pairs if region is not None]
    right = sum(label == region for label, region in said)
    labelled = sum(label is not None for label, _ in pairs)
    assert right / len(said) >= 0.97
    assert right / labelled >= 0.95
