"""
The cookies of owners: the session, and the form cookie that ties forms to a browser.

They are not those of the console, so that nobody is ever signed in to one by the other.
"""

import re

from flask import Request, Response

from authsvc.web import visitors

SESSION, FORM, DEALER = "session", "form", "dealer"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
AGES = {SESSION: 12 * 3600, FORM: 12 * 3600, DEALER: 12 * 3600}
"""How long they last, in seconds."""


def name_of(kind: str, request: Request) -> str:
    """Return the name of a cookie as this visitor's browser has it."""
    return f"__Host-own-{kind}" if visitors.is_secure(request.environ) else f"own-{kind}"


def read(kind: str, request: Request) -> str | None:
    """Return a secret of ours from its cookie, or None where there is none that could be."""
    found = request.cookies.get(name_of(kind, request), "")
    return found if _SECRET.fullmatch(found) else None


def put(response: Response, kind: str, value: str, request: Request) -> None:
    """Set a cookie, or take it away with an empty value. Lax, because mails lead here; forms have their token."""
    response.set_cookie(
        name_of(kind, request), value, max_age=AGES[kind] if value else 0, path="/", httponly=True, samesite="Lax",
        secure=visitors.is_secure(request.environ),
    )  # fmt: skip
