"""
Links of the resolver; what EPCIS tells that was kept nowhere yet; production lines.

That no link leads to another host than one its brand has registered is for the database to keep: the address begins
with the host of its row, and the host is a row of that brand. So nobody can make an open redirect, not even by hand.

An item keeps its present condition alone, so each change of one is kept from now on, by a trigger that scans do not
meet, for they set none. Events that partners capture are kept as they were sent. A line keeps what it expects next,
and each batch with its answer, so that one that is sent twice is answered as the first time.

Whoever asks by GS1 Lightweight Messaging is a company with a number of its own; a brand answers under its own
number, to all of them or to those that it has listed.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TELL = """
CREATE FUNCTION authsvc_keep_change() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO item_changes (brand_id, sgtin, at, disposition, previous)
  VALUES (NEW.brand_id, NEW.sgtin, coalesce(NEW.disposition_at, now()), NEW.disposition,
    CASE WHEN TG_OP = 'INSERT' THEN 'active' ELSE OLD.disposition END);
  RETURN NULL;
END $$;
CREATE TRIGGER items_keep_made AFTER INSERT ON items
  FOR EACH ROW WHEN (NEW.disposition <> 'active') EXECUTE FUNCTION authsvc_keep_change();
CREATE TRIGGER items_keep_changed AFTER UPDATE OF disposition ON items
  FOR EACH ROW WHEN (NEW.disposition <> OLD.disposition) EXECUTE FUNCTION authsvc_keep_change();
"""
READ_BY_CONSOLE = {
    "item_changes": "SELECT",
    "epcis_events": "SELECT, INSERT",
    "production_lines": "SELECT, INSERT, UPDATE (gtin, run, expected, reads, misreads, changed_at)",
    "line_batches": "SELECT, INSERT",
    "message_responders": "SELECT, INSERT, UPDATE (gln, admits, changed_at), DELETE",
    "message_requesters": "SELECT, INSERT, UPDATE (name, is_permitted), DELETE",
}
CHANGED = "position, link_type, href, host, title, languages, media_type, changed_at"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "link_hosts",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_link_hosts_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "host", name=op.f("pk_link_hosts")),
    )
    op.create_table(
        "links",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("link_type", sa.Text(), nullable=False),
        sa.Column("href", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("changed_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("lot IS NULL OR serial IS NULL", name=op.f("ck_links_level")),
        sa.CheckConstraint("starts_with(href, 'https://' || host || '/')", name=op.f("ck_links_host")),
        sa.ForeignKeyConstraint(
            ["gtin", "brand_id"], ["products.gtin", "products.brand_id"], name=op.f("fk_links_gtin_brand_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "host"], ["link_hosts.brand_id", "link_hosts.host"], name=op.f("fk_links_brand_id_host")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_links")),
    )
    op.create_index("ix_links_gtin", "links", ["gtin", "lot", "serial"])
    for table in "link_hosts", "links":
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        op.execute(f"GRANT SELECT, INSERT, DELETE ON {table} TO authsvc_console")
    op.execute("CREATE POLICY every_brand ON links TO authsvc_scan USING (true)")
    op.execute(f"GRANT UPDATE ({CHANGED}) ON links TO authsvc_console")
    op.execute("GRANT SELECT ON links TO authsvc_scan")
    _make_history()
    _make_lines()
    _make_messaging()
    for table, rights in READ_BY_CONSOLE.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        op.execute(f"GRANT {rights} ON {table} TO authsvc_console")
    for table in "message_responders", "message_requesters":
        op.execute(f"CREATE POLICY every_brand ON {table} TO authsvc_scan USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO authsvc_scan")
    op.execute("GRANT UPDATE (commissioned_at) ON items TO authsvc_console")
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    op.get_bind().connection.driver_connection.execute(TELL)


def _make_history() -> None:
    op.create_table(
        "item_changes",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_item_changes")),
    )
    op.create_index("ix_item_changes_sgtin", "item_changes", ["sgtin"])
    op.create_index("ix_item_changes_brand_id_at", "item_changes", ["brand_id", "at"])
    op.create_table(
        "epcis_events",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("is_correction", sa.Boolean(), nullable=False),
        sa.Column("capture_id", sa.Uuid(), nullable=False),
        sa.Column("event_at", TIME, nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("epcs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_epcis_events_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "event_id", "is_correction", name=op.f("pk_epcis_events")),
    )
    op.create_index("ix_epcis_events_brand_id_recorded_at", "epcis_events", ["brand_id", "recorded_at"])
    op.create_index("ix_epcis_events_capture_id", "epcis_events", ["capture_id"])
    op.create_index("ix_epcis_events_epcs", "epcis_events", ["epcs"], postgresql_using="gin")
    op.create_index("ix_commissions_brand_id_at", "commissions", ["brand_id", "at"])
    op.create_index(
        "ix_item_facts_sold", "item_facts", ["brand_id", "recorded_at"], postgresql_where=sa.text("kind = 'sold'")
    )
    op.create_index(
        "ix_items_commissioned", "items", ["brand_id", "commissioned_at"],
        postgresql_where=sa.text("commissioned_at IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_registrations_sold", "registrations", ["brand_id", "confirmed_at"],
        postgresql_where=sa.text("version = 1 AND confirmed_at IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_transfers_completed", "transfers", ["brand_id", "completed_at"],
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )  # fmt: skip


def _make_lines() -> None:
    op.create_table(
        "production_lines",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("reads", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("misreads", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "run"], ["runs.brand_id", "runs.number"], name=op.f("fk_production_lines_brand_id_run")
        ),
        sa.PrimaryKeyConstraint("brand_id", "name", name=op.f("pk_production_lines")),
    )
    op.create_table(
        "line_batches",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("alarms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_line_batches_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "line", "number", name=op.f("pk_line_batches")),
    )
    op.create_index("ix_line_batches_brand_id_at", "line_batches", ["brand_id", "at"])


def _make_messaging() -> None:
    op.create_table(
        "message_responders",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("gln", sa.Text(), nullable=False),
        sa.Column("admits", sa.Text(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint("admits IN ('all', 'listed')", name=op.f("ck_message_responders_admits")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_message_responders_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_message_responders")),
    )
    op.create_table(
        "message_requesters",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("gln", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_permitted", sa.Boolean(), nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"], ["message_responders.brand_id"], name=op.f("fk_message_requesters_brand_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("brand_id", "gln", name=op.f("pk_message_requesters")),
    )  # fmt: skip


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER items_keep_made ON items")
    op.execute("DROP TRIGGER items_keep_changed ON items")
    op.execute("DROP FUNCTION authsvc_keep_change()")
    op.execute("REVOKE UPDATE (commissioned_at) ON items FROM authsvc_console")
    op.drop_index("ix_commissions_brand_id_at", "commissions")
    op.drop_index("ix_item_facts_sold", "item_facts")
    op.drop_index("ix_items_commissioned", "items")
    op.drop_index("ix_registrations_sold", "registrations")
    op.drop_index("ix_transfers_completed", "transfers")
    for table in reversed(READ_BY_CONSOLE):
        op.drop_table(table)
    op.drop_table("links")
    op.drop_table("link_hosts")
