"""
Prepared statements on the bare libpq connection: what the hot path needs and no more.

The driver's cursor costs as much as the statement itself for one row. Here a statement is prepared once a connection,
its named parameters (``%(name)s``, as everywhere) become ``$1``…, and values go and come in PostgreSQL's text format.
"""

import json
import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors as pg
from psycopg import pq
from psycopg.types.json import Jsonb

_NAMED = re.compile(r"%\((\w+)\)s")
_GOOD = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})

_OUTDATED = b"0A000"  # feature_not_supported: "cached plan must not change result type"

Row = Any


@lru_cache(maxsize=256)
def compiled(statement: str) -> tuple[bytes, bytes, tuple[str, ...]]:
    """Return the name under which *statement* is prepared, its text with ``$1``…, and the names of its parameters."""
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    text = _NAMED.sub(place, statement)
    return f"s{hash(statement) & 0xFFFFFFFFFFFFFFFF:x}".encode(), text.encode(), tuple(names)


Reader = tuple[Callable[[Iterable[Any]], Row], list[Callable[[bytes], Any]]]
Ready = dict[bytes, Reader | None]
"""What a connection has prepared, by name, and how its rows are read once it has returned any."""


def run(connection: pq.abc.PGconn, ready: Ready, statement: str, params: Mapping[str, Any]) -> list[Row]:
    """
    Run *statement* in its own transaction and return its rows; *ready* holds what this connection has prepared.

    Raises:
        psycopg.Error: As the driver raises it; OperationalError when the connection is lost.
    """
    name = prepare(connection, ready, statement)
    values = dumped(statement, params)
    result = connection.exec_prepared(name, values)
    if result.error_field(pq.DiagnosticField.SQLSTATE) == _OUTDATED:
        # A migration has changed a table under us: the plan, and with it the statement, is made anew.
        connection.exec_(b"DEALLOCATE " + name)
        del ready[name]
        prepare(connection, ready, statement)
        result = connection.exec_prepared(name, values)
    return read(connection, ready, name, result)


def prepare(connection: pq.abc.PGconn, ready: Ready, statement: str) -> bytes:
    """Prepare *statement*, unless it is, and return its name."""
    name, text, _ = compiled(statement)
    if name not in ready:
        check(connection, connection.prepare(name, text))
        ready[name] = None
    return name


def dumped(statement: str, params: Mapping[str, Any]) -> list[Any]:
    """Return what is sent for the parameters of *statement*, in their order: bytes, or None for NULL."""
    names = compiled(statement)[2]
    return [None if (value := params[key]) is None else DUMPERS[type(value)](value) for key in names]


def read(connection: pq.abc.PGconn, ready: Ready, name: bytes, result: pq.abc.PGresult) -> list[Row]:
    """
    Return the rows of *result*, of the statement prepared as *name*.

    Raises:
        psycopg.Error: As for ``run``.
    """
    check(connection, result)
    if not result.ntuples:
        return []
    if (reader := ready[name]) is None:
        reader = ready[name] = _reader(result)
    make, loaders = reader
    get = result.get_value
    return [
        make([None if (value := get(row, i)) is None else load(value) for i, load in enumerate(loaders)])
        for row in range(result.ntuples)
    ]


def _reader(result: pq.abc.PGresult) -> Reader:
    columns = range(result.nfields)
    shape = _shape(tuple((result.fname(i) or b"").decode() for i in columns))
    return shape._make, [LOADERS.get(result.ftype(i), bytes.decode) for i in columns]


def check(connection: pq.abc.PGconn, result: pq.abc.PGresult) -> None:
    """Raise what *result* is refused with, as the driver would; OperationalError when the connection is lost."""
    if result.status in _GOOD:
        return
    # An error without a code comes from the client's side: the stream has ended, whatever the status says so far.
    if connection.status != pq.ConnStatus.OK or result.error_field(pq.DiagnosticField.SQLSTATE) is None:
        raise psycopg.OperationalError("the connection is lost")
    raise pg.error_from_result(result)


@lru_cache(maxsize=256)
def _shape(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)  # noqa: PYI024  the columns are known at run time only


def _dump_text(value: Any) -> bytes:
    return str(value).encode()


@lru_cache(maxsize=4096)
def _dump_float(value: float) -> bytes:
    # To find the shortest digits takes 0.4 us, and three of them stand in a scan: those of its country.
    return repr(value).encode()


class Parcel(dict[str, Any]):
    """
    The parameters of one of many, with what is sent for each of them.

    It is written as soon as it is known, while all of it is at hand for the processor: of thirty together, each written
    when all have come, it took three times as long.
    """

    __slots__ = ("elements",)

    def __init__(self, statement: str, params: Mapping[str, Any]) -> None:
        super().__init__(params)
        self.elements = elements(statement, params)


def elements(statement: str, params: Mapping[str, Any]) -> list[bytes]:
    """Return what stands for each parameter of *statement* in the array that is sent for those of many."""
    names = compiled(statement)[2]
    return [b"NULL" if (value := params[key]) is None else ELEMENTS[type(value)](value) for key in names]


def joined(many: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Write an array for each parameter (PostgreSQL manual, 8.15.6), given the ``elements`` of each of many."""
    return [b"{%b}" % b",".join(column) for column in zip(*many, strict=True)]


def _quote(value: str) -> bytes:
    # Every text is in quotes: only so is one never read as NULL.
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'.encode()


DUMPERS: dict[type, Callable[[Any], bytes]] = {
    str: str.encode,
    int: _dump_text,
    float: _dump_float,
    bool: lambda value: b"t" if value else b"f",
    bytes: lambda value: b"\\x" + value.hex().encode(),
    UUID: lambda value: value.hex.encode(),
    datetime: lambda value: value.isoformat().encode(),
    date: lambda value: value.isoformat().encode(),
    Jsonb: lambda value: json.dumps(value.obj).encode(),
}
"""By exact type: an enumeration must be turned to text where it is passed, so that nothing is stored by accident."""

ELEMENTS: dict[type, Callable[[Any], bytes]] = DUMPERS | {
    str: _quote,
    bytes: lambda value: b'"\\\\x%b"' % value.hex().encode(),
    Jsonb: lambda value: _quote(json.dumps(value.obj)),
}
"""The same for the elements of an array: what can have no comma, brace, quote or backslash goes without quotes."""


def _load_time(value: bytes) -> datetime:
    return datetime.fromisoformat(value.decode())


LOADERS: dict[int, Callable[[bytes], Any]] = {
    16: lambda value: value == b"t",
    17: lambda value: bytes.fromhex(value[2:].decode()),
    20: int,
    21: int,
    23: int,
    114: json.loads,
    700: float,
    701: float,
    1082: lambda value: date.fromisoformat(value.decode()),
    1184: _load_time,
    2950: lambda value: UUID(value.decode()),
    3802: json.loads,
}
"""By the type's OID, which PostgreSQL never changes; anything else stays text."""
