"""
Sandboxes: the twin of a brand, for trying everything without touching what is real.

A sandbox is a brand of its own with GTINs of its own, so nothing that is scoped by brand needs to know of it. What it
holds may be wiped, its records of items too, which are otherwise only added.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

KINDS = "'preview', 'export', 'issue', 'products', 'serials', 'labels'"
REFUSE = """
CREATE OR REPLACE FUNCTION authsvc_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  {exception}
  RAISE insufficient_privilege USING MESSAGE = 'a record of an item is only added: a further record corrects it';
END $$;
"""
EXCEPTION = """
  IF TG_OP = 'DELETE' AND EXISTS (SELECT FROM public.brands b WHERE b.id = OLD.brand_id AND b.sandbox_of IS NOT NULL)
  THEN RETURN OLD; END IF;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("brands", sa.Column("sandbox_of", sa.Uuid(), nullable=True))
    op.add_column("brands", sa.Column("wiped_at", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(op.f("uq_brands_sandbox_of"), "brands", ["sandbox_of"])
    op.create_foreign_key(op.f("fk_brands_sandbox_of"), "brands", "brands", ["sandbox_of"], ["id"])
    op.create_check_constraint(op.f("ck_brands_sandbox"), "brands", "sandbox_of IS NULL OR is_sandbox")
    op.drop_constraint(op.f("ck_errands_kind"), "errands", type_="check")
    op.create_check_constraint(op.f("ck_errands_kind"), "errands", f"kind IN ({KINDS}, 'sandbox')")
    op.execute(REFUSE.format(exception=EXCEPTION))
    # The API lists both, the newest first.
    op.create_index("ix_registrations_registered", "registrations", ["brand_id", "registered_at", "id"])
    op.create_index("ix_transfers_offered", "transfers", ["brand_id", "offered_at", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_transfers_offered", "transfers")
    op.drop_index("ix_registrations_registered", "registrations")
    op.execute(REFUSE.format(exception=""))
    op.execute("DELETE FROM errands WHERE kind = 'sandbox'")
    op.drop_constraint(op.f("ck_errands_kind"), "errands", type_="check")
    op.create_check_constraint(op.f("ck_errands_kind"), "errands", f"kind IN ({KINDS})")
    op.drop_constraint(op.f("ck_brands_sandbox"), "brands", type_="check")
    for column in ("wiped_at", "sandbox_of"):
        op.drop_column("brands", column)
