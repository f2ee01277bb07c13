"""
Rows of three months for a database that the console is timed on: scans, items, alerts and what hangs on them.

They are made inside PostgreSQL, by the hundred thousand, and by no function of the service: the triggers of alerts run.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg

PRODUCTS, LOTS, DAYS = 60, 10, 90
BATCH = 500_000
COUNTRIES = "DE,IT,FR,GB,PL,ES,US,BR,JP,CN,IN,VN,TR,MX,NG,ZA,AU,SE,NL,CH"

# One item in twenty is scanned often; the most of all 5,000 times or more.
_SCANS = """
INSERT INTO scans (sgtin, at, id, brand_id, gtin, visitor, prefix, country, latitude, longitude, radius_km, network,
  channel, is_weak, is_counted, confirmed_at, key_id, format, run, lot, scan_number, first_at, is_released, is_flagged)
SELECT p.gtin || '.' || lpad(to_hex(x.item::bigint), 12, '0'), x.at, gen_random_uuid(), %(brand)s, p.gtin,
  decode(md5(x.n::text), 'hex'), decode(md5((x.n / 3)::text), 'hex'),
  (string_to_array(%(countries)s, ','))[1 + (power(x.r, 3) * 20)::int %% 20], 50, 10, 300, 'fixed', 'camera', false,
  true, x.at, 1, 'ed25519', NULL, 'L' || (x.item %% %(lots)s::bigint), (x.n %% 3 + 1)::int, x.at, true, x.r > 0.999
FROM (SELECT n, random() AS r, CASE WHEN n %% 2000 = 0 THEN 1 ELSE (n * 2654435761) %% %(items)s::bigint END AS item,
    now() - (%(total)s - n)::float8 / %(total)s * %(days)s * interval '1 day' AS at
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) n) x
JOIN (SELECT gtin, row_number() OVER (ORDER BY gtin) - 1 AS number FROM products) p
  ON p.number = x.item %% %(products)s::bigint"""
_REFUSED = """
INSERT INTO rejections (at, id, brand_id, reason, gtin, serial, is_typed, is_flagged, visitor, prefix, country, network,
  channel)
SELECT now() - random() * %(days)s::float8 * interval '1 day', gen_random_uuid(), %(brand)s, 'forged', p.gtin,
  to_hex(n), false, false, decode(md5(n::text), 'hex'), decode(md5(n::text), 'hex'), 'VN', 'fixed', 'camera'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
JOIN (SELECT gtin, row_number() OVER (ORDER BY gtin) - 1 AS number FROM products) p
  ON p.number = n %% %(products)s::bigint"""
_ITEMS = """
INSERT INTO items (sgtin, brand_id, gtin, lot, seq, counted, confirmed, first_at, last_at, first_valid_at)
SELECT sgtin, brand_id, min(gtin), min(lot), count(*), count(*), count(*), min(at), max(at), min(at)
FROM scans GROUP BY sgtin, brand_id"""
_ALERTS = """
INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at, closed_at)
SELECT p.gtin || '.' || lpad(to_hex(n), 12, '0'), gen_random_uuid(), %(brand)s,
  (ARRAY['clone-evidence', 'more-visitors-than-usual', 'claim-code-used-again', 'receipt-copied'])[1 + n %% 4],
  random() * 20, jsonb_build_object('threshold', 6, 'gtin', p.gtin, 'serial', lpad(to_hex(n), 12, '0'),
    'lot', 'L' || n %% %(lots)s::bigint, 'parts', jsonb_build_array(jsonb_build_object(
      'rule', 'more-new-visitors-than-its-like', 'weight', 4.2, 'text', '4 new visitors where its like has 1')),
    'sightings', (SELECT jsonb_agg(jsonb_build_object(
      'visitor', md5(n::text || k), 'first_at', x.at - k * interval '1 day',
      'country', (string_to_array(%(countries)s, ','))[1 + ((n + k * k) %% 20)::int],
      'latitude', 40 + k, 'longitude', 10 * k, 'radius_km', 190, 'network', 'mobile', 'is_confirmed', true))
      FROM generate_series(0, 3) k), 'facts', '[]'::jsonb),
  x.at, CASE WHEN n %% 20 > 0 THEN x.at + interval '1 hour' END
FROM (SELECT n, now() - random() * %(days)s::float8 * interval '1 day' AS at
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) n) x
JOIN (SELECT gtin, row_number() OVER (ORDER BY gtin) - 1 AS number FROM products) p
  ON p.number = x.n %% %(products)s::bigint"""
_CASES = """
INSERT INTO cases (brand_id, id, number, title, state, closed_reason, opened_by, opened_at, changed_at)
SELECT %(brand)s, gen_random_uuid(), n, 'Case ' || n,
  (ARRAY['open', 'investigating', 'escalated', 'closed', 'closed', 'closed', 'closed'])[1 + n %% 7],
  CASE WHEN n %% 7 > 2 THEN 'Done' END, 'The soak', now() - n * interval '1 minute', now() - n * interval '1 minute'
