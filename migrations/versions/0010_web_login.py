"""
A login for web processes that can be no more than the scan role.

A process that logs in as the owner and takes on another role can go back at any time; the role it logs in with is the
wall. The login has no password, so it opens nothing where passwords are asked for until an operator gives it one. A
server that does not let us make it is left as it is: ``authsvc doctor`` says so.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Roles belong to the whole server, so another database of it may have made it.
    op.execute(
        """
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authsvc_web') THEN
            CREATE ROLE authsvc_web LOGIN;
          END IF;
          IF NOT pg_has_role('authsvc_web', 'authsvc_scan', 'MEMBER') THEN
            GRANT authsvc_scan TO authsvc_web;
          END IF;
        EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
