"""
Clone evidence: facts of items, resolutions of alerts, trusted devices, base rates, and targets of false alarms.

A limit of 10 visitors was the default of every product and cannot be told from a chosen one; it becomes none, because
the score with its target replaces it. Ranges that were commissioned before there were times get the time of the issue
of their run: the earliest possible, so that no earlier scan turns into evidence.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OF_ITEMS = ("item_facts", "resolutions")
REGISTER = ("trusted_devices", "base_rates", "commissions")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_tables()
    _add_columns()
    op.execute(
        "INSERT INTO commissions (brand_id, run, index_from, index_to, at) "
        "SELECT brand_id, number, lower(part), upper(part) - 1, coalesce(issued_at, created_at) "
        "FROM runs, unnest(commissioned) AS part"
    )
    op.execute("UPDATE products SET copy_threshold = NULL WHERE copy_threshold = 10")
    for table in (*OF_ITEMS, *REGISTER):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        op.execute(f"CREATE POLICY every_brand ON {table} TO authsvc_scan USING (true)")
        op.execute(f"GRANT SELECT ON {table} TO authsvc_scan, authsvc_console")
    # People record and withdraw, never rewrite. What follows for the item (flag and score) is written with it; items
    # themselves are made by other roles, so a fact of a code that was never issued speaks of nothing.
    op.execute("GRANT INSERT ON item_facts, resolutions, commissions, trusted_devices TO authsvc_console")
    op.execute("GRANT UPDATE (withdrawn_by, withdrawn_at) ON item_facts TO authsvc_console")
    op.execute("GRANT UPDATE (undone_reason, undone_by, undone_at) ON resolutions TO authsvc_console")
    op.execute("GRANT UPDATE (name, revoked_at) ON trusted_devices TO authsvc_console")
    op.execute("GRANT UPDATE (flagged_at, score, facts) ON items TO authsvc_console")
    op.execute("GRANT UPDATE (last_seen_at) ON trusted_devices TO authsvc_scan")
    # When a device was last seen changes nothing that a process holds in memory.
    op.execute(
        "CREATE TRIGGER trusted_devices_changed AFTER INSERT OR DELETE OR UPDATE OF name, secret_hash, revoked_at "
        "ON trusted_devices FOR EACH STATEMENT EXECUTE FUNCTION authsvc_register_changed()"
    )
    op.execute(
        "CREATE TRIGGER base_rates_changed AFTER INSERT OR UPDATE OR DELETE ON base_rates "
        "FOR EACH STATEMENT EXECUTE FUNCTION authsvc_register_changed()"
    )


def _make_tables() -> None:
    op.create_table(
        "item_facts",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visitor", sa.LargeBinary(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("latitude", sa.REAL(), nullable=True),
        sa.Column("longitude", sa.REAL(), nullable=True),
        sa.Column("radius_km", sa.REAL(), nullable=True),
        sa.Column("markets", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_item_facts")),
    )
    op.create_table(
        "resolutions",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_evidence", sa.Boolean(), nullable=False),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_reason", sa.Text(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_resolutions")),
    )
    op.create_index(op.f("ix_resolutions_brand_id"), "resolutions", ["brand_id"])
    op.create_index(
        "uq_resolutions_in_force",
        "resolutions",
        ["sgtin", "alert_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "commissions",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("index_from", sa.BigInteger(), nullable=False),
        sa.Column("index_to", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("index_from <= index_to", name=op.f("ck_commissions_range")),
        sa.ForeignKeyConstraint(
            ["brand_id", "run"], ["runs.brand_id", "runs.number"], name=op.f("fk_commissions_brand_id_run")
        ),
        sa.PrimaryKeyConstraint("brand_id", "run", "index_from", "index_to", name=op.f("pk_commissions")),
    )
    op.create_table(
        "trusted_devices",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('browser', 'key')", name=op.f("ck_trusted_devices_kind")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_trusted_devices_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_trusted_devices")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_trusted_devices_secret_hash")),
    )
    op.create_table(
        "base_rates",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("visitors", sa.BigInteger(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["gtin", "brand_id"], ["products.gtin", "products.brand_id"], name=op.f("fk_base_rates_gtin_brand_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "gtin", name=op.f("pk_base_rates")),
    )


def _add_columns() -> None:
    op.add_column("items", sa.Column("facts", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("brands", sa.Column("target_rate", sa.REAL(), server_default=sa.text("0.001"), nullable=False))
    op.add_column("brands", sa.Column("has_lifecycle", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("products", sa.Column("target_rate", sa.REAL(), nullable=True))
    op.add_column("products", sa.Column("has_lifecycle", sa.Boolean(), nullable=True))
    op.alter_column("products", "copy_threshold", nullable=True, server_default=None)
    op.add_column("sightings", sa.Column("asn", sa.LargeBinary(), nullable=True))
    op.add_column("scans", sa.Column("asn", sa.LargeBinary(), nullable=True))
    op.add_column("scans", sa.Column("device", sa.Uuid(), nullable=True))
