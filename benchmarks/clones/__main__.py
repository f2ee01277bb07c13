"""
Simulate, tune, judge, print and plot: ``python -m benchmarks.clones``.

Everything is tuned on training seeds and judged on reporting seeds that nothing was tuned on. ``--quick`` does the same
on little; its figures show that the benchmark runs and nothing else.
"""

import argparse
import copy
import hashlib
import pickle
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from authsvc.simulation import Simulation, World
from benchmarks.clones import report
from benchmarks.clones.baselines import DistinctVisitors, RawCount, SessionsInWindow, Velocity
from benchmarks.clones.detectors import Detector, Family, Tier, seen
from benchmarks.clones.evaluation import (
    AIMS,
    RATES,
    Judgement,
    Plan,
    Scores,
    chosen,
    collect,
    flood_alarms,
    judge,
    lessons,
    trained,
    tuned,
)
from benchmarks.clones.logistic import LogisticRegression
from benchmarks.clones.lots import LotYear, lot_year
from benchmarks.clones.ours import LOT_WATCH, Ours, shipped
from benchmarks.clones.transitions import Transitions, by_change, by_country

OURS = "authsvc"

Work = TypeVar("Work")
Result = TypeVar("Result")

FAMILIES = (
    Family(OURS, (Ours,)),
    Family("raw count", (RawCount,)),
    Family("distinct visitors", (DistinctVisitors,)),
    Family("sessions in a window", tuple(partial(SessionsInWindow, days) for days in (7, 30, 90, 365))),
    *(
        Family(
            f"geo-velocity, {'with radius' if has_radius else 'naive'}",
            tuple(partial(Velocity, has_radius=has_radius, kmh=kmh) for kmh in (None, 300.0, 900.0)),
        )
        for has_radius in (False, True)
    ),
    Family(
        "transition likelihood",
        tuple(
            partial(Transitions, state, is_sequential=is_sequential)
            for state in (by_country, by_change)
            for is_sequential in (False, True)
        ),
    ),
    Family("logistic regression", (LogisticRegression,)),
)

QUICK = Plan(lesson_items=8_000, training=(51,), reporting=(61,), genuine=4_000, copied=60)
VARIED = Plan(lesson_items=20_000, reporting=(145,), genuine=20_000, copied=300)
"""What one world of other rates is measured with."""
PLAYED_ON = 4
"""
Where a world misses an aim it is measured with so many times as much, its first part included: with more genuine items
where they are flagged too often, with more copied ones where too few are found or too late.
"""
HARDER = replace(World(), diluted=0.009, fake_checked=0.2)
"""The world in which "ten distinct visitors" finds what it found in the pilot: more dilution, fewer scans of a fake."""
HARDER_PLAN = Plan(lesson_items=30_000, reporting=(146,), genuine=60_000, copied=1_000)


