"""
Let a dealer take over an item from its owner: a transfer is accepted by a person, or by a dealer into its stock.

A dealer gets no registration, so one that has completed may have given none. Whatever the release before writes fits.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("transfers", sa.Column("dealer_id", sa.Uuid(), nullable=True))
    _check(
        accepted="num_nonnulls(buyer_id, dealer_id) = (accepted_at IS NOT NULL)::int",
        completed="num_nulls(completed_at, dispute_until) IN (0, 2)",
        registered="(given_id IS NULL) = (completed_at IS NULL OR dealer_id IS NOT NULL)",
    )
    op.create_index(
        "ix_transfers_dealer_id", "transfers", ["dealer_id", "accepted_at"],
        postgresql_where=sa.text("dealer_id IS NOT NULL"),
    )  # fmt: skip
    op.execute("GRANT UPDATE (dealer_id) ON transfers TO authsvc_owner")
    op.execute("GRANT SELECT (dealer_id) ON transfers TO authsvc_console")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The release before knows none of them: without who has accepted, the history of an item would be wrong.
    op.execute("DELETE FROM transfers WHERE dealer_id IS NOT NULL")
    op.drop_constraint(op.f("ck_transfers_registered"), "transfers")
    op.drop_constraint(op.f("ck_transfers_accepted"), "transfers")
    op.drop_column("transfers", "dealer_id")
    _check(
        accepted="(buyer_id IS NULL) = (accepted_at IS NULL)",
        completed="num_nulls(completed_at, given_id, dispute_until) IN (0, 3)",
    )


def _check(**rules: str) -> None:
    for name, rule in rules.items():
        op.execute(f"ALTER TABLE transfers DROP CONSTRAINT IF EXISTS ck_transfers_{name}")
        op.create_check_constraint(op.f(f"ck_transfers_{name}"), "transfers", rule)
