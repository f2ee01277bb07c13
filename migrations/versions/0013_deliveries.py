"""
Webhooks and mail: the tables, and the triggers that queue a job for whatever waits in them.

The triggers are the one place where acts become events and rows become jobs. So an act is told of whichever code does
it, in its own transaction, and the scan path, which opens alerts, needs no line for it: a scan that raises no alert
touches no column that a trigger here looks at, but for one comparison when the row of an item is made. The functions of
the triggers act as the owner of the tables, and the web needs no right on the queue.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# What the console may read and write of each table; what it makes and changes stays in its brand.
CONSOLE = {
    "events": ("", "id, brand_id, type, at, data, endpoint_id", ""),
    "webhook_endpoints": (
        "", "id, brand_id, url, description, types, created_at, failing_since, disabled_at, disabled_reason",
        "url, description, types, failing_since, disabled_at, disabled_reason",
    ),
    "webhook_secrets": (
        "endpoint_id, number, brand_id, created_at, expires_at",
        "endpoint_id, number, brand_id, wrapped, created_at", "expires_at",
    ),
    "webhook_deliveries": ("", None, "state, tries, version, next_at, ended_at"),
    "webhook_attempts": ("", None, None),
    "mails": (
        "id, brand_id, template, state, tries, next_at, created_at, ended_at, fault",
        "id, brand_id, template, sealed, next_at, created_at", None,
    ),
    "alert_mails": ("", "brand_id, mode, hour", "mode, hour, due_at"),
    "alert_recipients": ("", "brand_id, address, created_at", None),
}  # fmt: skip

FUNCTIONS = """
CREATE FUNCTION authsvc_defer(task text, priority int, args jsonb, due timestamptz) RETURNS void
  LANGUAGE sql SET search_path = public, pg_temp AS $$
  SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW('deliveries', task, priority, NULL, NULL, args, CASE WHEN due > now() THEN due END)
  ]::procrastinate_job_to_defer_v1[])
$$;

-- Also when many wait for a later try, the first try of another finds its job at once: a retry has less priority.
CREATE FUNCTION authsvc_wake() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM authsvc_defer(TG_ARGV[0], TG_ARGV[1]::int - NEW.tries,
    jsonb_build_object('id', NEW.id, 'version', NEW.version), NEW.next_at);
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_wake_event() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM authsvc_defer('spread_event', 5, jsonb_build_object('id', NEW.id), NULL);
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_wake_alert_mail() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM authsvc_defer('mail_alerts', 5, jsonb_build_object('brand_id', NEW.brand_id), NEW.due_at);
  RETURN NULL;
END $$;

-- Nobody listens, nothing is stored.
CREATE FUNCTION authsvc_emit(brand uuid, kind text, happened timestamptz, content jsonb) RETURNS void
  LANGUAGE sql SET search_path = public, pg_temp AS $$
  INSERT INTO events (id, brand_id, type, at, data)
  SELECT gen_random_uuid(), brand, kind, happened, content
  WHERE EXISTS (SELECT FROM webhook_endpoints e
      WHERE e.brand_id = brand AND e.disabled_at IS NULL AND (e.types = '{}' OR kind = ANY (e.types)))
    OR kind = 'alert.opened' AND EXISTS (SELECT FROM alert_recipients r WHERE r.brand_id = brand)
$$;

CREATE FUNCTION authsvc_item_words(sgtin text) RETURNS jsonb
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN sgtin LIKE '00.%'
    THEN jsonb_build_object('gtin', NULL, 'serial', NULL, 'sscc', substr(sgtin, 4))
    ELSE jsonb_build_object('gtin', left(sgtin, 14), 'serial', substr(sgtin, 16), 'sscc', NULL) END
$$;

