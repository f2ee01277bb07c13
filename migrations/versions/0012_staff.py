"""
Staff and the audit log.

``authsvc_auth`` resolves who somebody is; it reads accounts and sessions and none of a brand's own rows.
``authsvc_console`` sees of its people what the team page shows. Both are taken on by ``authsvc_desk``, the login of the
console: it inherits nothing, so a statement that forgets to take on a role may do nothing.

The log is numbered and chained by a trigger, under the lock of the brand's head. It grants no change, and a second
trigger refuses one to the owner too.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
TIME = sa.DateTime(timezone=True)
OF_A_BRAND = (
    "staff", "staff_invitations", "staff_sso", "staff_identities", "staff_sessions", "audit_events", "audit_heads",
)  # fmt: skip
OF_A_PERSON = ("staff_accounts", "staff_passkeys", "staff_recovery_codes", "staff_flows", "staff_attempts")
MAY = {
    "authsvc_auth": {
        "brands": "SELECT",
        "staff": "SELECT, INSERT, UPDATE (role, deactivated_at)",
        "staff_invitations": "SELECT, UPDATE (accepted_at)",
        "staff_sso": "SELECT",
        "staff_identities": "SELECT, INSERT",
        "staff_sessions": "SELECT, INSERT, UPDATE",
        "staff_accounts": "SELECT, INSERT, UPDATE",
        "staff_passkeys": "SELECT, INSERT, UPDATE, DELETE",
        "staff_recovery_codes": "SELECT, INSERT, UPDATE, DELETE",
        "staff_flows": "SELECT, INSERT, UPDATE, DELETE",
        "staff_attempts": "SELECT, INSERT, UPDATE, DELETE",
    },
    "authsvc_console": {
        "staff": "SELECT, UPDATE (role, deactivated_at)",
        "staff_accounts": "SELECT (id, email, name)",
        "staff_invitations": "SELECT (id, brand_id, email, role, invited_by, created_at, expires_at, accepted_at, "
        "withdrawn_at), INSERT, UPDATE (withdrawn_at)",
        "staff_sso": "SELECT (brand_id, issuer, client_id, changed_at), INSERT, UPDATE, DELETE",
        "audit_events": "SELECT",
        "audit_heads": "SELECT",
    },
}
WRITTEN = "brand_id, at, actor_kind, actor_id, actor_name, act, subject, details"

CHAIN = """
CREATE FUNCTION authsvc_audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE
  SET search_path = pg_catalog, pg_temp AS
$$ SELECT coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-') $$;

CREATE FUNCTION authsvc_audit_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO audit_heads (brand_id, seq, hash) VALUES (NEW.brand_id, 0, decode(repeat('00', 32), 'hex'))
    ON CONFLICT DO NOTHING;
  SELECT seq + 1, hash INTO NEW.seq, NEW.previous FROM audit_heads WHERE brand_id = NEW.brand_id FOR UPDATE;
  -- Lengths before values: no two events share a message. audit.py makes the same one.
  NEW.hash := sha256(NEW.previous || convert_to('authsvc/audit/1'
    || authsvc_audit_field(NEW.brand_id::text) || authsvc_audit_field(NEW.seq::text)
    || authsvc_audit_field((extract(epoch FROM NEW.at) * 1000000)::bigint::text)
    || authsvc_audit_field(NEW.actor_kind) || authsvc_audit_field(NEW.actor_id::text)
    || authsvc_audit_field(NEW.actor_name) || authsvc_audit_field(NEW.act) || authsvc_audit_field(NEW.subject)
    || authsvc_audit_field(NEW.details::text), 'UTF8'));
  UPDATE audit_heads SET seq = NEW.seq, hash = NEW.hash WHERE brand_id = NEW.brand_id;
  RETURN NEW;
END $$;

CREATE FUNCTION authsvc_audit_keep() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE insufficient_privilege USING MESSAGE = 'the audit log is not changed';
END $$;

CREATE TRIGGER audit_events_link BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION authsvc_audit_link();
CREATE TRIGGER audit_events_keep BEFORE UPDATE OR DELETE ON audit_events
  FOR EACH ROW EXECUTE FUNCTION authsvc_audit_keep();
CREATE TRIGGER audit_events_keep_all BEFORE TRUNCATE ON audit_events
  FOR EACH STATEMENT EXECUTE FUNCTION authsvc_audit_keep();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_people()
    _make_proofs()
    _make_sessions()
    _make_log()
    op.execute(CHAIN)
    _make_roles()


