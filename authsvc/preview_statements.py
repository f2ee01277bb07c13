"""
The SQL of previews: what is replayed of the recorded scans of a brand, item by item. Values are always parameters.

``SCANS`` are the moments at which the service judged: a counted scan that was not the item's first, and the page of a
scan that ran. What could be seen then are the sightings whose page had run, and those of earlier scans that had only
opened the link.
"""

_WHERE = """
FROM scans s
WHERE s.brand_id = %(brand_id)s AND s.at > %(since)s AND s.at <= %(until)s
  AND (%(gtin)s::text IS NULL OR s.gtin = %(gtin)s) AND (s.automated IS NULL OR s.confirmed_at IS NOT NULL)"""

COUNT_SCANS = f"SELECT count(*) {_WHERE}"

SCANS = f"""
SELECT s.sgtin, s.at, s.id, s.confirmed_at, s.automated IS NULL AND s.scan_number > 1 AS is_judged {_WHERE}
ORDER BY s.sgtin, s.at, s.id"""

ITEMS = """
SELECT i.sgtin, i.gtin, i.run, i.disposition, i.disposition_at, i.commissioned_at,
  i.commissioned_at IS NULL AND EXISTS (SELECT FROM commissions c WHERE c.brand_id = i.brand_id AND c.run = i.run)
    AS is_in_range
FROM items i WHERE i.sgtin = ANY (%(sgtins)s) AND i.brand_id = %(brand_id)s"""

# Of what was seen before, only the newest is ever read; the others are there in the order in which they came.
SIGHTINGS = """
SELECT e.sgtin, e.confirmed_id, encode(e.visitor, 'hex') AS visitor, encode(e.prefix, 'hex') AS prefix,
  extract(epoch FROM e.first_at)::float8 AS first_at, e.country, e.latitude, e.longitude, e.radius_km, e.network,
  encode(e.asn, 'hex') AS asn, e.first_at AS opened_at,
  NOT EXISTS (SELECT FROM sightings o WHERE o.sgtin = e.sgtin AND o.is_evidence AND o.prefix = e.prefix
    AND o.visitor <> e.visitor AND o.first_at > e.first_at - interval '1 day'
    AND o.first_at <= e.first_at) AS counts_at_once
FROM unnest(%(sgtins)s::text[]) AS k (sgtin) CROSS JOIN LATERAL (
  (SELECT * FROM sightings s WHERE s.sgtin = k.sgtin AND s.is_evidence
     AND s.first_at <= %(since)s ORDER BY s.first_at DESC LIMIT %(before)s)
  UNION ALL
  (SELECT * FROM sightings s WHERE s.sgtin = k.sgtin AND s.is_evidence
     AND s.first_at > %(since)s ORDER BY s.first_at LIMIT %(most)s)) e
WHERE e.brand_id = %(brand_id)s"""

FACTS = """
SELECT f.sgtin, f.recorded_at AS known_at, f.kind, extract(epoch FROM f.at)::float8 AS at,
  encode(f.visitor, 'hex') AS visitor, f.country, f.latitude, f.longitude, f.radius_km, f.markets
FROM item_facts f
WHERE f.sgtin = ANY (%(sgtins)s) AND f.brand_id = %(brand_id)s AND f.withdrawn_at IS NULL
UNION ALL
SELECT r.sgtin, r.at, r.kind, extract(epoch FROM r.at)::float8, NULL, NULL, NULL, NULL, NULL, NULL
FROM resolutions r
WHERE r.sgtin = ANY (%(sgtins)s) AND r.brand_id = %(brand_id)s AND r.is_evidence AND r.undone_at IS NULL"""

COMMISSIONED = """
SELECT k.sgtin, min(c.at) AS at
FROM unnest(%(sgtins)s::text[], %(runs)s::int[], %(indexes)s::bigint[]) AS k (sgtin, run, index)
JOIN commissions c ON c.brand_id = %(brand_id)s AND c.run = k.run AND k.index BETWEEN c.index_from AND c.index_to
GROUP BY k.sgtin"""

RAISED = """
SELECT count(*) FROM alerts a
WHERE a.brand_id = %(brand_id)s AND a.opened_at > %(since)s AND a.opened_at <= %(until)s AND a.subject = 'item'
  AND a.rule <> ALL (%(others)s) AND (%(gtin)s::text IS NULL OR a.gtin = %(gtin)s)"""

RATES = """
SELECT b.target_rate AS whole, p.gtin, p.target_rate AS own
FROM brands b LEFT JOIN products p ON p.brand_id = b.id AND p.target_rate IS NOT NULL
WHERE b.id = %(brand_id)s"""

SERIAL_KEYS = "SELECT epoch, wrapped FROM serial_keys WHERE brand_id = %(brand_id)s"
