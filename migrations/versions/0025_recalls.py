"""
Recalls in full: lists of serials, production windows, drafts that are looked at first, and what owners were told.

A list is rows of ``recall_items``, found by item. ``recall_notices`` holds who was told of what: one row for each
owner and telling, so that nobody is told twice. A recall that tells owners queues its job in its own transaction.
Recalls from before tell nobody. The function of the event says the new members beside the old ones, and those who
follow an item hear of a list or a window only where it names their item.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
MAY = {
    "recall_items": "SELECT, INSERT",
    "recall_drafts": "SELECT, INSERT, DELETE",
    "recall_notices": "SELECT",
}

FUNCTIONS = """
CREATE OR REPLACE FUNCTION authsvc_tell_recall() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM authsvc_emit(NEW.brand_id, CASE WHEN NEW.lifted_at IS NULL THEN 'recall.created' ELSE 'recall.lifted' END,
    coalesce(NEW.lifted_at, NEW.recalled_at),
    jsonb_build_object('recall', NEW.id, 'gtin', NEW.gtin, 'lot', NEW.lot, 'run', NEW.run,
      'index_from', NEW.index_from, 'index_to', NEW.index_to,
      'serial_from', NEW.serial_from, 'serial_to', NEW.serial_to, 'listed', NEW.listed,
      'made_from', NEW.made_from, 'made_until', NEW.made_until, 'reason', NEW.reason, 'remedy', NEW.remedy,
      'recalled_at', NEW.recalled_at, 'lifted_at', NEW.lifted_at));
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_wake_recall() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM authsvc_defer('tell_owners', 5, jsonb_build_object('recall', NEW.id), NULL);
  RETURN NULL;
END $$;

CREATE TRIGGER recalls_wake_created AFTER INSERT ON recalls
  FOR EACH ROW WHEN (NEW.tells_owners) EXECUTE FUNCTION authsvc_wake_recall();
CREATE TRIGGER recalls_wake_lifted AFTER UPDATE OF lifted_at ON recalls
  FOR EACH ROW WHEN (NEW.tells_owners AND OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL)
  EXECUTE FUNCTION authsvc_wake_recall();

CREATE OR REPLACE FUNCTION authsvc_follow_recall() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE followers f SET news = 'recalled', news_at = now()
  WHERE f.gtin = NEW.gtin AND f.brand_id = NEW.brand_id AND f.confirmed_at IS NOT NULL AND f.news IS NULL
    AND CASE
      WHEN NEW.run IS NOT NULL THEN f.run = NEW.run AND f.index BETWEEN NEW.index_from AND NEW.index_to
      WHEN NEW.serial_from IS NOT NULL THEN
        f.run IS NULL AND (NEW.lot IS NULL OR NEW.lot = f.lot) AND length(f.serial) = length(NEW.serial_from)
        AND f.serial COLLATE "C" BETWEEN NEW.serial_from AND NEW.serial_to
      WHEN NEW.listed IS NOT NULL THEN false
      WHEN NEW.made_from IS NOT NULL THEN EXISTS (
        SELECT FROM runs r
        WHERE r.brand_id = NEW.brand_id AND r.issued_at >= NEW.made_from AND r.issued_at < NEW.made_until
          AND r.number = coalesce(f.run, (SELECT o.run FROM items o WHERE o.sgtin = f.sgtin)))
      ELSE NEW.lot IS NULL OR NEW.lot = f.lot END;
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_follow_listed() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE followers f SET news = 'recalled', news_at = now()
  FROM listed z
  WHERE f.sgtin = z.sgtin AND f.brand_id = z.brand_id AND f.confirmed_at IS NOT NULL AND f.news IS NULL;
  RETURN NULL;
END $$;

CREATE TRIGGER recall_items_follow AFTER INSERT ON recall_items
  REFERENCING NEW TABLE AS listed FOR EACH STATEMENT EXECUTE FUNCTION authsvc_follow_listed();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in (
        sa.Column("listed", sa.Integer(), nullable=True),
        sa.Column("made_from", TIME, nullable=True),
        sa.Column("made_until", TIME, nullable=True),
        sa.Column("tells_owners", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=True),
    ):
        op.add_column("recalls", column)
    op.create_check_constraint(
        op.f("ck_recalls_one_scope"), "recalls", "num_nonnulls(run, serial_from, listed, made_from) <= 1"
    )
    op.create_unique_constraint(op.f("uq_recalls_draft_id"), "recalls", ["draft_id"])
    _make_tables()
    op.create_index(
        "ix_registrations_present", "registrations", ["brand_id", "sgtin"],
        postgresql_ops={"sgtin": "text_pattern_ops"}, postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    for table, rights in MAY.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        op.execute(f"GRANT {rights} ON {table} TO authsvc_console")
    op.execute("CREATE POLICY every_brand ON recall_items FOR SELECT TO authsvc_scan USING (true)")
    op.execute("GRANT SELECT ON recall_items TO authsvc_scan")
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    op.get_bind().connection.driver_connection.execute(FUNCTIONS)


def _make_tables() -> None:
    op.create_table(
        "recall_items",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("recall_id", sa.BigInteger(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_recall_items_brand_id")),
        sa.PrimaryKeyConstraint("sgtin", "recall_id", name=op.f("pk_recall_items")),
    )
    op.create_index(op.f("ix_recall_items_recall_id"), "recall_items", ["recall_id"])
    op.create_table(
        "recall_drafts",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("target", sa.dialects.postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("tells_owners", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_recall_drafts_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_recall_drafts")),
    )
    op.create_table(
        "recall_notices",
        sa.Column("recall_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint("kind IN ('announced', 'lifted')", name=op.f("ck_recall_notices_kind")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_recall_notices_brand_id")),
        sa.ForeignKeyConstraint(["recall_id"], ["recalls.id"], name=op.f("fk_recall_notices_recall_id")),
        sa.PrimaryKeyConstraint("recall_id", "owner_id", "kind", name=op.f("pk_recall_notices")),
    )
