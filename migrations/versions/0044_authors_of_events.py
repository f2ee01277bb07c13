"""
Which key has captured an EPCIS event, by its id: only that, or one of the brand, declares the event an error.

The log of the brand has had the key of every capture; it is carried over. What is in no log is nobody's, and the brand
alone declares it an error. So it is with what the release before this one captures while both run.
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

CARRY = """
UPDATE epcis_events e SET recorded_by_id = a.actor_id
FROM audit_events a
WHERE a.brand_id = e.brand_id AND a.act = 'epcis.capture' AND a.actor_id IS NOT NULL
  AND a.subject = CAST(e.capture_id AS text)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("epcis_events", sa.Column("recorded_by_id", sa.Uuid(), nullable=True))
    op.execute(CARRY)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("epcis_events", "recorded_by_id")