CREATE FUNCTION authsvc_tell_alert() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  is_closed boolean := NEW.closed_at IS NOT NULL;
BEGIN
  PERFORM authsvc_emit(NEW.brand_id,
    CASE WHEN TG_OP = 'INSERT' THEN 'alert.opened' WHEN is_closed THEN 'alert.closed' ELSE 'alert.reopened' END,
    CASE WHEN TG_OP = 'INSERT' THEN NEW.opened_at WHEN is_closed THEN NEW.closed_at ELSE now() END,
    authsvc_item_words(NEW.sgtin) || jsonb_build_object('alert', NEW.id, 'rule', NEW.rule, 'score', NEW.score,
      'reasons', coalesce(jsonb_path_query_array(NEW.evidence, '$.parts[*].text'), '[]'),
      'opened_at', NEW.opened_at, 'closed_at', NEW.closed_at));
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_tell_disposition() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM authsvc_emit(NEW.brand_id, 'item.disposition_changed', coalesce(NEW.disposition_at, now()),
    authsvc_item_words(NEW.sgtin) || jsonb_build_object('lot', NEW.lot, 'disposition', NEW.disposition,
      'previous', CASE WHEN TG_OP = 'INSERT' THEN 'active' ELSE OLD.disposition END,
      'reason', NEW.disposition_reason));
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_tell_recall() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM authsvc_emit(NEW.brand_id, CASE WHEN NEW.lifted_at IS NULL THEN 'recall.created' ELSE 'recall.lifted' END,
    coalesce(NEW.lifted_at, NEW.recalled_at),
    jsonb_build_object('recall', NEW.id, 'gtin', NEW.gtin, 'lot', NEW.lot, 'run', NEW.run,
      'index_from', NEW.index_from, 'index_to', NEW.index_to,
      'serial_from', NEW.serial_from, 'serial_to', NEW.serial_to, 'reason', NEW.reason, 'remedy', NEW.remedy,
      'recalled_at', NEW.recalled_at, 'lifted_at', NEW.lifted_at));
  RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER mails_wake AFTER INSERT ON mails
  FOR EACH ROW WHEN (NEW.state = 'waiting') EXECUTE FUNCTION authsvc_wake('send_mail', 10);
CREATE TRIGGER mails_wake_again AFTER UPDATE OF version ON mails
  FOR EACH ROW WHEN (NEW.state = 'waiting' AND NEW.version <> OLD.version)
  EXECUTE FUNCTION authsvc_wake('send_mail', 10);
CREATE TRIGGER webhook_deliveries_wake AFTER INSERT ON webhook_deliveries
  FOR EACH ROW WHEN (NEW.state = 'waiting') EXECUTE FUNCTION authsvc_wake('deliver_webhook', 0);
CREATE TRIGGER webhook_deliveries_wake_again AFTER UPDATE OF version ON webhook_deliveries
  FOR EACH ROW WHEN (NEW.state = 'waiting' AND NEW.version <> OLD.version)
  EXECUTE FUNCTION authsvc_wake('deliver_webhook', 0);
CREATE TRIGGER events_wake AFTER INSERT ON events
  FOR EACH ROW EXECUTE FUNCTION authsvc_wake_event();
CREATE TRIGGER alert_mails_wake AFTER UPDATE OF due_at ON alert_mails
  FOR EACH ROW WHEN (NEW.due_at IS NOT NULL AND NEW.due_at IS DISTINCT FROM OLD.due_at)
  EXECUTE FUNCTION authsvc_wake_alert_mail();

CREATE TRIGGER alerts_tell_opened AFTER INSERT ON alerts
  FOR EACH ROW EXECUTE FUNCTION authsvc_tell_alert();
CREATE TRIGGER alerts_tell_closed AFTER UPDATE OF closed_at ON alerts
  FOR EACH ROW WHEN ((NEW.closed_at IS NULL) <> (OLD.closed_at IS NULL)) EXECUTE FUNCTION authsvc_tell_alert();
CREATE TRIGGER items_tell_made AFTER INSERT ON items
  FOR EACH ROW WHEN (NEW.disposition <> 'active') EXECUTE FUNCTION authsvc_tell_disposition();
CREATE TRIGGER items_tell_changed AFTER UPDATE OF disposition ON items
  FOR EACH ROW WHEN (NEW.disposition <> OLD.disposition) EXECUTE FUNCTION authsvc_tell_disposition();
