"""
The SQL of a scan: one statement records a presentation and reads back everything that its verdict rests on.

What must stay true:

* A repeat is decided in the ON CONFLICT of ``sightings``, where concurrent scans of one visitor queue up; reading
  ``scans`` for it would be a race. Every writer locks the sighting, then the item, then the rest.
* A statement under READ COMMITTED sees one snapshot, but ON CONFLICT acts on the newest row. On a busy item the
  evidence read here can be older than the count, which ``stale`` tells: then read the sightings again.
* The hot statement reads no scan and touches no row twice. ``issued`` is decided here, never by a cache.
"""

_ASKED = {
    "sgtin": "text",
    "brand_id": "uuid",
    "gtin": "text",
    "serial": "text",
    "link_lot": "text",
    "link_expires_on": "date",
    "key_id": "int",
    "at": "timestamptz",
    "id": "uuid",
}
_DERIVED = {"run": "int", "index": "bigint"}
_SEEN = {
    "visitor": "bytea",
    "prefix": "bytea",
    "country": "text",
    "latitude": "real",
    "longitude": "real",
    "radius_km": "real",
    "network": "text",
    "channel": "text",
    "automated": "text",
    "is_weak": "bool",
    "is_signed": "bool",
    "format": "text",
    "needs_commission": "bool",
    "asn": "bytea",
    "device": "uuid",
}
"""
Every parameter of a scan with its type: what is asked, what the serial stands for, what was seen.

They come in by ``k`` and by nothing else, and all that follows speaks of the rows of ``k`` and ``f``. So one scan and
several together run the very same SQL.
"""


def _one(parameters: dict[str, str]) -> str:
    return "SELECT " + ", ".join(f"%({name})s::{kind} AS {name}" for name, kind in parameters.items())


def _several(parameters: dict[str, str]) -> str:
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in parameters.items())
    return f"SELECT * FROM unnest({arrays}) AS u ({', '.join(parameters)})"


_SSCC = """
s AS (SELECT number, sscc_first FROM runs
  WHERE brand_id = %(brand_id)s::uuid AND sscc_first <= %(sscc_number)s::bigint
    AND %(sscc_number)s::bigint < sscc_first + count
  ORDER BY sscc_first DESC LIMIT 1)"""


def _case(parameters: dict[str, str]) -> str:
    """Return ``k`` for a case, whose number stands for its run."""
    run = "s.number AS run, %(sscc_number)s::bigint - s.sscc_first AS index"
    return f"{_one(parameters)}, {run} FROM (SELECT) AS one LEFT JOIN s ON true"