FROM generate_series(1, %(many)s::bigint) n"""
_IN_CASES = """
INSERT INTO case_alerts (brand_id, case_id, alert_id, sgtin, added_by, added_at)
SELECT c.brand_id, c.id, a.id, a.sgtin, 'The soak', now() FROM
  (SELECT *, row_number() OVER () AS n FROM cases) c JOIN
  (SELECT *, row_number() OVER () AS n FROM (SELECT id, sgtin FROM alerts LIMIT 20 * %(many)s::bigint) s) a
  ON a.n %% %(many)s::bigint = c.n - 1"""
_REPORTS = """
INSERT INTO consumer_reports (brand_id, id, number, text, state, shop, shop_name, reporter, prefix, created_at)
SELECT %(brand)s, gen_random_uuid(), 'R' || lpad(to_hex(n), 8, '0'), 'It fell apart.', 'new',
  'shop ' || n %% 5000, 'Shop ' || n %% 5000, decode(md5(n::text), 'hex'), decode(md5((n / 2)::text), 'hex'),
  now() - n * interval '40 seconds'
FROM generate_series(1, 10 * %(many)s::bigint) n"""
_DELIVERIES = """
WITH made AS (
  INSERT INTO webhook_endpoints (id, brand_id, url, disabled_at, disabled_reason)
  VALUES (gen_random_uuid(), %(brand)s, 'https://hooks.example.com/in', now(), 'The soak') RETURNING id),
told AS (
  INSERT INTO events (id, brand_id, type, at, data)
  SELECT gen_random_uuid(), %(brand)s, 'alert.opened', now() - n * interval '1 minute', '{"gtin": null, "rule": "x"}'
  FROM generate_series(1, 100 * %(many)s::bigint) n RETURNING id, at)
INSERT INTO webhook_deliveries (id, brand_id, endpoint_id, event_id, state, tries, next_at, created_at, ended_at)
SELECT gen_random_uuid(), %(brand)s, made.id, told.id,
  CASE WHEN get_byte(uuid_send(told.id), 0) < 5 THEN 'dead' ELSE 'delivered' END, 1, told.at, told.at, told.at
FROM told, made"""
_TRIES = """
INSERT INTO webhook_attempts (delivery_id, brand_id, at, duration_ms, status, answer_bytes)
SELECT id, brand_id, created_at, 80, 200, 2 FROM webhook_deliveries"""
_GONE = """
UPDATE items SET disposition = 'stolen', disposition_at = now() - interval '40 days'
WHERE sgtin IN (SELECT sgtin FROM items WHERE hashtext(sgtin) %% 500 = 0)"""
_OF_ALERTS_ALONE = ("alerts_tell_opened", "alerts_call_opened")
"""Triggers that tell somebody: nobody listens, and a million notices would wait for the end of a transaction."""


def fill(
    connection: psycopg.Connection[Any], brand_id: UUID, scans: int, alerts: int, say: Callable[[str], None]
) -> None:
    """Insert what three months leave behind."""
    connection.execute("SET synchronous_commit = off")
    # The partitions of the past, which nobody makes otherwise.
    for parent in ("scans", "rejections"):
        for month in range(2, 5):
            connection.execute(
                f"DO $$ DECLARE m date := date_trunc('month', now()) - interval '{month} months'; BEGIN "
                f"EXECUTE format('CREATE TABLE %I PARTITION OF {parent} FOR VALUES FROM (%L) TO (%L)', '{parent}_' || "
                "to_char(m, 'YYYYMM'), to_char(m, 'YYYY-MM-DD') || ' 00:00:00+00', "
                "to_char(m + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'); END $$"
            )
    for trigger in _OF_ALERTS_ALONE:
        connection.execute(f"ALTER TABLE alerts DISABLE TRIGGER {trigger}")
    values = {
        "brand": brand_id, "countries": COUNTRIES, "lots": LOTS, "items": max(scans // 3, 1), "days": DAYS - 1,
        "products": PRODUCTS,
    }  # fmt: skip
    for name, statement, total in (
        ("scans", _SCANS, scans),
        ("refused", _REFUSED, scans // 50),
        ("alerts", _ALERTS, alerts),
    ):
        for first in range(0, total, BATCH):
            span = {"first": first, "last": min(first + BATCH, total) - 1, "total": total}
            connection.execute(statement, values | span)
            say(f"{name}: {span['last'] + 1:,} of {total:,}")
    say("items, cases, reports, deliveries")
    connection.execute(_ITEMS)
    for statement in (_GONE, _CASES, _IN_CASES, _REPORTS, _DELIVERIES, _TRIES):
        connection.execute(statement, values | {"many": max(scans // 5000, 10)})
    connection.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'spread_event'")
    for trigger in _OF_ALERTS_ALONE:
        connection.execute(f"ALTER TABLE alerts ENABLE TRIGGER {trigger}")
    connection.execute("ANALYZE")
    connection.execute("VACUUM items, alerts, scans, rejections, webhook_deliveries")
    connection.execute("DELETE FROM job_marks WHERE job = 'days-counted'")
