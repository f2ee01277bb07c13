"""
Dealers, what they hold and have sold, and the permits that owners give to platforms.

The console lets dealers in and ends them, and reads what they hold. Everything else of a dealer happens in the role of
the owner pages, which may lock items and tell the clone rules. A link or a key is all that somebody brings, so dealers
and their accesses are found whichever brand they are of, as owners are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
TIME = sa.DateTime(timezone=True)
GRANTS = {
    "dealers": "SELECT",
    "dealer_accesses": "SELECT, INSERT, UPDATE (seen_at, revoked_at), DELETE",
    "dealer_items": "SELECT, INSERT, UPDATE (state, ended_at, offered_to, sold_on, sold_in, fact_id)",
    "permits": "SELECT, INSERT, UPDATE (revoked_at, used_at), DELETE",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_dealers()
    _make_items()
    _make_permits()
    for table, granted in GRANTS.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"GRANT {granted} ON {table} TO authsvc_owner")
    for table in ("dealers", "dealer_accesses"):
        op.execute(f"CREATE POLICY every_dealer ON {table} TO authsvc_owner USING (true) WITH CHECK (true)")
    for table in ("dealer_items", "permits"):
        op.execute(f"CREATE POLICY owners_brand ON {table} TO authsvc_owner USING ({OWN_BRAND})")
        op.execute(f"CREATE POLICY own_brand ON {table} FOR SELECT TO authsvc_console USING ({OWN_BRAND})")
        op.execute(f"GRANT SELECT ON {table} TO authsvc_console")
    op.execute(f"CREATE POLICY own_brand ON dealers TO authsvc_console USING ({OWN_BRAND})")
    op.execute("GRANT SELECT, INSERT, UPDATE (name, country, ended_at) ON dealers TO authsvc_console")
    # A dealer's phone is trusted as the brand's own are; the owner pages read none of them.
    op.execute(f"CREATE POLICY dealers_phones ON trusted_devices FOR INSERT TO authsvc_owner WITH CHECK ({OWN_BRAND})")
    op.execute("GRANT INSERT ON trusted_devices TO authsvc_owner")
    # Ending a dealer ends what lets somebody act for it.
    op.execute(f"CREATE POLICY own_brand ON dealer_accesses TO authsvc_console USING ({OWN_BRAND})")
    op.execute("GRANT SELECT (id, brand_id, dealer_id, kind), UPDATE (revoked_at), DELETE ON dealer_accesses "
               "TO authsvc_console")  # fmt: skip


def _make_dealers() -> None:
    op.create_table(
        "dealers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f("ck_dealers_country")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_dealers_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dealers")),
    )
    op.create_index(
        "uq_dealers_email", "dealers", ["brand_id", sa.text("lower(email)")], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.create_table(
        "dealer_accesses",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("dealer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("hint", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.CheckConstraint("kind IN ('session', 'key')", name=op.f("ck_dealer_accesses_kind")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_dealer_accesses_brand_id")),
        sa.ForeignKeyConstraint(["dealer_id"], ["dealers.id"], name=op.f("fk_dealer_accesses_dealer_id")),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_dealer_accesses")),
        sa.UniqueConstraint("id", name=op.f("uq_dealer_accesses_id")),
    )
    op.create_index(op.f("ix_dealer_accesses_dealer_id"), "dealer_accesses", ["dealer_id"])


def _make_items() -> None:
    op.create_table(
        "dealer_items",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("dealer_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("offered_to", sa.Uuid(), nullable=True),
        sa.Column("sold_on", sa.Date(), nullable=True),
        sa.Column("sold_in", sa.Text(), nullable=True),
        sa.Column("fact_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('held', 'handed', 'sold', 'returned', 'undone')", name=op.f("ck_dealer_items_state")
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (state = 'held')", name=op.f("ck_dealer_items_ended")),
        sa.CheckConstraint("num_nulls(sold_on, sold_in, fact_id) IN (0, 3)", name=op.f("ck_dealer_items_sale")),
        sa.CheckConstraint("(state IN ('sold', 'undone')) = (sold_on IS NOT NULL)", name=op.f("ck_dealer_items_sold")),
        sa.CheckConstraint("offered_to IS NULL OR state = 'held'", name=op.f("ck_dealer_items_offered")),
        sa.PrimaryKeyConstraint("sgtin", "version", name=op.f("pk_dealer_items")),
    )
    op.create_index(
        "uq_dealer_items_held", "dealer_items", ["sgtin"], unique=True, postgresql_where=sa.text("state = 'held'")
    )
    op.create_index("ix_dealer_items_stock", "dealer_items", ["dealer_id", "state", "sgtin"])
    op.create_index(
        "ix_dealer_items_offered", "dealer_items", ["offered_to", "sgtin"],
        postgresql_where=sa.text("offered_to IS NOT NULL"),
    )  # fmt: skip


def _make_permits() -> None:
    op.create_table(
        "permits",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("used_at", TIME, nullable=True),
        sa.CheckConstraint("scope IN ('status', 'transfer')", name=op.f("ck_permits_scope")),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_permits")),
    )
    op.create_index("ix_permits_registration_id", "permits", ["registration_id"])
    op.create_index(op.f("ix_permits_owner_id"), "permits", ["owner_id"])
