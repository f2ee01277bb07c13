"""Why a key was revoked: whoever finds it withdrawn in a year has nobody to ask."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("signing_keys", sa.Column("revocation_reason", sa.Text(), nullable=True))
