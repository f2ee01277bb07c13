"""
What the pages of webhooks need: endpoints that are removed, the size of an answer, and lists of one state in order.

The new indexes are small: a delivery is in one of them only while it waits or after it has failed for good.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

LISTED = ["created_at", "id"]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("webhook_endpoints", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("GRANT INSERT (removed_at), UPDATE (removed_at) ON webhook_endpoints TO authsvc_console")
    op.add_column("webhook_attempts", sa.Column("answer_bytes", sa.Integer(), nullable=True))
    op.create_index(
        "ix_webhook_deliveries_dead_endpoint", "webhook_deliveries", ["endpoint_id", *LISTED],
        postgresql_where=sa.text("state = 'dead'"),
    )  # fmt: skip
    op.create_index(
        "ix_webhook_deliveries_waiting", "webhook_deliveries", ["brand_id", *LISTED],
        postgresql_where=sa.text("state = 'waiting'"),
    )  # fmt: skip
