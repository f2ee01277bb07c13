"""
Traffic: what is usual for a brand and its products, learned from the brand's own scans.

A counterfeiter must not be able to make copies look usual: one item counts with few visitors however many it met, and
items that carry a warning or have an open alert are left out, as is a lot that stands out among the others. An item
that was cleared counts again. Whoever only opened the link counts, as for the judge.

Learning is a job of the night. What it finds is a row for each product, loaded with the register: a scan reads nothing
more than before, and a process that starts anew knows what the last one knew.
"""

from collections import Counter
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session

from authsvc import investigations
from authsvc import scan_statements as sql
from authsvc.core import serials
from authsvc.core.clones.base_rates import HIGH, MOST, Lot, Tail, usual_tails
from authsvc.core.register import Product
from authsvc.holdings import Holdings

LEARN = """
INSERT INTO base_rates (brand_id, gtin, items, visitors, learned_at)
SELECT i.brand_id, i.gtin, count(*), sum(least(s.visitors, %(most)s::bigint)), %(at)s::timestamptz
FROM (SELECT e.sgtin, count(*) AS visitors FROM sightings e
  WHERE e.is_evidence GROUP BY e.sgtin) s
JOIN items i ON i.sgtin = s.sgtin
JOIN products p ON p.gtin = i.gtin AND p.brand_id = i.brand_id
WHERE i.flagged_at IS NULL
  AND NOT EXISTS (SELECT FROM alerts a WHERE a.sgtin = i.sgtin AND a.closed_at IS NULL)
GROUP BY i.brand_id, i.gtin
ON CONFLICT (brand_id, gtin) DO UPDATE
  SET items = excluded.items, visitors = excluded.visitors, learned_at = excluded.learned_at"""
"""Takes ``at`` and ``most``. One pass over all sightings: a job for the night."""

SAMPLE = 20_000
"""Items of a brand that are judged in a night: about 700 of them score high, which tells their share to 4 %."""

_SAMPLE = """
SELECT i.sgtin, i.gtin, i.lot FROM items i
WHERE i.brand_id = %(brand_id)s AND i.gtin IS NOT NULL AND i.counted > 0 AND i.flagged_at IS NULL
  AND NOT EXISTS (SELECT FROM alerts a WHERE a.sgtin = i.sgtin AND a.closed_at IS NULL)
ORDER BY hashtext(i.sgtin || %(night)s) LIMIT %(most)s"""

_KEEP = """
UPDATE base_rates SET judged = %(judged)s, high = %(high)s WHERE brand_id = %(brand_id)s AND gtin = %(gtin)s
  AND (judged, high) IS DISTINCT FROM (%(judged)s, %(high)s)"""


def learn(session: Session, *, now: datetime) -> None:
    """Learn the traffic of all products anew; processes load it with the register."""
    session.connection().exec_driver_sql(LEARN, {"at": now, "most": MOST})


def weigh(url: str, held: Holdings, *, now: datetime, most: int = SAMPLE) -> None:
    """
    Judge a sample of each brand's items and keep how many of them score high; what is flagged is left out.

    The sample is another one each night. Every item is read by itself, so that nobody waits for this.
    """
    with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as opened:
        connection: psycopg.Connection[Any] = opened
        known: dict[object, list[str]] = {}
        for row in connection.execute("SELECT brand_id, gtin FROM base_rates").fetchall():
            known.setdefault(row.brand_id, []).append(row.gtin)
        for brand_id, products in known.items():
            night = {"brand_id": brand_id, "night": f"{now:%Y-%m-%d}", "most": most}
            found = usual_tails(_judged(connection, held, night))
            for gtin in products:
                tail = found.get(gtin, Tail())
                kept = {"judged": tail.judged, "high": tail.high, "brand_id": brand_id, "gtin": gtin}
                connection.execute(_KEEP, kept)


# --- Private ---------------------------------------------------------------------------------------------------------


def _judged(connection: psycopg.Connection[Any], held: Holdings, night: dict[str, Any]) -> dict[Lot, Tail]:
    """Judge the night's sample of a brand; return for each lot how many items that is, and how many score high."""
    judged: Counter[Lot] = Counter()
    high: Counter[Lot] = Counter()
    for item in connection.execute(_SAMPLE, night).fetchall():
        product = held.register.find_product(item.gtin)
        if product is not None:
            lot = item.gtin, item.lot
            judged[lot] += 1
            high[lot] += _score(connection, held, product, item.sgtin) >= HIGH
    return {lot: Tail(count, high[lot]) for lot, count in judged.items()}


def _score(connection: psycopg.Connection[Any], held: Holdings, product: Product, sgtin: str) -> float:
    serial = sgtin.partition(".")[2]
    place = serials.decode(serial, product.gtin, held.serial_keys_of(product.brand_id)) or (None, None)
    row = connection.execute(sql.EVIDENCE, {"sgtin": sgtin, "run": place[0], "index": place[1]}).fetchone()
    return 0.0 if row is None else investigations.examine(row, product).examination.score
