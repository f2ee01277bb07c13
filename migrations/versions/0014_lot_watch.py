"""
Alerts on more than items, and the counts of what is seen of each lot.

``subject`` says what an alert is about; its key stands where an item has its number, and has a slash where that has a
point; events tell of it too. The job keeps, for each lot, country and day, how many items were seen; a row of
``job_marks`` says up to when.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# As the deliveries made it, but for the first two lines of what is told.
TELL = """
CREATE OR REPLACE FUNCTION authsvc_tell_alert() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  is_closed boolean := NEW.closed_at IS NOT NULL;
BEGIN
  PERFORM authsvc_emit(NEW.brand_id,
    CASE WHEN TG_OP = 'INSERT' THEN 'alert.opened' WHEN is_closed THEN 'alert.closed' ELSE 'alert.reopened' END,
    CASE WHEN TG_OP = 'INSERT' THEN NEW.opened_at WHEN is_closed THEN NEW.closed_at ELSE now() END,
    CASE WHEN NEW.subject = 'item' THEN authsvc_item_words(NEW.sgtin) ELSE jsonb_build_object('gtin',
      NEW.evidence->'gtin', 'serial', NULL, 'sscc', NULL) END
    || jsonb_build_object('subject', NEW.subject, 'lot', CASE WHEN NEW.subject <> 'item' THEN NEW.evidence->'lot' END,
      'alert', NEW.id, 'rule', NEW.rule, 'score', NEW.score,
      'reasons', coalesce(jsonb_path_query_array(NEW.evidence, '$.parts[*].text'), '[]'),
      'opened_at', NEW.opened_at, 'closed_at', NEW.closed_at));
  RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("alerts", sa.Column("subject", sa.Text(), server_default="item", nullable=False))
    op.create_table(
        "lot_days",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("fresh", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "gtin", "lot", "country", "day", name=op.f("pk_lot_days")),
    )
    op.create_table(
        "job_marks",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_marks")),
    )
    # What a window of time holds of all items. Neither column ever changes, so updates of a sighting stay on its page.
    op.create_index(op.f("ix_sightings_first_at"), "sightings", ["first_at"])
    op.create_index(
        "ix_items_flagged_run",
        "items",
        ["brand_id", "run"],
        postgresql_where=sa.text("flagged_at IS NOT NULL AND run IS NOT NULL"),
    )
    op.execute("ALTER TABLE lot_days ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_brand ON lot_days TO authsvc_console "
        "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
    )
    op.execute("GRANT SELECT ON lot_days TO authsvc_console")
    # Straight to the driver: the text holds colons and percent signs that SQLAlchemy would read as parameters.
    op.get_bind().connection.driver_connection.execute(TELL)
