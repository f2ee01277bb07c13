"""
Judging: from what the scan statement read of an item to an examination, and from that to an alert.

An alert is opened once for each item, named by the rule that weighs most, however many scans race to open it. Its
evidence is kept as it was: parts, sightings and facts. Who judged by facts that have changed since opens nothing and
judges again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from authsvc import scan_statements as sql
from authsvc.connections import Connections
from authsvc.core import clones
from authsvc.core.clones import Examination, Fact, FactKind, History, Network, Place, Sighting
from authsvc.core.register import Product
from authsvc.core.values import lean_dataclass
from authsvc.core.verdicts import Disposition, Facts

MOST_OF_ONE_ASN = 3
"""Sightings of one autonomous system that count on one day."""

DAY = 86400.0

MUCH_MORE = 0.5
"""By how much a score must rise before it is stored anew: a flagged item that goes viral is not written every time."""

_GONE = frozenset({Disposition.STOLEN, Disposition.LOST, Disposition.DESTROYED})
_NETWORKS = {network.value: network for network in Network}  # A third of the time that the enumeration takes.
_TRIES = 3


@lean_dataclass(frozen=True, slots=True)
class Judged:
    """An examination, the history that it rests on, and what the item's row said when that was read."""

    examination: Examination
    history: History | None = None
    facts: int = 0
    is_flagged: bool = False
    score: float = 0.0

    @property
    def is_news(self) -> bool:
        """Whether the evidence warns of more than is stored already."""
        found = self.examination
        return found.is_flagged and (not self.is_flagged or found.score > self.score + MUCH_MORE)


NOTHING = Judged(clones.NOTHING)


def examine(row: Any, product: Product | None) -> Judged:
    """
    Judge an item by what a statement has read of it.

    *row* has the sightings, newest first (``evidence``), the facts (``known``) with the ``facts`` counter, when the
    line released it (``commissioned_at``), its disposition, and the flag and score that are stored.
    """
    if not row.evidence and not row.known:
        return NOTHING
    history = read_history(row, product)
    return Judged(clones.examine(history), history, row.facts, row.flagged_at is not None, row.score or 0.0)


def read_history(row: Any, product: Product | None) -> History:
    """Return the history that a row tells, as ``examine`` takes it."""
    sightings = _without_floods(row.evidence or ())
    if product is None:
        return History(sightings=sightings, facts=_facts(row, None))
    return History(
        sightings=sightings,
        facts=_facts(row, product),
        has_lifecycle=product.has_lifecycle,
        bustle=product.bustle,
        target_rate=product.target_rate,
        copy_threshold=product.copy_threshold,
        shift=product.shift,
    )


def judge_again(
    connections: Connections, sgtin: str, product: Product | None, *, run: int | None = None, index: int | None = None
) -> Judged:
    """Read what is known of an item anew and judge it; *run* and *index* find when the line released it."""
    row = connections.fetch(sql.EVIDENCE, {"sgtin": sgtin, "run": run, "index": index})
    return NOTHING if row is None else examine(row, product)


def open_alerts(
    connections: Connections,
    sgtin: str,
    judged: Judged,
    product: Product | None,
    *,
    at: datetime,
    scan: tuple[datetime, UUID],
    new_id: Callable[[], UUID],
    found: tuple[int | None, int | None] = (None, None),
) -> bool:
    """
    Flag the item, open its alert and mark the *scan*, given by its time and id; return whether the item is flagged.

    If a resolution or a fact came between, the evidence is judged by it first: what a person has just explained is not
    raised again by a scan that was under way. *found* is the run and the index of the item.
    """
    for _ in range(_TRIES):
        if not judged.examination.is_flagged:
            break
        row = connections.fetch(
            sql.RAISE_ALERT,
            {
                "sgtin": sgtin,
                "facts": judged.facts,
                "alert_id": new_id(),
                "rule": leading(judged.examination),
                "score": judged.examination.score,
                "evidence": Jsonb(evidence_of(judged)),
                "at": at,
                "scan_at": scan[0],
                "scan_id": scan[1],
            },
        )
        if row is not None:
            return True
        judged = judge_again(connections, sgtin, product, run=found[0], index=found[1])
    return judged.is_flagged


def leading(examination: Examination) -> str:
    """Return the rule by which an alert is named."""
    part = examination.leading
    return part.rule if part is not None else "clone-evidence"


def evidence_of(judged: Judged) -> dict[str, Any]:
    """Return what an alert keeps: all that the examination rested on, as it was."""
    history, examination = judged.history, judged.examination
    found: dict[str, Any] = {
        "score": round(examination.score, 3),
        "threshold": round(examination.threshold, 3),
        "parts": [{"rule": p.rule, "weight": round(p.weight, 3), "text": p.text} for p in examination.parts],
    }
    if history is not None:
        found |= {
            "target_rate": history.target_rate,
            "has_lifecycle": history.has_lifecycle,
            "bustle": history.bustle.name.lower(),
            "shift": round(history.shift, 3),
            "sightings": [_told_sighting(seen) for seen in history.sightings],
            "facts": [_told_fact(fact) for fact in sorted(history.facts, key=lambda fact: fact.at)],
        }
    return found


