"""
Letting detectors loose on simulated lives and keeping what is needed to judge them at any threshold.

Lives are played once and streamed through all detectors of both tiers; of a genuine item only its highest score is
kept, of a copied one the steps of its score. So a million items fit where one life would.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from authsvc.simulation import Attack, Life, Simulation, World
from benchmarks.clones import resampling
from benchmarks.clones.detectors import Curve, Detector, Family, Tier, curve, seen, threshold, top_score, visible
from benchmarks.clones.resampling import Interval

FEW, MANY = 5, 20
"""The groups of the report: copied items with at least so many counted scans of fakes."""

RATES = (0.001, 0.0001)
"""The false-alarm rates that every detector is tuned to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to simulate. Training seeds teach and tune; reporting seeds are looked at once, at the end."""

    lessons: int = 41
    """The seed whose labelled lives the learning detectors learn from."""
    lesson_items: int = 60_000
    training: tuple[int, ...] = (51, 52)
    reporting: tuple[int, ...] = (141, 142, 143)
    genuine: int = 100_000
    """Genuine items with a scan, for each seed."""
    copied: int = 1_000
    """Copied items with at least five fake scans, for each seed."""


@dataclass(slots=True)
class Scores:
    """What one detector said about the items of one seed."""

    genuine: "array[float]" = field(default_factory=lambda: array("d"))
    copied: list[Curve] = field(default_factory=list)


Table = Mapping[tuple[Tier, str], Scores]


def collect(
    simulation: Simulation, detectors: Mapping[Tier, Sequence[Detector]], *, genuine: int, copied: int
) -> dict[tuple[Tier, str], Scores]:
    """Play items until there are enough genuine ones with a scan and enough copied ones."""
    table = {(tier, each.name): Scores() for tier, some in detectors.items() for each in some}
    genuine_seen = copied_seen = 0
    for life in _endless(simulation):
        if genuine_seen >= genuine and copied_seen >= copied:
            break
        is_copied = life.truth.attack is not None
        if is_copied:
            if copied_seen >= copied or not life.truth.fake_scans:
                continue
            copied_seen += life.truth.fake_scans >= FEW
        else:
            if genuine_seen >= genuine or not life.is_scanned:
                continue
            genuine_seen += 1
        for tier, some in detectors.items():
            events, is_fake = visible(life, tier)
            for detector in some:
                scores = table[tier, detector.name]
                if is_copied:
                    scores.copied.append(curve(detector, events, is_fake))
                else:
                    scores.genuine.append(top_score(detector, events))
    return table


def _endless(simulation: Simulation) -> Iterator[Life]:
    index = 0
    while True:
        yield simulation.life(index)
        index += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One share with its interval."""

    value: float
    interval: Interval
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One detector at one threshold on the reporting seeds."""

    threshold: float
    false_alarms: Figure
    recall: Mapping[int, Figure]
    scans_to_alarm: Figure
    margin: Mapping[int, Figure]
    """How much better than this detector ours is, for each group; empty for ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aims:
    """What a tier is to find at 0.10 % false alarms."""

    recall: Mapping[int, float]
    scans_to_alarm: float = math.inf

    def are_met(self, found: Judgement) -> bool:
        """Whether what was measured reaches all of them; its interval may go beyond."""
        is_found = all(found.recall[least].value >= share for least, share in self.recall.items())
        return is_found and found.scans_to_alarm.value <= self.scans_to_alarm


AIMS = {
    Tier.A: Aims(recall={FEW: 0.8, MANY: 0.99}),
    Tier.B: Aims(recall={FEW: 0.88, MANY: 0.995}, scans_to_alarm=6.0),
}


