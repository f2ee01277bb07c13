import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.core.distances import EARTH_RADIUS_KM, distance_km
from authsvc.web.drawing.projection import (
    HEIGHT,
    WIDTH,
    circle,
    great_circle,
    project,
)

# A machine that does something else at the same time is slow, which says nothing about the code.
unhurried = settings(deadline=None, max_examples=50)
LATITUDES, LONGITUDES = st.floats(-89, 89), st.floats(-180, 180)
MILAN, SAIGON, TOKYO, LIMA = (45.46, 9.19), (10.78, 106.70), (35.68, 139.69), (-12.05, -77.04)


def area(points):
    return abs(sum(a.x * b.y - b.x * a.y for a, b in itertools.pairwise([*points, points[0]]))) / 2


def cell(latitude, longitude, size=0.02):
    half = size / 2
    corners = [(-half, -half), (-half, half), (half, half), (half, -half)]
    return area([project(latitude + a, longitude + b) for a, b in corners])


UNITS_PER_KM2 = cell(0, 0) / (math.radians(0.02) * EARTH_RADIUS_KM) ** 2


def test_world_fills_its_frame():
    assert project(0, 0) == pytest.approx((WIDTH / 2, HEIGHT / 2))
    assert project(0, 180).x == pytest.approx(WIDTH)
    assert project(0, -180).x == pytest.approx(0)
    assert project(90, 0).y == pytest.approx(0, abs=1e-6)
    assert project(-90, 0).y == pytest.approx(HEIGHT)


def test_proportions_are_those_of_the_paper():
    # Šavrič, Patterson, Jenny 2018: 2.05458 wide to 1 high, poles as lines of 0.59247 of the equator.
    assert pytest.approx(2.05458, abs=1e-4) == WIDTH / HEIGHT
    assert (project(90, 180).x - project(90, -180).x) / WIDTH == pytest.approx(0.59247, abs=1e-4)


@unhurried
@given(LATITUDES, LONGITUDES)
def test_areas_are_equal_everywhere(latitude, longitude):
    assert cell(latitude, longitude) / math.cos(math.radians(latitude)) == pytest.approx(cell(0, 0), rel=1e-3)


@unhurried
@given(st.floats(-75, 75), LONGITUDES, st.floats(20, 1500))
def test_circle_covers_the_area_of_its_radius(latitude, longitude, radius):
    cap = 2 * math.pi * EARTH_RADIUS_KM**2 * (1 - math.cos(radius / EARTH_RADIUS_KM))

    assert area(circle(latitude, longitude, radius, steps=180)) == pytest.approx(cap * UNITS_PER_KM2, rel=0.01)


@unhurried
@given(st.floats(-90, 90), LONGITUDES, st.floats(0, 30_000))
def test_circle_of_any_size_is_finite(latitude, longitude, radius):
    assert all(math.isfinite(x) and math.isfinite(y) for x, y in circle(latitude, longitude, radius))


@unhurried
@given(st.floats(-90, 90), LONGITUDES, st.floats(20, 5_000))
def test_circle_never_jumps(latitude, longitude, radius):
    ring = circle(latitude, longitude, radius)

    assert all(abs(a.x - b.x) < WIDTH / 2 for a, b in itertools.pairwise([*ring, ring[0]]))


def test_distance_of_known_cities():
    assert distance_km(MILAN, SAIGON) == pytest.approx(9_735, rel=0.005)
    assert distance_km(MILAN, MILAN) == 0
    assert distance_km((0, 0), (0, 180)) == pytest.approx(math.pi * EARTH_RADIUS_KM)


@pytest.mark.parametrize(("start", "end"), [(MILAN, SAIGON), (TOKYO, LIMA), (LIMA, TOKYO)])
def test_way_is_the_shortest_and_never_jumps(start, end):
    way = great_circle(start, end)

    assert way[0] == pytest.approx(start)
    assert (way[-1][0], (way[-1][1] + 180) % 360 - 180) == pytest.approx(end)
    assert sum(distance_km(a, b) for a, b in itertools.pairwise(way)) == pytest.approx(distance_km(start, end))
    assert all(abs(a[1] - b[1]) < 90 for a, b in itertools.pairwise(way))


@pytest.mark.parametrize("end", [MILAN, (-MILAN[0], MILAN[1] - 180)])
def test_way_that_is_not_one_is_a_line(end):
    assert great_circle(MILAN, end) == [MILAN, end]
