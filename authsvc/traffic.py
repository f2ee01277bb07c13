"""
Traffic: how many visitors a checked item of each product usually meets, learned from the brand's own scans.

A counterfeiter must not be able to make copies look usual: one item counts with few visitors however many it met, and
items that carry a warning or have an open alert are left out. An item that was cleared counts again.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from authsvc.core.clones.base_rates import MOST

LEARN = """
INSERT INTO base_rates (brand_id, gtin, items, visitors, learned_at)
SELECT i.brand_id, i.gtin, count(*), sum(least(s.visitors, %(most)s::bigint)), %(at)s::timestamptz
FROM (SELECT e.sgtin, count(*) AS visitors FROM sightings e
  WHERE e.is_evidence AND e.confirmed_id IS NOT NULL GROUP BY e.sgtin) s
JOIN items i ON i.sgtin = s.sgtin
JOIN products p ON p.gtin = i.gtin AND p.brand_id = i.brand_id
WHERE i.flagged_at IS NULL
  AND NOT EXISTS (SELECT FROM alerts a WHERE a.sgtin = i.sgtin AND a.closed_at IS NULL)
GROUP BY i.brand_id, i.gtin
ON CONFLICT (brand_id, gtin) DO UPDATE
  SET items = excluded.items, visitors = excluded.visitors, learned_at = excluded.learned_at"""
"""Takes ``at`` and ``most``. One pass over all sightings: a job for the night."""


def learn(session: Session, *, now: datetime) -> None:
    """Learn the traffic of all products anew; processes load it with the register."""
    session.connection().exec_driver_sql(LEARN, {"at": now, "most": MOST})
