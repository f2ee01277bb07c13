"""
The scan role changes the columns that scans change: it raises warnings and never takes one back.

It makes no condition of an item, closes no alert, rewrites no rejection and reads no claim key. A row of ``items``
that a scan makes is active and not released, whatever the statement that made it says. Resolutions lower warnings; they
are the work of people and of other roles.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# The columns that authsvc/scan_statements.py sets; ON CONFLICT DO UPDATE needs them too.
UPDATED = {
    "items": "seq, counted, confirmed, first_at, last_at, first_valid_at, flagged_at, score",
    "sightings": "counted_at, counted_id, confirmed_id, is_evidence, is_weak",
    "scans": "confirmed_at, is_flagged",
}
INSERTED = {
    "items": "sgtin, brand_id, gtin, run, lot, seq, counted, confirmed, first_at, last_at, first_valid_at",
    "alerts": "sgtin, id, brand_id, rule, score, evidence, opened_at",
}
# What is raised stays raised. The triggers name these columns: the statement of a scan, which does not, pays nothing.
KEPT = {
    "items": ("flagged_at, score", "OLD.flagged_at IS NOT NULL AND NEW.flagged_at IS NULL OR NEW.score < OLD.score"),
    "sightings": ("is_evidence", "OLD.is_evidence AND NOT NEW.is_evidence"),
    "scans": ("is_flagged", "OLD.is_flagged AND NOT NEW.is_flagged"),
}
WRITTEN = ("items", "sightings", "scans", "rejections", "receipt_opens", "alerts")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"REVOKE UPDATE ON {', '.join(WRITTEN)} FROM authsvc_scan")
    op.execute(f"REVOKE INSERT ON {', '.join(INSERTED)} FROM authsvc_scan")
    op.execute("REVOKE SELECT ON claim_keys FROM authsvc_scan")
    for table, columns in INSERTED.items():
        op.execute(f"GRANT INSERT ({columns}) ON {table} TO authsvc_scan")
    for table, columns in UPDATED.items():
        op.execute(f"GRANT UPDATE ({columns}) ON {table} TO authsvc_scan")
    op.execute(
        """
        CREATE FUNCTION authsvc_refuse_lowering() RETURNS trigger LANGUAGE plpgsql
          SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
          -- Not current_user = 'authsvc_scan': a login may have the rights of the role without having taken it on.
          IF pg_has_role(current_user, 'authsvc_scan', 'USAGE') AND NOT pg_has_role(current_user,
              (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
            RAISE insufficient_privilege USING MESSAGE = format('a scan lowers no warning in %s', TG_TABLE_NAME);
          END IF;
          RETURN NEW;
        END $$
        """
    )
    for table, (columns, is_lower) in KEPT.items():
        op.execute(
            f"CREATE TRIGGER {table}_keep_warnings BEFORE UPDATE OF {columns} ON {table} FOR EACH ROW "
            f"WHEN ({is_lower}) EXECUTE FUNCTION authsvc_refuse_lowering()"
        )