# Issued: the run is ours, for this product, finished, and long enough; or the item has a row of its own, which only a
# scan of an issued code, an import or an exception makes. A lot in the link must be the lot of the item, and a token
# must be of the key that the run was issued with: a stolen key of another format or run makes no code of this one.
# The run of an item's own row comes first: one imported serial in 131,072 looks like a derived one by chance.
_FACTS = """
f AS MATERIALIZED (
  SELECT k.*, o.seq AS old_seq, o.first_at AS old_first_at, o.counted AS old_counted,
    coalesce(o.lot, r.lot) AS lot,
    CASE WHEN coalesce(o.disposition, 'active') = 'active' AND r.number = k.run AND r.voided @> k.index
      THEN 'inactive' ELSE o.disposition END AS disposition,
    o.disposition_at, o.first_valid_at AS old_first_valid_at, coalesce(o.records, 0) AS records,
    l.attributes AS lot_attributes, o.warranty_from, o.warranty_until, o.held_at,
    o.flagged_at, coalesce(o.facts, 0) AS facts, coalesce(o.score, 0) AS score,
    o.commissioned_at AS own_commissioned_at,
    coalesce(o.expires_on, r.expires_on, l.expires_on, k.link_expires_on) AS expires_on,
    r.number AS any_run,
    coalesce(o.commissioned_at IS NOT NULL OR (r.number = k.run AND r.commissioned @> k.index), false)
      AS is_commissioned,
    coalesce(k.gtin IS NULL OR coalesce(o.gtin, r.gtin) = k.gtin, false)
      AND (o.sgtin IS NOT NULL OR coalesce(r.issued_at IS NOT NULL AND k.index < r.count, false))
      AND (k.link_lot IS NULL OR k.link_lot = coalesce(o.lot, r.lot, ''))
      AND coalesce(k.key_id IS NULL OR r.key_id = k.key_id, false) AS issued,
    c.id AS recall_id, c.reason AS recall_reason, c.remedy AS recall_remedy, c.lot AS recall_lot,
    c.recalled_at AS recalled_at, c.language AS recall_language, c.texts AS recall_texts
  FROM k
  LEFT JOIN items o ON o.sgtin = k.sgtin
  LEFT JOIN runs r ON r.brand_id = k.brand_id AND r.number = coalesce(o.run, k.run)
  LEFT JOIN lots l ON l.gtin = k.gtin AND l.lot = coalesce(o.lot, r.lot) AND l.brand_id = k.brand_id
  LEFT JOIN LATERAL (
    SELECT x.* FROM recalls x
    WHERE x.gtin = k.gtin AND x.brand_id = k.brand_id AND x.lifted_at IS NULL AND CASE
      WHEN x.run IS NOT NULL THEN
        x.run = r.number AND r.number = k.run AND k.index BETWEEN x.index_from AND x.index_to
      WHEN x.serial_from IS NOT NULL THEN
        r.mode IN ('imported', 'random') AND (x.lot IS NULL OR x.lot = o.lot)
        AND length(k.serial) = length(x.serial_from) AND k.serial BETWEEN x.serial_from AND x.serial_to
      WHEN x.listed IS NOT NULL THEN
        EXISTS (SELECT FROM recall_items z WHERE z.sgtin = k.sgtin AND z.recall_id = x.id)
      WHEN x.made_from IS NOT NULL THEN r.issued_at >= x.made_from AND r.issued_at < x.made_until
      ELSE x.lot IS NULL OR x.lot = coalesce(o.lot, r.lot) OR x.lot = k.link_lot END
    ORDER BY x.recalled_at LIMIT 1) c ON true)"""

# What everybody may see of one item; only read where the item's counter says that there is something.
_UNIT_DATA = """
json_build_array(
    (SELECT json_agg(json_build_array(a.name, a.value) ORDER BY a.name) FROM item_attributes a
      WHERE a.sgtin = f.sgtin AND a.brand_id = f.brand_id AND a.audience = 'public'),
    (SELECT json_agg(json_build_array(n.id, n.kind, extract(epoch FROM n.at), n.values, n.text, n.corrects))
      FROM (SELECT * FROM item_records r WHERE r.sgtin = f.sgtin AND r.brand_id = f.brand_id AND r.audience = 'public'
        ORDER BY r.at DESC LIMIT 60) n))"""

_STATE = f"""
f.issued, f.lot, f.disposition, f.disposition_at, f.flagged_at, f.expires_on, f.any_run, f.is_commissioned,
  f.recall_id, f.recall_reason, f.recall_remedy, f.recall_lot, f.recalled_at,
  f.recall_language, f.recall_texts,
  f.warranty_from, f.warranty_until, f.held_at,
  CASE WHEN f.lot_attributes <> '{{}}' THEN f.lot_attributes END AS lot_data,
  CASE WHEN f.records > 0 THEN {_UNIT_DATA} END AS unit_data"""

# Confirmed sightings first: whoever opens a link and never looks at the page must not push evidence out.
_EVIDENCE = """
(SELECT json_agg(json_build_array(encode(h.visitor, 'hex'), encode(h.prefix, 'hex'), extract(epoch FROM h.first_at),
    h.confirmed_id IS NOT NULL, h.country, h.latitude, h.longitude, h.radius_km, h.network, encode(h.asn, 'hex')))
  FROM ((SELECT * FROM sightings e WHERE e.sgtin = {sgtin} AND e.is_evidence AND e.confirmed_id IS NOT NULL
      ORDER BY e.first_at DESC LIMIT 48)
    UNION ALL (SELECT * FROM sightings e WHERE e.sgtin = {sgtin} AND e.is_evidence AND e.confirmed_id IS NULL
      ORDER BY e.first_at DESC LIMIT 16)) h)"""

