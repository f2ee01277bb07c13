"""
Who has added a record of an item, by the id of the key or the account: only they, or the brand, may correct it.

The log of the brand has had that of every record that a program or a person added; it is carried over. What is in no
log, as in a database of before, is nobody's, and the brand alone corrects it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

# A record that moved to a new label keeps its id, so the log is asked by that and not by the item.
CARRY = """
UPDATE item_records r SET by_id = e.actor_id
FROM audit_events e
WHERE e.brand_id = r.brand_id AND e.act = 'item.record' AND e.actor_id IS NOT NULL AND e.details ->> 'id' = r.id::text
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("item_records", sa.Column("by_id", sa.Uuid(), nullable=True))
    op.execute("ALTER TABLE item_records DISABLE TRIGGER item_records_keep")
    # Straight to the driver, which is given no parameters and so reads no colon as one.
    op.get_bind().connection.driver_connection.execute(CARRY)
    op.execute("ALTER TABLE item_records ENABLE TRIGGER item_records_keep")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("item_records", "by_id")
