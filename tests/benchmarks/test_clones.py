import math
import sys
from array import array
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from authsvc.core.clones.base_rates import Traffic
from authsvc.core.traces import Event
from authsvc.simulation import DAY, Simulation, World
from benchmarks.clones import resampling
from benchmarks.clones.baselines import DistinctVisitors, RawCount, SessionsInWindow, Velocity
from benchmarks.clones.charts import Axis, Series, line_chart
from benchmarks.clones.detectors import Curve, Tier, Unsettled, curve, threshold, visible
from benchmarks.clones.evaluation import Scores, collect, judge
from benchmarks.clones.logistic import fit
from benchmarks.clones.lots import LotAlert, lot_year
from benchmarks.clones.ours import Ours
from benchmarks.clones.transitions import Transitions, by_change


def scan(at, visitor="v", **more):
    return Event("scan", at, "09506000134413", "S", visitor, **more)


class Says(Unsettled):
    name = "says"

    def __init__(self, *scores):
        self.scores = scores

    def score(self, events):
        return enumerate(self.scores)


EVENTS = [scan(0, "a"), scan(60, "a"), scan(4_000, "b"), scan(9_000, "c", is_automated=True), scan(2 * DAY, "b")]


@pytest.mark.parametrize(
    ("detector", "scores"),
    [
        (RawCount(), [(0, 1), (1, 2), (2, 3), (4, 4)]),
        (DistinctVisitors(), [(0, 1), (2, 2)]),
        (SessionsInWindow(1), [(0, 1), (2, 2), (4, 1)]),
    ],
)
def test_counts(detector, scores):
    assert list(detector.score(EVENTS)) == scores


def test_velocity_with_radius_forgives_what_the_circles_explain():
    milan = scan(0, "a", latitude=45.5, longitude=9.2, radius_km=200, network="mobile")
    rome = scan(600, "b", latitude=41.9, longitude=12.5, radius_km=200, network="mobile")
    hanoi = scan(1_200, "c", latitude=21.0, longitude=105.9, radius_km=20, network="fixed")
    naive, careful = (Velocity(has_radius=form, kmh=900.0) for form in (False, True))

    assert [score for _, score in naive.score([milan, rome, hanoi])] == [1, 2]
    assert [score for _, score in careful.score([milan, rome, hanoi])] == [0, 1]


def test_an_alarm_counts_the_fake_scans_up_to_it():
    events = [scan(n * DAY, f"v{n}") for n in range(4)]
    found = curve(Says(1, 2, 2, 5), events, [False, True, True, True])

    assert (found.fake_scans, found.before, found.highs) == (3, 1, [(1, 2), (3, 5)])
    assert [found.alarm(at) for at in (1, 1.5, 2, 3, 5, 6)] == [None, 1, 1, 3, 3, None]


def test_the_threshold_keeps_the_false_alarms_under_the_rate():
    random = Random(1)
    scores = array("d", (float(random.randrange(50)) for _ in range(10_000)))
    at = threshold(scores, 0.1)

    assert sum(score >= at for score in scores) <= 0.1 * len(scores)
    assert sum(score >= math.floor(at) for score in scores) > 0.09 * len(scores)


def test_a_margin_compares_the_same_items():
    ours, theirs = Scores(), Scores()
    for n in range(100):
        ours.copied.append(Curve(5, 0.0, [(2, 1.0)]))
        theirs.copied.append(Curve(5, 0.0, [(3, 1.0 if n < 40 else 0.5)]))
        ours.genuine.append(0.0)
        theirs.genuine.append(0.0)
    judgement = judge([theirs], 1.0, [(ours, 1.0)])

    assert judgement.recall[5].value == 0.4
    assert judgement.margin[5].value == 0.6
    assert 0.45 < judgement.margin[5].interval[0] < 0.6 < judgement.margin[5].interval[1] < 0.75
    assert judgement.scans_to_alarm.value == math.inf


def test_intervals_agree_with_drawing_every_item():
    random = Random(2)
    drawn = sorted(sum(random.choices((1, 0), (30, 70), k=100)) / 100 for _ in range(4_000))
    low, high = resampling.share([(30, 100)])

    assert low == pytest.approx(drawn[100], abs=0.021)
    assert high == pytest.approx(drawn[3_900], abs=0.021)
    assert resampling.median([[1.0] * 52 + [9.0] * 48]) == (1.0, 9.0)
    assert resampling.share([(0, 50)]) == (0.0, 0.0)


def test_logistic_regression_finds_the_weights():
    random = Random(3)
    rows = [[1.0, random.gauss(0, 1)] for _ in range(4_000)]
    labels = [random.random() < 1 / (1 + math.exp(1 - 2 * x)) for _, x in rows]

    assert fit(rows, labels) == pytest.approx([-1.0, 2.0], abs=0.15)


def test_transitions_tell_strangers_far_apart_from_one_owner():
    lives = [life for life in Simulation(4).lives(range(4_000)) if life.is_scanned]
    detector = Transitions(by_change, is_sequential=False)
    detector.train(lives, Tier.A)
    owner = [scan(n * DAY, "a", country="IT", network="fixed") for n in range(5)]
    strangers = [scan(n * DAY, f"v{n}", country=c, network="mobile") for n, c in enumerate(["IT", "VN", "BR", "US"])]

    assert max(s for _, s in detector.score(owner)) < max(s for _, s in detector.score(strangers))


def test_tier_a_shows_no_lifecycle():
    life = next(life for life in Simulation(4).lives(range(100)) if life.is_scanned)

    assert {event.kind for event in visible(life, Tier.A)[0]} == {"scan"}
    assert len(visible(life, Tier.A)[1]) < len(visible(life, Tier.B)[1])


def test_collecting_stops_at_the_number_asked_for():
    table = collect(Simulation(1), {Tier.A: [DistinctVisitors()]}, genuine=300, copied=4)
    scores = table[Tier.A, "distinct visitors"]

    assert len(scores.genuine) == 300
    assert sum(curve.fake_scans >= 5 for curve in scores.copied) == 4


def test_a_lot_year_counts_finds_and_false_alerts():
    def watch(scans):
        lots = {}
        for lot, event in scans:
            lots.setdefault(lot, event.at)
        return [LotAlert(at, lot) for lot, at in lots.items()]

    year = lot_year(watch, seed=1, world=World(), lots=12)

    assert year.found_after_days is not None
    assert year.false_alerts in range(1, 12)
    assert year.fake_scans > 100


def test_a_chart_is_well_formed():
    x, y = Axis("x", 1, 10, [(1, "1")], is_log=True), Axis("y", 0, 1, [(0, "0 <")])

    assert line_chart("A & B", x, y, [Series("ours", [(1, 0), (10, 1)])]).count("<polyline") == 1


def test_ours_settles_by_whoever_opened_the_link_and_without_a_copied_lot():
    quiet = [("L1", [scan(n, is_confirmed=False)]) for n in range(40)]
    abroad = [
        scan(n * 20 * DAY, f"v{n}", prefix=f"p{n}", country=c, is_confirmed=True)
        for n, c in enumerate(("IT", "VN", "BR"))
    ]
    copied = [("L2", abroad)] * 20
    detector = Ours()
    detector.train((), Tier.A)
    detector.settle(quiet + copied)

    assert detector.traffic == Traffic(60, 40 + 20 * 3, judged=40, high=0)
    assert detector.shift < 0
