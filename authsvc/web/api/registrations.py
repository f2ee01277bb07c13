"""Registrations: that an item has an owner, since when and with which warranty; nothing of who that is."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from authsvc import owner_decisions, owner_lists, ownership, waiting_registrations
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.ownership import Registered, State
from authsvc.web.api import pages
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import operation, uuid
from authsvc.web.api.shapes import Given, Gtin, Moment, PageQuery, PageTold, Told, example, line

REGISTRATION = uuid(
    "registration_id", "The registration, as a list or a webhook names it.", "0197a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"
)


class WarrantyOfRegistration(Told):
    """From the first to the last day."""

    first: date
    last: date


class RegistrationTold(Told):
    """A registration of an item. The present one has no end."""

    model_config = example(
        {
            "id": "0197a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "number": "6C7D-8E9F-0A1B",
            "sgtin": "09506000134352.0XES7CJNVN09GQYH", "version": 1, "state": "confirmed", "has_claim": True,
            "is_used": False, "waits_for_brand": False, "registered_at": "2026-05-31T10:00:00Z", "pending_until": None,
            "ended_at": None, "purchased_on": "2026-05-31", "warranty": {"first": "2026-05-31", "last": "2028-05-31"},
            "transfer": None,
        }
    )  # fmt: skip

    id: UUID
    number: Annotated[str, Field(description="As its certificate has it, and its owner quotes it.")]
    sgtin: str
    version: Annotated[int, Field(description="Counts the owners of the item.")]
    state: State
    has_claim: Annotated[bool, Field(description="Whether the claim code was shown.")]
    is_used: Annotated[bool, Field(description="Whether the item was bought used.")]
    waits_for_brand: Annotated[bool, Field(description="Whether somebody of the brand, or a program, has to decide.")]
    registered_at: Moment
    pending_until: Annotated[Moment | None, Field(description="Until then a claim code wins over it.")]
    ended_at: Moment | None
    purchased_on: date | None
    warranty: WarrantyOfRegistration | None
    transfer: Annotated[UUID | None, Field(description="The transfer that it came from.")]


class RegistrationsTold(PageTold):
    """Registrations, the newest first."""

    registrations: list[RegistrationTold]


class RegistrationsQuery(PageQuery):
    """Which registrations."""

    gtin: Annotated[Gtin | None, Field(description="Of one product.", examples=["09506000134352"])] = None
    sgtin: Annotated[str | None, line(50), Field(description="Of one item.")] = None
    state: Annotated[State | None, Field(description="In this state.", examples=["confirmed"])] = None


class ProofDecisionGiven(Given):
    """What becomes of a registration that waits for the brand."""

    model_config = example({"decision": "taken", "reason": "The invoice names this number"})

    decision: Annotated[
        Literal["taken", "declined"], Field(description="It counts from now on; or it ends. Nobody can take that back.")
    ]
    reason: Annotated[str, line(owner_decisions.LONGEST_REASON), Field(description="The log keeps it.")]


@operation("GET", "/registrations", scope="registrations:read", tells={200: RegistrationsTold})
def list_registrations(call: Call, query: RegistrationsQuery) -> Reply:
    """List registrations."""
    after = pages.read(query.cursor, (pages.moment, UUID))
    with call.as_owners() as session:
        rows = owner_lists.find_registrations(
            session, call.caller.brand_id, gtin=query.gtin, sgtin=query.sgtin, state=query.state,
            after=None if after is None else (after[0], after[1]), limit=query.limit + 1, now=call.at,
        )  # fmt: skip
    shown, following = pages.cut(rows, query.limit, lambda row: (row.registered_at.isoformat(), row.id))
    told = RegistrationsTold(registrations=[_told(row) for row in shown], next=following)
    return Reply(told=told, headers=pages.link(following))


@operation("GET", "/registrations/{registration_id}", scope="registrations:read", params=(REGISTRATION,),
           tells={200: RegistrationTold}, refuses=(NotFound,))  # fmt: skip
def get_registration(call: Call, registration_id: UUID) -> Reply:
    """Show a registration."""
    with call.as_owners() as session:
        found = waiting_registrations.get(session, registration_id, now=call.at)
    return Reply(told=_told(found))


@operation("POST", "/registrations/{registration_id}/decision", scope="registrations:write", params=(REGISTRATION,),
           tells={200: RegistrationTold}, refuses=(BadInput, NotFound, Conflict))  # fmt: skip
def decide_registration(call: Call, registration_id: UUID, body: ProofDecisionGiven) -> Reply:
    """
    Decide a registration that waits for the brand.

    Of an item that was bought used, with a proof of purchase in place of the claim code. The person is told by mail.
    """
    with call.as_owners() as session:
        held = waiting_registrations.get(session, registration_id, now=call.at)
        gtin, _, serial = held.sgtin.partition(".")
        done = owner_decisions.decide_registration(
            session, Subject.of(call.rt.held, gtin, serial), held.id, is_taken=body.decision == "taken",
            post=call.rt.post, now=call.at,
        )  # fmt: skip
    details = {"item": held.sgtin, "decision": body.decision, "reason": body.reason}
    call.record("owner.registration", str(registration_id), details)
    return Reply(told=_told(done))


# --- Private ---------------------------------------------------------------------------------------------------------


def _told(row: Registered) -> RegistrationTold:
    warranty = row.warranty
    return RegistrationTold(
        id=row.id,
        number=ownership.number_of(row.id),
        sgtin=row.sgtin,
        version=row.version,
        state=row.state,
        has_claim=row.has_claim,
        is_used=row.is_used,
        waits_for_brand=row.waits_for_brand,
        registered_at=row.registered_at,
        pending_until=row.pending_until,
        ended_at=row.ended_at,
        purchased_on=row.purchased_on,
        warranty=None if warranty is None else WarrantyOfRegistration(first=warranty.begins_on, last=warranty.ends_on),
        transfer=row.transfer_id,
    )
