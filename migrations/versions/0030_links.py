"""
Links of the resolver: where a product, a lot or an item is explained, and the hosts that a brand's links may lead to.

That no link leads to another host than one its brand has registered is for the database to keep: the address begins
with the host of its row, and the host is a row of that brand. So nobody can make an open redirect, not even by hand.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
CHANGED = "position, link_type, href, host, title, languages, media_type, changed_at"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "link_hosts",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_link_hosts_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "host", name=op.f("pk_link_hosts")),
    )
    op.create_table(
        "links",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("link_type", sa.Text(), nullable=False),
        sa.Column("href", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("changed_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("lot IS NULL OR serial IS NULL", name=op.f("ck_links_level")),
        sa.CheckConstraint("starts_with(href, 'https://' || host || '/')", name=op.f("ck_links_host")),
        sa.ForeignKeyConstraint(
            ["gtin", "brand_id"], ["products.gtin", "products.brand_id"], name=op.f("fk_links_gtin_brand_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "host"], ["link_hosts.brand_id", "link_hosts.host"], name=op.f("fk_links_brand_id_host")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_links")),
    )
    op.create_index("ix_links_gtin", "links", ["gtin", "lot", "serial"])
    for table in "link_hosts", "links":
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        op.execute(f"GRANT SELECT, INSERT, DELETE ON {table} TO authsvc_console")
    op.execute("CREATE POLICY every_brand ON links TO authsvc_scan USING (true)")
    op.execute(f"GRANT UPDATE ({CHANGED}) ON links TO authsvc_console")
    op.execute("GRANT SELECT ON links TO authsvc_scan")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("links")
    op.drop_table("link_hosts")
