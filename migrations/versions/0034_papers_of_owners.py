"""
What an owner keeps with an item: proofs of purchase, requests, passkeys, service records, and the warranty of the item.

A proof of purchase is encrypted under the key of the person whose it is; one that came with an unconfirmed form, under
the secret of its link alone. The warranty stands at the item too, so that a scan reads it without a look at people. How
many owners an item had, and whether it is being offered, is told by a function and by nothing else.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
TIME = sa.DateTime(timezone=True)
OF_THE_BRAND = ("owner_files", "owner_requests", "owner_changes", "service_records")
OF_ANYBODY = ("owner_link_files", "owner_passkeys", "owner_challenges")
"""Found by what somebody brings, whichever brand they are of."""
MAY = {
    "owner_link_files": "SELECT, INSERT, DELETE",
    "owner_files": "SELECT, INSERT, DELETE",
    "owner_requests": "SELECT, INSERT, UPDATE (state, ended_at, decided_by, reason), DELETE",
    "owner_changes": "SELECT, INSERT, UPDATE (old_at, new_at), DELETE",
    "owner_passkeys": "SELECT, INSERT, UPDATE (sign_count, used_at), DELETE",
    "owner_challenges": "SELECT, INSERT, DELETE",
    "service_records": "SELECT",
}
STATES = "'pending', 'confirmed', 'superseded', 'released', 'transferred', 'reversed', 'recovered', 'refused'"
HELD = """
CREATE FUNCTION authsvc_note_warranty() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- The first registration that counts has started the warranty; all that follow it carry the same days.
  UPDATE items SET (warranty_from, warranty_until, held_at) = (
    SELECT r.warranty_from, r.warranty_until, coalesce(r.confirmed_at, r.pending_until) FROM registrations r
    WHERE r.sgtin = NEW.sgtin AND r.brand_id = NEW.brand_id AND r.state NOT IN ('superseded', 'refused')
      AND (r.confirmed_at IS NOT NULL OR r.state = 'pending' AND r.pending_until IS NOT NULL)
    ORDER BY r.version LIMIT 1)
  WHERE sgtin = NEW.sgtin AND brand_id = NEW.brand_id;
  RETURN NULL;
END $$;

CREATE TRIGGER registrations_note_warranty AFTER INSERT OR UPDATE OF state, confirmed_at ON registrations
  FOR EACH ROW EXECUTE FUNCTION authsvc_note_warranty();

CREATE FUNCTION authsvc_item_owners(item text, brand uuid, at timestamptz, OUT owners int, OUT is_offered boolean)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT (SELECT count(DISTINCT r.owner_id)::int FROM registrations r
      WHERE r.sgtin = item AND r.brand_id = brand AND r.state NOT IN ('reversed', 'recovered')
        AND coalesce(r.confirmed_at, CASE WHEN r.state = 'pending' THEN r.pending_until END) <= at),
    EXISTS (SELECT FROM transfers t WHERE t.sgtin = item AND t.brand_id = brand
      AND t.state IN ('offered', 'accepted') AND t.expires_at > at)
$$;

REVOKE EXECUTE ON FUNCTION authsvc_item_owners FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authsvc_item_owners TO authsvc_scan, authsvc_console, authsvc_owner;

UPDATE items i SET warranty_from = r.warranty_from, warranty_until = r.warranty_until,
  held_at = coalesce(r.confirmed_at, r.pending_until)
FROM (SELECT DISTINCT ON (sgtin) * FROM registrations WHERE state <> 'superseded'
    AND (confirmed_at IS NOT NULL OR state = 'pending' AND pending_until IS NOT NULL) ORDER BY sgtin, version) r
