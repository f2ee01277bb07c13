"""
News of followed items, read as a scan reads them; old refusals found by their time; how the pages of a brand look.

Triggers mark whoever may be concerned. The worker reads the item before it writes, since only the statement of a scan
knows whom a recall covers and what was undone in the meantime; so what kind of news it is, is not stored. The nightly
job of retention reads rejections by their time alone. A brand has colours and a logo, or none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TELL = """
DROP TRIGGER items_follow ON items;
DROP TRIGGER resolutions_follow ON resolutions;
DROP FUNCTION authsvc_follow_resolution();

CREATE OR REPLACE FUNCTION authsvc_follow_item() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE followers SET news_at = now()
  WHERE sgtin = NEW.sgtin AND brand_id = NEW.brand_id AND confirmed_at IS NOT NULL AND news_at IS NULL;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION authsvc_follow_recall() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE followers f SET news_at = now()
  WHERE f.gtin = NEW.gtin AND f.brand_id = NEW.brand_id AND f.confirmed_at IS NOT NULL AND f.news_at IS NULL
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

CREATE OR REPLACE FUNCTION authsvc_follow_listed() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE followers f SET news_at = now()
  FROM listed z
  WHERE f.sgtin = z.sgtin AND f.brand_id = z.brand_id AND f.confirmed_at IS NOT NULL AND f.news_at IS NULL;
  RETURN NULL;
END $$;

CREATE TRIGGER items_follow AFTER UPDATE OF disposition ON items
  FOR EACH ROW WHEN (NEW.disposition IN ('blocked', 'recalled') AND NEW.disposition <> OLD.disposition)
  EXECUTE FUNCTION authsvc_follow_item();
CREATE TRIGGER resolutions_follow AFTER INSERT ON resolutions
  FOR EACH ROW WHEN (NEW.kind = 'confirmed-clone') EXECUTE FUNCTION authsvc_follow_item();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_followers_news_at", "followers")
    for constraint in "ck_followers_news", "ck_followers_news_at":
        op.drop_constraint(op.f(constraint), "followers", type_="check")
    op.drop_column("followers", "news")
    op.create_index(
        op.f("ix_followers_news_at"), "followers", ["news_at"], postgresql_where=sa.text("news_at IS NOT NULL")
    )
    op.create_index(
        op.f("ix_rejections_at"), "rejections", ["at"], postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    )  # fmt: skip
    for column in "colour", "colour_dark", "logo":
        op.add_column("brands", sa.Column(column, sa.Text(), nullable=True))
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    op.get_bind().connection.driver_connection.execute(TELL)
