import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.web.drawing import charts, scores

# A machine that does something else at the same time is slow, which says nothing about the code.
unhurried = settings(deadline=None, max_examples=50)
FIRST = date(2026, 10, 25)
VALUES = st.lists(st.integers(0, 10**7), max_size=40)


def days_of(values, odd=()):
    return [charts.Day(FIRST + timedelta(days=n), value, is_odd=n in odd) for n, value in enumerate(values)]


def read(svg):
    return ET.fromstring(svg)


def bars(svg, prefix="c-"):
    return [rect for rect in read(svg).iter("rect") if rect.get("class").startswith(prefix)]


def test_bars_are_as_high_as_their_values():
    heights = [float(bar.get("height")) for bar in bars(charts.day_bars("k", "Scans", days_of([1, 2, 4])).svg)]

    assert heights == pytest.approx([27.5, 55, 110])


def test_odd_day_has_colour_mark_and_word():
    figure = charts.day_bars("k", "Scans", days_of([1, 9], odd={1}))
    marks = [one for one in read(figure.svg) if one.tag == "svg"]

    assert [bar.get("class") for bar in bars(figure.svg)] == ["c-mute", "c-bad"]
    assert len(marks) == 1
    assert [row["cells"][2] for row in figure.rows] == ["normal", "above normal"]
    assert "1 days are above normal" in figure.svg


def test_chart_says_what_it_shows():
    figure = charts.day_bars("k", "Scans per day", days_of([1, 9, 2]))
    svg = read(figure.svg)

    assert (svg.get("role"), svg.get("aria-labelledby"), svg.get("aria-describedby")) == ("img", "k-t", "k-d")
    assert svg.find("title").text == "Scans per day"
    assert svg.find("desc").text == "12 scans from 25 Oct 2026 to 27 Oct 2026, most on 26 Oct 2026: 9."
    assert [row["cells"][:2] for row in figure.rows] == [
        ["25 Oct 2026", "1"],
        ["26 Oct 2026", "9"],
        ["27 Oct 2026", "2"],
    ]


@unhurried
@given(VALUES)
def test_any_values_make_a_chart_within_its_frame(values):
    svg = charts.day_bars("k", "Scans", days_of(values)).svg

    for bar in bars(svg):
        assert 0 <= float(bar.get("x").removesuffix("%")) <= 100
        assert float(bar.get("y")) >= charts.TOP - 0.1
        assert 0.9 <= float(bar.get("height")) <= charts.PLOT + 0.1
    assert 1 <= svg.count('class="grid"') <= 5
    assert "nan" not in svg


@unhurried
@given(st.integers(1, 400))
def test_labels_of_days_are_few_and_start_and_end_the_axis(count):
    svg = charts.day_bars("k", "Scans", days_of([1] * count)).svg
    labels = re.findall(r">(\d+ [A-Z][a-z]{2})</text>", svg)

    assert 1 <= len(labels) <= charts.LABELS
    assert labels[-1] == f"{(last := FIRST + timedelta(days=count - 1)).day} {last:%b}"


@unhurried
@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=9))
def test_stack_is_as_high_as_its_sum(pairs):
    series = [
        charts.Series("good", "ok", [a for a, _ in pairs]),
        charts.Series("refused", "bad", [b for _, b in pairs]),
    ]
    days = [FIRST + timedelta(days=n) for n in range(len(pairs))]
    figure = charts.stacked_days("k", "Verdicts", days, series)
    sums = {}
    for bar in bars(figure.svg):
        sums[bar.get("x")] = sums.get(bar.get("x"), 0) + float(bar.get("height"))
    top = max(map(sum, pairs))

    assert figure.legend == (("ok", "good"), ("bad", "refused"))
    assert [row["cells"][1:] for row in figure.rows] == [[str(a), str(b)] for a, b in pairs]
    if top:
        highest = max(sums.values())
        wanted = [a + b for a, b in pairs if a + b]
        assert list(sums.values()) == pytest.approx([value / top * highest for value in wanted], abs=0.3)


def test_lines_run_through_their_values():
    days = [FIRST, FIRST + timedelta(days=1)]
    figure = charts.day_lines("k", "Alerts", days, [charts.Series("opened", "info", [0, 4])], unit="alerts")
    (line,) = read(figure.svg).iter("polyline")

    assert line.get("points") == f"25.00,{charts.TOP + charts.PLOT:.1f} 75.00,{charts.TOP:.1f}"
    assert line.get("vector-effect") == "non-scaling-stroke"


def test_shares_fill_the_bar():
    kinds = [("good", "ok"), ("refused", "bad")]
    figure = charts.share_bars("k", "Verdicts", kinds, [charts.Share("Watch", (3, 1)), charts.Share("Strap", (0, 0))])
    shares = [(bar.get("x"), bar.get("width")) for bar in bars(figure.svg) if "part" in bar.get("class")]

    assert shares == [("0.00%", "75.00%"), ("75.00%", "25.00%")]
    assert figure.rows[0]["cells"] == ["Watch", "3", "1"]


@pytest.mark.parametrize("values", [[], [0], [5], [0, 0, 0], [1, 5, 2]])
def test_sparkline_of_anything(values):
    svg = read(charts.sparkline("Scans", values))

    assert svg.get("aria-label") == "Scans"
    assert len(svg.find("polyline").get("points").split()) == len(values)


def test_hostile_names_stay_text():
    hostile = '</title><script x="'
    svg = charts.share_bars("k", hostile, [(hostile, "ok")], [charts.Share(hostile, (1,))]).svg

    assert "<script" not in svg
    assert read(svg).find("title").text == hostile


def test_parts_of_a_score_follow_one_another_and_add_up():
    score = scores.score([scores.Part(title=str(n), points=n) for n in (40, 28, 16, 12, -4)])
    drawn = [read(part.bar)[1] for part in score.parts]
    edges = [(float(bar.get("x")), float(bar.get("width"))) for bar in drawn]

    assert score.total == 92
    assert [x for x, _ in edges] == pytest.approx([0, 41.7, 70.8, 87.5, 95.8])
    assert edges[3][0] + edges[3][1] == pytest.approx(100, abs=0.1)
    assert [bar.get("class") for bar in drawn] == ["bar-more"] * 4 + ["bar-less"]


@unhurried
@given(st.lists(st.floats(-50, 50), max_size=12))
def test_total_is_the_sum_of_what_is_shown(points):
    score = scores.score([scores.Part(title="x", points=value) for value in points])

    assert score.total == pytest.approx(sum(part.points for part in score.parts), abs=1e-6)
    for part in score.parts:
        bar = read(part.bar)[1]
        assert -0.1 <= float(bar.get("x")) <= 100.1
        assert float(bar.get("x")) + float(bar.get("width")) <= 100.6
