"""Let the owner pages sign receipts with the sealing key of the brand of a transaction, and make the first key."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "CREATE POLICY owners_brand ON evidence_keys TO authsvc_owner "
        "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
    )
    op.execute("GRANT SELECT, INSERT ON evidence_keys TO authsvc_owner")
