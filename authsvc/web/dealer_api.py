"""
The stock of a dealer for its programs: ``/api/v1/dealer``, with a key that the dealer makes on its page.

All of a list is done or nothing; then the problem document has a row for each line. An act that is sent again is done
already, so whoever has seen no answer may send it again as it was. Used items of owners are in ``dealer_trade_ins``.
"""

import json
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, current_app, jsonify, request

from authsvc import dealer_lists, dealer_stock, dealers
from authsvc.core import stock_lists
from authsvc.core.stock_lists import Line
from authsvc.dealer_lists import Act, Report
from authsvc.dealer_stock import Stocked
from authsvc.dealers import DealerInfo
from authsvc.errors import ApiKeyNeeded, AuthsvcError, BadInput, NotFound, TooLarge, TooManyRequests, Unavailable
from authsvc.web import documents, stock_codes
from authsvc.web.api.verify import read_body
from authsvc.web.limits import DEALER, Limits
from authsvc.web.rendering import country_names
from authsvc.web.site import count_links, count_write, runtime
from authsvc.web.wire import BULK_BYTES, PROBLEM

bp = Blueprint("dealer_api", __name__, url_prefix="/api/v1/dealer")

MOST: Final = 500
"""Items on one page of the stock."""
_DEFAULT = 100


@bp.get("")
def me() -> Response:
    """Return whose key it is, how many items it holds, and the other dealers to whom it can offer."""
    dealer = get_dealer()
    with _desk().as_owners(dealer.brand_id) as session:
        counted, others = dealer_stock.count(session, dealer), dealers.colleagues(session, dealer)
    return jsonify(
        {
            "id": dealer.id, "name": dealer.name, "country": dealer.country, "counts": counted,
            "dealers": [{"id": other.id, "name": other.name, "country": other.country} for other in others],
        }
    )  # fmt: skip


@bp.get("/stock")
def stock() -> Response:
    """Return items in stock, or sold ones with ``state=sold``, by their keys; ``next`` leads to the next page."""
    dealer, state = get_dealer(), request.args.get("state", "held")
    if state not in {"held", "sold"}:
        raise BadInput(f'"state" is held or sold, got "{state[:20]}".')
    limit = _limit(request.args.get("limit", ""))
    after = request.args.get("after", "").replace("\0", "")
    with _desk().as_owners(dealer.brand_id) as session:
        rows = dealer_stock.find(session, dealer, state, after=after, limit=limit + 1)
    following = rows[limit - 1].sgtin if len(rows) > limit else None
    return jsonify({"items": [_item(one) for one in rows[:limit]], "next": following})


@bp.get("/offers")
def offers() -> Response:
    """Return what other dealers offer; receiving an item takes it over."""
    dealer = get_dealer()
    with _desk().as_owners(dealer.brand_id) as session:
        rows = dealer_stock.offered_to(session, dealer, limit=MOST)
    return jsonify({"items": [_item(one) for one in rows]})


@bp.post("/stock/<act>")
def do(act: str) -> Response:
    """Do something with up to 1,000 items: ``{"items": [{"code": …}, …]}``; see the documentation for each act."""
    dealer, rt = get_dealer(), runtime()
    try:
        chosen = Act(act)
    except ValueError:
        raise NotFound(f"There is no such act. There are {', '.join(Act)}.") from None
    request.max_content_length = BULK_BYTES
    body = read_body()
    lines = _lines(body)
    count_links(len(lines))
    is_dry, to = flag(body, "dry_run"), _to(body) if chosen is Act.OFFER else None
    found = stock_codes.entries(rt, dealer, chosen, lines)
    with _desk().as_owners(dealer.brand_id) as session:
        report = dealer_lists.apply(
            session, dealer, chosen, found, is_dry=is_dry, to=to, countries=country_names(), now=rt.now(),
            new_id=rt.new_id,
        )  # fmt: skip
    return _answer(report)


