"""
The cookies of the console: the session, the form cookie that ties forms to a browser, and one notice.

Each is a ``__Host-`` cookie wherever the visitor comes by TLS; on plain http, which only a machine's own or a private
address has, browsers refuse that prefix and it is left out.
"""

import re

from flask import Request, Response

from authsvc.web import visitors

SESSION, FORM, NOTICE = "session", "form", "notice"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_AGES = {SESSION: 12 * 3600, FORM: 12 * 3600, NOTICE: 60}


def name_of(kind: str, request: Request) -> str:
    """Return the name of a cookie as this visitor's browser has it."""
    return f"__Host-console-{kind}" if visitors.is_secure(request.environ) else f"console-{kind}"


def read(kind: str, request: Request) -> str | None:
    """Return a secret of ours from its cookie, or None where there is none that could be."""
    found = request.cookies.get(name_of(kind, request), "")
    return found if _SECRET.fullmatch(found) else None


def put(response: Response, kind: str, value: str, request: Request) -> None:
    """Set a cookie. Lax, because an identity provider and a mail lead here from elsewhere; forms have their token."""
    response.set_cookie(
        name_of(kind, request), value, max_age=_AGES[kind], path="/", httponly=True, samesite="Lax",
        secure=visitors.is_secure(request.environ),
    )  # fmt: skip


def drop(response: Response, kind: str, request: Request) -> None:
    """Take a cookie away."""
    response.set_cookie(
        name_of(kind, request), "", max_age=0, path="/", httponly=True, samesite="Lax",
        secure=visitors.is_secure(request.environ),
    )  # fmt: skip
