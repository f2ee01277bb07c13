"""
The desk for owners: lost mailboxes, registrations of what was bought used, and the proofs of purchase behind them.

Proofs and addresses open in the role of the owner pages, inside the same transaction; staff see addresses masked. To
open a proof is noted in the log, and so is every decision with its reason. What is granted cannot be taken back.
"""

from collections.abc import Mapping
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from authsvc import languages, owner_decisions, owner_files, owner_requests, owners, waiting_registrations
from authsvc.core import tongues
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.languages import later
from authsvc.owner_files import File
from authsvc.owner_requests import Request, State
from authsvc.owners import Person
from authsvc.staff import Role
from authsvc.web import downloads
from authsvc.web.console import guard, item_keys, rendering
from authsvc.web.site import runtime

HERE = "/console/owners"
_LONGEST = 500
STATES = {
    State.WAITING: "Waiting", State.STOPPED: "Stopped by the owner", State.GRANTED: "Granted",
    State.REFUSED: "Refused", State.OVER: "Over",
}  # fmt: skip
_ANSWERS = {
    "granted": (
        later("it is yours"),
        later("The brand has moved it to this address, with its warranty. Sign in to see it:"),
    ),
    "refused": (
        later("not granted"),
        later("The brand has not moved it to this address. Contact it if you think otherwise."),
    ),
}

Page = str | tuple[str, int] | BaseResponse


@guard.page("/owners", role=Role.ANALYST, nav="Owners")
def list_requests() -> str:
    """List what waits for a decision, and the lost mailboxes that were decided."""
    with guard.session() as session, guard.as_owners(session):
        found = owner_requests.list_mailboxes(session)
        waiting = waiting_registrations.list_waiting(session, now=guard.now())
    return rendering.show(
        "console/owners.html",
        title="Owners who need you",
        mailboxes=[
            {"request": each, "href": f"{HERE}/requests/{each.id}", "product": _name(each.sgtin), "state": _state(each)}
            for each in found
        ],
        used=[{"held": each, "href": f"{HERE}/registrations/{each.id}", "product": _name(each.sgtin)}
              for each in waiting],
    )  # fmt: skip


@guard.page("/owners/requests/<uuid:request_id>", role=Role.ANALYST, nav="Owners")
def owner_request(request_id: UUID) -> str:
    """Show a lost mailbox: both addresses, masked, when what happened, and the proof."""
    with guard.session() as session, guard.as_owners(session):
        found = _get(session, request_id)
        asker, owner = _find(session, found.asker_id), _find(session, found.owner_id)
        files = _files(session, asker, found.id)
    return rendering.show(
        "console/owner_request.html",
        title=f"Lost mailbox of {_name(found.sgtin)}",
        found=found,
        state=_state(found),
        rows=_rows(found, asker, owner),
        files=files,
        files_href=f"{HERE}/files",
        item_href=f"/console/items/{item_keys.spell(found.sgtin)}",
        decide_href=f"{HERE}/requests/{found.id}/decide"
        if found.state is State.WAITING and guard.me().role.may(Role.OPERATOR)
        else None,
    )


@guard.page("/owners/requests/<uuid:request_id>/decide", role=Role.OPERATOR, nav="Owners", step_up=True)
def owner_request_decision(request_id: UUID) -> str:
    """Show what can be decided about a lost mailbox, and what each decision does."""
    with guard.session() as session, guard.as_owners(session):
        found = _get(session, request_id)
    if found.state is not State.WAITING:
        raise Conflict("This request has ended already.")
    return _form(f"{HERE}/requests/{request_id}", found.sgtin, _mailbox_choices(found), {})


