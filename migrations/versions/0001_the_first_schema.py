"""The first schema: brands, products, lots, runs, keys, items, scans, alerts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "alerts",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("score", sa.REAL(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_brand_id_opened_at", "alerts", ["brand_id", "opened_at"], unique=False)
    op.create_index(
        "uq_alerts_open", "alerts", ["sgtin", "rule"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "brands",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_sandbox", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("hosts", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brands")),
        sa.UniqueConstraint("slug", name=op.f("uq_brands_slug")),
    )
    op.create_table(
        "items",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("claim_key", sa.Integer(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("disposition", sa.Text(), server_default="active", nullable=False),
        sa.Column("disposition_reason", sa.Text(), nullable=True),
        sa.Column("disposition_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("commissioned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seq", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("counted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("confirmed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_valid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("flagged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("score", sa.REAL(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("sgtin", name=op.f("pk_items")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "receipt_opens",
        sa.Column("receipt", sa.Uuid(), nullable=False),
        sa.Column("visitor", sa.LargeBinary(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("receipt", "visitor", name=op.f("pk_receipt_opens")),
    )
    op.create_table(
        "register_version",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_register_version_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_version")),
    )
    op.create_table(
        "rejections",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("sscc", sa.Text(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("key_id", sa.Integer(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("is_typed", sa.Boolean(), nullable=False),
        sa.Column("is_issued", sa.Boolean(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("disposition_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recall_id", sa.BigInteger(), nullable=True),
        sa.Column("is_flagged", sa.Boolean(), nullable=False),
        sa.Column("visitor", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("automated", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("at", "id", name=op.f("pk_rejections")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_rejections_brand_id_at", "rejections", ["brand_id", "at"], unique=False)
    op.create_index("ix_rejections_id", "rejections", ["id"], unique=False)
    op.create_table(
        "scans",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("visitor", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.LargeBinary(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("latitude", sa.REAL(), nullable=True),
        sa.Column("longitude", sa.REAL(), nullable=True),
        sa.Column("radius_km", sa.REAL(), nullable=True),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("automated", sa.Text(), nullable=True),
        sa.Column("is_weak", sa.Boolean(), nullable=False),
        sa.Column("is_counted", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("key_id", sa.Integer(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("scan_number", sa.Integer(), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mine_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("disposition_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recall_id", sa.BigInteger(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("is_released", sa.Boolean(), nullable=False),
        sa.Column("is_flagged", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sgtin", "at", "id", name=op.f("pk_scans")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_scans_id", "scans", ["id"], unique=False)
    op.create_table(
        "sightings",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("visitor", sa.LargeBinary(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.LargeBinary(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_id", sa.Uuid(), nullable=True),
        sa.Column("is_evidence", sa.Boolean(), nullable=False),
        sa.Column("is_weak", sa.Boolean(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("latitude", sa.REAL(), nullable=True),
        sa.Column("longitude", sa.REAL(), nullable=True),
        sa.Column("radius_km", sa.REAL(), nullable=True),
        sa.Column("network", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sgtin", "visitor", name=op.f("pk_sightings")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        "ix_sightings_sgtin_first_at",
        "sightings",
        ["sgtin", sa.literal_column("first_at DESC")],
        unique=False,
        postgresql_where=sa.text("is_evidence"),
    )
    op.create_table(
        "brand_counters",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("next_run", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("next_key_id", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("next_claim_key", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("next_epoch", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_sscc", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_brand_counters_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_brand_counters")),
    )
    op.create_table(
        "brand_prefixes",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_brand_prefixes_brand_id")),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_brand_prefixes")),
    )
    op.create_index(op.f("ix_brand_prefixes_brand_id"), "brand_prefixes", ["brand_id"], unique=False)
    op.create_table(
        "claim_keys",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_claim_keys_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_claim_keys")),
    )
    op.create_table(
        "images",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_images_brand_id")),
        sa.PrimaryKeyConstraint("sha256", "brand_id", name=op.f("pk_images")),
    )
    op.create_table(
        "products",
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("granularity", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("image", sa.Text(), nullable=True),
        sa.Column("warranty_months", sa.Integer(), nullable=True),
        sa.Column("claim", sa.Text(), server_default="none", nullable=False),
        sa.Column("token", sa.Text(), server_default="ed25519", nullable=False),
        sa.Column("release", sa.Text(), server_default="on-issue", nullable=False),
        sa.Column("tracking", sa.Text(), server_default="scans", nullable=False),
        sa.Column("markets", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("copy_threshold", sa.Integer(), server_default=sa.text("10"), nullable=False),
        sa.Column(
            "attributes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("gtin ~ '^[0-9]{14}$'", name=op.f("ck_products_gtin")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_products_brand_id")),
        sa.PrimaryKeyConstraint("gtin", name=op.f("pk_products")),
    )
    op.create_index(op.f("ix_products_brand_id"), "products", ["brand_id"], unique=False)
    op.create_table(
        "serial_keys",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_serial_keys_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "epoch", name=op.f("pk_serial_keys")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("wrapped_mac", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revocation_mode", sa.Text(), nullable=True),
        sa.Column("revoked_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_runs", postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("key_id BETWEEN 1 AND 65535", name=op.f("ck_signing_keys_key_id")),
        sa.CheckConstraint("num_nonnulls(public_key, wrapped_mac) = 1", name=op.f("ck_signing_keys_one_key")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_signing_keys_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "key_id", name=op.f("pk_signing_keys")),
    )
    op.create_table(
        "lots",
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column(
            "attributes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_lots_brand_id")),
        sa.ForeignKeyConstraint(["gtin"], ["products.gtin"], name=op.f("fk_lots_gtin")),
        sa.PrimaryKeyConstraint("gtin", "lot", name=op.f("pk_lots")),
    )
    op.create_index(op.f("ix_lots_brand_id"), "lots", ["brand_id"], unique=False)
    op.create_table(
        "recalls",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("index_from", sa.BigInteger(), nullable=True),
        sa.Column("index_to", sa.BigInteger(), nullable=True),
        sa.Column("serial_from", sa.Text(collation="C"), nullable=True),
        sa.Column("serial_to", sa.Text(collation="C"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("recalled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_recalls_brand_id")),
        sa.ForeignKeyConstraint(["gtin"], ["products.gtin"], name=op.f("fk_recalls_gtin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recalls")),
    )
    op.create_index(op.f("ix_recalls_brand_id"), "recalls", ["brand_id"], unique=False)
    op.create_index("ix_recalls_gtin", "recalls", ["gtin"], unique=False, postgresql_where=sa.text("lifted_at IS NULL"))
    op.create_table(
        "runs",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("key_id", sa.Integer(), nullable=True),
        sa.Column("claim_key", sa.Integer(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("sscc_first", sa.BigInteger(), nullable=True),
        sa.Column("commissioned", postgresql.INT8MULTIRANGE(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_runs_brand_id")),
        sa.ForeignKeyConstraint(["gtin", "lot"], ["lots.gtin", "lots.lot"], name=op.f("fk_runs_gtin_lot")),
        sa.ForeignKeyConstraint(["gtin"], ["products.gtin"], name=op.f("fk_runs_gtin")),
        sa.PrimaryKeyConstraint("brand_id", "number", name=op.f("pk_runs")),
    )
    op.create_index(
        "ix_runs_brand_id_sscc_first",
        "runs",
        ["brand_id", "sscc_first"],
        unique=False,
        postgresql_where=sa.text("sscc_first IS NOT NULL"),
    )
    op.create_index("ix_runs_gtin_lot", "runs", ["gtin", "lot"], unique=False)