def open_unissued(connections: Connections, facts: Facts, *, at: datetime, new_id: Callable[[], UUID]) -> None:
    """Open the alert for a good signature on a code that was never issued: its key may have leaked."""
    assert facts.brand is not None
    evidence = {"kid": facts.signature.kid, "format": facts.signature.format}
    open_alert(connections, facts.item_key, facts.brand.id, "signed-not-issued", evidence, at=at, new_id=new_id)


def open_alert(
    connections: Connections,
    sgtin: str,
    brand_id: UUID,
    rule: str,
    evidence: dict[str, Any],
    *,
    at: datetime,
    new_id: Callable[[], UUID],
) -> None:
    """Open one alert of *rule* for a code, unless one is open already."""
    connections.fetch(
        sql.OPEN_ALERT,
        {
            "sgtin": sgtin,
            "alert_id": new_id(),
            "brand_id": brand_id,
            "rule": rule,
            "evidence": Jsonb(evidence),
            "at": at,
        },
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _without_floods(rows: Sequence[list[Any]]) -> tuple[Sighting, ...]:
    """
    Return the sightings, where of each autonomous system no more than three are evidence on one day.

    Not in the statement that stores a sighting: of scans that race there, each would see fewer than three. Here the
    stored ones are judged together, so it holds whatever raced, and a limit that is changed later holds for all.
    """
    if not any(row[-1] for row in rows):
        return tuple(map(_sighting, rows))
    sightings = []
    counted: dict[str, list[float]] = {}
    for row in sorted(rows, key=itemgetter(2)):
        seen, at, asn = _sighting(row), row[2], row[-1]
        if asn is not None:
            times = counted.setdefault(asn, [])
            if sum(time > at - DAY for time in times) < MOST_OF_ONE_ASN:
                times.append(at)
            else:
                seen = replace(seen, is_evidence=False)
        sightings.append(seen)
    return tuple(sightings)


def _sighting(row: list[Any]) -> Sighting:
    visitor, prefix, first_at, is_confirmed, country, latitude, longitude, radius_km, network, _asn = row
    return Sighting(
        visitor=bytes.fromhex(visitor),
        prefix=bytes.fromhex(prefix),
        first_at=datetime.fromtimestamp(first_at, UTC),
        is_confirmed=is_confirmed,
        place=Place(country, latitude, longitude, radius_km),
        network=_NETWORKS[network],
    )


def _facts(row: Any, product: Product | None) -> tuple[Fact, ...]:
    """Return the recorded facts, and those that follow from the item's row, its run and its product."""
    if not row.known and row.commissioned_at is None and row.disposition_at is None:
        return ()
    facts = list(map(_fact, row.known or ()))
    markets = frozenset(product.markets) if product is not None and product.markets else None
    facts = [_with_markets(fact, markets) if fact.kind is FactKind.COMMISSIONED else fact for fact in facts]
    if row.commissioned_at is not None and not any(fact.kind is FactKind.COMMISSIONED for fact in facts):
        facts.append(Fact(kind=FactKind.COMMISSIONED, at=row.commissioned_at, markets=markets))
    if row.disposition_at is not None and row.disposition in _GONE:
        facts.append(Fact(kind=FactKind.GONE, at=row.disposition_at))
    return tuple(facts)


def _with_markets(fact: Fact, markets: frozenset[str] | None) -> Fact:
    return Fact(kind=fact.kind, at=fact.at, markets=markets) if fact.markets is None else fact


def _fact(row: Iterable[Any]) -> Fact:
    kind, at, visitor, country, latitude, longitude, radius_km, markets = row
    return Fact(
        kind=FactKind(kind),
        at=datetime.fromtimestamp(at, UTC),
        visitor=bytes.fromhex(visitor) if visitor else None,
        place=Place(country, latitude, longitude, radius_km),
        markets=frozenset(markets) if markets else None,
    )


def _told_place(place: Place) -> dict[str, Any]:
    return {
        "country": place.country,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "radius_km": place.radius_km,
    }


def _told_sighting(seen: Sighting) -> dict[str, Any]:
    return {
        "visitor": seen.visitor.hex(),
        "prefix": seen.prefix.hex() if seen.prefix else None,
        "first_at": seen.first_at.isoformat(),
        "is_confirmed": seen.is_confirmed,
        "is_evidence": seen.is_evidence,
        "network": str(seen.network),
        **_told_place(seen.place),
    }


def _told_fact(fact: Fact) -> dict[str, Any]:
    return {
        "kind": str(fact.kind),
        "at": fact.at.isoformat(),
        "visitor": fact.visitor.hex() if fact.visitor else None,
        "markets": sorted(fact.markets) if fact.markets else None,
        "country": fact.place.country,
    }
