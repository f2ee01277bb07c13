"""
EPCIS 2.0 for partners: what happened, by query, and what they tell us, by capture.

It is the REST binding of EPCIS 2.0 in its simple part: events by item, time and type, page by page, and a capture that
takes a document whole or not at all. A program of the brand asks, with a key of its own.
"""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, current_app, request

from authsvc import epcis as events
from authsvc import epcis_documents
from authsvc.core import epcis
from authsvc.core.api_keys import allows
from authsvc.core.register import Register
from authsvc.desk import Desk
from authsvc.epcis import Query
from authsvc.epcis_documents import MOST
from authsvc.errors import BadInput, NotFound
from authsvc.web import callers
from authsvc.web.site import runtime

bp = Blueprint("epcis", __name__, url_prefix="/api/v1/epcis")

LARGEST = 2 * 2**20
VERSIONS = (
    ("GS1-EPCIS-Version", "2.0"),
    ("GS1-EPCIS-Min", "2.0"),
    ("GS1-EPCIS-Max", "2.0"),
    ("GS1-CBV-Version", "2.0"),
    ("GS1-Extensions", f"{epcis.PREFIX}={epcis.NAMESPACE}"),
)
_TIMES = {
    "GE_eventTime": "event_from",
    "LT_eventTime": "event_before",
    "GE_recordTime": "recorded_from",
    "LT_recordTime": "recorded_before",
}
_NAMES = {*_TIMES, "MATCH_anyEPC", "MATCH_epc", "MATCH_anyEPCClass", "epc", "eventType", "perPage", "nextPageToken"}


@bp.get("/events")
def query() -> Response:
    """Answer a query with the events that it finds, in the order in which they were recorded."""
    return _answer(epcis.query_document)


@bp.get("/document")
def document() -> Response:
    """Answer the same query with a document, as one partner gives it to another."""
    return _answer(epcis.event_document)


@bp.post("/capture")
def capture() -> Response:
    """Keep the events of a document, and say where to ask what came of it."""
    key = callers.get_key("epcis:capture")
    brand_id, actor = key.brand_id, key.actor
    request.max_content_length = LARGEST
    rt, at = runtime(), runtime().now()
    told = epcis_documents.read(_body())
    register = rt.held.register
    capture_id = rt.new_id()
    with _desk().as_brand(brand_id) as session:
        done = events.capture(
            session, brand_id, told, is_ours=lambda number: _is_of(register, number, brand_id), by=actor,
            corrects_others=allows(key.scopes, "items:write"), id=capture_id, now=at,
        )  # fmt: skip
        if done.added:
            callers.record(session, brand_id, actor, events.CAPTURED, str(capture_id), {"events": done.added}, at=at)
    response = _json(_job(done), 202)
    if done.added or done.known:
        response.headers["Location"] = f"{bp.url_prefix}/capture/{done.id}"
    return response


@bp.get("/capture/<capture_id>")
def captured(capture_id: str) -> Response:
    """Say what a capture has added."""
    brand_id, _ = callers.get_caller("epcis:read")
    try:
        number = UUID(capture_id)
    except ValueError:
        raise NotFound("No events were captured under this number.") from None
    with _desk().as_brand(brand_id) as session:
        return _json(_job(events.get_capture(session, brand_id, number)))


# --- Private ---------------------------------------------------------------------------------------------------------


def _answer(write: Any) -> Response:
    brand_id, _ = callers.get_caller("epcis:read")
    asked = _asked()
    rt = runtime()
    with _desk().as_brand(brand_id) as session:
        page = events.find_events(session, brand_id, asked, serial_keys=rt.held.serial_keys_of(brand_id))
    response = _json(write(page.events, now=rt.now()))
    if page.next is not None:
        parameters = [(name, value) for name, value in request.args.items(multi=True) if name != "nextPageToken"]
        following = f"{request.path}?{urlencode([*parameters, ('nextPageToken', page.next)])}"
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


def _asked() -> Query:
    """Read the query; a name that nobody knows is refused, since a filter that is passed over finds too much."""
    given = request.args
    if unknown := sorted(set(given) - _NAMES):
        raise BadInput(f"These parameters are known: {', '.join(sorted(_NAMES))}; got {unknown[0]!r:.60}.")
    epcs = [given[name] for name in ("epc", "MATCH_epc", "MATCH_anyEPC", "MATCH_anyEPCClass") if name in given]
    if len(epcs) > 1:
        raise BadInput("Ask for one item, lot or case at a time.")
    types = [name for value in given.getlist("eventType") for name in value.split(",") if name]
    if wrong := [name for name in types if name not in epcis.EVENT_TYPES]:
        raise BadInput(f"eventType is one of {', '.join(epcis.EVENT_TYPES)}, got {wrong[0]!r:.60}.")
    per_page = given.get("perPage", str(events.PAGE))
    if not (per_page.isascii() and per_page.isdigit() and len(per_page) < 9 and 1 <= int(per_page) <= MOST):
        raise BadInput(f"perPage is a number from 1 to {MOST}, got {per_page!r:.20}.")
    return Query(
        epc=epcs[0] if epcs else None, types=types, after=given.get("nextPageToken"), limit=int(per_page),
        **{field: _time(name, given[name]) for name, field in _TIMES.items() if name in given},
    )  # fmt: skip


def _time(name: str, value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadInput(f"{name} is a time with its zone, such as 2026-05-01T12:00:00Z, got {value!r:.60}.")
    return at


def _body() -> dict[str, Any]:
    try:
        body = json.loads(request.get_data())
        if "\0" in json.dumps(body, ensure_ascii=False).encode().decode():
            raise ValueError  # noqa: TRY301  of the text, which the database cannot keep
    except (ValueError, RecursionError):
        raise BadInput("The body must be an EPCIS document in JSON; what came is not.") from None
    if not isinstance(body, dict):
        raise BadInput("The body must be an EPCIS document: a JSON object.")
    return body


def _job(done: events.Capture) -> dict[str, Any]:
    at = epcis.moment(done.at)
    return {
        "captureID": str(done.id), "createdAt": at, "finishedAt": at, "running": False, "success": True,
        "captureErrorBehaviour": "rollback", "errors": [], f"{epcis.PREFIX}:added": done.added,
        f"{epcis.PREFIX}:known": done.known,
    }  # fmt: skip


def _json(told: dict[str, Any], status: int = 200) -> Response:
    response = Response(json.dumps(told, ensure_ascii=False), status, mimetype="application/json")
    response.headers.extend(VERSIONS)
    return response


def _is_of(register: Register, key: str, brand_id: UUID) -> bool:
    brand = register.find_brand(key)
    return brand is not None and brand.id == brand_id


def _desk() -> Desk:
    found: Desk = current_app.extensions["authsvc.desk"]
    return found