WHERE i.sgtin = r.sgtin;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("items", sa.Column("warranty_from", sa.Date(), nullable=True))
    op.add_column("items", sa.Column("warranty_until", sa.Date(), nullable=True))
    op.add_column("items", sa.Column("held_at", TIME, nullable=True))
    op.add_column("registrations", sa.Column("is_used", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index(op.f("ix_registrations_id"), "registrations", ["id"])
    op.drop_constraint(op.f("ck_registrations_state"), "registrations")
    op.create_check_constraint(op.f("ck_registrations_state"), "registrations", f"state IN ({STATES})")
    op.execute("GRANT SELECT (is_used) ON registrations TO authsvc_console")
    _make_files()
    _make_requests()
    _make_passkeys()
    _make_service_records()
    for table in (*OF_THE_BRAND, *OF_ANYBODY):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for table in OF_THE_BRAND:
        op.execute(f"CREATE POLICY owners_brand ON {table} TO authsvc_owner USING ({OWN_BRAND})")
    for table in OF_ANYBODY:
        op.execute(f"CREATE POLICY every_owner ON {table} TO authsvc_owner USING (true) WITH CHECK (true)")
    for table, granted in MAY.items():
        op.execute(f"GRANT {granted} ON {table} TO authsvc_owner")
    op.execute(f"CREATE POLICY own_brand ON service_records TO authsvc_console USING ({OWN_BRAND})")
    op.execute("GRANT SELECT, INSERT, UPDATE (withdrawn_by, withdrawn_at) ON service_records TO authsvc_console")
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    op.get_bind().connection.driver_connection.execute(HELD)


def _make_files() -> None:
    op.create_table(
        "owner_link_files",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_owner_link_files_brand_id")),
        sa.ForeignKeyConstraint(
            ["token_hash"], ["owner_links.token_hash"], name=op.f("fk_owner_link_files_token_hash"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_owner_link_files")),
    )
    op.create_table(
        "owner_files",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_owner_files_brand_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name=op.f("fk_owner_files_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_files")),
    )
    op.create_index(op.f("ix_owner_files_owner_id"), "owner_files", ["owner_id"])
    op.create_index(op.f("ix_owner_files_about"), "owner_files", ["about"])


def _make_requests() -> None:
    op.create_table(
        "owner_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("asker_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('used', 'mailbox')", name=op.f("ck_owner_requests_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'offered', 'released', 'reported', 'ignored', 'stopped', 'granted', 'refused', "
            "'over')",
            name=op.f("ck_owner_requests_state"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (state = 'waiting')", name=op.f("ck_owner_requests_ended")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_owner_requests_brand_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name=op.f("fk_owner_requests_owner_id")),
        sa.ForeignKeyConstraint(["asker_id"], ["owners.id"], name=op.f("fk_owner_requests_asker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_requests")),
    )
    for column in ("owner_id", "asker_id", "registration_id"):
        op.create_index(op.f(f"ix_owner_requests_{column}"), "owner_requests", [column])
    op.create_index("ix_owner_requests_waiting", "owner_requests", ["brand_id", "due_at"],
                    postgresql_where=sa.text("state = 'waiting'"))  # fmt: skip
    op.create_index("uq_owner_requests_mailbox", "owner_requests", ["registration_id"], unique=True,
                    postgresql_where=sa.text("kind = 'mailbox' AND state = 'waiting'"))  # fmt: skip
    op.create_index("uq_owner_requests_used", "owner_requests", ["registration_id", "asker_id"], unique=True,
                    postgresql_where=sa.text("kind = 'used' AND state = 'waiting'"))  # fmt: skip
    op.create_table(
        "owner_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("old_at", TIME, nullable=True),
        sa.Column("new_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_owner_changes_brand_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name=op.f("fk_owner_changes_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_changes")),
        sa.UniqueConstraint("owner_id", name=op.f("uq_owner_changes_owner_id")),
    )
    op.create_index(op.f("ix_owner_changes_expires_at"), "owner_changes", ["expires_at"])


def _make_passkeys() -> None:
    op.create_table(
        "owner_passkeys",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_owner_passkeys_brand_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name=op.f("fk_owner_passkeys_owner_id")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_owner_passkeys")),
    )
    op.create_index(op.f("ix_owner_passkeys_owner_id"), "owner_passkeys", ["owner_id"])
    op.create_table(
        "owner_challenges",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_owner_challenges")),
    )
    op.create_index(op.f("ix_owner_challenges_expires_at"), "owner_challenges", ["expires_at"])


def _make_service_records() -> None:
    op.create_table(
        "service_records",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_service_records")),
    )
