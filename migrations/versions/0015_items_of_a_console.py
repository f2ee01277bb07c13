"""
Let a console make the row of an item that nobody has scanned: a sale is recorded before anybody scans.

A console inserts no row of the hot tables, because nothing there ties a number to its brand. This function does: it
makes only items of an issued run of the brand that the transaction is about, under the GTIN of that run. Whether the
serial is of the run is for the caller to know, who holds the keys; a row that is none names no other brand's item.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        CREATE FUNCTION authsvc_make_item(item text, brand uuid, run_number int) RETURNS void LANGUAGE plpgsql
          SECURITY DEFINER SET search_path = public, pg_temp AS $$
        BEGIN
          -- The owner's commands name a brand and set none. session_user: the function itself acts as the owner.
          IF brand IS DISTINCT FROM nullif(current_setting('authsvc.brand', true), '')::uuid
              AND NOT (nullif(current_setting('authsvc.brand', true), '') IS NULL AND pg_has_role(session_user,
                (SELECT relowner FROM pg_class WHERE oid = 'items'::regclass), 'USAGE')) THEN
            RAISE insufficient_privilege USING MESSAGE = 'an item is made for the brand of the transaction';
          END IF;
          INSERT INTO items (sgtin, brand_id, gtin, run, lot, claim_key, expires_on)
          SELECT item, r.brand_id, r.gtin, r.number, r.lot, r.claim_key, r.expires_on FROM runs r
          WHERE r.brand_id = brand AND r.number = run_number AND r.issued_at IS NOT NULL
            AND (starts_with(item, r.gtin || '.') OR (r.sscc_first IS NOT NULL AND item ~ '^00[.][0-9]{18}$'
              AND substr(item, 4, 17)::bigint BETWEEN r.sscc_first AND r.sscc_first + r.count - 1))
          ON CONFLICT (sgtin) DO NOTHING;
        END $$
        """
    )
    op.execute("REVOKE EXECUTE ON FUNCTION authsvc_make_item FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION authsvc_make_item TO authsvc_console")