# What else is known of the item; only read where the item's counter says that there is something. The brand is asked
# for too: a row that names another brand's item must not speak of it.
_KNOWN = """
(SELECT json_agg(json_build_array(x.kind, extract(epoch FROM x.at), encode(x.visitor, 'hex'), x.country, x.latitude,
    x.longitude, x.radius_km, x.markets))
  FROM ((SELECT e.kind, e.at, e.visitor, e.country, e.latitude, e.longitude, e.radius_km, e.markets FROM item_facts e
      WHERE e.sgtin = {sgtin} AND e.brand_id = {brand} AND e.withdrawn_at IS NULL ORDER BY e.at DESC LIMIT 48)
    UNION ALL (SELECT e.kind, e.at, NULL, NULL, NULL, NULL, NULL, NULL FROM resolutions e
      WHERE e.sgtin = {sgtin} AND e.brand_id = {brand} AND e.is_evidence AND e.undone_at IS NULL
      ORDER BY e.at DESC LIMIT 16)) x)"""

_COMMISSIONED_AT = """
coalesce({own}, (SELECT min(c.at) FROM commissions c WHERE c.brand_id = {brand} AND c.run = {run}
  AND {index} BETWEEN c.index_from AND c.index_to))"""

_RECORD = f"""
v AS (
  INSERT INTO sightings AS s (sgtin, visitor, brand_id, prefix, first_at, counted_at, counted_id, is_evidence, is_weak,
    country, latitude, longitude, radius_km, network, asn)
  SELECT f.sgtin, f.visitor, f.brand_id, f.prefix, f.at, f.at, f.id,
    NOT EXISTS (SELECT 1 FROM sightings e WHERE e.sgtin = f.sgtin AND e.is_evidence AND e.prefix = f.prefix
      AND e.first_at > f.at - interval '1 day'),
    f.is_weak, f.country, f.latitude, f.longitude, f.radius_km,
    f.network, f.asn
  FROM f WHERE f.issued AND f.automated IS NULL
  ON CONFLICT (sgtin, visitor) DO UPDATE SET
    counted_at = CASE WHEN excluded.counted_at >= s.counted_at + interval '30 minutes'
      THEN excluded.counted_at ELSE s.counted_at END,
    counted_id = CASE WHEN excluded.counted_at >= s.counted_at + interval '30 minutes'
      THEN excluded.counted_id ELSE s.counted_id END,
    is_weak = s.is_weak AND excluded.is_weak
  RETURNING s.sgtin, s.counted_id, s.first_at),
i AS (
  INSERT INTO items AS t (sgtin, brand_id, gtin, run, lot, seq, counted, first_at, last_at, first_valid_at)
  SELECT f.sgtin, f.brand_id, f.gtin, f.any_run, f.lot, 1, (v.counted_id = f.id)::int, f.at, f.at,
    CASE WHEN f.is_signed AND v.counted_id = f.id THEN statement_timestamp() END
  FROM f JOIN v USING (sgtin)
  ON CONFLICT (sgtin) DO UPDATE SET seq = t.seq + 1, counted = t.counted + excluded.counted,
    first_at = coalesce(t.first_at, excluded.first_at), last_at = greatest(t.last_at, excluded.last_at),
    first_valid_at = coalesce(t.first_valid_at, excluded.first_valid_at)
  RETURNING t.sgtin, t.seq, t.counted, t.first_at, t.first_valid_at),
w AS (
  INSERT INTO scans (sgtin, at, id, brand_id, gtin, visitor, prefix, country, latitude, longitude, radius_km, network,
    channel, automated, is_weak, is_counted, key_id, format, run, lot, scan_number, first_at, mine_at,
    disposition, disposition_at, recall_id, expires_on, is_released, is_flagged, asn, device)
  SELECT f.sgtin, f.at, f.id, f.brand_id, f.gtin, f.visitor, f.prefix, f.country,
    f.latitude, f.longitude, f.radius_km, f.network, f.channel,
    f.automated, f.is_weak, coalesce(v.counted_id = f.id, false), f.key_id, f.format,
    f.any_run, f.lot, i.counted, coalesce(i.first_at, f.old_first_at), CASE WHEN v.first_at < f.at THEN v.first_at END,
    f.disposition, f.disposition_at, f.recall_id, f.expires_on,
    f.is_commissioned OR NOT f.needs_commission, f.flagged_at IS NOT NULL, f.asn,
    f.device
  FROM f LEFT JOIN v USING (sgtin) LEFT JOIN i USING (sgtin) WHERE f.issued)
SELECT f.sgtin, {_STATE}, i.counted AS scan_number, coalesce(i.first_at, f.old_first_at) AS first_at,
  CASE WHEN v.first_at < f.at THEN v.first_at END AS mine_at,
  coalesce(i.first_valid_at, f.old_first_valid_at) AS first_valid_at,
  i.seq IS NOT NULL AND i.seq <> coalesce(f.old_seq, 0) + 1 AS stale,
  CASE WHEN i.counted > 1 THEN {_EVIDENCE.format(sgtin="f.sgtin")} END AS evidence, f.facts, f.score,
  CASE WHEN i.counted > 1 AND f.facts > 0 THEN {_KNOWN.format(sgtin="f.sgtin", brand="f.brand_id")} END AS known,
  CASE WHEN i.counted > 1 AND f.is_commissioned THEN {
    _COMMISSIONED_AT.format(own="f.own_commissioned_at", brand="f.brand_id", run="f.any_run", index="f.index")
} END AS commissioned_at
FROM f LEFT JOIN v USING (sgtin) LEFT JOIN i USING (sgtin)"""

