"""The routes of partners that share EPCIS events, and of machines on production lines: keys of the API open them."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from authsvc.errors import ApiKeyNeeded, BadInput, Conflict, Forbidden, NotFound, ScopeNeeded, TooLarge, TooManyRequests
from authsvc.production_lines import Act
from authsvc.web.api.described import described
from authsvc.web.api.operations import Operation, Param
from authsvc.web.api.shapes import Query, Told, example

LINE = Param(name="name", text="The line, by a name of your own.", pattern="[A-Za-z0-9_-]{1,100}", example="L1")
CAPTURE = Param(
    name="capture_id", text="The capture, as its answer named it.", pattern="[0-9a-f-]{36}",
    example="a81c5f03-2f77-4a0e-9a35-6c1f0f7d2b64",
)  # fmt: skip


class EventsQuery(Query):
    """Which events."""

    epc: Annotated[str | None, Field(description="An item, case, lot or product, as a GS1 Digital Link.")] = None
    eventType: Annotated[str | None, Field(description="ObjectEvent and the like, apart by commas.")] = None  # noqa: N815  the word of EPCIS
    GE_eventTime: Annotated[str | None, Field(description="Not before this time.")] = None
    LT_eventTime: Annotated[str | None, Field(description="Before this time.")] = None
    GE_recordTime: Annotated[str | None, Field(description="Recorded not before this time.")] = None
    LT_recordTime: Annotated[str | None, Field(description="Recorded before this time.")] = None
    perPage: Annotated[int, Field(ge=1, le=1000, description="How many at most.")] = 100  # noqa: N815  as above
    nextPageToken: Annotated[str | None, Field(description="As the header Link of the page before has it.")] = None  # noqa: N815  as above


class DocumentTold(Told):
    """An EPCIS document in JSON-LD; GS1's schema says what is in it."""

    type: str
    schemaVersion: str  # noqa: N815  the word of EPCIS


class CaptureTold(Told):
    """What a capture has added."""

    captureID: str  # noqa: N815  the word of EPCIS
    running: bool
    success: bool


class DocumentGiven(Told):
    """An EPCIS document, or one event with its context."""

    model_config = example(
        {
            "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "ObjectEvent",
            "eventTime": "2026-05-09T14:30:00Z", "eventTimeZoneOffset": "+02:00", "action": "OBSERVE",
            "epcList": ["https://id.example.com/01/09506000134352/21/0XES7CJNVN09GQYH"], "bizStep": "shipping",
        }
    )  # fmt: skip

    type: str


class BatchGiven(Told):
    """Codes that were put on goods, or taken off."""

    model_config = example({"number": 17, "act": "commission", "codes": ["09506000134352.0XES7CJNVN09GQYH"]})

    number: Annotated[int, Field(ge=0, lt=2**63, description="The line's own, a new one for each batch.")]
    act: Act = Act.COMMISSION
    codes: Annotated[list[str], Field(min_length=1, max_length=1000, description="As links or GTIN.SERIAL.")]


class BatchTold(Told):
    """What came of a batch."""

    number: int
    done: int
    repeated: int
    refused: int
    alarms: list[dict[str, Any]]
    is_repeated: bool


class ReadsGiven(Told):
    """What a camera has read."""

    model_config = example({"codes": ["09506000134352.0XES7CJNVN09GQYH"]})

    codes: Annotated[list[str], Field(min_length=1, max_length=1000)]


class LineGiven(Told):
    """The run that is put on a line, and the code to come, from 0."""

    model_config = example({"run": 1, "next": 0})

    run: Annotated[int, Field(ge=1, lt=2**31)]
    next: Annotated[int, Field(ge=0, lt=2**34)] = 0


class LineTold(Told):
    """A line and its counts."""

    name: str
    run: int | None
    expected: int | None
    reads: int
    misreads: int
    batches: int
    done: int
    repeated: int
    refused: int


class ReadsTold(Told):
    """What each code was, and the line."""

    reads: list[str]
    line: LineTold


def _with(scope: str, operation: Operation) -> Operation:
    return replace(operation, scope=scope, refuses=(ApiKeyNeeded, ScopeNeeded, *operation.refuses))


_READ: dict[str, Any] = {"query": EventsQuery, "refuses": (BadInput, TooManyRequests)}
_WRITE = (BadInput, NotFound, Conflict, TooLarge, TooManyRequests)
_LINE: dict[str, Any] = {"params": (LINE,), "refuses": _WRITE}

MACHINES = (
    _with("epcis:read", described("epcis_events", "GET", "/api/v1/epcis/events", "epcis", "Query events",
          "In the order in which they were recorded.", {200: DocumentTold}, **_READ)),
    _with("epcis:read", described("epcis_document", "GET", "/api/v1/epcis/document", "epcis", "Query a document", "",
          {200: DocumentTold}, **_READ)),
    _with("epcis:capture", described("epcis_capture", "POST", "/api/v1/epcis/capture", "epcis", "Capture events",
          "All of a document or none of it; each event once. A key declares an error in what it has captured itself, "
          "and with `items:write` in any event.", {202: CaptureTold}, body=DocumentGiven,
          refuses=(*_WRITE, Forbidden))),
    _with("epcis:read", described("epcis_captured", "GET", "/api/v1/epcis/capture/{capture_id}", "epcis",
          "Show a capture", "", {200: CaptureTold}, params=(CAPTURE,), refuses=(NotFound, TooManyRequests))),
    _with("items:commission", described("line", "GET", "/api/v1/lines/{name}", "lines", "Show a line", "",
          {200: LineTold}, params=(LINE,), refuses=(BadInput, NotFound, TooManyRequests))),
    _with("items:commission", described("line_set", "PUT", "/api/v1/lines/{name}", "lines", "Put a run on a line", "",
          {200: LineTold}, body=LineGiven, **_LINE)),
    _with("items:commission", described("line_batch", "POST", "/api/v1/lines/{name}/batches", "lines",
          "Commission or decommission codes", "A batch that is sent again is answered as the first time.",
          {200: BatchTold}, body=BatchGiven, **_LINE)),
    _with("items:commission", described("line_reads", "POST", "/api/v1/lines/{name}/reads", "lines",
          "Compare what a camera has read", "", {200: ReadsTold}, body=ReadsGiven, **_LINE)),
)  # fmt: skip
