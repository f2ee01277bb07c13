"""
Permits for platforms: ``/api/v1/permits``. The token is in the body of a POST, so that no log and no address has it.

With the scope ``status`` a platform reads how the item stands; with ``transfer`` it also makes the owner's offer, sees
who accepts, masked, and confirms or withdraws. The owner and the buyer are told by the same mails as always.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.orm import Session

from authsvc import conditions, handovers, offer_codes, owners, ownership, permits, transfers
from authsvc.core import seals, transfer_codes
from authsvc.errors import BadInput, Conflict, PermitOver
from authsvc.handovers import Handover
from authsvc.owners import Person
from authsvc.permits import PermitInfo, Scope
from authsvc.web import documents
from authsvc.web.api.verify import read_body
from authsvc.web.own import door, handing
from authsvc.web.site import count_links, runtime

bp = Blueprint("permit_api", __name__, url_prefix="/api/v1/permits")

_is_key = re.compile(r"[!-~]{8,100}").fullmatch


@bp.post("/status")
def status() -> Response:
    """Say how the item of a permit stands: nothing of its owner but since when it is theirs."""
    with _opened(Scope.STATUS) as (session, permit, _):
        now = runtime().now()
        present = ownership.find_present(session, permit.sgtin, now=now)
        assert present is not None  # or the permit would not be good
        condition = conditions.find(session, permit.sgtin)
        running = handovers.find_open(session, permit.sgtin, now=now)
        gtin, _, serial = permit.sgtin.partition(".")
        product = runtime().held.register.find_product(gtin)
        warranty = present.warranty
        return jsonify(
            {
                "permit": _permit(permit),
                "item": {
                    "gtin": gtin, "serial": serial, "product": product and product.name,
                    "disposition": condition.disposition.value,
                    "has_alert": handovers.is_flagged(session, permit.sgtin),
                    "owners": ownership.count_owners(session, permit.sgtin, now=now),
                    "owned_since": documents.time(present.registered_at),
                    "warranty": warranty and {"from": str(warranty.begins_on), "until": str(warranty.ends_on)},
                    "transfer": running and running.state.value,
                },
            }
        )  # fmt: skip


@bp.post("/offer")
def offer() -> Response:
    """Offer the item for its owner; the same ``Idempotency-Key`` again is the same offer."""
    key = request.headers.get("Idempotency-Key", "")
    if not _is_key(key):
        raise BadInput("Send the header Idempotency-Key with 8 to 100 characters of your own, new for each sale.")
    with _opened(Scope.TRANSFER) as (session, permit, seller):
        digest = hashlib.sha256(permit.id.bytes + key.encode()).digest()
        rt = runtime()
        made = transfers.offer(
            session, handing.subject_of(permit.sgtin), seller, permit.registration_id,
            id=UUID(bytes=digest[:16], version=4), is_present=False, now=rt.now(), new_id=rt.new_id,
        )  # fmt: skip
        offer_codes.keep(session, made, key=rt.people_key, now=rt.now())
        code = transfer_codes.transfer_code(rt.people_key, made.brand_id, made.id)
        return jsonify(
            {**_transfer(session, made), "code": transfer_codes.display(code), "link": door.link_to(f"/take/{code}")}
        )


@bp.post("/transfer")
def transfer() -> Response:
    """Say where the offer stands that is open, or the last one; ``buyer`` is who has accepted, a dealer by its name."""
    with _opened(Scope.TRANSFER) as (session, permit, _):
        return jsonify(_transfer(session, _latest(session, permit)))


@bp.post("/confirm")
def confirm() -> Response:
    """Let the buyer have the item: the one whose masked address was seen, which is sent along."""
    seen = request_text("buyer")
    with _opened(Scope.TRANSFER) as (session, permit, seller):
        found, rt = _latest(session, permit), runtime()
        both = handing.sides(session, found)
        if found.taker_id is None or both.taker != seen:
            raise Conflict("This is not who has accepted. Read the transfer again, and look at the buyer.")
        done = transfers.confirm(
            session, handing.subject_of(permit.sgtin), found.id, seller, buyer_id=found.taker_id, now=rt.now(),
            new_id=rt.new_id,
        )  # fmt: skip
        handing.tell_moved(session, handing.sides(session, done))
        return jsonify(_transfer(session, done))


@bp.post("/cancel")
def cancel() -> Response:
    """Withdraw the offer that is open, or refuse who has accepted it."""
    with _opened(Scope.TRANSFER) as (session, permit, seller):
        found, rt = _latest(session, permit), runtime()
        done = transfers.cancel(session, handing.subject_of(permit.sgtin), found.id, seller, now=rt.now())
        if done.ended_at == rt.now():
            both = handing.sides(session, done)
            handing.tell(session, both, "owner-offer-ended", both.buyer, by="seller")
        return jsonify(_transfer(session, done))


def request_text(name: str) -> str:
    """
    Return a text in the body.

    Raises:
        BadInput: It is missing, or something else.
    """
    value = read_body().get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(f'"{name}" must be a text in the body, beside "permit".')
    return value


# --- Private ---------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(needed: Scope) -> Iterator[tuple[Session, PermitInfo, Person]]:
    """Open the transaction of what a permit allows, for its brand; it commits at the end of the block."""
    count_links(1)
    rt = runtime()
    claims = permits.read(request_text("permit"), seals.members(rt.held.seals))
    try:
        brand_id = UUID(str(claims.get("brand_id")))
        UUID(str(claims.get("jti")))
    except ValueError:
        raise PermitOver("This is no permit of this service.") from None
    with door.database(brand_id) as session:
        permit = permits.find(session, claims, needed, now=rt.now())
        yield session, permit, owners.get(session, permit.owner_id, key=rt.people_key)


def _latest(session: Session, permit: PermitInfo) -> Handover:
    found = handovers.find_newest(session, permit.sgtin, permit.registration_id, now=runtime().now())
    if found is None:
        raise Conflict("No offer of this item was made yet.")
    return found


def _permit(permit: PermitInfo) -> dict[str, Any]:
    return {
        "id": permit.id, "scope": permit.scope.value, "platform": permit.platform,
        "expires_at": documents.time(permit.expires_at),
    }  # fmt: skip


def _transfer(session: Session, handover: Handover) -> dict[str, Any]:
    buyer = handing.sides(session, handover).taker
    return {
        "transfer": str(handover.id), "state": handover.state.value,
        "offered_at": documents.time(handover.offered_at), "expires_at": documents.time(handover.expires_at),
        "buyer": buyer, "completed_at": documents.time(handover.completed_at),
    }  # fmt: skip
