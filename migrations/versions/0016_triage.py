"""
Triage of alerts: who looks at one, until when it sleeps, what a decision changed, and what lists are filtered by.

A trigger fills in what follows from an alert itself, so that whoever opens one need not know; it also tells the
processes that listen. The partial indexes hold what one list shows, in its order: a page reads as many rows as it
shows, however many alerts there are. An alert whose item gets worse becomes more
severe, and wakes if it sleeps, in the transaction that raises the score.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OPEN, CLOSED = sa.text("closed_at IS NULL"), sa.text("closed_at IS NOT NULL")
INDEXES = (
    ("ix_alerts_brand_id_id", ["brand_id", "id"], None),
    ("ix_alerts_new", ["brand_id", "opened_at", "id", "snoozed_until"],
     sa.text("closed_at IS NULL AND assignee IS NULL")),
    ("ix_alerts_assigned", ["brand_id", "assignee", "opened_at", "id"],
     sa.text("closed_at IS NULL AND assignee IS NOT NULL")),
    ("ix_alerts_snoozed", ["brand_id", "snoozed_until"],
     sa.text("closed_at IS NULL AND snoozed_until IS NOT NULL")),
    ("ix_alerts_closed", ["brand_id", "opened_at", "id"], CLOSED),
    ("ix_alerts_worst_open", ["brand_id", "severity", "score", "id"], OPEN),
    ("ix_alerts_worst_closed", ["brand_id", "severity", "score", "id"], CLOSED),
    ("ix_alerts_gtin", ["brand_id", "gtin", "opened_at", "id"], None),
    ("ix_alerts_lot", ["brand_id", "lot", "opened_at", "id"], None),
    ("ix_alerts_rule", ["brand_id", "rule", "opened_at", "id"], None),
    ("ix_alerts_serial", ["brand_id", "serial"], None),
)  # fmt: skip

# authsvc/core/alerts.py says why; a test compares the two.
FUNCTIONS = """
CREATE FUNCTION authsvc_alert_severity(rule text, score float8, evidence jsonb) RETURNS smallint
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN rule = ANY (c.certain) OR EXISTS (
      SELECT FROM jsonb_path_query(evidence, '$.parts[*].rule') p WHERE p #>> '{}' = ANY (c.certain)) THEN 3
    WHEN t.threshold IS NULL THEN 2
    WHEN rule = 'more-visitors-than-usual' THEN
      CASE WHEN score >= 3 * t.threshold THEN 3 WHEN score >= 1.5 * t.threshold THEN 2 ELSE 1 END
    WHEN score >= t.threshold + 3 THEN 3
    WHEN score >= t.threshold + 1 THEN 2
    ELSE 1 END::smallint
  FROM (SELECT ARRAY['signed-not-issued', 'claim-code-used-again', 'seen-though-gone', 'confirmed-clone'] AS certain) c,
    (SELECT CASE WHEN jsonb_typeof(evidence->'threshold') = 'number'
      THEN (evidence->>'threshold')::float8 END AS threshold) t
$$;

CREATE FUNCTION authsvc_describe_alert() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.sgtin ~ '^[0-9]{14}[.]' THEN
    NEW.gtin := left(NEW.sgtin, 14);
    NEW.serial := nullif(substr(NEW.sgtin, 16), '');
    IF NEW.serial LIKE '.%' THEN
      NEW.lot := nullif(substr(NEW.sgtin, 17), '');
      NEW.serial := NULL;
    END IF;
  ELSIF NEW.sgtin LIKE '00.%' THEN
    NEW.serial := substr(NEW.sgtin, 4);
  ELSE
    NEW.gtin := NEW.evidence->>'gtin';
    NEW.lot := NEW.evidence->>'lot';
  END IF;
  NEW.lot := coalesce(NEW.lot, (SELECT coalesce(i.lot, r.lot) FROM items i
    LEFT JOIN runs r ON r.brand_id = i.brand_id AND r.number = i.run
    WHERE i.sgtin = NEW.sgtin AND i.brand_id = NEW.brand_id));
  NEW.severity := authsvc_alert_severity(NEW.rule, NEW.score, NEW.evidence);
  RETURN NEW;
END $$;

-- A table of its own and not a list in the row: under row-level security the index of a list would not be used, for its
-- operators might tell of rows that are not shown.
CREATE FUNCTION authsvc_place_alert() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO alert_countries (sgtin, alert_id, brand_id, country, opened_at)
  SELECT DISTINCT NEW.sgtin, NEW.id, NEW.brand_id, x.country, NEW.opened_at FROM (
    SELECT s->>'country' AS country FROM jsonb_array_elements(
      CASE WHEN jsonb_typeof(NEW.evidence->'sightings') = 'array' THEN NEW.evidence->'sightings' ELSE '[]' END) s
    UNION ALL SELECT NEW.evidence->>'country') x
  WHERE x.country IS NOT NULL ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

-- Which brand, and nothing else: whoever listens asks for the rest with the rights of the person who looks.
CREATE FUNCTION authsvc_call_alert() RETURNS trigger
  LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM pg_notify('authsvc_alerts', NEW.brand_id::text);
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_wake_alerts() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE alerts a SET severity = greatest(a.severity, authsvc_alert_severity(a.rule, NEW.score, a.evidence)),
    snoozed_until = CASE WHEN a.wakes_at_score <= NEW.score THEN NULL ELSE a.snoozed_until END,
    wakes_at_score = CASE WHEN a.wakes_at_score <= NEW.score THEN NULL ELSE a.wakes_at_score END
  WHERE a.sgtin = NEW.sgtin AND a.brand_id = NEW.brand_id AND a.closed_at IS NULL
    AND a.rule NOT IN ('signed-not-issued', 'receipt-copied');
  RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER alerts_describe BEFORE INSERT ON alerts
  FOR EACH ROW EXECUTE FUNCTION authsvc_describe_alert();
CREATE TRIGGER alerts_place AFTER INSERT ON alerts
  FOR EACH ROW EXECUTE FUNCTION authsvc_place_alert();
CREATE TRIGGER alerts_call_opened AFTER INSERT ON alerts
  FOR EACH ROW EXECUTE FUNCTION authsvc_call_alert();
CREATE TRIGGER alerts_call_woken AFTER UPDATE OF snoozed_until ON alerts
  FOR EACH ROW WHEN (OLD.snoozed_until IS NOT NULL AND NEW.snoozed_until IS NULL)
  EXECUTE FUNCTION authsvc_call_alert();
CREATE TRIGGER items_wake_alerts AFTER UPDATE OF score ON items
  FOR EACH ROW WHEN (NEW.score > OLD.score) EXECUTE FUNCTION authsvc_wake_alerts();
"""

OLD_TRIGGERS = """
CREATE TRIGGER describe_old BEFORE UPDATE ON alerts FOR EACH ROW EXECUTE FUNCTION authsvc_describe_alert();
CREATE TRIGGER place_old AFTER UPDATE ON alerts FOR EACH ROW EXECUTE FUNCTION authsvc_place_alert();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("gtin", "serial", "lot"):
        op.add_column("alerts", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("alerts", sa.Column("severity", sa.SmallInteger(), server_default=sa.text("2"), nullable=False))
    op.add_column("alerts", sa.Column("assignee", sa.Uuid(), nullable=True))
    op.add_column("alerts", sa.Column("snoozed_until", TIME, nullable=True))
    op.add_column("alerts", sa.Column("wakes_at_score", sa.REAL(), nullable=True))
    op.add_column(
        "staff_accounts", sa.Column("has_shortcuts", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    _make_decisions()
    # Straight to the driver: the text holds colons and percent signs that SQLAlchemy would read as parameters.
    driver = op.get_bind().connection.driver_connection
    driver.execute(FUNCTIONS)
    # What is there already is described as if it were raised now, by the same function.
    driver.execute(OLD_TRIGGERS)
    # The checks that the update has left for the end of the transaction forbid what follows until they are made.
    driver.execute("SET CONSTRAINTS ALL IMMEDIATE")
    driver.execute("DROP TRIGGER describe_old ON alerts; DROP TRIGGER place_old ON alerts")
    driver.execute(TRIGGERS)
    for name, columns, where in INDEXES:
        op.create_index(name, "alerts", columns, postgresql_where=where)
    op.execute("GRANT UPDATE (assignee, snoozed_until, wakes_at_score) ON alerts TO authsvc_console")
    op.execute("GRANT SELECT (has_shortcuts) ON staff_accounts TO authsvc_console")


def _make_decisions() -> None:
    op.create_table(
        "alert_decisions",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("disposition_reason", sa.Text(), nullable=True),
        sa.Column("disposition_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_alert_decisions")),
    )
    op.create_index("ix_alert_decisions_brand_id_alert_id", "alert_decisions", ["brand_id", "alert_id"])
    op.create_table(
        "alert_countries",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("sgtin", "alert_id", "country", name=op.f("pk_alert_countries")),
    )
    op.create_index("ix_alert_countries_country", "alert_countries", ["brand_id", "country", "opened_at", "alert_id"])
    for table in ("alert_decisions", "alert_countries"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
    op.execute("GRANT SELECT, INSERT ON alert_decisions TO authsvc_console")
    op.execute("GRANT SELECT ON alert_countries TO authsvc_console")
