"""
Refusals on the wire: a problem document (RFC 9457) for programs, its HTML twin for people, from one place.

``str(error)`` is what people read. Whatever nobody foresaw becomes a bare 500 with the request id; the log has the
rest.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import structlog
from werkzeug.exceptions import HTTPException

from authsvc import languages
from authsvc.errors import AuthsvcError
from authsvc.languages import gettext as _
from authsvc.languages import later
from authsvc.web import pages
from authsvc.web.wire import HTML, PROBLEM, Answer, Environ

log = structlog.get_logger()

RETRY_AFTER_S = {429: 60, 503: 5}
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def of_error(
    error: AuthsvcError, *, request_id: str, as_json: bool, base_url: str, for_people: bool | None = None
) -> Answer:
    """
    Turn a refusal into its answer.

    A document is for programs, in English, but where a script of our pages shows it *for_people*.
    """
    is_said = not as_json if for_people is None else for_people
    title, detail = (_(error.title), languages.of_error(error)) if is_said else (error.title, str(error))
    answer = _answer(
        error.status, error.code, title, detail, request_id, as_json=as_json, base_url=base_url, members=error.members
    )
    answer.headers += error.headers
    return answer


def of_status(status: int, title: str, detail: str, *, request_id: str, as_json: bool, base_url: str) -> Answer:
    """Turn what the framework refused (no such page, wrong method) into the same shape."""
    code = title.lower().replace(" ", "-")
    said = (title, detail) if as_json else (_(title), _(detail))
    return _answer(status, code, *said, request_id, as_json=as_json, base_url=base_url)


def of_accident(error: BaseException, *, request_id: str, as_json: bool, base_url: str) -> Answer:
    """Turn what nobody foresaw into a bare 500; only the log learns what it was."""
    log.error("unexpected-error", request_id=request_id, exc_info=error)
    title, detail = _OUR_FAULT if as_json else (_(_OUR_FAULT[0]), _(_OUR_FAULT[1]))
    return _answer(500, "internal", title, detail, request_id, as_json=as_json, base_url=base_url)


_OUR_FAULT = (
    later("Our fault"),
    later("Something went wrong on our side; it says nothing about your item. Try again in a few minutes."),
)
_HTTP_WORDS = {
    404: (
        later("Not found"),
        later("There is no page at this address. To check a code, scan it or open the start page."),
    ),
    405: (later("Method not allowed"), later("This address does not take requests of this kind.")),
    413: (later("Too large"), later("The body is larger than this address accepts. Send less at once.")),
    415: (later("Unsupported media type"), later("The body must be JSON or a form.")),
    503: (later("Not available now"), _OUR_FAULT[1]),
}


def words_of_http(error: HTTPException, path: str) -> tuple[str, str]:
    """Return title and sentence for what the framework refused at a path; its own words are for programmers."""
    if error.code == 404 and path.startswith("/api/"):
        return (
            "Not found",
            "The API has nothing at this address. What it has stands at /api/docs and /api/openapi.json.",
        )
    return _HTTP_WORDS.get(
        error.code or 500, (error.name, later("The request is not understood. Check it and send it again."))
    )


def request_id(environ: Environ, fresh: str) -> str:
    """Take the id that a proxy gave the request when it is a plain one, else *fresh*; every log line carries it."""
    given = environ.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.fullmatch(given) else fresh


def _answer(
    status: int, code: str, title: str, detail: str, request_id: str, *, as_json: bool, base_url: str,
    members: Mapping[str, Any] = {},
) -> Answer:  # fmt: skip
    headers = [("X-Request-Id", request_id)]
    if status in RETRY_AFTER_S:
        headers.append(("Retry-After", str(RETRY_AFTER_S[status])))
    if not as_json:
        page = pages.problem(status=status, title=title, detail=detail, request_id=request_id)
        return Answer(page.encode(), HTML, status, headers)
    document: dict[str, Any] = {
        "type": f"{base_url}/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:request:{request_id}",
        **members,
    }
    if status in RETRY_AFTER_S:
        document["retry_after"] = RETRY_AFTER_S[status]
    return Answer(json.dumps(document, ensure_ascii=False).encode(), PROBLEM, status, headers)
