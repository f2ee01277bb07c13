"""
Keep the services of an item among its records: there were two lists of one thing.

What was noted becomes a record of the kind ``service`` for the owner, one that was taken back a further record beside
it. The table goes at once: no release has had it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

OWN_BRAND = "brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid"
TIME = sa.DateTime(timezone=True)
CARRY = (
    """
INSERT INTO item_records (sgtin, id, brand_id, kind, at, values, text, audience, by_name, corrects, recorded_at)
SELECT sgtin, id, brand_id, 'service', done_on::timestamp AT TIME ZONE 'UTC', jsonb_build_object('done_by', done_by),
  what, 'owner', recorded_by, NULL, recorded_at
FROM service_records ON CONFLICT DO NOTHING""",
    """
INSERT INTO item_records (sgtin, id, brand_id, kind, at, values, text, audience, by_name, corrects, recorded_at)
SELECT s.sgtin, gen_random_uuid(), s.brand_id, 'service', s.done_on::timestamp AT TIME ZONE 'UTC',
  '{"withdrawn": "yes"}', '', 'owner', s.withdrawn_by, s.id, s.withdrawn_at
FROM service_records s
WHERE s.withdrawn_at IS NOT NULL AND NOT EXISTS (SELECT FROM item_records r
  WHERE r.sgtin = s.sgtin AND r.corrects = s.id AND r.values ? 'withdrawn')""",
    """
UPDATE items i SET records = found.number
FROM (SELECT sgtin, count(*) AS number FROM item_records WHERE sgtin IN (SELECT sgtin FROM service_records)
  GROUP BY sgtin) found
WHERE i.sgtin = found.sgtin""",
)
BACK = """
INSERT INTO service_records
SELECT r.sgtin, r.id, r.brand_id, (r.at AT TIME ZONE 'UTC')::date, r.text, r.values ->> 'done_by', r.by_name,
  r.recorded_at, w.by_name, w.recorded_at
FROM item_records r
LEFT JOIN item_records w ON w.sgtin = r.sgtin AND w.corrects = r.id AND w.values ? 'withdrawn'
WHERE r.kind = 'service' AND r.values ? 'done_by'"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Straight to the driver, which is given no parameters and so reads neither percent sign nor question mark as one.
    for statement in CARRY:
        op.get_bind().connection.driver_connection.execute(statement)
    op.drop_table("service_records")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "service_records",
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("sgtin", "id", name=op.f("pk_service_records")),
    )
    op.execute("ALTER TABLE service_records ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY owners_brand ON service_records TO authsvc_owner USING ({OWN_BRAND})")
    op.execute("GRANT SELECT ON service_records TO authsvc_owner")
    op.execute(f"CREATE POLICY own_brand ON service_records TO authsvc_console USING ({OWN_BRAND})")
    op.execute("GRANT SELECT, INSERT, UPDATE (withdrawn_by, withdrawn_at) ON service_records TO authsvc_console")
    # Records are only ever added to, so those of services stay where they are too.
    op.get_bind().connection.driver_connection.execute(BACK)
