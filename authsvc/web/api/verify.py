"""
Checks by programs. ``verify`` reads: it confirms nothing and is nobody's first check.

With an API key a check is counted under that key, in a counter of its own.

A number as labels print it is read too, and answered as a typed one. Bodies are read strictly: a wrong type is answered
with what was expected and what came.
"""

import contextlib
import json
from typing import Any

from flask import Response, jsonify, request
from werkzeug.exceptions import BadRequest as UnreadableBody

from authsvc import api_checks
from authsvc.api_keys import Caller
from authsvc.core import api_keys as permissions
from authsvc.core.check_lists import MOST
from authsvc.errors import BadInput, ScopeNeeded, TooLarge, Unavailable
from authsvc.web import documents, lookups
from authsvc.web.api import door
from authsvc.web.site import count_links, runtime
from authsvc.web.wire import BULK_BYTES

SCOPE = "verify"


@door.bp.post("/api/v1/verify")
def verify() -> Response:
    """Answer for one link: ``{"uri": …}``."""
    caller = _find_caller()
    uri = _text(read_body(), "uri")
    if caller is None:
        count_links(1)
    rt = runtime()
    checked = lookups.look_up(rt, uri)
    document = documents.verdict(checked)
    if caller is not None:
        document["api_checks"] = None
        # The check was made; that it could not be counted takes nothing from it.
        with contextlib.suppress(Unavailable):
            document["api_checks"] = api_checks.count(rt.connections, caller.id, checked.verdict.facts, at=door.now())
    return jsonify(document)


@door.bp.post("/api/v1/verify/bulk")
def verify_bulk() -> Response:
    """Answer for up to 1,000 links, ``{"uris": […]}``, in their order; one that cannot be read stops no other."""
    caller = _find_caller()
    request.max_content_length = BULK_BYTES
    uris = read_body().get("uris")
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise BadInput('The body must be {"uris": ["https://…", …]}: a list of Digital Links as text.')
    if len(uris) > MOST:
        raise TooLarge(f"At most {MOST} links are answered at once, got {len(uris)}. Send them in parts.")
    if caller is None:
        count_links(len(uris))
    rt = runtime()
    return jsonify({"results": [lookups.document(rt, uri) for uri in uris]})


def _find_caller() -> Caller | None:
    """Return whose key this request brings; while the database is away there is nobody, and the seal is judged."""
    try:
        found = door.find_caller() if runtime().connections.is_available else None
    except Unavailable:
        return None
    if found is not None and not permissions.allows(found.scopes, SCOPE):
        raise ScopeNeeded(f"This needs a key with {SCOPE}; {found.name} has {', '.join(sorted(found.scopes))}.")
    return found


def read_body() -> dict[str, Any]:
    """
    Return the JSON object in the body.

    Raises:
        BadInput: There is none.
    """
    try:
        body = request.get_json(force=True)
        json.dumps(body, ensure_ascii=False).encode()  # half of a character is none, and can be told to nobody
    except (UnreadableBody, UnicodeEncodeError, RecursionError):  # brackets nested by the thousand end in the last
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
