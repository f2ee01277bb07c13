"""Transfers: how items pass from one owner to the next, and the disputes that the brand decides."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from authsvc import disputes, owner_decisions, owner_lists
from authsvc.disputes import Decision
from authsvc.errors import Conflict, NotFound
from authsvc.handovers import Handover, State
from authsvc.investigations import Subject
from authsvc.web.api import pages
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import operation, uuid
from authsvc.web.api.shapes import Given, Gtin, Moment, PageQuery, PageTold, Told, example, line

TRANSFER = uuid("transfer_id", "The transfer, as a list names it.", "2e7d9a14-3b5c-4d6e-8f70-1a2b3c4d5e6f")
_ROW: dict[str, Any] = {
    "id": "2e7d9a14-3b5c-4d6e-8f70-1a2b3c4d5e6f", "sgtin": "09506000134352.0XES7CJNVN09GQYH", "version": 1,
    "state": "disputed", "is_present": False, "offered_at": "2026-05-31T10:00:00Z",
    "expires_at": "2026-06-03T10:00:00Z", "accepted_at": "2026-05-31T11:00:00Z",
    "completed_at": "2026-05-31T12:00:00Z", "dispute_until": "2026-06-01T12:00:00Z", "ended_at": None,
    "disputed_at": "2026-05-31T18:00:00Z", "disputed_by": "seller", "decided_at": None, "decision": None,
    "registration": "0197a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "new_registration": "0197a1b3-0000-7e4f-8a5b-6c7d8e9f0a1b",
    "dealer": None,
}  # fmt: skip


class HandoverRow(Told):
    """A transfer as it stands now."""

    model_config = example(_ROW)

    id: UUID
    sgtin: str
    version: Annotated[int, Field(description="That of the registration which it ends.")]
    state: State
    is_present: Annotated[bool, Field(description="Whether the buyer stood beside the seller.")]
    offered_at: Moment
    expires_at: Moment
    accepted_at: Moment | None
    completed_at: Moment | None
    dispute_until: Moment | None
    ended_at: Moment | None
    disputed_at: Moment | None
    disputed_by: Literal["seller", "buyer"] | None
    decided_at: Moment | None
    decision: Literal["stands", "returns", "blocks"] | None
    registration: Annotated[UUID, Field(description="The seller's.")]
    new_registration: Annotated[
        UUID | None, Field(description="The buyer's, once the item has passed on; a dealer gets none.")
    ]
    dealer: Annotated[UUID | None, Field(description="The dealer who takes it into stock, where the buyer is one.")]


class HandoversTold(PageTold):
    """Transfers, the newest first."""

    transfers: list[HandoverRow]


class PartyTold(Told):
    """One side of a dispute; null of somebody who was erased. What a dealer says is not kept here."""

    side: Literal["seller", "buyer"]
    address: Annotated[str | None, Field(description="Their e-mail address, masked.")]
    said: Annotated[str | None, Field(description="What they say of it.")]
    dealer: Annotated[str | None, Field(description="The name of the dealer, where the buyer is one.")] = None


class HandoverTold(HandoverRow):
    """A transfer, and where it is or was disputed, both sides of it."""

    model_config = example(
        {
            **_ROW,
            "parties": [
                {"side": "seller", "address": "a•••@e•••.com", "said": "I was not paid."},
                {"side": "buyer", "address": "b•••@e•••.com", "said": None},
            ],
        }
    )

    parties: list[PartyTold]


class HandoversQuery(PageQuery):
    """Which transfers."""

    gtin: Annotated[Gtin | None, Field(description="Of one product.", examples=["09506000134352"])] = None
    sgtin: Annotated[str | None, line(50), Field(description="Of one item.")] = None
    state: Annotated[State | None, Field(description="In this state.", examples=["disputed"])] = None


class DisputeDecisionGiven(Given):
    """What becomes of a disputed transfer."""

    model_config = example({"decision": "stands", "reason": "The bank has confirmed the payment"})

    decision: Annotated[
        Literal["stands", "returns", "blocks"],
        Field(description="The buyer stays the owner; the seller owns it again; or the code is blocked."),
    ]
    reason: Annotated[str, line(owner_decisions.LONGEST_REASON), Field(description="The log keeps it.")]


@operation("GET", "/transfers", scope="transfers:read", tells={200: HandoversTold})
def list_transfers(call: Call, query: HandoversQuery) -> Reply:
    """List transfers."""
    after = pages.read(query.cursor, (pages.moment, UUID))
    with call.as_owners() as session:
        rows = owner_lists.find_transfers(
            session, call.caller.brand_id, gtin=query.gtin, sgtin=query.sgtin, state=query.state,
            after=None if after is None else (after[0], after[1]), limit=query.limit + 1, now=call.at,
        )  # fmt: skip
    shown, following = pages.cut(rows, query.limit, lambda row: (row.offered_at.isoformat(), row.id))
    told = HandoversTold(transfers=[HandoverRow(**_members(row)) for row in shown], next=following)
    return Reply(told=told, headers=pages.link(following))


@operation("GET", "/transfers/{transfer_id}", scope="transfers:read", params=(TRANSFER,), tells={200: HandoverTold},
           refuses=(NotFound,))  # fmt: skip
def get_transfer(call: Call, transfer_id: UUID) -> Reply:
    """Show a transfer."""
    return Reply(told=_told(call, transfer_id))


@operation("POST", "/transfers/{transfer_id}/decision", scope="transfers:write", params=(TRANSFER,),
           tells={200: HandoverTold}, refuses=(NotFound, Conflict))  # fmt: skip
def decide_transfer(call: Call, transfer_id: UUID, body: DisputeDecisionGiven) -> Reply:
    """
    Decide a disputed transfer.

    Both sides are told by mail.
    """
    with call.as_owners() as session:
        found = disputes.find_dispute(session, transfer_id, now=call.at)
        gtin, _, serial = found.sgtin.partition(".")
        owner_decisions.decide_dispute(
            session, Subject.of(call.rt.held, gtin, serial), transfer_id, Decision(body.decision), reason=body.reason,
            by=call.caller.actor.name, post=call.rt.post, now=call.at,
        )  # fmt: skip
    details = {"item": found.sgtin, "decision": body.decision, "reason": body.reason}
    call.record("transfer.decide", str(transfer_id), details)
    return Reply(told=_told(call, transfer_id))


# --- Private ---------------------------------------------------------------------------------------------------------


def _told(call: Call, transfer_id: UUID) -> HandoverTold:
    with call.as_owners() as session:
        found = owner_lists.get_transfer(session, call.caller.brand_id, transfer_id, now=call.at)
        both = disputes.parties(session, found, key=call.rt.people_key) if found.disputed_at is not None else ()
    parties = [
        PartyTold.model_validate(
            {
                "side": party.side,
                "address": party.person and party.person.masked,
                "said": party.statement,
                "dealer": party.dealer,
            }
        )
        for party in both
    ]
    return HandoverTold(**_members(found), parties=parties)


def _members(row: Handover) -> dict[str, Any]:
    named = {"registration": row.registration_id, "new_registration": row.given_id, "dealer": row.dealer_id}
    return {name: named[name] if name in named else getattr(row, name) for name in HandoverRow.model_fields}
