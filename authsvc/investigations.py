"""
Investigations: from the stored sightings of an item to signals, and from signals to alerts.

An alert is opened once for each item and rule, however many scans race to open it; its evidence is kept as it was.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from authsvc import scan_statements as sql
from authsvc.connections import Connections
from authsvc.core import clones
from authsvc.core.clones import Examination, History, Network, Place, Sighting
from authsvc.core.register import Product
from authsvc.core.verdicts import Facts

_DEFAULT_THRESHOLD = 10
"""Visitors that one item may meet where no product says otherwise (a case of another brand's goods)."""


def examine(evidence: list[list[Any]] | None, product: Product | None) -> Examination:
    """Judge the sightings of one item as the scan statement returns them, newest first."""
    if not evidence:
        return clones.NOTHING
    threshold = product.copy_threshold if product else _DEFAULT_THRESHOLD
    return clones.examine(History(sightings=tuple(map(_sighting, evidence)), copy_threshold=threshold))


def open_alerts(
    connections: Connections,
    sgtin: str,
    examination: Examination,
    *,
    at: datetime,
    scan: tuple[datetime, UUID],
    new_id: Callable[[], UUID],
) -> int:
    """
    Open an alert for every finding that has none open; flag the item and the *scan*, given by its time and id.

    Return how many were opened.
    """
    opened = 0
    for part in examination.parts:
        row = connections.fetch(
            sql.RAISE_ALERT,
            {
                "sgtin": sgtin,
                "alert_id": new_id(),
                "rule": part.rule,
                "score": examination.score,
                "evidence": Jsonb(
                    {"parts": [{"rule": p.rule, "weight": p.weight, "text": p.text} for p in examination.parts]}
                ),
                "at": at,
                "scan_at": scan[0],
                "scan_id": scan[1],
            },
        )
        opened += row is not None
    return opened


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


def judge_again(connections: Connections, sgtin: str, product: Product | None) -> Examination:
    """Read the sightings of an item anew and judge them."""
    row = connections.fetch(sql.EVIDENCE, {"sgtin": sgtin})
    return examine(row.evidence if row else None, product)


def _sighting(row: list[Any]) -> Sighting:
    visitor, prefix, first_at, is_confirmed, country, latitude, longitude, radius_km, network = row
    return Sighting(
        visitor=bytes.fromhex(visitor),
        prefix=bytes.fromhex(prefix),
        first_at=datetime.fromtimestamp(first_at, UTC),
        is_confirmed=is_confirmed,
        place=Place(country, latitude, longitude, radius_km),
        network=Network(network),
    )
