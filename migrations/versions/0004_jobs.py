"""The tables of the job queue, as procrastinate 3.10 makes them; a later version brings its own migrations."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Straight to the driver: the text holds percent and colon signs that SQLAlchemy would read as parameters.
    op.get_bind().connection.driver_connection.execute(SchemaManager.get_schema())