def _make_people() -> None:
    op.create_table(
        "staff_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("totp_wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("totp_at", TIME, nullable=True),
        sa.Column("totp_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_staff_accounts_email")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_accounts_email")),
    )
    op.create_table(
        "staff",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("deactivated_at", TIME, nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'analyst', 'operator', 'admin')", name=op.f("ck_staff_role")),
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f("fk_staff_account_id")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_staff_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "account_id", name=op.f("pk_staff")),
    )
    op.create_index(op.f("ix_staff_account_id"), "staff", ["account_id"], unique=False)
    op.create_table(
        "staff_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("accepted_at", TIME, nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.CheckConstraint(
            "role IN ('viewer', 'analyst', 'operator', 'admin')", name=op.f("ck_staff_invitations_role")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_staff_invitations_email")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_staff_invitations_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_invitations_token_hash")),
    )
    op.create_index(op.f("ix_staff_invitations_brand_id"), "staff_invitations", ["brand_id"], unique=False)


def _make_proofs() -> None:
    op.create_table(
        "staff_passkeys",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f("fk_staff_passkeys_account_id")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_staff_passkeys")),
    )
    op.create_index(op.f("ix_staff_passkeys_account_id"), "staff_passkeys", ["account_id"], unique=False)
    op.create_table(
        "staff_recovery_codes",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f("fk_staff_recovery_codes_account_id")),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name=op.f("pk_staff_recovery_codes")),
    )
    op.create_table(
        "staff_sso",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret_wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_staff_sso_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_staff_sso")),
    )
    op.create_table(
        "staff_identities",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f("fk_staff_identities_account_id")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_staff_identities_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "issuer", "subject", name=op.f("pk_staff_identities")),
    )
    op.create_index(op.f("ix_staff_identities_account_id"), "staff_identities", ["account_id"], unique=False)


def _make_sessions() -> None:
    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("proved_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f("fk_staff_sessions_account_id")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_staff_sessions_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_sessions_token_hash")),
    )
    op.create_index(op.f("ix_staff_sessions_account_id"), "staff_sessions", ["account_id"], unique=False)
    op.create_table(
        "staff_flows",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["staff_accounts.id"], name=op.f("fk_staff_flows_account_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_staff_flows")),
    )
    op.create_index(op.f("ix_staff_flows_expires_at"), "staff_flows", ["expires_at"], unique=False)
    op.create_table(
        "staff_attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_start", name=op.f("pk_staff_attempts")),
    )
    op.create_index("ix_staff_attempts_window_start", "staff_attempts", ["window_start"], unique=False)


def _make_log() -> None:
    op.create_table(
        "audit_events",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "seq", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_events_brand_id_act_seq", "audit_events", ["brand_id", "act", "seq"], unique=False)
    op.create_index(
        "ix_audit_events_brand_id_subject_seq", "audit_events", ["brand_id", "subject", "seq"], unique=False
    )
    op.create_table(
        "audit_heads",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_audit_heads_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", name=op.f("pk_audit_heads")),
    )


def _make_roles() -> None:
    # Roles belong to the whole server, so another database of it may have made them.
    op.execute(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authsvc_auth') "
        "THEN CREATE ROLE authsvc_auth NOLOGIN; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute("GRANT authsvc_auth TO CURRENT_USER")
    op.execute("GRANT USAGE ON SCHEMA public TO authsvc_auth")
    for table in (*OF_A_BRAND, *OF_A_PERSON):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    for table in (*OF_A_BRAND, *OF_A_PERSON, "brands"):
        op.execute(f"CREATE POLICY every_person ON {table} TO authsvc_auth USING (true) WITH CHECK (true)")
    for table in OF_A_BRAND:
        op.execute(f"CREATE POLICY own_brand ON {table} TO authsvc_console USING ({OWN_BRAND})")
    # The people of one's own brand: the look into staff stands under the policy of staff.
    op.execute(
        "CREATE POLICY own_people ON staff_accounts FOR SELECT TO authsvc_console "
        "USING (EXISTS (SELECT FROM staff s WHERE s.account_id = staff_accounts.id))"
    )
    for role, rights in MAY.items():
        for table, granted in rights.items():
            op.execute(f"GRANT {granted} ON {table} TO {role}")
        op.execute(f"GRANT INSERT ({WRITTEN}) ON audit_events TO {role}")
    op.execute(
        """
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authsvc_desk') THEN
            CREATE ROLE authsvc_desk LOGIN NOINHERIT;
          END IF;
          GRANT authsvc_auth, authsvc_console TO authsvc_desk;
        EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