CREATE TRIGGER recalls_tell_created AFTER INSERT ON recalls
  FOR EACH ROW EXECUTE FUNCTION authsvc_tell_recall();
CREATE TRIGGER recalls_tell_lifted AFTER UPDATE OF lifted_at ON recalls
  FOR EACH ROW WHEN (OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL) EXECUTE FUNCTION authsvc_tell_recall();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_tables()
    for table, (read, made, changed) in CONSOLE.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        for right, columns in (("SELECT", read), ("INSERT", made), ("UPDATE", changed)):
            if columns:
                op.execute(f"GRANT {right} ({columns}) ON {table} TO authsvc_console")
            elif columns == "" and right == "SELECT":
                op.execute(f"GRANT SELECT ON {table} TO authsvc_console")
    op.execute("GRANT DELETE ON alert_recipients TO authsvc_console")
    # The web queues mails to people who ask for one, and reads none.
    op.execute("CREATE POLICY queued_by_the_web ON mails FOR INSERT TO authsvc_scan WITH CHECK (true)")
    op.execute("GRANT INSERT (id, brand_id, template, sealed, next_at, created_at) ON mails TO authsvc_scan")
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    driver = op.get_bind().connection.driver_connection
    driver.execute(FUNCTIONS)
    driver.execute(TRIGGERS)
    driver.execute("REVOKE EXECUTE ON FUNCTION authsvc_defer(text, int, jsonb, timestamptz) FROM PUBLIC")


def _brand() -> sa.Column[object]:
    return sa.Column("brand_id", sa.Uuid(), nullable=False)


def _waiting() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
    )


def _make_tables() -> None:
    now = sa.text("now()")
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        _brand(),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=True),
        sa.Column("awaits_mail", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_brand_id", "events", ["brand_id"], postgresql_where=sa.text("awaits_mail"))
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        _brand(),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_webhook_endpoints_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index(op.f("ix_webhook_endpoints_brand_id"), "webhook_endpoints", ["brand_id"])
    op.create_table(
        "webhook_secrets",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _brand(),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_webhook_secrets_brand_id")),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_webhook_secrets_endpoint_id")),
        sa.PrimaryKeyConstraint("endpoint_id", "number", name=op.f("pk_webhook_secrets")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        _brand(),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        *_waiting(),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_webhook_deliveries_brand_id")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_webhook_deliveries_endpoint_id")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_webhook_deliveries_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("event_id", "endpoint_id", name=op.f("uq_webhook_deliveries_event_id_endpoint_id")),
    )
    listed = ["created_at", "id"]
    op.create_index("ix_webhook_deliveries_brand_id_created_at_id", "webhook_deliveries", ["brand_id", *listed])
    op.create_index("ix_webhook_deliveries_endpoint_id_created_at_id", "webhook_deliveries", ["endpoint_id", *listed])
    op.create_index(
        "ix_webhook_deliveries_dead", "webhook_deliveries", ["brand_id", *listed],
        postgresql_where=sa.text("state = 'dead'"),
    )  # fmt: skip
    op.create_index(
        "ix_webhook_deliveries_next_at", "webhook_deliveries", ["next_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )  # fmt: skip
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _brand(),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_webhook_attempts_brand_id")),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_deliveries.id"], name=op.f("fk_webhook_attempts_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "id", name=op.f("pk_webhook_attempts")),
    )  # fmt: skip
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        _brand(),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        *_waiting(),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_mails_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("ix_mails_next_at", "mails", ["next_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index("ix_mails_ended_at", "mails", ["ended_at"])
    op.create_table(
        "alert_mails",
        _brand(),
        sa.Column("mode", sa.Text(), server_default="at-once", nullable=False),
        sa.Column("hour", sa.SmallInteger(), server_default=sa.text("8"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_alert_mails_hour")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_alert_mails_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_alert_mails")),
    )
    op.create_table(
        "alert_recipients",
        _brand(),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_alert_recipients_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "address", name=op.f("pk_alert_recipients")),
    )
