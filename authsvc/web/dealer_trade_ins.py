"""
Trade-ins for programs of a dealer: ``/api/v1/dealer/trade-ins``, with the key that the dealer makes on its page.

Each offer is a deal with another owner, so each line is done and answered by itself. What is sent again is done
already: whoever has seen no answer may send it again as it was. Nothing is told of the owner.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from authsvc import handovers
from authsvc.dealers import DealerInfo
from authsvc.errors import AuthsvcError, BadInput, TooLarge
from authsvc.handovers import Handover
from authsvc.web import dealer_api, documents
from authsvc.web.api.verify import read_body
from authsvc.web.own import door, trade_ins
from authsvc.web.own.trade_ins import MOST
from authsvc.web.site import count_links, runtime
from authsvc.web.wire import BULK_BYTES

bp = Blueprint("dealer_trade_ins", __name__, url_prefix=f"{dealer_api.bp.url_prefix}/trade-ins")

LONGEST = 200
"""Characters of a code, or of the link that holds it."""


@bp.get("")
def waiting() -> Response:
    """Return what the dealer has accepted and its owner has still to confirm, the first first."""
    dealer = dealer_api.get_dealer()
    with door.database(dealer.brand_id) as session:
        rows = handovers.list_taken(session, dealer.id, now=door.now(), limit=dealer_api.MOST)
    return jsonify({"trade_ins": [_told(row) for row in rows]})


@bp.post("")
def accept() -> Response:
    """Accept up to 100 offers of owners: ``{"offers": ["7K3M-…", …]}``, each by the code of the offer or its link."""
    dealer = dealer_api.get_dealer()
    request.max_content_length = BULK_BYTES
    body = read_body()
    codes, is_dry = _codes(body), dealer_api.flag(body, "dry_run")
    count_links(len(codes))
    rows = [_row(dealer, place, code, is_dry=is_dry) for place, code in enumerate(codes, 1)]
    done = 0 if is_dry else sum(row["fault"] is None for row in rows)
    return jsonify({"accepted": done, "rows": rows})


@bp.get("/<uuid:trade_in_id>")
def show(trade_in_id: UUID) -> Response:
    """Return what became of an offer that the dealer has accepted."""
    dealer = dealer_api.get_dealer()
    with door.database(dealer.brand_id) as session:
        return jsonify(_told(handovers.get_taken(session, dealer.id, trade_in_id, now=door.now())))


@bp.post("/<uuid:trade_in_id>/decline")
def decline(trade_in_id: UUID) -> Response:
    """Take an acceptance back before the owner has confirmed it; the owner is told."""
    return jsonify(_told(trade_ins.decline(dealer_api.get_dealer(), trade_in_id)))


# --- Private ---------------------------------------------------------------------------------------------------------


def _codes(body: dict[str, Any]) -> list[str]:
    given = body.get("offers")
    if not isinstance(given, list) or not given:
        raise BadInput('The body must be {"offers": ["7K3M-9QX2-V4TD-1RZ8", …]} with at least one transfer code.')
    if len(given) > MOST:
        raise TooLarge(f"At most {MOST} offers at once, got {len(given):,}. Send them in parts.")
    for place, one in enumerate(given, 1):
        if not isinstance(one, str) or not 0 < len(one) <= LONGEST:
            raise BadInput(f"Offer {place} must be the transfer code that its owner gave you, or its link, as text.")
    return given


def _row(dealer: DealerInfo, place: int, code: str, *, is_dry: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"line": place, "code": code, "trade_in": None, "fault": None}
    try:
        row["trade_in"] = _told(trade_ins.accept(dealer, trade_ins.code_in(code.strip()), is_dry=is_dry))
    except AuthsvcError as error:
        row["fault"] = dealer_api.fault(error)
    return row


def _told(row: Handover) -> dict[str, Any]:
    gtin, _, serial = row.sgtin.partition(".")
    product = runtime().held.register.find_product(gtin)
    return {
        "id": row.id, "gtin": gtin, "serial": serial, "product": product and product.name, "state": row.state.value,
        "accepted_at": documents.time(row.accepted_at), "expires_at": documents.time(row.expires_at),
        "completed_at": documents.time(row.completed_at), "dispute_until": documents.time(row.dispute_until),
        "ended_at": documents.time(row.ended_at),
    }  # fmt: skip
