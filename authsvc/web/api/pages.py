"""
Lists, page by page: a cursor is where the last page ended, so what is added meanwhile shifts nothing.

A cursor is opaque to programs, and only says where to go on: what a key may see does not depend on it.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request

from authsvc.core import base64url
from authsvc.errors import BadFields

T = TypeVar("T")
_DAY = timedelta(days=2)


def read(cursor: str | None, kinds: Sequence[Callable[[str], Any]]) -> tuple[Any, ...] | None:
    """
    Return what a cursor says, each part read by one of *kinds*; None for the first page.

    Raises:
        BadFields: It is no cursor of this list.
    """
    if cursor is None:
        return None
    try:
        parts = json.loads(base64url.decode(cursor))
        if not isinstance(parts, list) or "\0" in str(parts):
            raise ValueError  # noqa: TRY301  of the text, not of our code
        return tuple(kind(str(part)) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, RecursionError):
        expected = "the `next` of a page of this list"
        raise BadFields(f"cursor must be {expected}.", [{"at": "query.cursor", "expected": expected}]) from None


def moment(text: str) -> datetime:
    """Read the time in a cursor; raises ValueError where it is none that the database can compare."""
    found = datetime.fromisoformat(text)
    if (
        found.tzinfo is None
        or not datetime.min.replace(tzinfo=UTC) + _DAY < found < datetime.max.replace(tzinfo=UTC) - _DAY
    ):
        raise ValueError(text)
    return found


def cut(rows: Sequence[T], limit: int, key: Callable[[T], Sequence[object]]) -> tuple[Sequence[T], str | None]:
    """Return a page of rows, of which one more than *limit* was read, and the cursor of the next; *key* orders them."""
    if len(rows) <= limit:
        return rows, None
    shown = rows[:limit]
    return shown, spell(key(shown[-1]))


def spell(parts: Sequence[object]) -> str:
    """Write a cursor."""
    return base64url.encode(json.dumps([str(part) for part in parts]).encode())


def link(following: str | None) -> dict[str, str]:
    """Return the header that leads to the next page (RFC 8288)."""
    if following is None:
        return {}
    query = {**request.args.to_dict(), "cursor": following}
    return {"Link": f'<{request.path}?{urlencode(query)}>; rel="next"'}
