"""
One host belongs to one brand: a table whose key says so, since an array of each brand cannot.

Where two brands hold one host already, the older brand keeps it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "brand_hosts",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_brand_hosts_brand_id")),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_brand_hosts")),
    )
    op.create_index(op.f("ix_brand_hosts_brand_id"), "brand_hosts", ["brand_id"], unique=False)
    op.execute(
        "INSERT INTO brand_hosts (host, brand_id, position) "
        "SELECT DISTINCT ON (host) host, b.id, position - 1 "
        "FROM brands b, unnest(b.hosts) WITH ORDINALITY AS h (host, position) ORDER BY host, b.created_at, position"
    )
    op.drop_column("brands", "hosts")
    op.execute(
        "CREATE TRIGGER brand_hosts_changed AFTER INSERT OR UPDATE OR DELETE ON brand_hosts "
        "FOR EACH STATEMENT EXECUTE FUNCTION authsvc_register_changed()"
    )
    op.execute("ALTER TABLE brand_hosts ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_brand ON brand_hosts TO authsvc_console "
        "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
    )
    op.execute("CREATE POLICY every_brand ON brand_hosts TO authsvc_scan USING (true)")
    op.execute("GRANT SELECT ON brand_hosts TO authsvc_scan, authsvc_console")
