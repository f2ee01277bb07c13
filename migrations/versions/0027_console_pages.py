"""
What pages of the console need to say what needs somebody now, and to search.

An alert notes when a risen score has ended its sleep. Items that are gone, registrations by the number of their
certificate, and, where the database does not sort by bytes, items by the first characters of their serial are found by
an index; all of these are small but the last, which no database that sorts by bytes has.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

FUNCTIONS = """
CREATE OR REPLACE FUNCTION authsvc_wake_alerts() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE alerts a SET severity = greatest(a.severity, authsvc_alert_severity(a.rule, NEW.score, a.evidence)),
    snoozed_until = CASE WHEN a.wakes_at_score <= NEW.score THEN NULL ELSE a.snoozed_until END,
    woken_at = CASE WHEN a.wakes_at_score <= NEW.score THEN now() ELSE a.woken_at END,
    wakes_at_score = CASE WHEN a.wakes_at_score <= NEW.score THEN NULL ELSE a.wakes_at_score END
  WHERE a.sgtin = NEW.sgtin AND a.brand_id = NEW.brand_id AND a.closed_at IS NULL
    AND a.rule NOT IN ('signed-not-issued', 'receipt-copied');
  RETURN NULL;
END $$;

-- The end of the id is what a certificate shows. Row-level security would keep this condition from the index.
CREATE FUNCTION authsvc_find_certificate(ending text) RETURNS SETOF text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT sgtin FROM registrations WHERE right(id::text, 12) = ending
    AND brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid
$$;
"""

SORTS_BY_BYTES = """
SELECT datlocprovider = 'b' OR datlocprovider = 'c' AND lower(datcollate) IN ('c', 'posix', 'c.utf-8', 'c.utf8')
FROM pg_database WHERE datname = current_database()
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("alerts", sa.Column("woken_at", TIME, nullable=True))
    op.create_index(
        "ix_alerts_woken", "alerts", ["brand_id", "woken_at"],
        postgresql_where=sa.text("closed_at IS NULL AND woken_at IS NOT NULL"),
    )  # fmt: skip
    # Neither column changes with a scan, so that updates by scans stay on the page (HOT).
    op.create_index(
        "ix_items_gone", "items", ["brand_id", "disposition_at"],
        postgresql_where=sa.text("disposition IN ('stolen', 'lost')"),
    )  # fmt: skip
    op.create_index("ix_registrations_certificate", "registrations", [sa.text('"right"(id::text, 12)')])
    if not op.get_bind().execute(sa.text(SORTS_BY_BYTES)).scalar_one():
        op.execute("CREATE INDEX ix_items_sgtin_bytes ON items (sgtin text_pattern_ops)")
    driver = op.get_bind().connection.driver_connection
    driver.execute(FUNCTIONS)
    op.execute("REVOKE EXECUTE ON FUNCTION authsvc_find_certificate(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION authsvc_find_certificate(text) TO authsvc_console")
