"""
Our detector as the benchmark sees it: the very code of the hot path, fed with the events of a trace.

Nothing is judged here; this only turns events into what ``core.clones`` takes.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from authsvc.core.clones import RECENT, History, Network, Place, Sighting, examine
from authsvc.core.traces import Event
from authsvc.simulation import Life
from benchmarks.clones.detectors import Tier, Unsettled, people
from benchmarks.clones.lots import LotWatch


class Ours(Unsettled):
    """The clone evidence of authsvc."""

    name = "authsvc"

    def train(self, lives: Sequence[Life], tier: Tier) -> None:
        """Learn nothing: the present rules are fixed."""

    def score(self, events: Sequence[Event]) -> Iterator[tuple[int, float]]:
        """Yield the score after each scan that counts."""
        sightings: dict[str | None, Sighting] = {}
        for index, event in people(events):
            if event.visitor in sightings:
                continue
            sightings[event.visitor] = _sighting(event)
            if len(sightings) > RECENT:
                del sightings[next(iter(sightings))]
            yield index, examine(History(sightings=tuple(sightings.values()), copy_threshold=1)).score


def _sighting(event: Event) -> Sighting:
    return Sighting(
        visitor=(event.visitor or "").encode(),
        first_at=datetime.fromtimestamp(event.at, UTC),
        is_confirmed=event.is_confirmed,
        prefix=(event.prefix or "").encode(),
        place=Place(event.country, event.latitude, event.longitude, event.radius_km),
        network=Network(event.network or "unknown"),
    )


LOT_WATCH: LotWatch | None = None
"""Our watch over lots; None until there is one."""
