"""
Owners: people, their links and sessions, and the registrations of items.

``authsvc_owner`` serves the owner pages, for one brand at a time, and is taken on by the login of the console. It finds
people and their links whichever brand they are of, since a mail address or a link is all that it is given; of items,
facts and registrations it sees those of the brand that the transaction is about. It reads claim keys, because it is the
one place of the web where a claim code is looked at.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
TIME = sa.DateTime(timezone=True)
OF_PEOPLE = ("owners", "owner_links", "owner_sessions", "owner_attempts")
OF_ITEMS = (
    "runs", "claim_keys", "items", "item_facts", "sightings", "resolutions", "commissions", "alerts", "registrations",
)  # fmt: skip
MAY = {
    "brands": "SELECT",
    "runs": "SELECT",
    "claim_keys": "SELECT",
    "items": "SELECT, UPDATE (disposition, disposition_reason, disposition_at, seq, facts, score, flagged_at)",
    "item_facts": "SELECT, INSERT",
    "sightings": "SELECT",
    "resolutions": "SELECT",
    "commissions": "SELECT",
    "alerts": "SELECT, UPDATE (closed_at)",
    "mails": "INSERT (id, brand_id, template, sealed, next_at, created_at)",
    "owners": "SELECT, INSERT, UPDATE (email_hash, wrapped_key, sealed, erased_at)",
    "owner_links": "SELECT, INSERT, DELETE",
    "owner_sessions": "SELECT, INSERT, UPDATE (seen_at), DELETE",
    "owner_attempts": "SELECT, INSERT, UPDATE (count), DELETE",
    "registrations": "SELECT, INSERT, UPDATE (state, confirmed_at, ended_at, sealed)",
}
SEEN_BY_THE_CONSOLE = (
    "sgtin, version, id, brand_id, owner_id, state, has_claim, registered_at, pending_until, confirmed_at, ended_at, "
    "purchased_on, warranty_from, warranty_until"
)

TELL = """
CREATE FUNCTION authsvc_tell_registration() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM authsvc_emit(NEW.brand_id,
    CASE WHEN TG_OP = 'INSERT' THEN 'item.registered' ELSE 'item.registration_changed' END,
    CASE WHEN TG_OP = 'INSERT' THEN NEW.registered_at ELSE coalesce(NEW.ended_at, NEW.confirmed_at, now()) END,
    authsvc_item_words(NEW.sgtin) || jsonb_build_object('registration', NEW.id, 'version', NEW.version,
      'state', NEW.state, 'has_claim', NEW.has_claim, 'pending_until', NEW.pending_until,
      'warranty_from', NEW.warranty_from, 'warranty_until', NEW.warranty_until));
  RETURN NULL;
END $$;

CREATE TRIGGER registrations_tell_made AFTER INSERT ON registrations
  FOR EACH ROW EXECUTE FUNCTION authsvc_tell_registration();
CREATE TRIGGER registrations_tell_changed AFTER UPDATE OF state ON registrations
  FOR EACH ROW WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION authsvc_tell_registration();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_people()
    _make_registrations()
    _make_role()
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    op.get_bind().connection.driver_connection.execute(TELL)


def _make_people() -> None:
    op.create_table(
        "owners",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("erased_at", TIME, nullable=True),
        sa.CheckConstraint(
            "erased_at IS NULL OR num_nonnulls(email_hash, wrapped_key, sealed) = 0",
            name=op.f("ck_owners_nothing_of_the_erased"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_owners_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners")),
        sa.UniqueConstraint("brand_id", "email_hash", name=op.f("uq_owners_brand_id_email_hash")),
    )
    op.create_table(
        "owner_links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_owner_links_brand_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_owner_links")),
    )
    op.create_index(op.f("ix_owner_links_expires_at"), "owner_links", ["expires_at"])
    op.create_table(
        "owner_sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_owner_sessions_brand_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["owners.id"], name=op.f("fk_owner_sessions_owner_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_owner_sessions")),
    )
    op.create_index(op.f("ix_owner_sessions_owner_id"), "owner_sessions", ["owner_id"])
    op.create_table(
        "owner_attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_start", name=op.f("pk_owner_attempts")),
    )
    op.create_index(op.f("ix_owner_attempts_window_start"), "owner_attempts", ["window_start"])


def _make_registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("has_claim", sa.Boolean(), nullable=False),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("pending_until", TIME, nullable=True),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("purchased_on", sa.Date(), nullable=True),
        sa.Column("warranty_from", sa.Date(), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'confirmed', 'superseded', 'released')", name=op.f("ck_registrations_state")
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (state IN ('pending', 'confirmed'))", name=op.f("ck_registrations_ended")
        ),
        sa.CheckConstraint(
            "(warranty_from IS NULL) = (warranty_until IS NULL)", name=op.f("ck_registrations_warranty")
        ),
        sa.PrimaryKeyConstraint("sgtin", "version", name=op.f("pk_registrations")),
    )
    op.create_index(op.f("ix_registrations_owner_id"), "registrations", ["owner_id"])
    op.create_index(
        "uq_registrations_present", "registrations", ["sgtin"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip


def _make_role() -> None:
    # Roles belong to the whole server, so another database of it may have made them.
    op.execute(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authsvc_owner') "
        "THEN CREATE ROLE authsvc_owner NOLOGIN; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute("GRANT authsvc_owner TO CURRENT_USER")
    op.execute("GRANT USAGE ON SCHEMA public TO authsvc_owner")
    for table in (*OF_PEOPLE, "registrations"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for table in (*OF_PEOPLE, "brands"):
        op.execute(f"CREATE POLICY every_owner ON {table} TO authsvc_owner USING (true) WITH CHECK (true)")
    for table in OF_ITEMS:
        op.execute(f"CREATE POLICY owners_brand ON {table} TO authsvc_owner USING ({OWN_BRAND})")
    op.execute(f"CREATE POLICY own_brand ON registrations FOR SELECT TO authsvc_console USING ({OWN_BRAND})")
    op.execute("CREATE POLICY queued_for_owners ON mails FOR INSERT TO authsvc_owner WITH CHECK (true)")
    for table, granted in MAY.items():
        op.execute(f"GRANT {granted} ON {table} TO authsvc_owner")
    op.execute(f"GRANT SELECT ({SEEN_BY_THE_CONSOLE}) ON registrations TO authsvc_console")
    op.execute("GRANT EXECUTE ON FUNCTION authsvc_make_item TO authsvc_owner")
    op.execute(
        "DO $$ BEGIN GRANT authsvc_owner TO authsvc_desk; "
        "EXCEPTION WHEN insufficient_privilege OR undefined_object OR unique_violation THEN NULL; END $$"
    )
