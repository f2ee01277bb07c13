"""
Runs ordered in the console: an order, the approval of a second person where the brand asks for it, and its job.

The row keeps whether two people were needed when it was ordered, so the database itself refuses an approval by whoever
ordered. Its errand has the same number; a console reads and decides, the worker issues.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("brands", sa.Column("approves_runs", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "run_orders",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("is_lot_level", sa.Boolean(), nullable=False),
        sa.Column("contents", sa.Integer(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("needs_two", sa.Boolean(), nullable=False),
        sa.Column("ordered_by", sa.Uuid(), nullable=False),
        sa.Column("ordered_name", sa.Text(), nullable=False),
        sa.Column("ordered_at", TIME, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_name", sa.Text(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("state IN ('awaiting', 'approved', 'refused')", name=op.f("ck_run_orders_state")),
        sa.CheckConstraint(
            "(state = 'awaiting') = (decided_by IS NULL)", name=op.f("ck_run_orders_decided")
        ),
        sa.CheckConstraint(
            "state <> 'approved' OR NOT needs_two OR decided_by <> ordered_by", name=op.f("ck_run_orders_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["gtin", "brand_id"], ["products.gtin", "products.brand_id"], name=op.f("fk_run_orders_gtin_brand_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_run_orders")),
    )  # fmt: skip
    op.create_index("ix_run_orders_brand_id_ordered_at", "run_orders", ["brand_id", "ordered_at"])
    op.execute("ALTER TABLE run_orders ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_brand ON run_orders TO authsvc_console "
        "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE (state, decided_by, decided_name, decided_at) ON run_orders "
               "TO authsvc_console")  # fmt: skip
    op.execute("GRANT UPDATE (approves_runs) ON brands TO authsvc_console")
    op.drop_constraint(op.f("ck_errands_kind"), "errands", type_="check")
    op.create_check_constraint(op.f("ck_errands_kind"), "errands", "kind IN ('preview', 'export', 'issue', 'products')")
