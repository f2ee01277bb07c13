"""Monthly partitions, and the version that tells running processes of a change in the register."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WATCHED = ("brands", "brand_prefixes", "products", "signing_keys", "serial_keys", "claim_keys")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        CREATE FUNCTION authsvc_make_partitions(ahead int) RETURNS int LANGUAGE plpgsql AS $$
        DECLARE
          parent text; month date; made int := 0; name text;
        BEGIN
          FOREACH parent IN ARRAY ARRAY['scans', 'rejections'] LOOP
            FOR i IN -1 .. ahead LOOP
              month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i))::date;
              name := format('%s_%s', parent, to_char(month, 'YYYYMM'));
              IF to_regclass(name) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, parent,
                  to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                  to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
                made := made + 1;
              END IF;
            END LOOP;
          END LOOP;
          RETURN made;
        END $$
        """
    )
    op.execute("SELECT authsvc_make_partitions(3)")
    op.execute("INSERT INTO register_version (id, version) VALUES (1, 1)")
    op.execute(
        """
        CREATE FUNCTION authsvc_register_changed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          UPDATE register_version SET version = version + 1;
          RETURN NULL;
        END $$
        """
    )
    for table in WATCHED:
        op.execute(
            f"CREATE TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION authsvc_register_changed()"
        )
