"""Tell other systems of a brand when a line has sent codes that are not right."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TELL = """
CREATE FUNCTION authsvc_tell_line() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM authsvc_emit(NEW.brand_id, 'line.alarm', NEW.at,
    jsonb_build_object('line', NEW.line, 'batch', NEW.number::text, 'act', NEW.act, 'done', NEW.done,
      'repeated', NEW.repeated, 'refused', NEW.refused, 'alarms', jsonb_path_query_array(NEW.alarms, '$[0 to 99]')));
  RETURN NULL;
END $$;
CREATE TRIGGER line_batches_tell AFTER INSERT ON line_batches
  FOR EACH ROW WHEN (jsonb_array_length(NEW.alarms) > 0) EXECUTE FUNCTION authsvc_tell_line();
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # Straight to the driver, which is given no parameters and so reads no percent sign as one.
    op.get_bind().connection.driver_connection.execute(TELL)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER line_batches_tell ON line_batches")
    op.execute("DROP FUNCTION authsvc_tell_line()")
