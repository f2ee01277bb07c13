"""
Shapes of the API: what requests and answers are made of. Requests are read strictly; nothing is guessed or coerced.

A field that a request has and its shape has not is a fault: a typing error must not pass for a default. Texts hold no
control characters, for the database stores no NUL and nobody means the others.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    RootModel,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from authsvc.core.gs1 import GTIN
from authsvc.web import documents

GTIN_PATTERN = "^[0-9]{14}$"
_NO_CONTROLS = r"^[^\u0000-\u001f\u007f]*$"
_NO_CONTROLS_BUT_LINES = r"^[^\u0000-\u0009\u000b-\u001f\u007f]*$"


def line(most: int, least: int = 1) -> Any:
    """Return the constraints of a text of one line."""
    return StringConstraints(min_length=least, max_length=most, pattern=_NO_CONTROLS)


def text(most: int, least: int = 1) -> Any:
    """Return the constraints of a text that may have several lines."""
    return StringConstraints(min_length=least, max_length=most, pattern=_NO_CONTROLS_BUT_LINES)


def _gtin(given: str) -> str:
    if (fault := GTIN.find_fault(given)) is not None:
        raise PydanticCustomError("gtin", "{fault}", {"fault": fault})
    return given


Gtin = Annotated[
    str,
    # No pattern of the checker: it would speak before, and say nothing but itself.
    AfterValidator(_gtin),
    Field(
        description="GTIN, always with 14 digits, the last of which is its check digit.",
        json_schema_extra={"pattern": GTIN_PATTERN},
    ),
]
LotNumber = Annotated[
    str,
    StringConstraints(min_length=1, max_length=20, pattern=r"^[!\"%-?A-Z_a-z]+$"),
    Field(description="Lot number (AI 10): the “batch” of the console."),
]
Serial = Annotated[
    str,
    StringConstraints(min_length=1, max_length=20, pattern=r"^[!\"%-?A-Z_a-z]+$"),
    Field(description="Serial number (AI 21). Upper and lower case are not the same."),
]


def _as_whole(value: object) -> object:
    """Take 500.0 for 500, as JSON Schema does: JSON has one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


INTEGRAL = BeforeValidator(_as_whole)
"""Behind the bounds of a whole number, so that the schema has them too."""
Stored = Annotated[str, StringConstraints(pattern=r"^[^\u0000]*$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Moment = Annotated[
    datetime, PlainSerializer(documents.time, return_type=str), Field(json_schema_extra={"format": "date-time"})
]
"""A time, as every document of the API writes it: UTC, to the second."""


class Given(BaseModel):
    """A request."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Json(RootModel["dict[Stored, Json] | list[Json] | Stored | bool | int | Finite | None"]):
    """Any JSON that the database can store."""

    model_config = ConfigDict(strict=True, frozen=True)


class Told(BaseModel):
    """An answer. Later releases may add members; programs leave alone those that they do not know."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Query(BaseModel):
    """The query of an address."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """Where in a list to go on."""

    limit: Annotated[int, Field(ge=1, le=200, description="How many to return at most.", examples=[50])] = 50
    cursor: Annotated[
        str | None,
        StringConstraints(pattern="^[A-Za-z0-9_-]{1,400}$"),
        Field(description="The `next` of the page before."),
    ] = None


class PageTold(Told):
    """One page of a list."""

    next: Annotated[
        str | None, Field(description="The `cursor` of the next page; null on the last. The header `Link` has it too.")
    ]


class FieldFault(Told):
    """What is wrong with one field."""

    at: Annotated[str, Field(description="Where it is: body, query or header, and the path of the field in it.")]
    expected: Annotated[str, Field(description="What is expected there.")]


class Problem(Told):
    """What we cannot or will not serve (RFC 9457). Decide by the last word of `type`; `detail` is for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "https://id.example.com/problems/not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "The brand has no product with this GTIN.",
                    "instance": "urn:request:4fc021141a33275f",
                }
            ]
        }
    )

    type: Annotated[str, Field(description="A name, with no page behind it; its last word is the code.")]
    title: str
    status: int
    detail: str
    instance: Annotated[str, Field(description="The request id, which the operator finds in the log.")]
    retry_after: Annotated[int | None, Field(description="Seconds, for 429 and 503.")] = None
    errors: Annotated[list[FieldFault] | None, Field(description="Each field that is wrong.")] = None


def left_out() -> Any:
    """Return the default of a field that may be left out, which is not the same as null."""
    return Field(default=None, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def example(value: dict[str, Any]) -> ConfigDict:
    """Return the setting that gives a shape its example."""
    return ConfigDict(json_schema_extra={"examples": [value]})
