"""
The SQL of the watch over lots. Values are always parameters.

A sighting speaks of a place when its page ran, when it is evidence, and when it came from no relay or data centre.
"""

_SPEAKS = """{0}.confirmed_id IS NOT NULL AND {0}.is_evidence AND {0}.country IS NOT NULL
  AND {0}.network NOT IN ('relay', 'datacentre')"""

MAKE_MARK = "INSERT INTO job_marks (job, at) VALUES (%(job)s, 'epoch') ON CONFLICT (job) DO NOTHING"
LOCK_MARK = "SELECT at FROM job_marks WHERE job = %(job)s FOR UPDATE"
SET_MARK = "UPDATE job_marks SET at = %(at)s WHERE job = %(job)s"

END_OF_BATCH = """
SELECT first_at FROM sightings WHERE first_at > %(mark)s AND first_at <= %(newest)s
ORDER BY first_at OFFSET %(skip)s LIMIT 1"""

# Whether an item is known, and was away from a country long enough to be counted there again, is asked of sightings
# that are earlier than this one: what a later batch reads changes nothing of what an earlier one has counted.
COUNT_SIGHTINGS = f"""
INSERT INTO lot_days AS d (brand_id, gtin, lot, country, day, known, fresh, first)
SELECT x.brand_id, x.gtin, x.lot, x.country, x.day, count(*) FILTER (WHERE x.is_known),
  count(*) FILTER (WHERE NOT x.is_known), count(*) FILTER (WHERE x.is_first)
FROM (
  SELECT s.brand_id, i.gtin, coalesce(i.lot, r.lot) AS lot, s.country, (s.first_at AT TIME ZONE 'UTC')::date AS day,
    f.first_at <= s.first_at - %(known)s::interval AS is_known,
    f.visitor = s.visitor AS is_first
  FROM sightings s
  JOIN items i ON i.sgtin = s.sgtin AND i.brand_id = s.brand_id
  LEFT JOIN runs r ON r.brand_id = i.brand_id AND r.number = i.run
  CROSS JOIN LATERAL (SELECT e.first_at, e.visitor FROM sightings e
    WHERE e.sgtin = s.sgtin AND {_SPEAKS.format("e")} ORDER BY e.first_at, e.visitor LIMIT 1) f
  WHERE s.first_at > %(mark)s AND s.first_at <= %(upto)s AND {_SPEAKS.format("s")} AND i.gtin IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM sightings e WHERE e.sgtin = s.sgtin AND e.country = s.country
      AND {_SPEAKS.format("e")} AND (e.first_at, e.visitor) < (s.first_at, s.visitor)
      AND e.first_at > s.first_at - %(window)s::interval)) x
WHERE x.lot IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT (brand_id, gtin, lot, country, day) DO UPDATE SET known = d.known + excluded.known,
  fresh = d.fresh + excluded.fresh, first = d.first + excluded.first"""

LOT_PLACES = """
SELECT d.brand_id, d.gtin, d.lot, d.country, p.markets,
  coalesce(sum(d.known) FILTER (WHERE d.day > %(until)s::date - %(window)s::int), 0)::int AS known,
  coalesce(sum(d.fresh) FILTER (WHERE d.day > %(until)s::date - %(window)s::int), 0)::int AS fresh,
  coalesce(sum(d.known + d.fresh) FILTER (WHERE d.day <= %(until)s::date - %(window)s::int), 0)::int AS before,
  coalesce(sum(d.first) FILTER (WHERE d.day <= %(until)s::date - %(window)s::int), 0)::int AS first
FROM lot_days d JOIN products p ON p.gtin = d.gtin AND p.brand_id = d.brand_id
WHERE d.day <= %(until)s::date AND d.day > %(since)s::date
GROUP BY d.brand_id, d.gtin, d.lot, d.country, p.markets
ORDER BY d.brand_id"""

# One network is set beside the other networks of the same brand on the same day.
REFUSED = """
SELECT n.*, coalesce((sum(codes) OVER brand - codes)::float / nullif(count(*) OVER brand - 1, 0), 0) AS usual
FROM (
  SELECT brand_id, prefix, count(DISTINCT (gtin, serial)) AS codes, min(at) AS since, min(country) AS country,
    count(DISTINCT (gtin, serial)) FILTER (WHERE reason = 'forged') AS forged,
    count(DISTINCT (gtin, serial)) FILTER (WHERE reason = 'not-issued') AS not_issued,
    extract(epoch FROM max(at) - min(at)) / 3600 AS hours
  FROM rejections
  WHERE at > %(since)s AND at <= %(now)s AND brand_id IS NOT NULL AND reason IN ('forged', 'not-issued')
    AND NOT is_typed
  GROUP BY brand_id, prefix) n
WINDOW brand AS (PARTITION BY brand_id)"""

FLAGGED_RUNS = """
SELECT x.brand_id, x.run, r.gtin, r.lot, r.count, x.sgtins[1:%(most)s] AS sgtins
FROM (
  SELECT brand_id, run, array_agg(sgtin ORDER BY sgtin) AS sgtins, max(flagged_at) AS latest
  FROM items WHERE flagged_at IS NOT NULL AND run IS NOT NULL
  GROUP BY brand_id, run HAVING count(*) > 2) x
JOIN runs r ON r.brand_id = x.brand_id AND r.number = x.run
WHERE x.latest > %(since)s"""

OPEN_ALERT = """
INSERT INTO alerts (sgtin, id, brand_id, subject, rule, score, evidence, opened_at)
SELECT %(key)s::text, %(id)s::uuid, %(brand_id)s::uuid, %(subject)s::text, %(rule)s::text, %(score)s::real,
  %(evidence)s::jsonb, %(at)s::timestamptz
WHERE NOT EXISTS (SELECT 1 FROM alerts a WHERE a.sgtin = %(key)s AND a.rule = %(rule)s
  AND coalesce(a.closed_at, 'infinity') > %(at)s::timestamptz - %(window)s::interval)
ON CONFLICT (sgtin, rule) WHERE closed_at IS NULL DO NOTHING"""
