"""
The API for programs. ``verify`` reads: it counts nothing, confirms nothing, and is nobody's first check.

A number as labels print it is read too, and answered as a typed one. Bodies are read strictly: a wrong type is answered
with what was expected and what came.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest as UnreadableBody

from authsvc.core.check_lists import MOST
from authsvc.errors import BadInput, TooLarge
from authsvc.web import documents, lookups
from authsvc.web.site import count_links, runtime

bp = Blueprint("api", __name__, url_prefix="/api/v1")

BULK_BYTES = 2**21 + 2**17  # 1,000 links of the greatest length, and their quotation marks


@bp.post("/verify")
def verify() -> Response:
    """Answer for one link: ``{"uri": …}``."""
    uri = _text(read_body(), "uri")
    count_links(1)
    return jsonify(documents.verdict(lookups.look_up(runtime(), uri)))


@bp.post("/verify/bulk")
def verify_bulk() -> Response:
    """Answer for up to 1,000 links, ``{"uris": […]}``, in their order; one that cannot be read stops no other."""
    request.max_content_length = BULK_BYTES
    uris = read_body().get("uris")
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise BadInput('The body must be {"uris": ["https://…", …]}: a list of Digital Links as text.')
    if len(uris) > MOST:
        raise TooLarge(f"At most {MOST} links are answered at once, got {len(uris)}. Send them in parts.")
    count_links(len(uris))
    rt = runtime()
    return jsonify({"results": [lookups.document(rt, uri) for uri in uris]})


def read_body() -> dict[str, Any]:
    """
    Return the JSON object in the body.

    Raises:
        BadInput: There is none.
    """
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
