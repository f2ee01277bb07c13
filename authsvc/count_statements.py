"""
The SQL of counts by day. Values are always parameters.

A scan is told by the reason of its verdict, from the facts that are stored with it and in the order of
``core.verdicts.RULES``; a test compares the two. What a later revocation of its key would say is not among the facts.
"""

MARK = "SELECT at FROM job_marks WHERE job = %(job)s"

# The use-by day has ended everywhere on earth a day later, as verdicts have it.
REASON = """
CASE WHEN b.is_sandbox THEN 'test'
  WHEN s.recall_id IS NOT NULL OR s.disposition = 'recalled' THEN 'recalled'
  WHEN s.disposition IN ('stolen', 'lost', 'blocked') THEN s.disposition
  WHEN s.disposition IN ('inactive', 'destroyed') THEN 'withdrawn'
  WHEN s.is_flagged THEN 'possible-copy'
  WHEN NOT s.is_released THEN 'not-released'
  WHEN (s.at AT TIME ZONE 'UTC')::date - s.expires_on > 1 THEN 'expired'
  WHEN substr(s.sgtin, 15, 2) = '..' THEN 'lot-only'
  WHEN s.mine_at IS NOT NULL THEN 'checked-by-you'
  WHEN s.scan_number = 1 THEN 'first-check'
  ELSE 'checked-before' END"""

# Programs that read a page are no checks; but a forged code that a data centre shows may well be an attack. Whose own
# people look is not counted either. Through the brand, because that is how rejections and alerts are found.
_SEEN = f"""
SELECT s.brand_id, (s.at AT TIME ZONE 'UTC')::date AS day, coalesce(s.gtin, '') AS gtin, coalesce(s.lot, '') AS lot,
  coalesce(s.country, '') AS country, {REASON} AS kind
FROM scans s JOIN brands b ON b.id = s.brand_id
WHERE s.at > %(mark)s AND s.at <= %(upto)s {{scans}} AND (s.automated IS NULL OR s.confirmed_at IS NOT NULL)
UNION ALL
SELECT r.brand_id, (r.at AT TIME ZONE 'UTC')::date, coalesce(r.gtin, ''), coalesce(r.lot, ''),
  coalesce(r.country, ''), r.reason
FROM brands b JOIN rejections r ON r.brand_id = b.id
WHERE r.at > %(mark)s AND r.at <= %(upto)s {{rejections}} AND (r.automated IS NULL OR r.automated = 'datacentre')"""

_ALERTS = """
SELECT a.brand_id, (a.opened_at AT TIME ZONE 'UTC')::date AS day, a.rule AS kind
FROM brands b JOIN alerts a ON a.brand_id = b.id
WHERE a.opened_at > %(mark)s AND a.opened_at <= %(upto)s {alerts}"""

# The bits say which of gtin, lot and country a group does not tell apart.
_GROUPED = f"""
SELECT brand_id, CASE GROUPING(gtin, lot, country) WHEN 7 THEN 'day' WHEN 6 THEN 'country' WHEN 3 THEN 'product'
    WHEN 2 THEN 'cell' ELSE 'lot' END AS dimension,
  day, coalesce(gtin, '') AS gtin, coalesce(lot, '') AS lot, coalesce(country, '') AS country, kind, count(*) AS count
FROM ({_SEEN}) AS seen
GROUP BY brand_id, day, kind, GROUPING SETS ((), (country), (gtin), (gtin, lot), (gtin, country))
HAVING GROUPING(gtin, lot, country) <> 1 OR lot <> ''
UNION ALL
SELECT brand_id, 'alert', day, '', '', '', kind, count(*) FROM ({_ALERTS}) AS alerts GROUP BY brand_id, day, kind"""

COUNT = f"""
INSERT INTO daily_counts AS d (brand_id, dimension, day, gtin, lot, country, kind, count)
{_GROUPED.format(scans="", rejections="", alerts="")}
ON CONFLICT (brand_id, dimension, day, gtin, lot, country, kind) DO UPDATE SET count = d.count + excluded.count"""

FORGET = "DELETE FROM daily_counts WHERE day = %(day)s"
"""What is counted of one day, of all brands."""

LIVE = _GROUPED.format(
    scans="AND s.brand_id = %(brand_id)s",
    rejections="AND r.brand_id = %(brand_id)s",
    alerts="AND a.brand_id = %(brand_id)s",
)
"""What is not counted yet, of one brand."""

OLDEST = """
SELECT least((SELECT min(at) FROM scans), (SELECT min(at) FROM rejections), (SELECT min(opened_at) FROM alerts))"""
"""Reads everything, once in the life of an installation."""

# One pass over the days: totals for the charts, and the strongest of each list.
FIGURES = f"""
WITH x AS MATERIALIZED (
  SELECT dimension, day, gtin, lot, country, kind, count FROM daily_counts
  WHERE brand_id = %(brand_id)s AND dimension IN ('day', 'country', 'product', 'lot', 'alert') AND day >= %(since)s
  UNION ALL
  SELECT dimension, day, gtin, lot, country, kind, count FROM ({LIVE}) AS live WHERE day >= %(since)s),
ranked AS (
  SELECT dimension, gtin, lot, country, sum(count) AS count, sum(count) FILTER (WHERE kind = ANY(%(bad)s)) AS bad,
    row_number() OVER (PARTITION BY dimension ORDER BY sum(count) DESC, gtin, lot, country) AS rank
  FROM x WHERE dimension IN ('country', 'product', 'lot') GROUP BY dimension, gtin, lot, country)
SELECT dimension, day, '' AS gtin, '' AS lot, '' AS country, kind, sum(count)::bigint AS count, 0::bigint AS bad
FROM x WHERE dimension IN ('day', 'alert') GROUP BY dimension, day, kind
UNION ALL
SELECT dimension, NULL, gtin, lot, country, '', count::bigint, coalesce(bad, 0)::bigint
FROM ranked WHERE dimension = 'country' OR rank <= %(most)s
ORDER BY count DESC, gtin, lot, country"""
