"""
What a product is called and said to be, in further languages.

``texts`` has name, description and facts by the language: ``{"de": {"name": …, "description": …, "facts": [[…, …]]}}``.
``language`` is that of the product's own columns, null where the brand has not said it. Every process keeps both with
its products, so a scan reads nothing more.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("products", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("products", sa.Column("texts", JSONB(), server_default=sa.text("'{}'"), nullable=False))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("products", "texts")
    op.drop_column("products", "language")
