"""
More of what is learned from a brand's own traffic.

How many of the items that were judged score high. Nothing is known of it until the job of the night has run; until then
the thresholds stay where they were.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

COLUMNS = ("judged", "high")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in COLUMNS:
        op.add_column("base_rates", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in reversed(COLUMNS):
        op.drop_column("base_rates", name)
