"""
Alerts on more than items, and the counts of what is seen of each lot.

``subject`` says what an alert is about; its key stands where an item has its number, and has a slash where that has a
point. The job keeps, for each lot, country and day, how many items were seen; a row of ``job_marks`` says up to when.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0013"
branch_labels = None
depends_on = None


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