def main() -> None:
    """Run the benchmark."""
    arguments = _arguments()
    start = time.monotonic()
    plan = QUICK if arguments.quick else Plan()
    world = World()
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)

    _say(start, "the baselines: learning, tuning, judging")
    others = _kept(arguments.keep, FAMILIES[1:], plan, world, arguments.jobs)
    _say(start, "ours: judging at the thresholds that ship")
    own = {tier: dict(some) for tier, some in trained(FAMILIES[:1], plan, world).items()}
    best = {tier: {**own[tier], **others.best[tier]} for tier in Tier}
    training = others.training
    speaking = {tier: list(some.values()) for tier, some in own.items()}
    found = _collect_all(speaking, plan.reporting, plan, world, arguments.jobs)
    tables = [{**a, **b} for a, b in zip(found, others.tables, strict=True)]

    results: dict[str, object] = {"plan": plan, "world": world, "settings": _settings(best)}
    thresholds: dict[Tier, dict[float, float]] = {tier: {} for tier in Tier}
    for tier in Tier:
        seeds = {family: [t[tier, each.name] for t in tables] for family, each in best[tier].items()}
        for rate in RATES:
            at = {f: shipped(tier, rate) if f == OURS else tuned(training[tier, f], rate) for f in seeds}
            thresholds[tier][rate] = at[OURS]
            versus = [(scores, at[OURS]) for scores in seeds[OURS]]
            rows = {f: judge(some, at[f], () if f == OURS else versus) for f, some in seeds.items()}
            letter = "A" if tier is Tier.A else "B"
            print(report.table(f"Tier {letter}, {tier.value}, tuned to {100 * rate:.2f} % false alarms", rows))
            results[f"tier {letter} at {rate:g}"] = rows
            if rate == RATES[0]:
                report.draw(folder, tier, seeds, at)
    results["flooding"] = _flooding(best, thresholds, world, 100 if arguments.quick else 1_000)
    results["lots"] = _lots(world, 1 if arguments.quick else 3)
    ours = {tier: (best[tier][OURS], thresholds[tier][RATES[0]]) for tier in Tier}
    results["harder"] = _harder(ours, replace(QUICK, genuine=2_000) if arguments.quick else HARDER_PLAN)
    if arguments.varied:
        small = replace(QUICK, genuine=2_000) if arguments.quick else VARIED
        _say(start, "varying every rate of the world")
        worlds = _varied(ours, small, world, arguments.jobs)
        for tier in Tier:
            rows_varied = [(name, factor, judgements[tier]) for name, factor, judgements in worlds]
            print(
                f"### Other worlds, {tier.value}: one rate at half or at double, tuned to 0.10 % in the standard one\n"
            )
            print(report.varied(rows_varied))
            results[f"varied, {tier.value}"] = rows_varied
    report.write_json(folder / "results.json", results)
    _say(start, f"done; charts and figures are in {folder}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clones", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it works")
    parser.add_argument("--varied", action="store_true", help="vary every rate of the world by half and by double, too")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--keep", type=Path, help="a folder that keeps what the baselines scored, for the next run")
    parser.add_argument("--out", type=Path, default=Path("var/clones"), help="where charts and figures go")
    return parser.parse_args()


@dataclass(frozen=True, slots=True)
class _Judged:
    """Families with the settings that speak for them, and their scores on the training and the reporting seeds."""

    best: dict[Tier, dict[str, Detector]]
    training: dict[tuple[Tier, str], list[Scores]]
    tables: list[dict[tuple[Tier, str], Scores]]


def _kept(folder: Path | None, families: Sequence[Family], plan: Plan, world: World, jobs: int) -> _Judged:
    """Return what *families* scored, from *folder* where the same plan in the same world has been played before."""
    if folder is None:
        return _judged(families, plan, world, jobs)
    key = hashlib.sha256(repr((plan, world, [family.name for family in families])).encode()).hexdigest()[:16]
    file = folder / f"baselines-{key}.pickle"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps(_judged(families, plan, world, jobs)))
    found: _Judged = pickle.loads(file.read_bytes())  # noqa: S301  written by the line above, on this machine
    return found


def _judged(families: Sequence[Family], plan: Plan, world: World, jobs: int) -> _Judged:
    learned = trained(families, plan, world)
    every = {tier: [detector for _, detector in some] for tier, some in learned.items()}
    best, training = chosen(learned, _collect_all(every, plan.training, plan, world, jobs))
    speaking = {tier: list(some.values()) for tier, some in best.items()}
    return _Judged(best, training, _collect_all(speaking, plan.reporting, plan, world, jobs))


def _collect_all(
    detectors: dict[Tier, list[Detector]], seeds: Sequence[int], plan: Plan, world: World, jobs: int
) -> list[dict[tuple[Tier, str], Scores]]:
    return list(_each(_collect_one, [(seed, detectors, plan, world) for seed in seeds], jobs))


def _collect_one(work: tuple[int, dict[Tier, list[Detector]], Plan, World]) -> dict[tuple[Tier, str], Scores]:
    seed, detectors, plan, world = work
    return collect(Simulation(seed, world), detectors, genuine=plan.genuine, copied=plan.copied)


