"""Let whoever may change the register bump its version: the trigger acts as the owner of the tables."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The search path is fixed, or a temporary table of the caller would be written with the owner's rights.
    op.execute("ALTER FUNCTION authsvc_register_changed() SECURITY DEFINER SET search_path = public, pg_temp")
