"""The routes of systems around a brand: EPCIS events, and the machines on a line."""

from typing import Annotated, Any, Literal

from pydantic import Field

from authsvc.core.epcis import EVENT_TYPES
from authsvc.errors import (
    ApiKeyNeeded,
    BadInput,
    Conflict,
    NotFound,
    ScopeNeeded,
    SignInNeeded,
    TooLarge,
    TooManyRequests,
)
from authsvc.web.api.described import described
from authsvc.web.api.operations import Param
from authsvc.web.api.shapes import Query, Told, example

_DOORS = (ApiKeyNeeded, SignInNeeded, ScopeNeeded, TooManyRequests)
_KEYS = "The key of a trusted program in `Authsvc-Device` opens it too."
LINE = Param(name="name", text="The name of the line.", pattern="[A-Za-z0-9._-]{1,100}", example="biel-3")
CAPTURE = Param(
    name="capture_id",
    text="The capture, as its answer named it.",
    pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    example="0b6e7c1a-8f4d-4d3c-9a51-2e7f6b8c9d10",
    format="uuid",
)


class EpcisTold(Told):
    """An EPCIS 2.0 document or query document (JSON-LD); GS1's schema says what is in it."""

    type: str
    schemaVersion: str
    epcisBody: dict[str, Any]


class EpcisGiven(Told):
    """An EPCIS 2.0 document (JSON-LD), as GS1's schema has it."""

    type: Literal["EPCISDocument"]


class CaptureTold(Told):
    """What a capture has added."""

    captureID: str
    running: bool
    success: bool
    errors: list[Any]


class EventsQuery(Query):
    """Which events, by the names of EPCIS."""

    MATCH_anyEPC: Annotated[str | None, Field(description="Of one item, lot or case.")] = None
    eventType: Annotated[str | None, Field(description=f"Of {', '.join(EVENT_TYPES)}; several with commas.")] = None
    GE_eventTime: Annotated[str | None, Field(description="Not before, such as 2026-05-01T12:00:00Z.")] = None
    LT_eventTime: Annotated[str | None, Field(description="Before.")] = None
    GE_recordTime: Annotated[str | None, Field(description="Recorded not before.")] = None
    LT_recordTime: Annotated[str | None, Field(description="Recorded before.")] = None
    perPage: Annotated[int | None, Field(ge=1, le=1000, description="How many to return at most.")] = None
    nextPageToken: Annotated[str | None, Field(description="From the header `Link` of the page before.")] = None


class BatchGiven(Told):
    """Codes that were put on goods, or taken off."""

    model_config = example({"number": 1, "act": "commission", "codes": ["09506000134352.0XES7CJNVN09GQYH"]})

    number: Annotated[int, Field(description="The line's own, a new one for each batch.")]
    act: Literal["commission", "decommission"] = "commission"
    codes: list[str]


class BatchTold(Told):
    """What was done with a batch."""

    number: int
    done: int
    repeated: int
    refused: int
    alarms: list[Any]
    is_repeated: bool


class ReadsGiven(Told):
    """What a camera has read."""

    model_config = example({"codes": ["09506000134352.0XES7CJNVN09GQYH"]})

    codes: list[str]


class LineTold(Told):
    """A line: what it expects next, and its counts."""

    name: str
    gtin: str | None
    run: int | None
    expected: int | None
    reads: int
    misreads: int
    batches: int
    done: int
    repeated: int
    refused: int


class ReadsTold(Told):
    """What was read, held against what should come, and the line."""

    reads: list[Any]
    line: LineTold


class LineGiven(Told):
    """The run on a line, and the code to come, counted from 0."""

    model_config = example({"run": 1, "next": 0})

    run: int
    next: int = 0


_EPCIS: dict[str, Any] = {"may_have_key": True, "refuses": (*_DOORS, BadInput)}
_LINE: dict[str, Any] = {"params": (LINE,), "may_have_key": True}

SYSTEMS = (
    described("epcis_events", "GET", "/api/v1/epcis/events", "epcis", "Query events",
              f"Scope `epcis:read`. {_KEYS}", {200: EpcisTold}, query=EventsQuery, **_EPCIS),
    described("epcis_document", "GET", "/api/v1/epcis/document", "epcis", "Query events as a document",
              f"Scope `epcis:read`. {_KEYS}", {200: EpcisTold}, query=EventsQuery, **_EPCIS),
    described("epcis_capture", "POST", "/api/v1/epcis/capture", "epcis", "Capture events",
              f"All of a document or nothing; what is known already is not added again. Scope `epcis:capture`. {_KEYS}",
              {202: CaptureTold}, body=EpcisGiven, may_have_key=True,
              refuses=(*_DOORS, BadInput, NotFound, Conflict, TooLarge)),
    described("epcis_captured", "GET", "/api/v1/epcis/capture/{capture_id}", "epcis", "Show a capture",
              f"Scope `epcis:read`. {_KEYS}", {200: CaptureTold}, params=(CAPTURE,), may_have_key=True,
              refuses=(*_DOORS, NotFound)),
    described("line_batch", "POST", "/api/v1/lines/{name}/batches", "lines", "Commission or decommission a batch",
              f"A batch is done once, by its number. Scope `items:commission`. {_KEYS}", {200: BatchTold},
              body=BatchGiven, refuses=(*_DOORS, BadInput, NotFound, Conflict, TooLarge), **_LINE),
    described("line_reads", "POST", "/api/v1/lines/{name}/reads", "lines", "Check what a camera has read",
              f"Scope `items:commission`. {_KEYS}", {200: ReadsTold}, body=ReadsGiven,
              refuses=(*_DOORS, BadInput, NotFound, Conflict, TooLarge), **_LINE),
    described("line_set", "PUT", "/api/v1/lines/{name}", "lines", "Put a run on a line",
              f"Scope `items:commission`. {_KEYS}", {200: LineTold}, body=LineGiven,
              refuses=(*_DOORS, BadInput, NotFound, Conflict, TooLarge), **_LINE),
    described("line", "GET", "/api/v1/lines/{name}", "lines", "Show a line",
              f"Scope `items:commission`. {_KEYS}", {200: LineTold}, refuses=(*_DOORS, NotFound), **_LINE),
)  # fmt: skip
