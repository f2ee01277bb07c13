"""
What the public pages write: reports of who sold what, and addresses of those who want to be told of a change.

``authsvc_owner`` serves these pages too, for one brand at a time: it files reports, and reads of them what a reporter
is shown again, never the words or the contact. ``followers`` holds an address sealed, only until it was used. What
makes news of an item marks its followers in the same transaction, by triggers, so that no way to block or recall
forgets them; the worker writes the mails.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
TIME = sa.DateTime(timezone=True)
REPORT = (
    "brand_id, id, number, sgtin, typed_code, receipt, shop, shop_name, shop_address, listing_url, price, seller, "
    "bought_on, reporter, prefix, created_at"
)
MAY = {
    "consumer_reports": f"SELECT ({REPORT}), INSERT ({REPORT}, text, contact)",
    "report_photos": "INSERT",
    "report_counts": "SELECT, INSERT, UPDATE (count), DELETE",
    "alerts": "INSERT (sgtin, id, brand_id, subject, rule, score, evidence, opened_at)",
    "followers": "SELECT, INSERT, UPDATE (token_hash, sealed, created_at, confirmed_at, expires_at), DELETE",
}

TELL = """
CREATE FUNCTION authsvc_follow_item() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE followers SET news = NEW.disposition, news_at = now()
  WHERE sgtin = NEW.sgtin AND brand_id = NEW.brand_id AND confirmed_at IS NOT NULL AND news IS NULL;
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_follow_recall() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE followers f SET news = 'recalled', news_at = now()
  WHERE f.gtin = NEW.gtin AND f.brand_id = NEW.brand_id AND f.confirmed_at IS NOT NULL AND f.news IS NULL
    AND CASE
      WHEN NEW.run IS NOT NULL THEN f.run = NEW.run AND f.index BETWEEN NEW.index_from AND NEW.index_to
      WHEN NEW.serial_from IS NOT NULL THEN
        f.run IS NULL AND (NEW.lot IS NULL OR NEW.lot = f.lot) AND length(f.serial) = length(NEW.serial_from)
        AND f.serial COLLATE "C" BETWEEN NEW.serial_from AND NEW.serial_to
      ELSE NEW.lot IS NULL OR NEW.lot = f.lot END;
  RETURN NULL;
END $$;

CREATE FUNCTION authsvc_follow_resolution() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE followers SET news = 'copied', news_at = now()
  WHERE sgtin = NEW.sgtin AND brand_id = NEW.brand_id AND confirmed_at IS NOT NULL AND news IS NULL;
  RETURN NULL;
END $$;

CREATE TRIGGER items_follow AFTER UPDATE OF disposition ON items
  FOR EACH ROW WHEN (NEW.disposition IN ('blocked', 'recalled') AND NEW.disposition <> OLD.disposition)
  EXECUTE FUNCTION authsvc_follow_item();
CREATE TRIGGER recalls_follow AFTER INSERT ON recalls
  FOR EACH ROW EXECUTE FUNCTION authsvc_follow_recall();
CREATE TRIGGER resolutions_follow AFTER INSERT ON resolutions
  FOR EACH ROW WHEN (NEW.kind = 'confirmed-clone' AND NEW.undone_at IS NULL)
  EXECUTE FUNCTION authsvc_follow_resolution();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("consumer_reports", sa.Column("seller", sa.Text(), nullable=True))
    op.add_column("consumer_reports", sa.Column("bought_on", sa.Date(), nullable=True))
    op.create_index(op.f("ix_consumer_reports_created_at"), "consumer_reports", ["created_at"])
    _make_followers()
    for table in "consumer_reports", "report_photos", "report_counts":
        op.execute(f"CREATE POLICY owners_brand ON {table} TO authsvc_owner USING ({OWN_BRAND})")
        # The scan path never took reports: what nobody uses is no right.
        op.execute(f"DROP POLICY every_brand ON {table}")
        op.execute(f"REVOKE ALL ON {table} FROM authsvc_scan")
    for table, granted in MAY.items():
        op.execute(f"GRANT {granted} ON {table} TO authsvc_owner")
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    op.get_bind().connection.driver_connection.execute(TELL)


def _make_followers() -> None:
    op.create_table(
        "followers",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("index", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("news", sa.Text(), nullable=True),
        sa.Column("news_at", TIME, nullable=True),
        sa.CheckConstraint("news IN ('blocked', 'recalled', 'copied')", name=op.f("ck_followers_news")),
        sa.CheckConstraint("(news IS NULL) = (news_at IS NULL)", name=op.f("ck_followers_news_at")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_followers_brand_id")),
        sa.PrimaryKeyConstraint("sgtin", "email_hash", name=op.f("pk_followers")),
    )
    op.create_index("uq_followers_token_hash", "followers", ["token_hash"], unique=True)
    op.create_index(op.f("ix_followers_gtin"), "followers", ["gtin"])
    op.create_index(op.f("ix_followers_expires_at"), "followers", ["expires_at"])
    op.create_index(op.f("ix_followers_brand_id"), "followers", ["brand_id"])
    op.create_index(
        op.f("ix_followers_news_at"), "followers", ["news_at"], postgresql_where=sa.text("news IS NOT NULL")
    )
    op.execute("ALTER TABLE followers ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY every_owner ON followers TO authsvc_owner USING (true) WITH CHECK (true)")
