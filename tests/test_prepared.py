from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from authsvc import prepared

VALUES = {
    "text": ["", "plain", "ä€💶", "quote ' \" \\ back", "line\nbreak\ttab", "%(name)s $1"],
    "bigint": [0, -1, 2**63 - 1],
    "smallint": [7],
    "integer": [-(2**31)],
    "double precision": [0.1, -1e300],
    "real": [0.5],
    "boolean": [True, False],
    "bytea": [b"", bytes(range(256))],
    "uuid": [UUID(int=0), UUID(int=2**128 - 1)],
    "timestamptz": [
        datetime(2026, 5, 1, 12, tzinfo=UTC),
        datetime(2026, 5, 1, 12, 0, 0, 123456, UTC),
        datetime(1999, 12, 31, 23, 59, 59, 1, timezone(timedelta(hours=-5))),
    ],
    "date": [date(2000, 2, 29), date(9999, 12, 31)],
}
CASES = [(kind, value) for kind, values in VALUES.items() for value in values]


@pytest.fixture(scope="module")
def connection(postgres):
    with psycopg.connect(postgres, autocommit=True, options="-c timezone=UTC -c datestyle=ISO") as connection:
        yield connection.pgconn


READY: prepared.Ready = {}
"""What the one connection of this module has prepared."""


def run(connection, statement, **params):
    return prepared.run(connection, READY, statement, params)


@pytest.mark.parametrize(("kind", "value"), CASES, ids=lambda case: repr(case)[:20])
def test_a_value_comes_back_as_it_went(connection, kind, value):
    (row,) = run(connection, f"SELECT %(v)s::{kind} AS v, NULL::{kind} AS n", v=value)

    assert row.v == value
    assert row.n is None
    assert type(row.v) is type(value)


def test_documents_go_and_come(connection):
    (row,) = run(connection, "SELECT %(v)s::jsonb AS v, %(v)s::json AS w", v=Jsonb({"a": [1, None, "é"]}))

    assert row.v == row.w == {"a": [1, None, "é"]}


def test_a_name_may_stand_twice_and_others_may_be_left_over(connection):
    (row,) = run(connection, "SELECT %(a)s::int + %(b)s::int + %(a)s::int AS v", a=1, b=10, c="unused")

    assert row.v == 12


def test_a_missing_parameter_is_an_error_of_ours(connection):
    with pytest.raises(KeyError):
        run(connection, "SELECT %(missing)s::int AS v, 1 AS other")


class Word(StrEnum):
    A = "a"


@pytest.mark.parametrize("value", [Word.A, object(), [1], {"a": 1}])
def test_nothing_is_stored_by_accident(connection, value):
    with pytest.raises(KeyError):
        run(connection, "SELECT %(v)s::text AS odd", v=value)


def test_no_rows_and_many(connection):
    assert run(connection, "SELECT 1 AS v WHERE false") == []
    assert [row.v for row in run(connection, "SELECT generate_series(1, 3) AS v")] == [1, 2, 3]
    assert run(connection, "SET jit = off") == []


def test_an_error_of_the_server_has_its_class(connection):
    with pytest.raises(psycopg.errors.DivisionByZero):
        run(connection, "SELECT 1 / %(v)s::int AS v", v=0)
    with pytest.raises(psycopg.errors.SyntaxError):
        run(connection, "SELEC")


def test_a_statement_is_prepared_once_a_connection(connection):
    for _ in range(3):
        run(connection, "SELECT 42 AS answer")

    (row,) = run(connection, "SELECT count(*) AS n FROM pg_prepared_statements WHERE statement = 'SELECT 42 AS answer'")
    assert row.n == 1


def test_a_value_is_never_part_of_the_statement(connection):
    (row,) = run(connection, "SELECT %(v)s::text AS injected", v="'; DROP TABLE brands; --")

    assert row.injected == "'; DROP TABLE brands; --"