def get_dealer() -> DealerInfo:
    """
    Return whose key came, and count the request.

    Raises:
        ApiKeyNeeded: It opens nothing.
        TooManyRequests: The dealer, or a network that tries keys, asks too much.
        Unavailable: The database does not answer.
    """
    secret = dealers.bearer(request.headers.get("Authorization", ""))
    rt = runtime()
    if not rt.connections.is_available:
        raise Unavailable("The database does not answer. Nothing was changed. Try again in a few minutes.")
    with _desk().as_owners(None) as session:
        found = dealers.find(session, secret, now=rt.now())
    if found is None:
        count_write()
        raise ApiKeyNeeded("This key is not known, or was revoked. Make a new one on the dealer's page.")
    counted: Limits = current_app.extensions["authsvc.limits"]
    if not counted.is_within(DEALER, str(found.id)):
        raise TooManyRequests(f"A dealer may ask {DEALER.item.amount} times a minute. Wait a minute and go on.")
    return found


def flag(body: dict[str, Any], name: str) -> bool:
    """
    Return whether the body asks for something that is left out where nobody wants it.

    Raises:
        BadInput: It says neither true nor false.
    """
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise BadInput(f'"{name}" must be true or false.')
    return value


def fault(error: AuthsvcError) -> dict[str, str]:
    """Say why a line of a list was not done."""
    return {"code": error.code, "title": error.title, "detail": str(error)}


# --- Private ---------------------------------------------------------------------------------------------------------


def _desk() -> Any:
    return current_app.extensions["authsvc.desk"]


def _lines(body: dict[str, Any]) -> list[Line]:
    given = body.get("items")
    if not isinstance(given, list) or not given:
        raise BadInput('The body must be {"items": [{"code": "https://…"}, …]} with at least one item.')
    if len(given) > stock_lists.MOST:
        raise TooLarge(f"At most {stock_lists.MOST:,} items at once, got {len(given):,}. Send them in parts.")
    return [_line(place, one) for place, one in enumerate(given, 1)]


def _line(place: int, one: object) -> Line:
    if not isinstance(one, dict) or not isinstance(one.get("code"), str):
        raise BadInput(f'Item {place} must be an object with its "code" as text, such as {{"code": "https://…"}}.')
    rest = {name: one.get(name) or "" for name in ("sold_on", "country")}
    if not all(isinstance(value, str) for value in rest.values()):
        raise BadInput(f'"sold_on" and "country" of item {place} must be text, such as "2026-05-31" and "DE".')
    return Line(place=place, code=one["code"], **rest)


def _to(body: dict[str, Any]) -> UUID | None:
    given = body.get("to")
    if given is None:
        return None
    try:
        return UUID(given)
    except (ValueError, AttributeError, TypeError):
        raise BadInput('"to" must be the id of a dealer, from GET /api/v1/dealer, or null to end an offer.') from None


def _limit(text: str) -> int:
    if not text:
        return _DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MOST):
        raise BadInput(f'"limit" is a number from 1 to {MOST}, got "{text[:20]}".')
    return int(text)


def _item(one: Stocked) -> dict[str, Any]:
    gtin, _, serial = one.sgtin.partition(".")
    return {
        "gtin": gtin, "serial": serial, "state": one.state, "received_at": documents.time(one.received_at),
        "sold_on": one.sold_on and one.sold_on.isoformat(), "country": one.sold_in, "offered_to": one.offered_to,
        "offered_by": one.offered_by,
    }  # fmt: skip


def _answer(report: Report) -> Response:
    rows = [
        {
            "line": row.line.place, "code": row.line.code, "item": row.stocked and _item(row.stocked),
            "fault": row.fault and fault(row.fault),
        }
        for row in report.rows
    ]  # fmt: skip
    if not report.faults:
        return jsonify({"act": report.act.value, "done": report.is_done, "rows": rows})
    document = {
        "type": f"{runtime().config.base_url}/problems/list-not-done", "title": "Nothing was changed", "status": 409,
        "detail": f"{report.faults} of {len(rows)} lines stand in the way. Mend them or take them out.",
        "act": report.act.value, "done": False, "rows": rows,
    }  # fmt: skip
    return Response(json.dumps(document, ensure_ascii=False, default=str), 409, content_type=PROBLEM)
