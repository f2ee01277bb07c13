"""
Operations: what the API can do, each declared once.

The door serves from the declarations, the document is made of them, so what is described and what is done cannot
differ.

An operation is a function in a module of this package::

    @operation("PUT", "/lots/{gtin}/{lot}", scope="lots:write", params=(GTIN, LOT), tells={200: LotTold, 201: LotTold},
               refuses=(NotFound, ChangedMeanwhile))
    def save_lot(call: Call, gtin: str, lot: str, body: LotGiven) -> Reply:
        \"\"\"Add a lot, or change what is said of it.\"\"\"

* The first line of the docstring is the summary, the rest the description; the function's name is its ``operationId``.
* ``call.session`` sees the rows of the key's brand and commits after the function. ``call.record`` notes the act.
* A parameter ``body`` or ``query`` is given the checked shape of its annotation; others are parts of the path.
* POST wants an ``Idempotency-Key``; the door keeps and repeats the answer. PUT and PATCH of what others may change call
  ``call.check_version``.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_type_hints
from uuid import UUID

from pydantic import BaseModel

from authsvc.core import api_keys, gs1
from authsvc.errors import AuthsvcError, NotFound
from authsvc.web import path_keys

View = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """
    A part of a path: its form, and how it is read. A text of another form names nothing, so it is not found.

    What has the form *near* is refused with what ``find_fault`` says of it, since somebody has mistyped.
    """

    name: str
    text: str
    pattern: str
    example: str
    format: str | None = None
    read: Callable[[str], Any] = str
    near: str | None = None
    find_fault: Callable[[str], str | None] | None = None

    @property
    def routed(self) -> str:
        """The form that leads to the operation: a wider one than it has, where a fault in it is told."""
        return self.near or self.pattern

    def parse(self, given: str) -> Any:
        """
        Return the value of a part of a path.

        Raises:
            NotFound: It has a form that nothing here has.
        """
        if self.find_fault is not None and (fault := self.find_fault(given)) is not None:
            raise NotFound(f"There is nothing at this address. {self.name}: expected {fault}.")
        if re.fullmatch(self.pattern, given) is None:
            raise NotFound(f"There is nothing at this address: {self.name} has the form {self.pattern}.")
        return self.read(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """
    One operation. Without a ``view`` it is served elsewhere and described here.

    ``tells`` has a shape, a media type, or None for each status that is no refusal; ``media`` is the type of shapes,
    ``also`` another type that may be asked for. ``may_have_key`` says that it takes a key and does without,
    ``security`` names a key of another kind, and ``headers`` are those that it wants, as parameters of OpenAPI.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    scope: str | None
    tells: Mapping[int, type[BaseModel] | str | None]
    params: Sequence[Param] = ()
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    refuses: Sequence[type[AuthsvcError]] = ()
    headers: Sequence[Mapping[str, Any]] = ()
    most_bytes: int | None = None
    has_version: bool = False
    media: str = "application/json"
    also: str | None = None
    may_have_key: bool = False
    security: str | None = None
    view: View | None = field(default=None, repr=False)

    @property
    def is_write(self) -> bool:
        """Whether it changes something for a key, so that it can be repeated safely by an idempotency key."""
        return self.view is not None and self.method != "GET"

    @property
    def needs_idempotency_key(self) -> bool:
        """Whether it must not be asked without one: a second POST would do it twice."""
        return self.is_write and self.method == "POST"

    @property
    def is_versioned_write(self) -> bool:
        """Whether it may overwrite what somebody else has changed."""
        return self.has_version and self.method in {"PUT", "PATCH"}


OPERATIONS: list[Operation] = []
"""Every operation, in the order of the modules."""

GTIN = Param(
    name="gtin", text="GTIN with 14 digits.", pattern="[0-9]{14}", example="09506000134352", near="[0-9]{1,40}",
    find_fault=gs1.GTIN.find_fault,
)  # fmt: skip
LOT = Param(
    name="lot",
    text="The lot number; one with other characters than letters, digits, `.`, `_` and `-` is written as `~` and "
    "base64url.",
    pattern=path_keys.PATTERN,
    example="B1",
    read=path_keys.read,
)
SGTIN = Param(
    name="sgtin",
    text="The item: GTIN, a dot, serial number; `00.` and SSCC for a case. One with other characters than letters, "
    "digits, `.`, `_` and `-` is written as `~` and base64url.",
    pattern=path_keys.PATTERN,
    example="09506000134352.0XES7CJNVN09GQYH",
    read=path_keys.read,
)

SERIAL = Param(
    name="serial", text="Serial number (AI 21).", pattern=r"[!\"%-?A-Z_a-z]{1,20}", example="0XES7CJNVN09GQYH"
)
SECRET_IN_PATH = Param(
    name="secret", text="What the link of the seller holds.", pattern="[A-Za-z0-9_-]{43}", example="A" * 43
)


def uuid(name: str, text: str, example: str) -> Param:
    """Return the part of a path that is the id of something."""
    return Param(
        name=name, text=text, pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", example=example,
        format="uuid", read=UUID,
    )  # fmt: skip


def number(name: str, text: str, example: str) -> Param:
    """Return the part of a path that is a whole number."""
    return Param(name=name, text=text, pattern="[1-9][0-9]{0,8}", example=example, read=int)


def operation(
    method: str,
    path: str,
    *,
    scope: str,
    tells: Mapping[int, type[BaseModel] | str | None],
    params: Sequence[Param] = (),
    refuses: Sequence[type[AuthsvcError]] = (),
    most_bytes: int | None = None,
    has_version: bool = False,
) -> Callable[[View], View]:
    """Declare an operation that a key with *scope* may do; see the module."""
    assert scope in api_keys.SCOPES, scope

    def declare(view: View) -> View:
        hints = get_type_hints(view)
        summary, _, rest = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
        OPERATIONS.append(
            Operation(
                name=view.__name__,
                method=method,
                path=f"/api/v1{path}",
                tag=path.split("/")[1],
                summary=" ".join(summary.split()).rstrip("."),
                description=rest.partition("Raises:")[0].strip(),
                scope=scope,
                tells=tells,
                params=params,
                query=hints.get("query"),
                body=hints.get("body"),
                refuses=refuses,
                most_bytes=most_bytes,
                has_version=has_version,
                view=view,
            )
        )
        return view

    return declare