_READ = f"""
SELECT {_STATE}, NULL::int AS scan_number, f.old_first_at AS first_at,
  NULL::timestamptz AS mine_at, f.old_first_valid_at AS first_valid_at, false AS stale, NULL AS evidence,
  h.owners, h.is_offered
FROM f LEFT JOIN LATERAL authsvc_item_owners(f.sgtin, f.brand_id, f.at) h ON f.issued"""

_ITEM = _ASKED | _DERIVED

SCAN_ITEM = f"WITH k AS ({_one(_ITEM | _SEEN)}), {_FACTS}, {_RECORD}"
SCAN_ITEMS = f"WITH k AS ({_several(_ITEM | _SEEN)}), {_FACTS}, {_RECORD}"
SCAN_CASE = f"WITH {_SSCC}, k AS ({_case(_ASKED | _SEEN)}), {_FACTS}, {_RECORD}"
READ_ITEM = f"WITH k AS ({_one(_ITEM)}), {_FACTS} {_READ}"
READ_CASE = f"WITH {_SSCC}, k AS ({_case(_ASKED)}), {_FACTS} {_READ}"

READ_LOT = """
SELECT l.lot IS NOT NULL AND (%(key_id)s::int IS NULL OR EXISTS (SELECT 1 FROM runs r
    WHERE r.gtin = l.gtin AND r.lot = l.lot AND r.mode = 'lot' AND r.key_id = %(key_id)s::int
      AND r.issued_at IS NOT NULL)) AS issued,
  l.run AS any_run, NULL::timestamptz AS first_valid_at, l.expires_on,
  CASE WHEN l.attributes <> '{}' THEN l.attributes END AS lot_data, NULL::json AS unit_data,
  c.id AS recall_id, c.reason AS recall_reason,
  c.remedy AS recall_remedy, c.lot AS recall_lot, c.recalled_at,
  c.language AS recall_language, c.texts AS recall_texts
FROM (SELECT) AS one
LEFT JOIN lots l ON l.gtin = %(gtin)s AND l.lot = %(lot)s AND l.brand_id = %(brand_id)s
LEFT JOIN LATERAL (
  SELECT x.* FROM recalls x
  WHERE x.gtin = %(gtin)s AND x.brand_id = %(brand_id)s AND x.lifted_at IS NULL AND x.run IS NULL
    AND x.serial_from IS NULL AND x.listed IS NULL AND (x.lot IS NULL OR x.lot = %(lot)s)
    AND (x.made_from IS NULL OR l.issued_at >= x.made_from AND l.issued_at < x.made_until)
  ORDER BY x.recalled_at LIMIT 1) c ON true"""
"""
A lot, or a product as a whole (``lot`` null): read only; the recall of a lot is a recall of its code.

With a key, the lot's code must have been issued with it; without one, it is enough that the lot is registered.
"""