def judge(seeds: Sequence[Scores], at: float, ours: Sequence[tuple[Scores, float]] = ()) -> Judgement:
    """Judge a detector at the threshold *at*, beside ours where given."""
    flagged = [(sum(score >= at for score in seed.genuine), len(seed.genuine)) for seed in seeds]
    recall, margin = {}, {}
    for least in (FEW, MANY):
        strata, versus = [], []
        for number, seed in enumerate(seeds):
            found = [c.alarm(at) is not None for c in seed.copied if c.fake_scans >= least]
            strata.append((sum(found), len(found)))
            if ours:
                scores, own = ours[number]
                best = [c.alarm(own) is not None for c in scores.copied if c.fake_scans >= least]
                plus = sum(a and not b for a, b in zip(best, found, strict=True))
                minus = sum(b and not a for a, b in zip(best, found, strict=True))
                versus.append((plus, minus, len(found)))
        recall[least] = _share(strata)
        if versus:
            size = sum(n for _, _, n in versus)
            gain = sum(plus - minus for plus, minus, _ in versus) / max(1, size)
            margin[least] = Figure(value=gain, interval=resampling.difference(versus), size=size)
    alarms = [[c.alarm(at) or math.inf for c in seed.copied if c.fake_scans >= FEW] for seed in seeds]
    middle = resampling.middle(Counter(n for some in alarms for n in some))
    delay = Figure(value=middle, interval=resampling.median(alarms), size=sum(map(len, alarms)))
    return Judgement(threshold=at, false_alarms=_share(flagged), recall=recall, scans_to_alarm=delay, margin=margin)


def tuned(seeds: Iterable[Scores], rate: float) -> float:
    """Return the threshold that the training seeds give for *rate*."""
    together = array("d")
    for seed in seeds:
        together.extend(seed.genuine)
    return threshold(together, rate)


def recall_at(seeds: Sequence[Scores], at: float, least: int = FEW) -> float:
    """Return the share of copied items that are found at a threshold."""
    found = [c.alarm(at) is not None for seed in seeds for c in seed.copied if c.fake_scans >= least]
    return sum(found) / max(1, len(found))


def flood_alarms(detector: Detector, tier: Tier, at: float, *, seed: int, items: int, world: World) -> Figure:
    """Return the share of genuine items that a rival's flood of a thousand scans gets flagged."""
    simulation = Simulation(seed, world)
    flagged = 0
    for index in range(items):
        life = simulation.flooded_life(index)
        events, is_fake = visible(life, tier)
        found = curve(detector, events, is_fake)
        flagged += found.alarm(at) is not None
    return _share([(flagged, items)])


def lessons(plan: Plan, world: World) -> list[Life]:
    """Return the labelled lives that detectors learn from: every copied item, and genuine ones with a scan."""
    simulation = Simulation(plan.lessons, world)
    return [
        life
        for life in simulation.lives(range(plan.lesson_items))
        if (life.truth.fake_scans if life.truth.attack not in {None, Attack.FLOOD} else life.is_scanned)
    ]


Chosen = tuple[dict[Tier, dict[str, Detector]], dict[tuple[Tier, str], list[Scores]]]
"""For each tier the setting of each family that speaks for it; and what that said on each training seed."""


def trained(families: Sequence[Family], plan: Plan, world: World) -> dict[Tier, list[tuple[str, Detector]]]:
    """Make every setting of every family, with the family's name, and let it learn."""
    lives = lessons(plan, world)
    found: dict[Tier, list[tuple[str, Detector]]] = {tier: [] for tier in Tier}
    for tier in Tier:
        for family in families:
            for make in family.settings:
                detector = make()
                detector.train(lives, tier)
                detector.settle(seen(lives, tier))
                found[tier].append((family.name, detector))
    return found


def chosen(learned: Mapping[Tier, Sequence[tuple[str, Detector]]], tables: Sequence[Table]) -> Chosen:
    """Keep, of each family and for each tier, the setting that finds most on the training seeds at the first rate."""
    best: dict[Tier, dict[str, Detector]] = {}
    training: dict[tuple[Tier, str], list[Scores]] = {}
    for tier, some in learned.items():
        best[tier] = {}
        recalls: dict[str, float] = {}
        for name, detector in some:
            seeds = [table[tier, detector.name] for table in tables]
            recall = recall_at(seeds, tuned(seeds, RATES[0]))
            if recall > recalls.get(name, -1.0):
                recalls[name], best[tier][name], training[tier, name] = recall, detector, seeds
    return best, training


def _share(strata: Sequence[tuple[int, int]]) -> Figure:
    size = sum(n for _, n in strata)
    return Figure(value=sum(k for k, _ in strata) / max(1, size), interval=resampling.share(strata), size=size)
