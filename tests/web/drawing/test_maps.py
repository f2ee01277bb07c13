import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.places import read_countries
from authsvc.web import assets, vendored
from authsvc.web.drawing import labels, maps
from authsvc.web.drawing.projection import Point, project
from authsvc.web.rendering import country_names

# A machine that does something else at the same time is slow, which says nothing about the code.
unhurried = settings(deadline=None, max_examples=50)
NAMES = country_names()
PINS = st.lists(
    st.builds(
        maps.Pin,
        label=st.just("Milan · 07:02"),
        note=st.just("Owner's phone, known"),
        latitude=st.floats(-85, 85),
        longitude=st.floats(-180, 180),
        radius_km=st.floats(20, 900),
        is_odd=st.booleans(),
    ),
    max_size=8,
)


def pin(latitude, longitude, radius_km=100.0, **values):
    return maps.Pin(label="A", note="b", latitude=latitude, longitude=longitude, radius_km=radius_km, **values)


def read(svg):
    return ET.fromstring(svg)


def file_of(name):
    return assets.find(vendored.url(name).removeprefix("/static/"))[0].decode()


def uses(svg):
    return [(one.get("href"), one.get("class")) for one in read(svg).iter("use")]


@pytest.mark.parametrize("country", sorted(read_countries()))
def test_every_country_that_a_scan_can_have_is_shown(country):
    svg = maps.world("k", "Scans", {country: 1}, NAMES).svg
    outline = f' id="{country}"'
    is_outlined = outline in file_of("world") and outline in file_of("region")

    assert (f"#{country}" in svg) == is_outlined
    assert is_outlined or "<circle" in svg


@pytest.mark.parametrize("name", ["world", "region"])
def test_centre_of_a_large_country_lies_in_its_outline(name):
    outlines = dict(re.findall(r'<path id="([A-Z]{2})"[^>]* d="([^"]+)"', file_of(name)))
    for code in ("BR", "AU", "CN", "DZ", "US", "RU", "DE", "PL", "FR", "IN"):
        place = read_countries()[code]
        assert is_inside(project(place.latitude, place.longitude), outlines[code]), code


def is_inside(point, path):
    inside = False
    for ring in path.split("M")[1:]:
        start, steps = ring.rstrip("z").split("l")
        x, y = map(int, start.split(","))
        corners = [(x, y)]
        for dx, dy in re.findall(r"(-?\d+),?(-?\d+)", steps):
            x, y = x + int(dx), y + int(dy)
            corners.append((x, y))
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
            if (y1 > point.y) != (y2 > point.y) and point.x < x1 + (x2 - x1) * (point.y - y1) / (y2 - y1):
                inside = not inside
    return inside


def test_world_shades_by_count_and_lists_the_most_first():
    figure = maps.world("k", "Scans", {"FR": 10, "DE": 1000, "IT": 0}, NAMES)

    assert uses(figure.svg) == [
        (f"{vendored.url('world')}#land", "land"),
        (f"{vendored.url('world')}#DE", "h5"),
        (f"{vendored.url('world')}#FR", "h2"),
    ]
    assert [row["cells"] for row in figure.rows] == [["Germany", "1,000", "99.0%"], ["France", "10", "1.0%"]]
    assert "1,010 scans in 2 countries. Most in Germany: 1,000." in figure.svg


def test_small_country_gets_a_dot_that_can_be_seen():
    svg = read(maps.world("k", "Scans", {"MT": 3, "FR": 3}, NAMES).svg)
    (dot,) = svg.iter("circle")
    malta = project(read_countries()["MT"].latitude, read_countries()["MT"].longitude)

    assert (float(dot.get("cx")), float(dot.get("cy"))) == pytest.approx(malta, abs=0.1)


def test_country_that_nobody_knows_is_counted_but_not_drawn():
    figure = maps.world("k", "Scans", {"ZZ": 5}, NAMES)

    assert len(uses(figure.svg)) == 1
    assert figure.rows[0]["cells"] == ["ZZ", "5", "100.0%"]


