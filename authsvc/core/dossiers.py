"""
Dossiers: what the service keeps of one item, built from the events of a trace instead of the database.

The rules of counting are those of the scan statement and of the confirmation, one for one: an automated scan is
nothing; a scan is a repeat within half an hour of the visitor's last counted one; of a network prefix one sighting a
day is evidence, of a whole operator's network three; a confirmation makes evidence of what a mere opening was not; and
whoever judges sees the newest ``CONFIRMED`` sightings whose page ran and the newest ``OPENED`` others.

A dossier is bounded however often its item is scanned, and packs into plain values, so that a replay can put it aside.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from authsvc.core.clones import UNKNOWN_PLACE, Fact, FactKind, Network, Place, Sighting
from authsvc.core.traces import Event, Kind

REPEAT_S = 1_800
DAY_S = 86_400
CONFIRMED, OPENED = 48, 16
"""How many sightings the scan statement reads back: those whose page ran, and the others."""
OPERATOR_POINTS = 3
"""What the network of one operator (its AS number) may add in a day."""

MOST_VISITORS = 4_096
"""Visitors that are remembered; beyond it the longest unseen are forgotten, and would be new if they came back."""
MOST_FACTS = 256
"""Facts that are remembered, the newest ones."""

Row = list[Any]
"""One sighting as plain values, in the order of the positions below: millions of them are packed and unpacked."""

_FIRST_AT, _COUNTED_AT, _IS_CONFIRMED, _IS_EVIDENCE, _IS_SHARED, _PREFIX, _ASN, _NETWORK = range(8)
_PLACE = slice(8, 12)


class Dossier:
    """
    What is kept of one item: its visitors, which of them are evidence, and what else happened to it.

    Events must be taken in the order of time. A visitor that a trace does not name is a browser that keeps no cookie:
    new each time, and held to one point a day by its prefix; prefixes that it does not name count as one.
    """

    __slots__ = ("_facts", "_unnamed", "_visitors", "counted")

    def __init__(self) -> None:
        self.counted = 0
        """Scans that count: no machine, no repeat."""
        self._visitors: dict[str, Row] = {}  # In the order of their first scans.
        self._facts: list[Row] = []
        self._unnamed = 0

    def take(self, event: Event) -> bool:
        """Take in one event; return whether it changed anything that the rules can see."""
        if event.kind != Kind.SCAN:
            self._note(event)
            return True
        if event.is_automated:
            return False
        visitor = event.visitor
        if visitor is None:
            visitor = f"\0{self._unnamed}"
            self._unnamed += 1
        row = self._visitors.get(visitor)
        is_news = False
        if row is None:
            row = self._see(visitor, event)
            is_news = row[_IS_EVIDENCE]
        elif event.at - row[_COUNTED_AT] >= REPEAT_S:
            row[_COUNTED_AT] = event.at
            self.counted += 1
        return (event.is_confirmed and self._confirm(row, event)) or is_news

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """What the scan statement would read back, newest first, those whose page ran before the others."""
        ran, opened = self._read_back()
        surplus = _surplus(sorted((row for _, row in (*ran, *opened)), key=_first_at))
        return tuple(_sighting(visitor, row, is_evidence=id(row) not in surplus) for visitor, row in (*ran, *opened))

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What happened to the item apart from being scanned, in the order of time."""
        return tuple(map(_fact, self._facts))

    @property
    def confirmed_visitors(self) -> int:
        """How many sightings are evidence and had their page run: what base rates count."""
        return sum(row[_IS_EVIDENCE] and row[_IS_CONFIRMED] for row in self._visitors.values())

    def pack(self) -> list[Any]:
        """Return everything in here as plain values that JSON can hold."""
        return [self.counted, self._unnamed, self._visitors, self._facts]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "Dossier":
        """Return the dossier that was packed."""
        dossier = cls()
        dossier.counted, dossier._unnamed, dossier._visitors, dossier._facts = packed
        return dossier

    # --- Private -----------------------------------------------------------------------------------------------------

    def _see(self, visitor: str, event: Event) -> Row:
        """Write down a visitor who was never seen before; whether it is evidence is decided here."""
        if len(self._visitors) >= MOST_VISITORS:
            self._forget()
        row: Row = [
            event.at,
            event.at,
            False,
            all(other[_PREFIX] != event.prefix for other in self._lately(event.at - DAY_S)),
            event.channel == "shared",
            event.prefix,
            event.asn,
            event.network,
            event.country,
            event.latitude,
            event.longitude,
            event.radius_km,
        ]
        self._visitors[visitor] = row
        self.counted += 1
        return row

    def _confirm(self, row: Row, event: Event) -> bool:
        """Note that the page ran; what is no evidence yet becomes it, if nobody else of the network stands for it."""
        was = row[_IS_CONFIRMED], row[_IS_EVIDENCE]
        row[_IS_CONFIRMED] = True
        if not row[_IS_EVIDENCE]:
            others = (each for each in self._lately(event.at - DAY_S) if each[_IS_CONFIRMED] and each is not row)
            row[_IS_EVIDENCE] = all(each[_PREFIX] != event.prefix for each in others)
        return bool(row[_IS_EVIDENCE]) and was != (True, True)

    def _lately(self, since: int) -> Iterator[Row]:
        """Yield the evidence whose first scan was after *since*, newest first."""
        for row in reversed(self._visitors.values()):
            if row[_FIRST_AT] <= since:
                return
            if row[_IS_EVIDENCE]:
                yield row

    def _read_back(self) -> tuple[list[tuple[str, Row]], list[tuple[str, Row]]]:
        ran: list[tuple[str, Row]] = []
        opened: list[tuple[str, Row]] = []
        for visitor, row in reversed(self._visitors.items()):
            if not row[_IS_EVIDENCE]:
                continue
            kept, most = (ran, CONFIRMED) if row[_IS_CONFIRMED] else (opened, OPENED)
            if len(kept) < most:
                kept.append((visitor, row))
        return ran, opened

    def _forget(self) -> None:
        """Forget a quarter of the visitors, the longest unseen, but nobody of whom the rules still know."""
        ran, opened = self._read_back()
        needed = {visitor for visitor, _ in (*ran, *opened)}
        unneeded = [(row[_COUNTED_AT], visitor) for visitor, row in self._visitors.items() if visitor not in needed]
        for _, visitor in sorted(unneeded)[: MOST_VISITORS // 4]:
            del self._visitors[visitor]

    def _note(self, event: Event) -> None:
        seen = self._visitors.get(event.visitor) if event.visitor is not None else None
        place = None if seen is None or seen[_NETWORK] == Network.RELAY else seen[_PLACE]
        self._facts.append([event.kind, event.at, event.visitor, place, event.markets])
        del self._facts[:-MOST_FACTS]


_NETWORKS = {str(network): network for network in Network}
_FACT_KINDS = {str(kind): kind for kind in FactKind}


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _bytes(text: str | None) -> bytes | None:
    # JSON can spell half a character pair; it is a pseudonym like any other.
    return None if text is None else text.encode("utf-8", "surrogatepass")


def _first_at(row: Row) -> int:
    at: int = row[_FIRST_AT]
    return at


def _surplus(rows: Iterable[Row]) -> set[int]:
    """Return which of the rows, given in the order of time, are more than one operator's network may add in a day."""
    times: dict[int, list[int]] = {}
    surplus = set()
    for row in rows:
        if row[_ASN] is None:
            continue
        at, earlier = row[_FIRST_AT], times.setdefault(row[_ASN], [])
        if sum(time > at - DAY_S for time in earlier) < OPERATOR_POINTS:
            earlier.append(at)
        else:
            surplus.add(id(row))
    return surplus


def _sighting(visitor: str, row: Row, *, is_evidence: bool) -> Sighting:
    return Sighting(
        visitor=_bytes(visitor) or b"",
        first_at=_moment(row[_FIRST_AT]),
        is_confirmed=row[_IS_CONFIRMED],
        is_evidence=is_evidence,
        is_shared=row[_IS_SHARED],
        prefix=_bytes(row[_PREFIX]),
        place=Place(*row[_PLACE]),
        # A kind of network that we do not know is one of which we know nothing.
        network=_NETWORKS.get(row[_NETWORK], Network.UNKNOWN),
    )


def _fact(row: Row) -> Fact:
    kind, at, visitor, place, markets = row
    return Fact(
        kind=_FACT_KINDS[kind],
        at=_moment(at),
        visitor=_bytes(visitor),
        place=UNKNOWN_PLACE if place is None else Place(*place),
        markets=None if markets is None else frozenset(markets),
    )
