"""
What a recall says, in further languages.

``language`` is that of its reason and remedy, ``texts`` has both in others: ``{"de": {"reason": …, "remedy": …}}``. The
scan reads them with the row of the recall, so a check asks for nothing more. The texts of recalls from before are taken
to be English; whoever wrote them in another language says so on the page of the recall. The event of a recall has both.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TELL_RECALL = """
CREATE OR REPLACE FUNCTION authsvc_tell_recall() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM authsvc_emit(NEW.brand_id, CASE WHEN NEW.lifted_at IS NULL THEN 'recall.created' ELSE 'recall.lifted' END,
    coalesce(NEW.lifted_at, NEW.recalled_at),
    jsonb_build_object('recall', NEW.id, 'gtin', NEW.gtin, 'lot', NEW.lot, 'run', NEW.run,
      'index_from', NEW.index_from, 'index_to', NEW.index_to,
      'serial_from', NEW.serial_from, 'serial_to', NEW.serial_to, 'listed', NEW.listed,
      'made_from', NEW.made_from, 'made_until', NEW.made_until, 'reason', NEW.reason, 'remedy', NEW.remedy,
      {texts}'recalled_at', NEW.recalled_at, 'lifted_at', NEW.lifted_at));
  RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("recalls", "recall_drafts"):
        op.add_column(table, sa.Column("language", sa.Text(), server_default=sa.text("'en'"), nullable=False))
        op.add_column(table, sa.Column("texts", JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.execute(TELL_RECALL.format(texts="'language', NEW.language, 'texts', NEW.texts, "))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TELL_RECALL.format(texts=""))
    for table in ("recall_drafts", "recalls"):
        op.drop_column(table, "texts")
        op.drop_column(table, "language")
