"""
Formats of numbers, the date from which a product is serialised, data of single items, voided codes, new labels, sites.

Records of an item are only added: no role may change one, and a trigger holds even the owner of the tables to it. A
scan reads the public ones alone, and only of items whose row says that there are any. Voided codes of a run are ranges
on its row, like the commissioned ones. A site, or a printer, may have a quota of codes; its runs name it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
MAY = {
    "item_attributes": "SELECT, INSERT, UPDATE (value, audience, set_at, set_by), DELETE",
    "item_records": "SELECT, INSERT",
    "label_replacements": "SELECT",
    "sites": "SELECT, INSERT, UPDATE (quota, per, closed_at)",
}
FUNCTIONS = """
CREATE FUNCTION authsvc_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE insufficient_privilege USING MESSAGE = 'a record of an item is only added: a further record corrects it';
END $$;

CREATE TRIGGER item_records_keep BEFORE UPDATE OR DELETE ON item_records
  FOR EACH ROW EXECUTE FUNCTION authsvc_refuse_rewriting();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in (
        sa.Column("lot_format", sa.Text(), nullable=True),
        sa.Column("serial_format", sa.Text(), nullable=True),
        sa.Column("serial_from", sa.Date(), nullable=True),
    ):
        op.add_column("products", column)
    voided = sa.Column("voided", postgresql.INT8MULTIRANGE(), server_default=sa.text("'{}'"), nullable=False)
    op.add_column("runs", voided)
    op.add_column("runs", sa.Column("site", sa.Text(), nullable=True))
    op.create_index("ix_runs_site", "runs", ["brand_id", "site"], postgresql_where=sa.text("site IS NOT NULL"))
    op.add_column("run_orders", sa.Column("site", sa.Text(), nullable=True))
    op.add_column("run_orders", sa.Column("replaces", sa.Text(), nullable=True))
    op.add_column("run_orders", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("run_orders", sa.Column("serials", sa.Uuid(), nullable=True))
    op.add_column("items", sa.Column("records", sa.Integer(), server_default=sa.text("0"), nullable=False))
    _make_tables()
    for table, rights in MAY.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_brand ON {table} TO authsvc_console USING ({OWN_BRAND})")
        op.execute(f"GRANT {rights} ON {table} TO authsvc_console")
    for table in ("item_attributes", "item_records"):
        op.execute(f"CREATE POLICY public_ones ON {table} FOR SELECT TO authsvc_scan USING (audience = 'public')")
        op.execute(
            f"CREATE POLICY for_owners ON {table} FOR SELECT TO authsvc_owner "
            f"USING ({OWN_BRAND} AND audience IN ('public', 'owner'))"
        )
        op.execute(f"GRANT SELECT ON {table} TO authsvc_scan, authsvc_owner")
    op.execute("GRANT UPDATE (records) ON items TO authsvc_console")
    op.get_bind().connection.driver_connection.execute(FUNCTIONS)
    op.drop_constraint(op.f("ck_errands_kind"), "errands", type_="check")
    op.create_check_constraint(
        op.f("ck_errands_kind"), "errands",
        "kind IN ('preview', 'export', 'issue', 'products', 'serials', 'labels')",
    )  # fmt: skip


def _make_tables() -> None:
    audiences = "audience IN ('public', 'owner', 'partner', 'authority')"
    op.create_table(
        "item_attributes",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.CheckConstraint(audiences, name=op.f("ck_item_attributes_audience")),
        sa.PrimaryKeyConstraint("sgtin", "name", name=op.f("pk_item_attributes")),
    )
    op.create_table(
        "item_records",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint(audiences, name=op.f("ck_item_records_audience")),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_item_records")),
    )
    op.create_index("ix_item_records_sgtin_at", "item_records", ["sgtin", "at"])
    op.create_table(
        "label_replacements",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("new_sgtin", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("replaced_by", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("sgtin", name=op.f("pk_label_replacements")),
    )
    op.create_index("ix_label_replacements_new_sgtin", "label_replacements", ["new_sgtin"])
    op.create_table(
        "sites",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quota", sa.BigInteger(), nullable=True),
        sa.Column("per", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.CheckConstraint("per IN ('day', 'month', 'all')", name=op.f("ck_sites_per")),
        sa.CheckConstraint("quota >= 0", name=op.f("ck_sites_quota")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_sites_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "name", name=op.f("pk_sites")),
    )
