"""
API keys, what they were answered, and what they checked.

``authsvc_auth`` finds whose secret it is, as it finds whose session it is; a console makes keys and sees no hash. What
a key does runs as the console's role, within the brand of the key.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
MAY = {
    "authsvc_auth": {
        "api_keys": "SELECT",
        "api_secrets": "SELECT, UPDATE (last_used_at)",
    },
    "authsvc_console": {
        "api_keys": "SELECT, INSERT, UPDATE (revoked_at)",
        "api_secrets": "SELECT (prefix, brand_id, key_id, created_at, ends_at, last_used_at), INSERT, UPDATE (ends_at)",
        "api_answers": "SELECT, INSERT, UPDATE (sealed), DELETE",
        "api_checks": "SELECT",
    },
    "authsvc_scan": {"api_checks": "SELECT, INSERT, UPDATE"},
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "api_keys",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.CheckConstraint("per_minute > 0", name=op.f("ck_api_keys_per_minute")),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_api_keys_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "api_secrets",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "key_id"], ["api_keys.brand_id", "api_keys.id"], name=op.f("fk_api_secrets_brand_id_key_id")
        ),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_api_secrets")),
    )
    op.create_index("ix_api_secrets_brand_id_key_id", "api_secrets", ["brand_id", "key_id"])
    op.create_table(
        "api_answers",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("asked_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "key_id"], ["api_keys.brand_id", "api_keys.id"], name=op.f("fk_api_answers_brand_id_key_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "key_id", "idempotency_key", name=op.f("pk_api_answers")),
    )
    op.create_index("ix_api_answers_created_at", "api_answers", ["created_at"])
    op.create_table(
        "api_checks",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("sgtin", "key_id", name=op.f("pk_api_checks")),
    )
    _open()


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("api_checks", "api_answers", "api_secrets", "api_keys"):
        op.drop_table(table)


def _open() -> None:
    for table in ("api_keys", "api_secrets", "api_answers", "api_checks"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_brand ON {table} TO authsvc_console USING ({OWN_BRAND})")
    for table in ("api_keys", "api_secrets"):
        op.execute(f"CREATE POLICY every_brand ON {table} TO authsvc_auth USING (true) WITH CHECK (true)")
    op.execute("CREATE POLICY every_brand ON api_checks TO authsvc_scan USING (true) WITH CHECK (true)")
    for role, rights in MAY.items():
        for table, granted in rights.items():
            op.execute(f"GRANT {granted} ON {table} TO {role}")