@guard.page("/owners/requests/<uuid:request_id>/decide", role=Role.OPERATOR, methods=["POST"], step_up=True)
def decide_owner_request(request_id: UUID) -> Page:
    """Move the item to the new address, or not; both addresses are told, and the log has it."""
    me, now, rt, here = guard.me(), guard.now(), runtime(), f"{HERE}/requests/{request_id}"
    chosen, reason = request.form.get("decision", ""), _reason()
    with guard.session() as session:
        with guard.as_owners(session):
            found = _get(session, request_id)
            choices = _mailbox_choices(found)
            if faults := _faults(chosen, reason, choices):
                return _form(here, found.sgtin, choices, faults), BadInput.status
            asker = _find(session, found.asker_id)
            link = f"{rt.config.base_url}/own"
            if chosen == "granted":
                done, given = owner_requests.grant(
                    session, _subject(found.sgtin), found.id, by=me.actor.name, reason=reason, now=now,
                    new_id=rt.new_id,
                )  # fmt: skip
                _move_files(session, asker, done.id, given.id)
                _tell_old(session, done)
                link = f"{rt.config.base_url}/own/items/{given.id}"
            else:
                owner_requests.end(session, found.id, State.REFUSED, now=now, by=me.actor.name, reason=reason)
            _tell(session, found.sgtin, asker, "owner-recover-decided", chosen, link)
        me.record(
            session, "owner.mailbox", str(request_id), {"item": found.sgtin, "decision": chosen, "reason": reason}
        )
    return guard.done("Decided. Both addresses are told." if chosen == "granted" else "Refused. They are told.", here)


@guard.page("/owners/registrations/<uuid:registration_id>", role=Role.ANALYST, nav="Owners")
def owner_registration(registration_id: UUID) -> str:
    """Show a registration with the proofs that its owner keeps, and whether it waits for a decision."""
    with guard.session() as session, guard.as_owners(session):
        held = waiting_registrations.get(session, registration_id, now=guard.now())
        owner = _find(session, held.owner_id)
        files = _files(session, owner, held.id)
    return rendering.show(
        "console/owner_registration.html",
        title=f"Registration of {_name(held.sgtin)}",
        held=held,
        owner=owner,
        files=files,
        files_href=f"{HERE}/files",
        item_href=f"/console/items/{item_keys.spell(held.sgtin)}",
        decide_href=f"{HERE}/registrations/{held.id}/decide"
        if held.waits_for_brand and guard.me().role.may(Role.OPERATOR)
        else None,
    )


@guard.page("/owners/registrations/<uuid:registration_id>/decide", role=Role.OPERATOR, nav="Owners", step_up=True)
def owner_registration_decision(registration_id: UUID) -> str:
    """Show what can be decided about a registration that waits."""
    with guard.session() as session, guard.as_owners(session):
        held = waiting_registrations.get(session, registration_id, now=guard.now())
    if not held.waits_for_brand:
        raise Conflict("This registration does not wait for a decision any more.")
    return _form(f"{HERE}/registrations/{registration_id}", held.sgtin, _USED_CHOICES, {})


@guard.page("/owners/registrations/<uuid:registration_id>/decide", role=Role.OPERATOR, methods=["POST"], step_up=True)
def decide_owner_registration(registration_id: UUID) -> Page:
    """Take a proof of purchase or not; the person is told, and the log has it."""
    me, here = guard.me(), f"{HERE}/registrations/{registration_id}"
    chosen, reason = request.form.get("decision", ""), _reason()
    with guard.session() as session:
        with guard.as_owners(session):
            held = waiting_registrations.get(session, registration_id, now=guard.now())
            if faults := _faults(chosen, reason, _USED_CHOICES):
                return _form(here, held.sgtin, _USED_CHOICES, faults), BadInput.status
            owner_decisions.decide_registration(
                session, _subject(held.sgtin), held.id, is_taken=chosen == "taken", post=runtime().post, now=guard.now()
            )
        details = {"item": held.sgtin, "decision": chosen, "reason": reason}
        me.record(session, "owner.registration", str(registration_id), details)
    return guard.done("Decided, and they are told.", here)


@guard.page("/owners/files/<uuid:paper_id>", role=Role.ANALYST)
def owner_file(paper_id: UUID) -> Response:
    """Hand out a proof of purchase to the desk; who opened which is noted."""
    with guard.session() as session:
        with guard.as_owners(session):
            file, content = owner_files.get(session, paper_id, key=runtime().people_key)
        guard.me().record(session, "owner.file", str(paper_id), {"about": str(file.about)})
    return downloads.download(file.name, file.media_type, content)


# --- Private ---------------------------------------------------------------------------------------------------------

Choices = tuple[tuple[str, str, str], ...]
_USED_CHOICES: Choices = (
    ("taken", "Take the proof", "Their registration counts from now on. Nobody can take that back."),
    ("declined", "Do not take it", "Their registration ends. The item can be registered again."),
)