@unhurried
@given(st.integers(1, 50_000), st.data())
def test_legend_names_the_shade_of_every_count(top, data):
    count = data.draw(st.integers(1, top))
    figure = maps.world("k", "Scans", {"DE": top, "FR": count}, NAMES)
    shade = dict(uses(figure.svg))[f"{vendored.url('world')}#FR"]
    low, _, high = dict(figure.legend)[shade].replace(",", "").partition(" to ")

    assert int(low) <= count <= int(high or low)


def test_empty_world_is_land():
    figure = maps.world("k", "Scans", {}, NAMES)

    assert len(uses(figure.svg)) == 1
    assert (figure.rows, figure.legend) == ((), ())


@unhurried
@given(PINS)
def test_pins_and_circles_lie_within_the_frame(pins):
    svg = read(maps.evidence("k", "Scans", pins).svg)
    drawn = [one for one in svg if (one.get("class") or "").startswith("pin")]

    assert len(drawn) == len(pins)
    for one in drawn:
        assert -0.1 <= float(one.get("x").removesuffix("%")) <= 100.1
        assert -0.1 <= float(one.get("y").removesuffix("%")) <= 100.1


@unhurried
@given(PINS)
def test_frame_keeps_its_proportions_and_its_distance(pins):
    frame = maps._frame(pins)

    assert frame.width >= maps.LEAST_FRAME
    assert frame.width / frame.height == pytest.approx(maps.RATIO)


def test_near_pins_are_shown_on_the_fine_land_and_far_ones_on_the_coarse():
    near = uses(maps.evidence("k", "Scans", [pin(47.6, 7.6), pin(48.1, 11.6)]).svg)
    far = uses(maps.evidence("k", "Scans", [pin(47.6, 7.6), pin(10.8, 106.7)]).svg)

    assert near == [(f"{vendored.url('region')}#land", "land")]
    assert far == [(f"{vendored.url('world')}#land", "land")]


def test_kinds_of_pins_differ_in_shape_number_and_word():
    figure = maps.evidence("k", "Scans", [pin(47.6, 7.6), pin(48.1, 11.6, is_odd=True)])
    pins = {one.get("class"): one for one in read(figure.svg) if (one.get("class") or "").startswith("pin")}

    assert [child.tag for child in pins["pin known"]] == ["title", "circle", "text"]
    assert [child.tag for child in pins["pin odd"]] == ["title", "path", "text"]
    assert [row["cells"][3] for row in figure.rows] == ["expected", "unusual"]
    assert [row["cells"][4] for row in figure.rows] == ["100 km", "100 km"]


def test_way_over_the_pacific_is_cut_at_the_edge():
    figure = maps.evidence(
        "k", "Scans", [pin(35.7, 139.7), pin(37.8, -122.4)], [maps.Way(start=0, end=1, label="x", note="y")]
    )
    ways = [one.get("d") for one in read(figure.svg).iter("path") if one.get("class") == "way"]

    assert len(ways) == 2
    for way in ways:
        xs = [int(x) for x in re.findall(r"[ML](-?\d+) ", way)]
        assert max(xs) - min(xs) < 8_000


def test_circle_at_the_antimeridian_shows_on_both_edges():
    halos = [one.get("d") for one in read(maps.evidence("k", "x", [pin(-17.7, 178.1, 300)]).svg).iter("path")
             if (one.get("class") or "").startswith("halo")]  # fmt: skip

    assert len(halos) == 2


@unhurried
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=9))
def test_tags_cover_neither_each_other_nor_a_pin(spots):
    points = [Point(*spot) for spot in spots]
    boxes = labels.place_labels([(point, "Ho Chi Minh City", "29 scans") for point in points], keep_free=points)
    placed = [
        box.moved(point.x * labels.STAGE[0], point.y * labels.STAGE[1])
        for point, box in zip(points, boxes, strict=True)
        if box is not None
    ]
    pins = [labels.Box(p.x * labels.STAGE[0] - 11, p.y * labels.STAGE[1] - 11, 22, 22) for p in points]

    assert not [1 for n, box in enumerate(placed) for other in placed[:n] if box.meets(other)]
    assert not [1 for box in placed for pin_box in pins if box.meets(pin_box)]


def test_lone_tag_finds_its_place():
    (box,) = labels.place_labels([(Point(0.5, 0.5), "Milan", "known")], keep_free=[Point(0.5, 0.5)])

    assert box is not None
    assert not box.is_far
