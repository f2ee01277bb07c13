"""
Production lines for the machines on them: batches of codes put on goods or taken off, and what a camera reads.

A batch carries the line's own number and is done once, so a machine that got no answer sends it again.
"""

import dataclasses
from typing import Any, TypeGuard

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import BadRequest as UnreadableBody

from authsvc import catalogue, line_cameras
from authsvc import production_lines as lines
from authsvc.desk import Desk
from authsvc.errors import BadInput
from authsvc.production_lines import Act, Batch
from authsvc.web import callers
from authsvc.web.site import runtime

bp = Blueprint("production_lines", __name__, url_prefix="/api/v1/lines")

LARGEST = 2**20


@bp.post("/<name>/batches")
def take_batch(name: str) -> Response:
    """Commission or decommission the codes of a batch."""
    brand_id, actor = callers.get_caller("items:commission")
    body = _body()
    number, act = body.get("number"), body.get("act", Act.COMMISSION.value)
    if not _is_whole(number) or not 0 <= number < 2**63:
        raise BadInput('"number" must be a whole number of the line\'s own, a new one for each batch.')
    if act not in tuple(Act):
        raise BadInput(f'"act" is one of {", ".join(Act)}.')
    batch = Batch(line=name, number=number, act=Act(act), codes=_codes(body))
    rt, at = runtime(), runtime().now()
    with _desk().as_brand(brand_id) as session:
        brand = catalogue.get_brand_by_id(session, brand_id)
        done = lines.take_batch(session, brand, batch, serial_keys=rt.held.serial_keys_of(brand_id), now=at)
        if not done.is_repeated:
            told = {"number": number, "done": done.done, "repeated": done.repeated, "refused": done.refused}
            callers.record(session, brand_id, actor, f"line.{act}", name, told, at=at)
    return jsonify(dataclasses.asdict(done))


@bp.post("/<name>/reads")
def read(name: str) -> Response:
    """Hold what a camera has read against what should come next."""
    brand_id, _ = callers.get_caller("items:commission")
    codes = _codes(_body())
    rt, at = runtime(), runtime().now()
    with _desk().as_brand(brand_id) as session:
        brand = catalogue.get_brand_by_id(session, brand_id)
        answers = line_cameras.read_codes(
            session, brand, name, codes, serial_keys=rt.held.serial_keys_of(brand_id), now=at
        )
        info = line_cameras.get_line(session, brand, name)
    return jsonify({"reads": answers, "line": dataclasses.asdict(info)})


@bp.put("/<name>")
def set_line(name: str) -> Response:
    """Put a run on a line."""
    brand_id, actor = callers.get_caller("items:commission")
    body = _body()
    run, expected = body.get("run"), body.get("next", 0)
    if not (_is_whole(run) and _is_whole(expected)):
        raise BadInput('The body must be {"run": …, "next": …}: the number of a run, and the code to come, from 0.')
    at = runtime().now()
    with _desk().as_brand(brand_id) as session:
        brand = catalogue.get_brand_by_id(session, brand_id)
        info = line_cameras.set_line(session, brand, name, run, expected, now=at)
        callers.record(session, brand_id, actor, "line.set", name, {"run": run, "next": expected}, at=at)
    return jsonify(dataclasses.asdict(info))


@bp.get("/<name>")
def line(name: str) -> Response:
    """Show a line: what it expects, and its counts."""
    brand_id, _ = callers.get_caller("items:commission")
    with _desk().as_brand(brand_id) as session:
        brand = catalogue.get_brand_by_id(session, brand_id)
        return jsonify(dataclasses.asdict(line_cameras.get_line(session, brand, name)))


# --- Private ---------------------------------------------------------------------------------------------------------


def _body() -> dict[str, Any]:
    request.max_content_length = LARGEST
    try:
        body = request.get_json(force=True)
    except (UnreadableBody, RecursionError):
        raise BadInput("The body must be JSON; what came is not.") from None
    if not isinstance(body, dict):
        raise BadInput("The body must be a JSON object.")
    return body


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _codes(body: dict[str, Any]) -> tuple[str, ...]:
    codes = body.get("codes")
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise BadInput('"codes" must be a list of codes, as links or GTIN.SERIAL.')
    return tuple(codes)


def _desk() -> Desk:
    found: Desk = current_app.extensions["authsvc.desk"]
    return found
