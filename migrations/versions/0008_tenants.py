"""
A brand's people reach no other brand, also not by a number that both may write down.

The policies look at ``brand_id`` alone, and scans join lots and recalls by GTIN and items by their number. So lots,
runs and recalls name a GTIN together with its brand, and the console makes no row of the hot tables, which have no
foreign key. It changes of them what people decide; ``seq`` is among that because every writer of an item counts it.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OF_A_PRODUCT = ("lots", "runs", "recalls")
HOT = ("items", "sightings", "scans", "rejections", "receipt_opens", "alerts")
REGISTER = ("brands", "brand_prefixes", "products")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_unique_constraint(op.f("uq_products_gtin_brand_id"), "products", ["gtin", "brand_id"])
    for table in OF_A_PRODUCT:
        op.drop_constraint(op.f(f"fk_{table}_gtin"), table, type_="foreignkey")
        op.create_foreign_key(
            op.f(f"fk_{table}_gtin_brand_id"), table, "products", ["gtin", "brand_id"], ["gtin", "brand_id"]
        )
    for table in (*HOT, *REGISTER):
        op.execute(f"REVOKE INSERT, UPDATE ON {table} FROM authsvc_console")
    op.execute("GRANT UPDATE (disposition, disposition_reason, disposition_at, seq) ON items TO authsvc_console")
    op.execute("GRANT UPDATE (closed_at) ON alerts TO authsvc_console")
