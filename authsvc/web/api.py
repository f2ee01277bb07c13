"""
The API for programs. ``verify`` reads: it counts nothing, confirms nothing, and is nobody's first check.

Bodies are read strictly: a wrong type is answered with what was expected and what came.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest as UnreadableBody

from authsvc import scanning
from authsvc.core.gs1 import DigitalLink
from authsvc.errors import AuthsvcError, BadInput, TooLarge
from authsvc.web import documents, presenting
from authsvc.web.site import count_links, runtime

bp = Blueprint("api", __name__, url_prefix="/api/v1")

BULK_LIMIT = 1000
BULK_BYTES = 2**21 + 2**17  # 1,000 links of the greatest length, and their quotation marks


@bp.post("/verify")
def verify() -> Response:
    """Answer for one link: ``{"uri": …}``."""
    uri = _text(_body(), "uri")
    count_links(1)
    return jsonify(_verify(uri))


@bp.post("/verify/bulk")
def verify_bulk() -> Response:
    """Answer for up to 1,000 links, ``{"uris": […]}``, in their order; one that cannot be read stops no other."""
    request.max_content_length = BULK_BYTES
    uris = _body().get("uris")
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise BadInput('The body must be {"uris": ["https://…", …]}: a list of Digital Links as text.')
    if len(uris) > BULK_LIMIT:
        raise TooLarge(f"At most {BULK_LIMIT} links are answered at once, got {len(uris)}. Send them in parts.")
    count_links(len(uris))
    return jsonify({"results": [_verify_or_say(uri) for uri in uris]})


def _verify(uri: str) -> dict[str, Any]:
    rt = runtime()
    link = DigitalLink.parse(uri, strict=False)
    checked = scanning.scan(rt.held, rt.connections, link, link.extension("s"), None, at=rt.now(), new_id=rt.new_id)
    presenting.count(checked)
    return documents.verdict(checked)


def _verify_or_say(uri: str) -> dict[str, Any]:
    try:
        return _verify(uri)
    except AuthsvcError as error:
        return {"error": {"code": error.code, "title": error.title, "detail": str(error)}}


def _body() -> dict[str, Any]:
    try:
        body = request.get_json(force=True)
    except (UnreadableBody, RecursionError):  # brackets nested by the thousand end in the latter
        raise BadInput('The body must be JSON, such as {"uri": "https://…"}; what came is not.') from None
    if not isinstance(body, dict):
        raise BadInput(f'The body must be a JSON object, such as {{"uri": "https://…"}}, got {_kind(body)}.')
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        came = _kind(value) if name in body else "nothing"
        raise BadInput(f'"{name}" must be a Digital Link as text, got {came}.')
    return value


def _kind(value: object) -> str:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return kinds.get(type(value), "null")