def _flooding(
    best: Mapping[Tier, Mapping[str, Detector]],
    thresholds: Mapping[Tier, Mapping[float, float]],
    world: World,
    items: int,
) -> dict[str, object]:
    found: dict[str, object] = {}
    print(f"### Flooding: {items:,} genuine items, 1,000 hostile scans each from 50 visitors in 5 prefixes\n")
    for tier in Tier:
        at = thresholds[tier][RATES[0]]
        figure = flood_alarms(best[tier][OURS], tier, at, seed=144, items=items, world=world)
        print(f"* {tier.value}: {100 * figure.value:.2f} % raise an alert")
        found[tier.value] = figure
    print()
    return found


def _lots(world: World, years: int) -> list[LotYear]:
    if LOT_WATCH is None:
        return []
    print("### Few copies of many serials: three of each of 500 serials of one lot, in a year of 200 lots\n")
    found = [lot_year(LOT_WATCH, seed=91 + n, world=world) for n in range(years)]
    for year in found:
        when = (
            "not found"
            if year.found_after_days is None
            else f"found after {year.found_after_days:.0f} days and {year.found_after_scans} fake scans"
        )
        print(f"* seed {year.seed}: {when} of {year.fake_scans}; {year.false_alerts} false lot alerts in the year")
    print()
    return found


Tuned = Mapping[Tier, tuple[Detector, float]]
"""Our detector of each tier with its threshold."""


def _harder(ours: Tuned, plan: Plan) -> dict[Tier, Judgement]:
    """Judge ours where counterfeiters are as hard to find by ten visitors as they were in the pilot."""
    _, _, found = _vary_one((ours, plan, HARDER, "", 1.0))
    print(f"### A harder world: {HARDER.diluted:.1%} of items diluted, {HARDER.fake_checked:g} people check a fake\n")
    for tier, judgement in found.items():
        print(report.table(f"{tier.value}, tuned to 0.10 % in the standard world", {OURS: judgement}))
    return found


def _varied(ours: Tuned, plan: Plan, world: World, jobs: int) -> list[tuple[str, float, dict[Tier, Judgement]]]:
    work = [
        (ours, plan, world.scaled(name, factor), name, factor)
        for name in World.rates()
        for factor in (0.5, 2.0)
        if world.scaled(name, factor) != world
    ]
    return list(_each(_vary, work, jobs))


def _vary(work: tuple[Tuned, Plan, World, str, float]) -> tuple[str, float, dict[Tier, Judgement]]:
    """Judge ours in another world, and with more of it where an aim is missed: a miss may be chance."""
    ours, plan, world, name, factor = work
    found = _vary_one(work)
    is_quiet = all(judgement.false_alarms.value <= RATES[0] for judgement in found[2].values())
    is_found = all(AIMS[tier].are_met(judgement) for tier, judgement in found[2].items())
    if is_quiet and is_found:
        return found
    genuine, copied = (1 if is_quiet else PLAYED_ON), (1 if is_found else PLAYED_ON)
    more = replace(plan, genuine=genuine * plan.genuine, copied=copied * plan.copied)
    return _vary_one((ours, more, world, name, factor))


def _vary_one(work: tuple[Tuned, Plan, World, str, float]) -> tuple[str, float, dict[Tier, Judgement]]:
    """Judge ours in another world: its threshold stays, its base rates come from that world's own traffic."""
    ours, plan, world, name, factor = work
    settled = {tier: copy.deepcopy(detector) for tier, (detector, _) in ours.items()}
    lives = lessons(plan, world)
    for tier, detector in settled.items():
        detector.settle(seen(lives, tier))
    detectors = {tier: [detector] for tier, detector in settled.items()}
    tables = [
        collect(Simulation(seed, world), detectors, genuine=plan.genuine, copied=plan.copied) for seed in plan.reporting
    ]
    found = {
        tier: judge([table[tier, detector.name] for table in tables], ours[tier][1])
        for tier, detector in settled.items()
    }
    return name, factor, found


def _each(act: Callable[[Work], Result], work: Sequence[Work], jobs: int) -> Iterable[Result]:
    if jobs <= 1:
        return map(act, work)
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(act, work))


def _settings(best: Mapping[Tier, Mapping[str, Detector]]) -> dict[str, dict[str, str]]:
    return {tier.value: {family: each.name for family, each in some.items()} for tier, some in best.items()}


def _say(start: float, what: str) -> None:
    print(f"[{time.monotonic() - start:5.0f} s] {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
