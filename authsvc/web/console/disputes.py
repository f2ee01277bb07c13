"""
Disputes of transfers: what happened when, what both sides say, and what the brand decides.

What people wrote and where they are told opens in the role of the owner pages, inside the same transaction. Staff see
addresses masked; the decision is told to both sides by mail and noted in the log with its reason.
"""

from collections.abc import Mapping
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from authsvc import disputes, owner_decisions
from authsvc.disputes import Decision
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.handovers import Handover, State
from authsvc.investigations import Subject
from authsvc.owner_decisions import LONGEST_REASON
from authsvc.staff import Role
from authsvc.web.console import guard, item_keys, rendering
from authsvc.web.site import runtime

HERE = "/console/disputes"
CHOICES = (
    (Decision.STANDS, "Let it stand", "The buyer stays the owner."),
    (Decision.RETURNS, "Give it back", "The seller owns it again, with the same warranty. The buyer's ownership ends."),
    (Decision.BLOCKS, "Block the code", "Whoever checks it is told to stop. The buyer stays registered."),
)
WORDS = {choice: label for choice, label, _ in CHOICES}

Page = str | tuple[str, int] | BaseResponse


@guard.page("/disputes", role=Role.ANALYST, nav="Disputes")
def list_disputes() -> str:
    """List the disputes: those that wait for a decision first."""
    with guard.session() as session, guard.as_owners(session):
        found = disputes.list_disputes(session, now=guard.now())
    return rendering.show(
        "console/disputes.html",
        title="Disputed transfers",
        rows=[{"dispute": each, "href": f"{HERE}/{each.id}", "product": _name(each)} for each in found],
        waiting=sum(each.state is State.DISPUTED for each in found),
        words={choice.value: label for choice, label in WORDS.items()},
    )


@guard.page("/disputes/<uuid:transfer_id>", role=Role.ANALYST, nav="Disputes")
def dispute(transfer_id: UUID) -> str:
    """Show one dispute."""
    with guard.session() as session, guard.as_owners(session):
        found = disputes.find_dispute(session, transfer_id, now=guard.now())
        both = disputes.parties(session, found, key=runtime().people_key)
    return rendering.show(
        "console/dispute.html",
        title=f"Dispute about {_name(found)}",
        found=found,
        is_waiting=found.state is State.DISPUTED,
        parties=both,
        entries=_timeline(found),
        item_href=f"/console/items/{item_keys.spell(found.sgtin)}",
        decide_href=f"{HERE}/{found.id}/decide",
        may_decide=guard.me().role.may(Role.OPERATOR),
    )


@guard.page("/disputes/<uuid:transfer_id>/decide", role=Role.OPERATOR, nav="Disputes", step_up=True)
def decision(transfer_id: UUID) -> str:
    """Show what can be decided, and what each decision does."""
    with guard.session() as session, guard.as_owners(session):
        found = disputes.find_dispute(session, transfer_id, now=guard.now())
    if found.state is not State.DISPUTED:
        raise Conflict("This dispute was decided already.")
    return _form(found, {})


@guard.page("/disputes/<uuid:transfer_id>/decide", role=Role.OPERATOR, methods=["POST"], step_up=True)
def decide(transfer_id: UUID) -> Page:
    """Decide, tell both sides, and note it: all of it or none."""
    me, now = guard.me(), guard.now()
    reason = " ".join(request.form.get("reason", "").split())
    chosen = request.form.get("decision", "")
    with guard.session() as session:
        with guard.as_owners(session):
            found = disputes.find_dispute(session, transfer_id, now=now)
            if faults := _faults(chosen, reason):
                return _form(found, faults), BadInput.status
            done = owner_decisions.decide_dispute(
                session, _subject(found), transfer_id, Decision(chosen), reason=reason, by=me.actor.name,
                post=runtime().post, now=now,
            )  # fmt: skip
        details = {"item": done.sgtin, "decision": chosen, "reason": reason}
        me.record(session, "transfer.decide", str(transfer_id), details)
    return guard.done(f"Decided: {WORDS[Decision(chosen)]}. Both sides are told.", f"{HERE}/{transfer_id}")


# --- Private ---------------------------------------------------------------------------------------------------------


def _faults(chosen: str, reason: str) -> dict[str, str]:
    faults = {}
    if chosen not in set(Decision):
        faults["decision"] = "Choose what happens."
    if not reason:
        faults["reason"] = "Give the reason; the log keeps it."
    elif len(reason) > LONGEST_REASON:
        faults["reason"] = f"Give the reason in at most {LONGEST_REASON} characters."
    return faults


def _form(found: Handover, faults: Mapping[str, str]) -> str:
    return rendering.show(
        "console/dispute_decision.html",
        title="Decide the dispute",
        found=found,
        product=_name(found),
        choices=[(choice.value, label, small) for choice, label, small in CHOICES],
        chosen=request.form.get("decision", ""),
        reason=request.form.get("reason", "")[: 2 * LONGEST_REASON],
        faults=faults,
        action=f"{HERE}/{found.id}/decide",
        back=f"{HERE}/{found.id}",
    )


def _subject(found: Handover) -> Subject:
    gtin, _, serial = found.sgtin.partition(".")
    return Subject.of(runtime().held, gtin, serial)


def _name(found: Handover) -> str:
    try:
        product = _subject(found).product
    except NotFound:
        product = None
    return "an item" if product is None else product.name


def _timeline(found: Handover) -> list[dict[str, object]]:
    decided = WORDS[Decision(found.decision)] if found.decision else ""
    how = "The buyer was there: no second confirmation" if found.is_present else "By link, for 72 hours"
    taker, held = "buyer", "With the item in hand: scanned, or its number typed"
    if found.dealer_id is not None:
        taker, held = "dealer", "Into its stock"
    happened = (
        ("Offered by the seller", found.offered_at, how, None),
        (f"Accepted by the {taker}", found.accepted_at, held, None),
        ("Handed over", found.completed_at, "" if found.is_present else "The seller confirmed the buyer", "ok"),
        (f"Disputed by the {found.disputed_by}", found.disputed_at, "", "warn"),
        (f"Decided: {decided}", found.decided_at, "", "info"),
    )
    return [
        {"title": title, "at": at, "text": text, "tone": tone, "icon": "transfer", "meta": ()}
        for title, at, text, tone in happened
        if at is not None
    ]
