"""Examining: what judging one item costs at the most sightings that the scan statement returns."""

import time
from datetime import UTC, datetime, timedelta

from authsvc.core.clones import RECENT, Fact, FactKind, History, Network, Place, Sighting, examine
from authsvc.core.dossiers import CONFIRMED
from benchmarks.figures import Figure, Report

TARGET_US = 150.0

_START = datetime(2026, 1, 5, 10, tzinfo=UTC)
_CITIES = (
    ("IT", 45.5, 9.2),
    ("FR", 48.9, 2.4),
    ("VN", 21.0, 105.9),
    ("US", 40.7, -74.0),
    ("CN", 31.2, 121.5),
)


def measure(report: Report, *, seconds: float) -> None:
    """Examine a full history of copies in five countries, with records of its life, again and again."""
    history = full_history()
    verdict = examine(history)
    taken = _taken(history, seconds)
    report.raw["examining"] = {f"{share} %": 1e6 * taken[len(taken) * share // 100] for share in (0, 5, 50, 95)}
    report.add(
        Figure(
            f"examining {RECENT} sightings",
            1e6 * taken[len(taken) // 20],
            "us",
            target=TARGET_US,
            is_ceiling=True,
            detail=f"score {verdict.score:.0f}; the 5th percentile of {len(taken):,} calls: others may share the core",
        )
    )


def full_history() -> History:
    """
    Return as many sightings as the scan statement returns, no two from one network, and four facts of the item.

    Of so many, ``CONFIRMED`` can be confirmed: only those are evidence, and no scan returns more of them.
    """
    sightings = []
    for n in range(RECENT):
        country, latitude, longitude = _CITIES[n % len(_CITIES)]
        seen = Sighting(
            visitor=n.to_bytes(2, "big"),
            first_at=_START + timedelta(days=5.3 * n),
            is_confirmed=n < CONFIRMED,
            prefix=n.to_bytes(4, "big"),
            place=Place(country, latitude + n / 50, longitude - n / 50, 50.0),
            network=Network.FIXED if n % 3 else Network.MOBILE,
        )
        sightings.append(seen)
    facts = (
        Fact(kind=FactKind.COMMISSIONED, at=_START - timedelta(days=20), markets=frozenset({"IT", "FR"})),
        Fact(kind=FactKind.SOLD, at=_START + timedelta(days=1)),
        Fact(kind=FactKind.CLAIMED, at=_START + timedelta(days=2)),
        Fact(
            kind=FactKind.REGISTERED, at=_START + timedelta(days=2), visitor=b"\0\0", place=Place("IT", 45.5, 9.2, 20.0)
        ),
    )
    return History(sightings=tuple(sightings), facts=facts, has_lifecycle=True)


def _taken(history: History, seconds: float) -> list[float]:
    taken = []
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        examine(history)
        taken.append(time.perf_counter() - start)
    return sorted(taken)
