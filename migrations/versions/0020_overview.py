"""
What the overview and the page of an item read.

``daily_counts`` holds what a job has counted, by day; ``job_marks`` says up to when, and a console may read that. Scans
get an index of summaries: it costs a scan next to nothing, and finds those of the last minutes. Refused codes are found
by what they named, and open alerts by their rule. Where nothing was ever scanned, counting starts now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

WITH_SERIAL, WITH_SSCC = sa.text("serial IS NOT NULL"), sa.text("sscc IS NOT NULL")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "daily_counts",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "dimension IN ('day', 'country', 'product', 'lot', 'cell', 'alert')",
            name=op.f("ck_daily_counts_dimension"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_daily_counts_brand_id")),
        sa.PrimaryKeyConstraint(
            "brand_id", "dimension", "day", "gtin", "lot", "country", "kind", name=op.f("pk_daily_counts")
        ),
    )
    op.execute("ALTER TABLE daily_counts ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_brand ON daily_counts TO authsvc_console "
        "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
    )
    op.execute("GRANT SELECT ON daily_counts, job_marks TO authsvc_console")
    op.create_index(
        op.f("ix_scans_at"), "scans", ["at"], postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    )  # fmt: skip
    op.create_index("ix_rejections_serial", "rejections", ["gtin", "serial"], postgresql_where=WITH_SERIAL)
    op.create_index("ix_rejections_sscc", "rejections", ["sscc"], postgresql_where=WITH_SSCC)
    op.create_index(
        "ix_alerts_open_rule", "alerts", ["brand_id", "rule"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.execute(
        "INSERT INTO job_marks (job, at) SELECT 'days-counted', now() WHERE NOT EXISTS (SELECT FROM scans) "
        "AND NOT EXISTS (SELECT FROM rejections) AND NOT EXISTS (SELECT FROM alerts)"
    )
