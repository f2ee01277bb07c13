"""
Two roles and row-level security.

``authsvc_scan`` answers scans: it sees every brand and may touch the scan tables only. ``authsvc_console`` serves a
brand's own people: it sees the rows of the brand named in ``authsvc.brand``, set for one transaction, and none when
that is not set. Commands run as the owner of the tables.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

READ_BY_SCANS = (
    "brands", "brand_prefixes", "products", "images", "lots", "runs", "recalls",
    "signing_keys", "serial_keys", "claim_keys",
)  # fmt: skip
WRITTEN_BY_SCANS = ("items", "sightings", "scans", "rejections", "receipt_opens", "alerts")
BRAND_OWNED = (*READ_BY_SCANS, *WRITTEN_BY_SCANS, "brand_counters")
PROTECTED = frozenset({"signing_keys", "serial_keys", "claim_keys", "brand_counters"})


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for role in ("authsvc_scan", "authsvc_console"):
        # Roles belong to the whole server, so another database of it may have made them.
        op.execute(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
            f"THEN CREATE ROLE {role} NOLOGIN; END IF; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
        op.execute(f"GRANT {role} TO CURRENT_USER")
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        op.execute(f"GRANT SELECT ON register_version TO {role}")
    for table in BRAND_OWNED:
        column = "id" if table == "brands" else "brand_id"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            f"USING ({column} = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        if table not in PROTECTED:
            # Key material is for the web's scan path and the commands; the console shows states through them.
            op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO authsvc_console")
        if table != "brand_counters":
            op.execute(f"CREATE POLICY every_brand ON {table} TO authsvc_scan USING (true) WITH CHECK (true)")
            op.execute(f"GRANT SELECT ON {table} TO authsvc_scan")
    for table in WRITTEN_BY_SCANS:
        op.execute(f"GRANT INSERT, UPDATE ON {table} TO authsvc_scan")