RECORD_LOT = """
INSERT INTO scans (sgtin, at, id, brand_id, gtin, visitor, prefix, country, latitude, longitude, radius_km, network,
  channel, automated, is_weak, is_counted, key_id, format, run, lot, recall_id, expires_on, is_released, is_flagged,
  asn, device)
VALUES (%(sgtin)s, %(at)s, %(id)s, %(brand_id)s, %(gtin)s, %(visitor)s, %(prefix)s, %(country)s, %(latitude)s,
  %(longitude)s, %(radius_km)s, %(network)s, %(channel)s, %(automated)s, %(is_weak)s, false, %(key_id)s, %(format)s,
  %(run)s, %(lot)s, %(recall_id)s, %(expires_on)s, true, false, %(asn)s, %(device)s)"""

REJECT = """
INSERT INTO rejections (at, id, brand_id, reason, detail, gtin, serial, sscc, lot, key_id, format, is_typed, is_issued,
  disposition, disposition_at, recall_id, is_flagged, visitor, prefix, country, network, channel, automated)
VALUES (%(at)s, %(id)s, %(brand_id)s, %(reason)s, %(detail)s, %(gtin)s, %(serial)s, %(sscc)s, %(link_lot)s, %(key_id)s,
  %(format)s, %(is_typed)s, %(is_issued)s, %(disposition)s, %(disposition_at)s, %(recall_id)s, %(is_flagged)s,
  %(visitor)s, %(prefix)s, %(country)s, %(network)s, %(channel)s, %(automated)s)"""

EVIDENCE = f"""
SELECT t.facts, t.score, t.flagged_at, t.disposition, t.disposition_at, {_EVIDENCE.format(sgtin="t.sgtin")} AS evidence,
  CASE WHEN t.facts > 0 THEN {_KNOWN.format(sgtin="t.sgtin", brand="t.brand_id")} END AS known,
  {
    _COMMISSIONED_AT.format(own="t.commissioned_at", brand="t.brand_id", run="%(run)s::int", index="%(index)s::bigint")
} AS commissioned_at
FROM items t WHERE t.sgtin = %(sgtin)s"""
"""All that is known of one item, when it must be judged outside of the statement that recorded a scan."""

# The scan row is the one-time ticket: whoever sets confirmed_at wins. It was inserted by a statement that is over, so
# locking it first cannot meet a scan that waits for it.
CONFIRM = """
WITH c AS (
  UPDATE scans SET confirmed_at = %(at)s WHERE id = %(id)s AND at > %(at)s::timestamptz - interval '5 minutes'
    AND at <= %(at)s::timestamptz + interval '1 minute' AND confirmed_at IS NULL
    AND (automated IS NULL OR automated NOT IN ('bot', 'head', 'internal'))
  RETURNING sgtin, at, id, brand_id, gtin, visitor, prefix, country, latitude, longitude, radius_km, network, automated,
    is_weak, run, lot, format, asn),
v AS (
  INSERT INTO sightings AS s (sgtin, visitor, brand_id, prefix, first_at, counted_at, counted_id, confirmed_id,
    is_evidence, is_weak, country, latitude, longitude, radius_km, network, asn)
  SELECT c.sgtin, c.visitor, c.brand_id, c.prefix, c.at, c.at, c.id, c.id,
    NOT EXISTS (SELECT 1 FROM sightings e WHERE e.sgtin = c.sgtin AND e.is_evidence AND e.confirmed_id IS NOT NULL
      AND e.prefix = c.prefix AND e.visitor <> c.visitor AND e.first_at > c.at - interval '1 day'),
    c.is_weak, c.country, c.latitude, c.longitude, c.radius_km, c.network, c.asn
  FROM c
  ON CONFLICT (sgtin, visitor) DO UPDATE SET confirmed_id = coalesce(s.confirmed_id, excluded.confirmed_id),
    is_evidence = s.is_evidence OR excluded.is_evidence,
    counted_at = CASE WHEN excluded.counted_at >= s.counted_at + interval '30 minutes'
      THEN excluded.counted_at ELSE s.counted_at END,
    counted_id = CASE WHEN excluded.counted_at >= s.counted_at + interval '30 minutes'
      THEN excluded.counted_id ELSE s.counted_id END
  RETURNING s.sgtin, s.counted_id, s.confirmed_id),
i AS (
  INSERT INTO items AS t (sgtin, brand_id, gtin, run, lot, seq, counted, confirmed, first_at, last_at, first_valid_at)
  SELECT c.sgtin, c.brand_id, c.gtin, c.run, c.lot, 1,
    (v.counted_id = c.id AND c.automated IS NOT NULL)::int, (v.confirmed_id = c.id)::int, c.at, c.at,
    CASE WHEN c.format IS NOT NULL THEN statement_timestamp() END
  FROM c JOIN v USING (sgtin)
  ON CONFLICT (sgtin) DO UPDATE SET seq = t.seq + 1, counted = t.counted + excluded.counted,
    confirmed = t.confirmed + excluded.confirmed, first_at = coalesce(t.first_at, excluded.first_at),
    first_valid_at = coalesce(t.first_valid_at, excluded.first_valid_at)
  RETURNING t.counted, t.confirmed)
SELECT c.sgtin, c.brand_id, c.gtin, c.at, i.counted, i.confirmed FROM c LEFT JOIN i ON true"""

