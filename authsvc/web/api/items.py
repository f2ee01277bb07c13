"""Items: their condition and what happened to them; acts on them, and facts that partners only add."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from authsvc import investigations, item_acts, item_lists, item_story
from authsvc.core.clones import UNKNOWN_PLACE, Fact, FactKind, Place
from authsvc.core.gs1 import GTIN, SSCC, DigitalLink
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadDigitalLink, BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.item_acts import ACTS
from authsvc.web.api import pages
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import SGTIN, operation
from authsvc.web.api.shapes import Given, Gtin, Moment, PageQuery, PageTold, Told, example, text

UNKNOWN = "The brand has no such item. Look for a typing error; upper and lower case are not the same."


class FactTold(Told):
    """Something that happened to an item beside scans."""

    kind: str
    at: Moment
    country: str | None
    by: str
    withdrawn_at: Moment | None


class AlertOfItem(Told):
    """An alert on an item, in short."""

    id: UUID
    rule: str
    score: float
    opened_at: Moment
    closed_at: Moment | None


class RecallOfItem(Told):
    """A recall that covers an item."""

    id: int
    scope: str
    reason: str
    recalled_at: Moment
    lifted_at: Moment | None


class OwnerOfItem(Told):
    """A registration of an item: that there is an owner, and nothing of who that is."""

    version: int
    state: str
    registered_at: Moment
    ended_at: Moment | None
    warranty_until: date | None


class ItemTold(Told):
    """An item: what is true of it now, and what happened to it."""

    model_config = example(
        {
            "sgtin": "09506000134352.0XES7CJNVN09GQYH", "gtin": "09506000134352", "serial": "0XES7CJNVN09GQYH",
            "sscc": None, "disposition": "active", "disposition_reason": None, "disposition_at": None, "run": 1,
            "lot": "B1", "expires_on": None, "commissioned_at": None, "scans": 0, "first_checked_at": None,
            "last_checked_at": None, "is_flagged": False,
            "facts": [
                {"kind": "sold", "at": "2026-05-09T14:30:00Z", "country": "CH", "by": "Till (7Q2M4K9X)",
                 "withdrawn_at": None}
            ],
            "alerts": [], "recalls": [], "registrations": [],
        }
    )  # fmt: skip

    sgtin: str
    gtin: str | None
    serial: str | None
    sscc: str | None
    disposition: Disposition
    disposition_reason: str | None
    disposition_at: Moment | None
    run: int | None
    lot: str | None
    expires_on: date | None
    commissioned_at: Moment | None
    scans: Annotated[int, Field(description="Counted scans.")]
    first_checked_at: Moment | None
    last_checked_at: Moment | None
    is_flagged: Annotated[bool, Field(description="Whether its code is called possibly copied.")]
    facts: list[FactTold]
    alerts: list[AlertOfItem]
    recalls: list[RecallOfItem]
    registrations: list[OwnerOfItem]


class ItemRow(Told):
    """An item of a list."""

    model_config = example(
        {
            "sgtin": "09506000134352.0XES7CJNVN09GQYH", "disposition": "active", "run": 1, "lot": "B1", "scans": 3,
            "last_checked_at": "2026-05-09T14:30:00Z", "is_flagged": False,
        }
    )  # fmt: skip

    sgtin: str
    disposition: Disposition
    run: int | None
    lot: str | None
    scans: int
    last_checked_at: Moment | None
    is_flagged: bool


class ItemsTold(PageTold):
    """Items in the order of their key."""

    items: list[ItemRow]


class ItemsQuery(PageQuery):
    """Which items."""

    gtin: Annotated[Gtin, Field(description="The product, by its GTIN with 14 digits.", examples=["09506000134352"])]
    disposition: Annotated[Disposition | None, Field(description="In this condition.")] = None


class ActGiven(Given):
    """An act on an item. Which ones are possible follows from its condition."""

    model_config = example({"act": "block", "reason": "Seen twice in one week at two sellers"})

    act: Literal["block", "unblock", "stolen", "lost", "found"]
    reason: Annotated[str, text(1_000), Field(description="Whoever looks at the item later reads it.")]


class FactGiven(Given):
    """Something that happened to an item."""

    model_config = example({"kind": "sold", "at": "2026-05-09T14:30:00Z", "country": "CH"})

    kind: Literal["sold", "commissioned"]
    at: Annotated[AwareDatetime, Field(description="When it happened, with its offset from UTC; not in the future.")]
    country: Annotated[
        str | None, StringConstraints(pattern="^[A-Z]{2}$"), Field(description="Where, as ISO 3166-1 alpha-2.")
    ] = None


class FactAdded(Told):
    """A fact that was added. It is never changed; staff can withdraw one that was wrong."""

    model_config = example(
        {"id": "f4b8a0c2-1d5e-4f6a-8b9c-0d1e2f3a4b5c", "sgtin": "09506000134352.0XES7CJNVN09GQYH", "kind": "sold"}
    )

    id: UUID
    sgtin: str
    kind: str


@operation("GET", "/items", scope="items:read", tells={200: ItemsTold})
def list_items(call: Call, query: ItemsQuery) -> Reply:
    """
    List items of a product.

    Those that have a row of their own: an item of a derived run gets its row with its first scan or first exception;
    before that, ask for it by its key.
    """
    after = pages.read(query.cursor, (str,))
    rows = item_lists.find(
        call.session, call.caller.brand_id, query.gtin, after=after[0] if after else None,
        disposition=query.disposition, limit=query.limit + 1,
    )  # fmt: skip
    shown, following = pages.cut(rows, query.limit, lambda row: (row.sgtin,))
    told = ItemsTold(
        items=[
            ItemRow(
                sgtin=row.sgtin, disposition=Disposition(row.disposition), run=row.run, lot=row.lot, scans=row.counted,
                last_checked_at=row.last_at, is_flagged=row.flagged_at is not None,
            )
            for row in shown
        ],
        next=following,
    )  # fmt: skip
    return Reply(told=told, headers=pages.link(following))


@operation("GET", "/items/{sgtin}", scope="items:read", params=(SGTIN,), tells={200: ItemTold}, refuses=(NotFound,))
def get_item(call: Call, sgtin: str) -> Reply:
    """
    Show an item.

    Also one that nobody has scanned yet.
    """
    return Reply(told=_told(call, find_subject(call, sgtin)))


@operation("POST", "/items/{sgtin}/acts", scope="items:write", params=(SGTIN,), tells={200: ItemTold},
           refuses=(BadInput, NotFound, Conflict))  # fmt: skip
def act_on_item(call: Call, sgtin: str, body: ActGiven) -> Reply:
    """
    Act on an item.

    Block or unblock it, or say that it was stolen, lost or found. Whoever scans it reads so at once.
    """
    subject = find_subject(call, sgtin)
    done = item_acts.perform(call.session, subject.name, ACTS[body.act], reason=body.reason, now=call.at)
    details = {"from": done.previous.value, "to": done.disposition.value, "reason": done.reason}
    call.record("item.set", done.sgtin, details)
    return Reply(told=_told(call, subject))


@operation("POST", "/items/{sgtin}/facts", scope="items:append", params=(SGTIN,), tells={201: FactAdded},
           refuses=(BadInput, NotFound, Conflict))  # fmt: skip
def add_fact(call: Call, sgtin: str, body: FactGiven) -> Reply:
    """
    Add a fact to an item.

    A shop has sold it, or the line has commissioned it. For partners who add and see nothing. From the next scan on,
    the rules for copies hear of it.
    """
    subject = find_subject(call, sgtin)
    place = UNKNOWN_PLACE if body.country is None else Place(body.country, None, None, None)
    fact = Fact(kind=FactKind(body.kind), at=body.at, place=place)
    number = call.rt.new_id()
    investigations.record_fact(call.session, subject, fact, id=number, by=call.caller.actor.name, now=call.at)
    call.record("item.fact", subject.sgtin, {"kind": body.kind, "at": body.at.isoformat(), "id": str(number)})
    return Reply(told=FactAdded(id=number, sgtin=subject.sgtin, kind=body.kind), status=201)


def find_subject(call: Call, sgtin: str) -> Subject:
    """
    Return the item behind a key.

    Raises:
        NotFound: It is none, or one of another brand.
    """
    kind, _, serial = sgtin.partition(".")
    ais = {"00": serial} if kind == "00" else {"01": kind, "21": serial}
    try:
        DigitalLink.build(ais)
    except BadDigitalLink:
        fault = SSCC.find_fault(serial) if kind == "00" else GTIN.find_fault(kind)
        raise NotFound(f"{UNKNOWN} Expected {fault}." if fault else UNKNOWN) from None
    key, serial_or_none = (serial, None) if kind == "00" else (kind, serial)
    brand = call.rt.held.register.find_brand(key)
    if brand is None or brand.id != call.caller.brand_id:
        raise NotFound(UNKNOWN)
    return Subject.of(call.rt.held, key, serial_or_none)


# --- Private ---------------------------------------------------------------------------------------------------------


def _told(call: Call, subject: Subject) -> ItemTold:
    story = item_story.get(call.session, subject.name, subject.product)
    state = story.state
    if not state.is_issued:
        raise NotFound(UNKNOWN)
    is_case = subject.name.serial is None
    return ItemTold(
        sgtin=subject.sgtin,
        gtin=None if is_case else subject.name.key,
        serial=subject.name.serial,
        sscc=subject.name.key if is_case else None,
        disposition=state.disposition,
        disposition_reason=state.reason,
        disposition_at=state.disposition_at,
        run=state.run,
        lot=state.lot,
        expires_on=state.expires_on,
        commissioned_at=state.commissioned_at,
        scans=state.counted,
        first_checked_at=state.first_at,
        last_checked_at=state.last_at,
        is_flagged=state.flagged_at is not None,
        facts=[FactTold(kind=f.kind, at=f.at, country=f.country, by=f.by, withdrawn_at=f.withdrawn_at)
               for f in story.facts],
        alerts=[AlertOfItem(id=a.id, rule=a.rule, score=a.score, opened_at=a.opened_at, closed_at=a.closed_at)
                for a in story.alerts],
        recalls=[RecallOfItem(id=r.id, scope=r.scope, reason=r.reason, recalled_at=r.recalled_at,
                              lifted_at=r.lifted_at) for r in story.recalls],
        registrations=[OwnerOfItem(version=o.version, state=o.state, registered_at=o.registered_at,
                                   ended_at=o.ended_at, warranty_until=o.warranty_until) for o in story.owners],
    )  # fmt: skip
