"""
The SQL of exports. Values are always parameters; the statements run in the role of a console, within one brand.

Times are text already, in UTC: a million of them need no turning into values and back. Every statement comes with one
that counts what it will return.
"""

from authsvc import count_statements

_TIME = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

_ALERTS = """
FROM alerts a
WHERE a.brand_id = %(brand_id)s AND a.opened_at >= %(since)s AND a.opened_at < %(until)s
  AND (%(gtin)s::text IS NULL OR a.gtin = %(gtin)s)"""

COUNT_ALERTS = f"SELECT count(*) {_ALERTS}"

ALERTS = f"""
SELECT a.id::text, {_TIME.format("a.opened_at")}, {_TIME.format("a.closed_at")}, a.subject, a.gtin, p.name, a.serial,
  a.lot, CASE WHEN a.serial IS NULL THEN a.sgtin END, a.rule,
  CASE a.severity WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END, a.score,
  (SELECT string_agg(c.country, ' ' ORDER BY c.country) FROM alert_countries c
    WHERE c.sgtin = a.sgtin AND c.alert_id = a.id AND c.brand_id = a.brand_id),
  w.name, r.kind, {_TIME.format("r.at")}, r.resolved_by, r.reason
FROM (SELECT * {_ALERTS}) a
LEFT JOIN products p ON p.gtin = a.gtin AND p.brand_id = a.brand_id
LEFT JOIN staff_accounts w ON w.id = a.assignee
LEFT JOIN resolutions r
  ON r.sgtin = a.sgtin AND r.alert_id = a.id AND r.brand_id = a.brand_id AND r.undone_at IS NULL
ORDER BY a.opened_at, a.id"""

_SCANS = """
FROM scans s
WHERE s.brand_id = %(brand_id)s AND s.at >= %(since)s AND s.at < %(until)s
  AND (%(gtin)s::text IS NULL OR s.gtin = %(gtin)s)"""

_REJECTIONS = """
FROM rejections r
WHERE r.brand_id = %(brand_id)s AND r.at >= %(since)s AND r.at < %(until)s
  AND (%(gtin)s::text IS NULL OR r.gtin = %(gtin)s)"""

COUNT_SCANS = f"SELECT (SELECT count(*) {_SCANS}) + (SELECT count(*) {_REJECTIONS})"

# Neither the receipt, which is the address of a page, nor the network's pseudonym, which ties items together.
SCANS = f"""
SELECT {_TIME.format("x.at")}, x.gtin, p.name, x.serial, x.sscc, x.lot, x.reason, x.country, x.latitude, x.longitude,
  x.radius_km, x.network, x.channel, x.automated, x.is_counted, {_TIME.format("x.confirmed_at")}, x.scan_number,
  encode(x.visitor, 'hex'), x.key_id, x.format
FROM (
  SELECT s.at, s.gtin, CASE WHEN s.gtin IS NOT NULL AND substr(s.sgtin, 15, 2) <> '..' THEN substr(s.sgtin, 16) END
      AS serial,
    CASE WHEN s.gtin IS NULL AND starts_with(s.sgtin, '00.') THEN substr(s.sgtin, 4) END AS sscc, s.lot,
    {count_statements.REASON} AS reason, s.country, s.latitude, s.longitude, s.radius_km, s.network, s.channel,
    s.automated, s.is_counted, s.confirmed_at, s.scan_number, s.visitor, s.key_id, s.format
  FROM (SELECT * {_SCANS}) s JOIN brands b ON b.id = s.brand_id
  UNION ALL
  SELECT r.at, r.gtin, r.serial, r.sscc, r.lot, r.reason, r.country, NULL, NULL, NULL, r.network, r.channel,
    r.automated, false, NULL, NULL, r.visitor, r.key_id, r.format
  {_REJECTIONS}) x
LEFT JOIN products p ON p.gtin = x.gtin AND p.brand_id = %(brand_id)s
ORDER BY x.at"""

# What the job has counted, and on top what is younger, as the overview adds it.
COUNTS = f"""
SELECT x.day::text, nullif(x.gtin, ''), p.name, nullif(x.country, ''), x.kind, sum(x.count)::bigint
FROM (
  SELECT day, gtin, country, kind, count FROM daily_counts
  WHERE brand_id = %(brand_id)s AND dimension = 'cell'
  UNION ALL
  SELECT day, gtin, country, kind, count FROM ({count_statements.LIVE}) AS live WHERE dimension = 'cell') x
LEFT JOIN products p ON p.gtin = x.gtin AND p.brand_id = %(brand_id)s
WHERE x.day >= %(first)s AND x.day <= %(last)s AND (%(gtin)s::text IS NULL OR x.gtin = %(gtin)s)
GROUP BY x.day, x.gtin, p.name, x.country, x.kind
ORDER BY x.day, x.gtin, x.country, x.kind"""