# Runs after the scan or the confirmation that found the signal. Of many racers one finds the item without a flag and
# opens the alert; none opens one by facts that have changed since it read them.
RAISE_ALERT = """
WITH o AS (
  SELECT sgtin, brand_id, flagged_at IS NULL AS is_first FROM items
  WHERE sgtin = %(sgtin)s AND facts = %(facts)s::int FOR UPDATE),
i AS (
  UPDATE items t SET flagged_at = coalesce(t.flagged_at, %(at)s::timestamptz),
    score = greatest(t.score, %(score)s::real), seq = t.seq + 1
  FROM o WHERE t.sgtin = o.sgtin RETURNING t.sgtin),
a AS (
  INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at)
  SELECT o.sgtin, %(alert_id)s, o.brand_id, %(rule)s, %(score)s, %(evidence)s, %(at)s FROM o WHERE o.is_first
  ON CONFLICT (sgtin, rule) WHERE closed_at IS NULL DO NOTHING),
w AS (
  UPDATE scans SET is_flagged = true WHERE sgtin = %(sgtin)s AND at = %(scan_at)s AND id = %(scan_id)s
    AND EXISTS (SELECT FROM o))
SELECT sgtin FROM o"""

# Once an hour at most for each device and process; a device that was revoked meanwhile is not seen.
DEVICE_SEEN = """
UPDATE trusted_devices SET last_seen_at = %(at)s
WHERE brand_id = %(brand_id)s AND id = %(id)s AND revoked_at IS NULL"""

RECEIPT_SCAN = """
SELECT s.*, k.reason AS recall_reason, k.remedy AS recall_remedy, k.lot AS recall_lot, k.recalled_at,
  k.language AS recall_language, k.texts AS recall_texts, r.contents
FROM scans s LEFT JOIN recalls k ON k.id = s.recall_id
LEFT JOIN runs r ON r.brand_id = s.brand_id AND r.number = s.run AND starts_with(s.sgtin, '00.')
WHERE s.id = %(id)s AND s.at > %(at)s::timestamptz - interval '90 days'"""
"""What a case holds is of its run: the label that was scanned was made by it, and cannot say otherwise."""

RECEIPT_REJECTION = """
SELECT r.*, k.reason AS recall_reason, k.remedy AS recall_remedy, k.lot AS recall_lot, k.recalled_at,
  k.language AS recall_language, k.texts AS recall_texts
FROM rejections r LEFT JOIN recalls k ON k.id = r.recall_id
WHERE r.id = %(id)s AND r.at > %(at)s::timestamptz - interval '90 days'"""

OPEN_RECEIPT = """
INSERT INTO receipt_opens (receipt, visitor, brand_id, at)
SELECT %(id)s::uuid, %(visitor)s::bytea, %(brand_id)s::uuid, %(at)s::timestamptz
WHERE (SELECT count(*) FROM receipt_opens o WHERE o.receipt = %(id)s::uuid) <= 20
ON CONFLICT (receipt, visitor) DO NOTHING"""

COUNT_OPENS = "SELECT count(*) AS opens FROM receipt_opens WHERE receipt = %(id)s"

OPEN_ALERT = """
INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at)
VALUES (%(sgtin)s, %(alert_id)s, %(brand_id)s, %(rule)s, 1, %(evidence)s, %(at)s)
ON CONFLICT (sgtin, rule) WHERE closed_at IS NULL DO NOTHING"""
