"""
The statement that finds EPCIS events among the facts that are kept: one list, in the order in which they were recorded.

Each part yields when a fact was recorded, its kind and a key that is unique within the kind, so that a page goes on
exactly where the one before ended. A filter that is null filters nothing. What is asked of one item or lot also finds
what was said of its run, its lot or its product as a whole.
"""

_ITEM = """
    (%(sgtin)s::text IS NULL OR {sgtin} = %(sgtin)s::text)
    AND (%(gtin)s::text IS NULL OR {sgtin} ~>=~ (%(gtin)s::text || '.') AND {sgtin} ~<~ (%(gtin)s::text || '/'))"""
"""A fact of one item; the names of a product's items lie between its GTIN with a dot and its GTIN with a slash."""

_RUN = """
    (%(sgtin)s::text IS NULL OR r.number = %(run)s::int AND r.gtin = left(%(sgtin)s::text, 14))
    AND (%(gtin)s::text IS NULL OR r.gtin = %(gtin)s::text)
    AND (%(lot)s::text IS NULL OR r.lot = %(lot)s::text)"""

PARTS = {
    "issued": f"""
  SELECT r.issued_at AS at, 'issued' AS kind, r.number::text AS key, r.issued_at AS event_at, 'ObjectEvent' AS type,
    jsonb_build_object('gtin', r.gtin, 'lot', r.lot, 'run', r.number, 'count', r.count, 'mode', r.mode,
      'sscc_first', r.sscc_first, 'expires_on', coalesce(r.expires_on, l.expires_on)) AS fact
  FROM runs r JOIN products p ON p.gtin = r.gtin LEFT JOIN lots l ON l.gtin = r.gtin AND l.lot = r.lot
  WHERE r.brand_id = %(brand_id)s AND r.issued_at IS NOT NULL AND (p.release = 'on-issue' OR r.mode = 'lot')
    AND {_RUN}""",
    "packed": """
  SELECT r.issued_at, 'packed', r.number || '.' || n, r.issued_at, 'AggregationEvent',
    jsonb_build_object('gtin', r.gtin, 'lot', r.lot, 'run', r.number, 'case', r.sscc_first + n, 'contents', r.contents)
  FROM (SELECT r.* FROM runs r JOIN products p ON p.gtin = r.gtin AND p.release = 'on-issue'
    WHERE r.brand_id = %(brand_id)s AND r.mode = 'sscc' AND r.contents IS NOT NULL AND r.issued_at IS NOT NULL
      AND (%(gtin)s::text IS NULL OR r.gtin = %(gtin)s::text) AND (%(lot)s::text IS NULL OR r.lot = %(lot)s::text)
      AND (%(sgtin)s::text IS NULL OR CASE WHEN left(%(sgtin)s::text, 3) = '00.'
        THEN substr(%(sgtin)s::text, 4, 17)::bigint BETWEEN r.sscc_first AND r.sscc_first + least(r.count, 1000) - 1
        ELSE false END)
      AND (%(event_from)s::timestamptz IS NULL OR r.issued_at >= %(event_from)s::timestamptz)
      AND (%(event_before)s::timestamptz IS NULL OR r.issued_at < %(event_before)s::timestamptz)
      AND (%(recorded_from)s::timestamptz IS NULL OR r.issued_at >= %(recorded_from)s::timestamptz)
      AND (%(recorded_before)s::timestamptz IS NULL OR r.issued_at < %(recorded_before)s::timestamptz)
      AND (%(after_at)s::timestamptz IS NULL OR r.issued_at >= %(after_at)s::timestamptz)
    ORDER BY r.issued_at FETCH FIRST (%(limit)s::int + (SELECT count(*) FROM runs told
      WHERE told.brand_id = %(brand_id)s AND told.issued_at = %(after_at)s::timestamptz)) ROWS WITH TIES) r
  CROSS JOIN LATERAL generate_series(0, least(r.count, 1000) - 1) AS n
  WHERE %(sgtin)s::text IS NULL OR substr(%(sgtin)s::text, 4, 17) = lpad((r.sscc_first + n)::text, 17, '0')""",
    "commissioned": f"""
  SELECT c.at, 'commissioned', c.run || '.' || c.index_from || '.' || c.index_to, c.at, 'ObjectEvent',
    jsonb_build_object('gtin', r.gtin, 'lot', r.lot, 'run', c.run, 'first', c.index_from, 'last', c.index_to,
      'mode', r.mode, 'epoch', r.epoch, 'expires_on', coalesce(r.expires_on, l.expires_on))
  FROM commissions c JOIN runs r ON r.brand_id = c.brand_id AND r.number = c.run
  LEFT JOIN lots l ON l.gtin = r.gtin AND l.lot = r.lot
  WHERE c.brand_id = %(brand_id)s AND {_RUN}
    AND (%(sgtin)s::text IS NULL OR %(index)s::bigint BETWEEN c.index_from AND c.index_to)""",
    "changed": f"""
  SELECT h.at, 'changed', h.id::text, h.at, 'ObjectEvent',
    jsonb_build_object('sgtin', h.sgtin, 'disposition', h.disposition, 'previous', h.previous)
  FROM item_changes h
  WHERE h.brand_id = %(brand_id)s AND %(lot)s::text IS NULL AND {_ITEM.format(sgtin="h.sgtin")}""",
    "recalled": """
  SELECT CASE WHEN is_lift THEN c.lifted_at ELSE c.recalled_at END,
    CASE WHEN is_lift THEN 'lifted' ELSE 'recalled' END,
    c.id::text, CASE WHEN is_lift THEN c.lifted_at ELSE c.recalled_at END, 'ObjectEvent',
    jsonb_build_object('recall', c.id, 'gtin', c.gtin, 'lot', c.lot, 'run', c.run, 'first', c.index_from,
      'last', c.index_to, 'serial_from', c.serial_from, 'serial_to', c.serial_to, 'listed', c.listed,
      'made_from', c.made_from, 'made_until', c.made_until,
      'items', CASE WHEN c.listed <= 100
        THEN (SELECT jsonb_agg(i.sgtin ORDER BY i.sgtin) FROM recall_items i WHERE i.recall_id = c.id) END)
  FROM recalls c CROSS JOIN (VALUES (false), (true)) AS v (is_lift)
  WHERE c.brand_id = %(brand_id)s AND (NOT is_lift OR c.lifted_at IS NOT NULL)
    AND (%(gtin)s::text IS NULL OR c.gtin = %(gtin)s::text)
    AND (%(lot)s::text IS NULL OR c.lot IS NULL OR c.lot = %(lot)s::text)
    AND (%(sgtin)s::text IS NULL OR c.gtin = left(%(sgtin)s::text, 14) AND CASE
      WHEN c.run IS NOT NULL THEN c.run = %(run)s::int AND %(index)s::bigint BETWEEN c.index_from AND c.index_to
      WHEN c.listed IS NOT NULL
        THEN EXISTS (SELECT FROM recall_items i WHERE i.sgtin = %(sgtin)s::text AND i.recall_id = c.id)
      WHEN c.serial_from IS NOT NULL THEN length(substr(%(sgtin)s::text, 16)) = length(c.serial_from)
        AND substr(%(sgtin)s::text, 16) COLLATE "C" BETWEEN c.serial_from AND c.serial_to
      WHEN c.made_from IS NOT NULL THEN EXISTS (SELECT FROM runs r WHERE r.brand_id = c.brand_id
        AND r.number = %(run)s::int AND r.issued_at >= c.made_from AND r.issued_at < c.made_until)
      ELSE c.lot IS NULL OR c.lot = %(item_lot)s::text END)""",
    "released": f"""
  SELECT i.commissioned_at, 'released', i.sgtin, i.commissioned_at, 'ObjectEvent',
    jsonb_build_object('sgtin', i.sgtin, 'lot', i.lot, 'run', i.run, 'expires_on', i.expires_on)
  FROM items i
  WHERE i.brand_id = %(brand_id)s AND i.commissioned_at IS NOT NULL
    AND (%(lot)s::text IS NULL OR i.lot = %(lot)s::text) AND {_ITEM.format(sgtin="i.sgtin")}""",
    "sold": f"""
  SELECT f.recorded_at, 'sold', f.id::text, f.at, 'ObjectEvent', jsonb_build_object('sgtin', f.sgtin, 'at', f.at)
  FROM item_facts f
  WHERE f.brand_id = %(brand_id)s AND f.kind = 'sold' AND f.withdrawn_at IS NULL AND %(lot)s::text IS NULL
    AND {_ITEM.format(sgtin="f.sgtin")}""",
    "registered": f"""
  SELECT g.confirmed_at, 'registered', g.sgtin, g.confirmed_at, 'ObjectEvent', jsonb_build_object('sgtin', g.sgtin)
  FROM registrations g
  WHERE g.brand_id = %(brand_id)s AND g.version = 1 AND g.confirmed_at IS NOT NULL AND %(lot)s::text IS NULL
    AND NOT EXISTS (SELECT FROM item_facts f WHERE f.sgtin = g.sgtin AND f.brand_id = g.brand_id AND f.kind = 'sold'
      AND f.withdrawn_at IS NULL)
    AND {_ITEM.format(sgtin="g.sgtin")}""",
    "transferred": f"""
  SELECT t.completed_at, 'transferred', t.id::text, t.completed_at, 'TransactionEvent',
    jsonb_build_object('sgtin', t.sgtin, 'transfer', t.id, 'from', t.registration_id, 'to', t.given_id)
  FROM transfers t
  WHERE t.brand_id = %(brand_id)s AND t.completed_at IS NOT NULL AND %(lot)s::text IS NULL
    AND {_ITEM.format(sgtin="t.sgtin")}""",
    "captured": """
  SELECT e.recorded_at, 'captured', e.event_id || ' ' || e.is_correction, e.event_at, e.type, e.document
  FROM epcis_events e
  WHERE e.brand_id = %(brand_id)s AND (%(epcs)s::text[] IS NULL OR e.epcs && %(epcs)s::text[])""",
}

_WANTED = """
  WHERE (%(type)s::text[] IS NULL OR type = ANY (%(type)s::text[]))
    AND (%(event_from)s::timestamptz IS NULL OR event_at >= %(event_from)s::timestamptz)
    AND (%(event_before)s::timestamptz IS NULL OR event_at < %(event_before)s::timestamptz)
    AND (%(recorded_from)s::timestamptz IS NULL OR at >= %(recorded_from)s::timestamptz)
    AND (%(recorded_before)s::timestamptz IS NULL OR at < %(recorded_before)s::timestamptz)
    AND (%(after_at)s::timestamptz IS NULL OR at >= %(after_at)s::timestamptz
      AND (at, kind, key) > (%(after_at)s::timestamptz, %(after_kind)s::text, %(after_key)s::text))
  ORDER BY at, kind, key LIMIT %(limit)s"""
"""Of each part no more than a page is read, along its index of time."""

_PAGES = [f"(SELECT * FROM ({part}) AS p (at, kind, key, event_at, type, fact) {_WANTED})" for part in PARTS.values()]

EVENTS = f"SELECT * FROM ({' UNION ALL '.join(_PAGES)}) AS found ORDER BY at, kind, key LIMIT %(limit)s"
"""A page of events."""