def _mailbox_choices(found: Request) -> Choices:
    refuse = ("refused", "Refuse", "The item stays with the old address.")
    if not found.may_grant(guard.now()):
        return (refuse,)
    grant = ("granted", "Move it to the new address", "The old address loses this item. Nobody can take that back.")
    return (grant, refuse)


def _get(session: Session, request_id: UUID) -> Request:
    found = owner_requests.get(session, request_id)
    if found.kind is not owner_requests.Kind.MAILBOX:
        raise NotFound("There is no such request.")
    return found


def _find(session: Session, owner_id: UUID) -> Person | None:
    try:
        return owners.get(session, owner_id, key=runtime().people_key)
    except NotFound:
        return None


def _files(session: Session, person: Person | None, about: UUID) -> list[File]:
    return [] if person is None else owner_files.list_about(session, person, about, key=runtime().people_key)


def _move_files(session: Session, asker: Person | None, source: UUID, target: UUID) -> None:
    """Let the proof of a request lie with the registration that it came to."""
    rt = runtime()
    if asker is None:
        return
    for file in owner_files.list_about(session, asker, source, key=rt.people_key):
        owner_files.move(session, asker, file.id, target, key=rt.people_key, random=rt.random, new_id=rt.new_id)


def _state(found: Request) -> tuple[str, str]:
    if found.state is not State.WAITING:
        return STATES[found.state], "none"
    return ("Decide now", "warn") if found.may_grant(guard.now()) else ("Waits for the owner", "info")


def _rows(found: Request, asker: Person | None, owner: Person | None) -> list[tuple[str, str]]:
    erased = "erased"
    rows = [
        ("Old address", owner.masked if owner else erased),
        ("New address", asker.masked if asker else erased),
        ("Asked on", tongues.day(found.created_at)),
        ("Decide from", tongues.day(found.due_at)),
    ]
    if found.ended_at is not None:
        rows.append((STATES[found.state], tongues.day(found.ended_at)))
    if found.decided_by:
        rows += [("By", found.decided_by), ("Reason", found.reason or "")]
    return rows


def _reason() -> str:
    return " ".join(request.form.get("reason", "").split())


def _faults(chosen: str, reason: str, choices: Choices) -> dict[str, str]:
    faults = {}
    if chosen not in {value for value, _, _ in choices}:
        faults["decision"] = "Choose what happens."
    if not reason:
        faults["reason"] = "Give the reason; the log keeps it."
    elif len(reason) > _LONGEST:
        faults["reason"] = f"Give the reason in at most {_LONGEST} characters."
    return faults


def _form(back: str, sgtin: str, choices: Choices, faults: Mapping[str, str]) -> str:
    return rendering.show(
        "console/owner_decision.html",
        title="Decide",
        product=_name(sgtin),
        serial=sgtin.partition(".")[2],
        choices=choices,
        chosen=request.form.get("decision", ""),
        reason=request.form.get("reason", "")[: 2 * _LONGEST],
        faults=faults,
        action=f"{back}/decide",
        back=back,
    )


def _tell(session: Session, sgtin: str, person: Person | None, template: str, chosen: str, link: str) -> None:
    if person is not None:
        title, answer = _ANSWERS[chosen]
        _send(session, person, template, {"product": _name(sgtin), "title": title, "answer": answer, "link": link})


def _tell_old(session: Session, done: Request) -> None:
    person = _find(session, done.owner_id)
    if person is not None:
        answer = later(
            "Nobody has stopped the request, so the brand has moved it to another address. Contact it if it is yours."
        )
        _send(session, person, "owner-recover-decided", {
            "product": _name(done.sgtin), "title": later("it has another address"), "answer": answer,
            "link": f"{runtime().config.base_url}/own",
        })  # fmt: skip


def _send(session: Session, person: Person, template: str, values: Mapping[str, str]) -> None:
    """Write to an owner in their language; *title* and *answer* come in English."""
    language = languages.get(person.language)
    said = {name: language.gettext(value) if name in {"title", "answer"} else value for name, value in values.items()}
    runtime().post.send(session, person, template, said, now=guard.now())


def _subject(sgtin: str) -> Subject:
    gtin, _, serial = sgtin.partition(".")
    return Subject.of(runtime().held, gtin, serial)


def _name(sgtin: str) -> str:
    try:
        product = _subject(sgtin).product
    except NotFound:
        product = None
    return "an item" if product is None else product.name
