"""
Cases, what consumers report, and the keys that seal evidence files.

The console makes and reads these rows within its brand. A report comes in by the web's own role, which writes reports,
counts them and reads of them what tells three reporters of one shop apart; it reads no contact and no text. A key that
seals is wrapped by the root secret; the console reads its own brand's, for it seals what it hands out, and the web
reads the public half alone, which it publishes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
# What the console may read, make, change and take away of each table.
CONSOLE = {
    "cases": "SELECT, INSERT, UPDATE (title, state, closed_reason, assignee_id, changed_at)",
    "case_alerts": "SELECT, INSERT, DELETE",
    "case_comments": "SELECT, INSERT, UPDATE (text, removed_at)",
    "case_attachments": "SELECT, INSERT, UPDATE (content, removed_at)",
    "consumer_reports": "SELECT, UPDATE (state, closed_reason, case_id, alert_id, changed_at, changed_by)",
    "report_photos": "SELECT",
    "report_counts": "SELECT",
    "evidence_keys": "SELECT, INSERT",
}
SCAN = {
    "consumer_reports": "SELECT (brand_id, id, number, shop, reporter, prefix, created_at), "
    "INSERT (brand_id, id, number, sgtin, typed_code, receipt, "
    "shop, shop_name, shop_address, listing_url, price, text, contact, reporter, prefix, "
    "created_at)",
    "report_photos": "INSERT",
    "report_counts": "SELECT, INSERT, UPDATE (count), DELETE",
    "evidence_keys": "SELECT (brand_id, number, public_key, created_at, retired_at, revoked_at)",
    "alerts": "INSERT (subject)",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _make_cases()
    _make_reports()
    _make_keys()
    for table, rights in CONSOLE.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_brand ON {table} TO authsvc_console "
            "USING (brand_id = nullif(current_setting('authsvc.brand', true), '')::uuid)"
        )
        op.execute(f"GRANT {rights} ON {table} TO authsvc_console")
    for table, rights in SCAN.items():
        if table in CONSOLE:
            op.execute(f"CREATE POLICY every_brand ON {table} TO authsvc_scan USING (true) WITH CHECK (true)")
        op.execute(f"GRANT {rights} ON {table} TO authsvc_scan")
    op.execute(
        "CREATE TRIGGER evidence_keys_changed AFTER INSERT OR UPDATE OR DELETE ON evidence_keys "
        "FOR EACH STATEMENT EXECUTE FUNCTION authsvc_register_changed()"
    )


def _of_a_case(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["brand_id", "case_id"], ["cases.brand_id", "cases.id"], name=op.f(f"fk_{table}_brand_id_case_id")
    )


def _of_a_brand(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f(f"fk_{table}_brand_id"))


def _make_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'investigating', 'escalated', 'closed')", name=op.f("ck_cases_state")
        ),
        sa.CheckConstraint("(state = 'closed') = (closed_reason IS NOT NULL)", name=op.f("ck_cases_closed_reason")),
        _of_a_brand("cases"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_cases")),
    )  # fmt: skip
    op.create_index("uq_cases_brand_id_number", "cases", ["brand_id", "number"], unique=True)
    op.create_index("ix_cases_brand_id_state_number", "cases", ["brand_id", "state", "number"])
    op.create_index("ix_cases_brand_id_assignee_id_number", "cases", ["brand_id", "assignee_id", "number"])
    op.create_table(
        "case_alerts",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("sgtin", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        _of_a_case("case_alerts"),
        sa.PrimaryKeyConstraint("brand_id", "case_id", "alert_id", name=op.f("pk_case_alerts")),
    )
    op.create_index("ix_case_alerts_brand_id_alert_id", "case_alerts", ["brand_id", "alert_id"])
    op.create_table(
        "case_comments",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.CheckConstraint("(text IS NULL) = (removed_at IS NOT NULL)", name=op.f("ck_case_comments_text")),
        _of_a_case("case_comments"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_case_comments")),
    )
    op.create_index("ix_case_comments_brand_id_case_id_at", "case_comments", ["brand_id", "case_id", "at"])
    op.create_table(
        "case_attachments",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("original_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("added_by_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.CheckConstraint("(content IS NULL) = (removed_at IS NOT NULL)", name=op.f("ck_case_attachments_content")),
        _of_a_case("case_attachments"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_case_attachments")),
    )
    op.create_index("ix_case_attachments_brand_id_case_id_at", "case_attachments", ["brand_id", "case_id", "at"])


def _make_reports() -> None:
    op.create_table(
        "consumer_reports",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("sgtin", sa.Text(), nullable=True),
        sa.Column("typed_code", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Uuid(), nullable=True),
        sa.Column("shop", sa.Text(), nullable=True),
        sa.Column("shop_name", sa.Text(), nullable=True),
        sa.Column("shop_address", sa.Text(), nullable=True),
        sa.Column("listing_url", sa.Text(), nullable=True),
        sa.Column("price", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("reporter", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="new", nullable=False),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('new', 'linked', 'closed')", name=op.f("ck_consumer_reports_state")),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_reason IS NOT NULL)", name=op.f("ck_consumer_reports_closed_reason")
        ),
        _of_a_brand("consumer_reports"),
        _of_a_case("consumer_reports"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_consumer_reports")),
    )
    op.create_index("uq_consumer_reports_number", "consumer_reports", ["number"], unique=True)
    op.create_index(
        "ix_consumer_reports_brand_id_state_created_at_id", "consumer_reports",
        ["brand_id", "state", "created_at", "id"],
    )  # fmt: skip
    op.create_index(
        "ix_consumer_reports_brand_id_shop_created_at", "consumer_reports", ["brand_id", "shop", "created_at"],
        postgresql_where=sa.text("shop IS NOT NULL"),
    )  # fmt: skip
    for column in "case_id", "alert_id", "sgtin":
        op.create_index(
            f"ix_consumer_reports_brand_id_{column}", "consumer_reports", ["brand_id", column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )  # fmt: skip
    op.create_table(
        "report_photos",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "report_id"], ["consumer_reports.brand_id", "consumer_reports.id"],
            name=op.f("fk_report_photos_brand_id_report_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "report_id", "position", name=op.f("pk_report_photos")),
    )  # fmt: skip
    op.create_table(
        "report_counts",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("window_start", TIME, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        _of_a_brand("report_counts"),
        sa.PrimaryKeyConstraint("brand_id", "key", "window_start", name=op.f("pk_report_counts")),
    )
    op.create_index(op.f("ix_report_counts_window_start"), "report_counts", ["window_start"])


def _make_keys() -> None:
    op.create_table(
        "evidence_keys",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        _of_a_brand("evidence_keys"),
        sa.PrimaryKeyConstraint("brand_id", "number", name=op.f("pk_evidence_keys")),
    )
    op.create_index(
        "uq_evidence_keys_active", "evidence_keys", ["brand_id"], unique=True,
        postgresql_where=sa.text("retired_at IS NULL AND revoked_at IS NULL"),
    )  # fmt: skip
