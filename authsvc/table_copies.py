"""
All rows of a database, out and in: table by table with COPY, in one snapshot, in constant memory.

Only data travels. The schema is that of the migrations, which also make the roles and the rights; so a copy goes from
any server to any other, whatever its version. Monthly partitions that the copy needs are made as they were. Triggers of
ours stay silent while rows come back: what they would do was done when the rows were first written.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition of a table, and what it takes, in the words of PostgreSQL."""

    name: str
    parent: str
    bound: str


def begin_snapshot(connection: Connection) -> None:
    """Let this transaction see one state of everything, whatever is written meanwhile."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def find_revision(connection: Connection) -> str | None:
    """Return the migration that the database is at."""
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def list_tables(connection: Connection) -> list[str]:
    """Return the tables that hold rows, each after those that its foreign keys name."""
    names = [str(name) for (name,) in connection.execute(_TABLES)]
    needs: dict[str, set[str]] = {name: set() for name in names}
    for child, parent in connection.execute(_FOREIGN_KEYS):
        needs[child].add(parent)
    ordered: list[str] = []
    while needs:
        free = sorted(name for name, parents in needs.items() if not parents - set(ordered) - {name})
        assert free, needs  # foreign keys in a circle: no such schema was ever made
        ordered += free
        for name in free:
            del needs[name]
    return ordered


def list_partitions(connection: Connection) -> list[Partition]:
    """Return every partition."""
    return [Partition(name=name, parent=parent, bound=bound) for name, parent, bound in connection.execute(_PARTITIONS)]


def list_sequences(connection: Connection) -> dict[str, int]:
    """Return the last number that each sequence gave; read it after the rows, for sequences know no snapshot."""
    return {name: int(last) for name, last in connection.execute(_SEQUENCES)}


def count_rows(connection: Connection, table: str) -> int:
    """Return how many rows a table has."""
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None  # an aggregate has one row
    return int(row[0])


def list_columns(connection: Connection, table: str) -> list[str]:
    """Return the columns of a table that hold what was written into them."""
    return [str(name) for (name,) in connection.execute(_COLUMNS, {"table": table})]


def read(connection: Connection, table: str, columns: list[str]) -> Iterator[bytes]:
    """Yield the rows of a table as PostgreSQL writes them, in blocks."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    rows = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(names, sql.Identifier(table))
    with connection.cursor().copy(rows) as copy:
        yield from map(bytes, copy)


@contextlib.contextmanager
def silenced(connection: Connection, tables: list[str]) -> Iterator[None]:
    """Keep every trigger of ours silent, those too that keep the audit log from being changed; until the commit."""
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
    yield
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))


def clear(connection: Connection, tables: list[str]) -> None:
    """Take every row away: of a new database, what the migrations have put in. Silence the tables before."""
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))


def make_partitions(connection: Connection, wanted: Iterable[Partition]) -> None:
    """Make the partitions that are not there yet."""
    there = {partition.name for partition in list_partitions(connection)}
    for partition in wanted:
        if partition.name not in there:
            # The bound comes from pg_get_expr of another server, by way of a file whose digest was checked.
            made = "CREATE TABLE {} PARTITION OF {} " + partition.bound
            connection.execute(sql.SQL(made).format(sql.Identifier(partition.name), sql.Identifier(partition.parent)))
            connection.execute("SELECT authsvc_sample_less(%s::regclass)", (partition.name,))


def write(connection: Connection, table: str, columns: list[str], blocks: Iterable[bytes]) -> None:
    """Put rows into a table as ``read`` gave them."""
    name = sql.Identifier(table)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, names)) as copy:
        for block in blocks:
            copy.write(block)


def set_sequences(connection: Connection, last: dict[str, int]) -> None:
    """Let every sequence go on where it was."""
    for name, number in last.items():
        connection.execute("SELECT setval(%s::regclass, %s)", (name, number))


# --- Private ---------------------------------------------------------------------------------------------------------

_TABLES = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname <> 'alembic_version' ORDER BY 1"""

_FOREIGN_KEYS = """
SELECT DISTINCT c.conrelid::regclass::text, c.confrelid::regclass::text FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
WHERE c.contype = 'f' AND NOT t.relispartition AND t.relnamespace = 'public'::regnamespace"""

_PARTITIONS = """
SELECT c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid)
FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relispartition AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1"""

_SEQUENCES = """
SELECT quote_ident(sequencename), last_value FROM pg_sequences
WHERE schemaname = 'public' AND last_value IS NOT NULL ORDER BY 1"""

_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = format('public.%%I', %(table)s::text)::regclass AND attnum > 0 AND NOT attisdropped
  AND attgenerated = '' ORDER BY attnum"""
