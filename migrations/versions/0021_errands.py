"""
Errands of a brand's people: previews of a setting and files of data, made by the worker.

The console asks, cancels and reads; the worker, as the owner, does the rest. An insert queues the job in the same
transaction. Errands of one brand take turns, so that a brand cannot take every worker. A console may set the rate of
false alarms of its brand and products, and nothing else of the register.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

WAKE = """
CREATE FUNCTION authsvc_wake_errand() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM procrastinate_defer_jobs_v1(ARRAY[
    ROW('errands', 'do_errand', 0, 'errands/' || NEW.brand_id, NULL, jsonb_build_object('id', NEW.id), NULL)
  ]::procrastinate_job_to_defer_v1[]);
  RETURN NULL;
END $$;
CREATE TRIGGER errands_wake AFTER INSERT ON errands FOR EACH ROW EXECUTE FUNCTION authsvc_wake_errand();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "errands",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("turn", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.CheckConstraint("kind IN ('preview', 'export')", name=op.f("ck_errands_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_errands_state")
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_errands_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
    )
    op.create_index("ix_errands_brand_id_kind_created_at_id", "errands", ["brand_id", "kind", "created_at", "id"])
    op.create_index("ix_errands_expires_at", "errands", ["expires_at"])
    op.create_index(
        "ix_errands_open", "errands", ["created_at"], postgresql_where=sa.text("state IN ('waiting', 'running')")
    )
    op.create_table(
        "errand_parts",
        sa.Column("errand_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["errand_id"], ["errands.id"], name=op.f("fk_errand_parts_errand_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("errand_id", "number", name=op.f("pk_errand_parts")),
    )
    for table in ("errands", "errand_parts"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        op.execute(f"GRANT SELECT ON {table} TO authsvc_console")
    # Encrypted pieces do not get smaller by packing them again.
    op.execute("ALTER TABLE errand_parts ALTER COLUMN content SET STORAGE EXTERNAL")
    op.execute(
        "GRANT INSERT (id, brand_id, kind, asked, asked_by, asked_name, created_at, expires_at) ON errands "
        "TO authsvc_console"
    )
    op.execute("GRANT UPDATE (state, ended_at) ON errands TO authsvc_console")
    for table in ("brands", "products"):
        op.execute(f"GRANT UPDATE (target_rate) ON {table} TO authsvc_console")
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    op.get_bind().connection.driver_connection.execute(WAKE)
