"""
Transfers of ownership: offers, the codes that lead to them, the keys of acts, and the two new ends of a registration.

The owner pages run transfers. The console reads what happened when, and nothing that is sealed; a dispute is decided
in the role of the owner pages, because that alone may move an item and tell its people. A code is all that a buyer
brings, so codes are found whichever brand they are of, as links in mails are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"
branch_labels = None
depends_on = None

OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
TIME = sa.DateTime(timezone=True)
STATES = "'offered', 'accepted', 'completed', 'declined', 'cancelled', 'expired', 'disputed', 'reversed'"
OPEN = "state IN ('offered', 'accepted')"
CHANGED = (
    "state, buyer_id, given_id, expires_at, accepted_at, completed_at, dispute_until, ended_at, disputed_at, "
    "disputed_by, decided_at, decision, seller_statement, buyer_statement, visitor, country, latitude, longitude, "
    "radius_km"
)
SEEN_BY_THE_CONSOLE = (
    "sgtin, id, brand_id, version, registration_id, seller_id, buyer_id, given_id, is_present, state, offered_at, "
    "expires_at, accepted_at, completed_at, dispute_until, ended_at, disputed_at, disputed_by, decided_at, decision"
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("registrations", sa.Column("transfer_id", sa.Uuid(), nullable=True))
    op.drop_constraint(op.f("ck_registrations_state"), "registrations")
    op.create_check_constraint(
        op.f("ck_registrations_state"),
        "registrations",
        "state IN ('pending', 'confirmed', 'superseded', 'released', 'transferred', 'reversed')",
    )
    op.execute("GRANT SELECT (transfer_id) ON registrations TO authsvc_console")
    _make_transfers()
    _make_codes_and_keys()
    for table in ("transfers", "transfer_codes", "transfer_keys"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owners_brand ON transfers TO authsvc_owner USING ({OWN_BRAND})")
    op.execute(f"CREATE POLICY own_brand ON transfers FOR SELECT TO authsvc_console USING ({OWN_BRAND})")
    op.execute("CREATE POLICY every_owner ON transfer_codes TO authsvc_owner USING (true) WITH CHECK (true)")
    op.execute("CREATE POLICY every_owner ON transfer_keys TO authsvc_owner USING (true) WITH CHECK (true)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ({CHANGED}) ON transfers TO authsvc_owner")
    op.execute(f"GRANT SELECT ({SEEN_BY_THE_CONSOLE}) ON transfers TO authsvc_console")
    op.execute("GRANT SELECT, INSERT, DELETE ON transfer_codes, transfer_keys TO authsvc_owner")
    # A transfer that is taken back takes its fact back too.
    op.execute("GRANT UPDATE (withdrawn_by, withdrawn_at) ON item_facts TO authsvc_owner")


def _make_transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=True),
        sa.Column("given_id", sa.Uuid(), nullable=True),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offered_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("accepted_at", TIME, nullable=True),
        sa.Column("completed_at", TIME, nullable=True),
        sa.Column("dispute_until", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("disputed_at", TIME, nullable=True),
        sa.Column("disputed_by", sa.Text(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("seller_statement", sa.LargeBinary(), nullable=True),
        sa.Column("buyer_statement", sa.LargeBinary(), nullable=True),
        sa.Column("visitor", sa.LargeBinary(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("latitude", sa.REAL(), nullable=True),
        sa.Column("longitude", sa.REAL(), nullable=True),
        sa.Column("radius_km", sa.REAL(), nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_transfers_state")),
        sa.CheckConstraint("(buyer_id IS NULL) = (accepted_at IS NULL)", name=op.f("ck_transfers_accepted")),
        sa.CheckConstraint(
            "num_nulls(completed_at, given_id, dispute_until) IN (0, 3)", name=op.f("ck_transfers_completed")
        ),
        sa.CheckConstraint(
            "state NOT IN ('completed', 'disputed', 'reversed') OR completed_at IS NOT NULL",
            name=op.f("ck_transfers_given"),
        ),
        sa.CheckConstraint("disputed_by IN ('seller', 'buyer')", name=op.f("ck_transfers_disputed_by")),
        sa.CheckConstraint("decision IN ('stands', 'returns', 'blocks')", name=op.f("ck_transfers_decision")),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_transfers")),
    )
    op.create_index("uq_transfers_open", "transfers", ["sgtin"], unique=True, postgresql_where=sa.text(OPEN))
    op.create_index(
        "ix_transfers_disputed", "transfers", ["brand_id", "disputed_at"],
        postgresql_where=sa.text("disputed_at IS NOT NULL"),
    )  # fmt: skip
    for column in ("seller_id", "buyer_id"):
        op.create_index(op.f(f"ix_transfers_{column}"), "transfers", [column])


def _make_codes_and_keys() -> None:
    for table, key, *more in (("transfer_codes", "code_hash"), ("transfer_keys", "key_hash", "owner_id")):
        op.create_table(
            table,
            sa.Column(key, sa.LargeBinary(), nullable=False),
            sa.Column("brand_id", sa.Uuid(), nullable=False),
            sa.Column("sgtin", sa.Text(), nullable=False),
            sa.Column("transfer_id", sa.Uuid(), nullable=False),
            *(sa.Column(name, sa.Uuid(), nullable=False) for name in more),
            sa.Column("created_at", TIME, nullable=False),
            sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
        )
        op.create_index(op.f(f"ix_{table}_created_at"), table, ["created_at"])
