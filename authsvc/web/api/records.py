"""Records of items: test results, battery, maintenance, software, service, warranty; only ever added."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from authsvc import unit_records
from authsvc.core.api_keys import is_of_brand
from authsvc.core.records import KINDS, LONGEST_TEXT, MOST_VALUES, Record
from authsvc.core.unit_data import Audience
from authsvc.errors import BadInput, Conflict, Forbidden, NotFound
from authsvc.unit_records import NewRecord
from authsvc.web.api import pages
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.items import find_subject
from authsvc.web.api.operations import SGTIN, operation
from authsvc.web.api.shapes import Finite, Given, Moment, PageQuery, PageTold, Stored, Told, example
from authsvc.web.api.shapes import text as prose

_RECORD: dict[str, Any] = {
    "id": "6b1e8f0a-2c4d-4e5f-9a7b-8c9d0e1f2a3b", "kind": "battery", "at": "2026-05-09T14:30:00Z",
    "values": {"state_of_health": 93.1, "charge_cycles": 120}, "text": "", "audience": "owner",
    "by": "Service (7Q2M4K9X)", "recorded_at": "2026-05-09T14:31:00Z", "corrects": None, "is_corrected": False,
}  # fmt: skip


class RecordTold(Told):
    """A record. It is never changed: a further one corrects it, and both stay."""

    model_config = example(_RECORD)

    id: UUID
    kind: str
    at: Moment
    values: dict[str, float | str]
    text: str
    audience: Annotated[Audience, Field(description="Who may see it: this circle and the narrower ones.")]
    by: str
    recorded_at: Moment
    corrects: UUID | None
    is_corrected: bool


class RecordsTold(PageTold):
    """Records of an item, the newest first."""

    records: list[RecordTold]


class RecordAdded(Told):
    """A record that was added."""

    model_config = example(
        {"id": "6b1e8f0a-2c4d-4e5f-9a7b-8c9d0e1f2a3b", "sgtin": "09506000134352.0XES7CJNVN09GQYH", "kind": "battery"}
    )

    id: UUID
    sgtin: str
    kind: str


class RecordGiven(Given):
    """What was measured or done."""

    model_config = example(
        {
            "kind": "battery",
            "at": "2026-05-09T14:30:00Z",
            "values": {"state_of_health": 93.1, "charge_cycles": 120},
            "text": "",
        }
    )

    kind: Annotated[str, Field(pattern=f"^({'|'.join(KINDS)})$", description=f"One of {', '.join(KINDS)}.")]
    at: Annotated[AwareDatetime, Field(description="When it was, with its offset from UTC; not in the future.")]
    values: Annotated[
        dict[Stored, Finite | Stored],
        Field(default_factory=dict, max_length=MOST_VALUES, description="What the kind takes; a refusal names it."),
    ]
    text: Annotated[str, prose(LONGEST_TEXT, 0), Field(description="In words, beside the values or without any.")] = ""
    audience: Annotated[
        Audience | None,
        Field(
            strict=False,
            description="Left out, the kind decides, or the record that this one corrects; to widen it needs "
            "`items:write`.",
        ),
    ] = None
    corrects: Annotated[
        UUID | None,
        Field(
            strict=False,
            description="An earlier record that was wrong, written by this key; with `items:write`, by anybody.",
        ),
    ] = None


@operation("GET", "/items/{sgtin}/records", scope="items:read", params=(SGTIN,), tells={200: RecordsTold},
           refuses=(NotFound,))  # fmt: skip
def list_records(call: Call, sgtin: str, query: PageQuery) -> Reply:
    """List the records of an item."""
    name = find_subject(call, sgtin).name
    after = pages.read(query.cursor, (pages.moment, UUID))
    rows = unit_records.read_page(
        call.session, name, viewer=Audience.AUTHORITY, after=None if after is None else (after[0], after[1]),
        limit=query.limit + 1,
    )  # fmt: skip
    shown, following = pages.cut(rows, query.limit, lambda row: (row.at.isoformat(), row.id))
    return Reply(told=RecordsTold(records=[_told(row) for row in shown], next=following), headers=pages.link(following))


@operation("POST", "/items/{sgtin}/records", scope="items:append", params=(SGTIN,), tells={201: RecordAdded},
           refuses=(BadInput, Forbidden, NotFound, Conflict))  # fmt: skip
def add_record(call: Call, sgtin: str, body: RecordGiven) -> Reply:
    """
    Add a record to an item.

    A test result, the health of a battery, maintenance, software, service or warranty. For partners who add, and
    neither see nor change what others wrote: a key corrects its own records, and with `items:write` any.
    """
    subject = find_subject(call, sgtin)
    permission = unit_records.STAFF if is_of_brand(call.caller.scopes) else unit_records.PARTNER
    given = NewRecord(
        kind=body.kind, at=body.at, values=body.values, text=body.text, audience=body.audience, corrects=body.corrects
    )
    made = unit_records.append(
        call.session, subject.name, given, id=call.rt.new_id(), by=call.caller.actor, permission=permission,
        now=call.at,
    )  # fmt: skip
    call.record("item.record", subject.sgtin, {"kind": made.kind, "id": str(made.id)})
    return Reply(told=RecordAdded(id=made.id, sgtin=subject.sgtin, kind=made.kind), status=201)


# --- Private ---------------------------------------------------------------------------------------------------------


def _told(row: Record) -> RecordTold:
    return RecordTold(
        id=row.id, kind=row.kind, at=row.at, values=dict(row.values), text=row.text, audience=row.audience, by=row.by,
        recorded_at=row.recorded_at, corrects=row.corrects, is_corrected=row.is_corrected,
    )  # fmt: skip
