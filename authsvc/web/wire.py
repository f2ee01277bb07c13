"""
What every answer carries: its headers, and the shape in which a server takes it.

The content security policy allows nothing that is not ours; nothing about a visitor may be cached on the way.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
)
HSTS = ("Strict-Transport-Security", "max-age=31536000")

HTML = "text/html; charset=utf-8"
JSON = "application/json"
PROBLEM = "application/problem+json"

BULK_BYTES = 2**21 + 2**17
"""The largest body with a list: 1,000 links of the greatest length, and their quotation marks."""

_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


@dataclass(slots=True)
class Answer:
    """One answer before it goes on the wire."""

    body: bytes
    media_type: str
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    cache: str = "no-store"

    def send(self, start_response: StartResponse, *, is_secure: bool, is_head: bool = False) -> Iterable[bytes]:
        """Send it by WSGI."""
        start_response(_STATUS[self.status], self.whole_headers(is_secure=is_secure))
        return [] if is_head else [self.body]

    def whole_headers(self, *, is_secure: bool) -> list[tuple[str, str]]:
        """Return its headers with those that all answers have."""
        headers = [
            ("Content-Type", self.media_type),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", self.cache),
            *SECURITY,
            *self.headers,
        ]
        if is_secure:
            headers.append(HSTS)
        return headers


def prefers_json(environ: Environ) -> bool:
    """Say whether the client asks for JSON before HTML; a browser always names text/html."""
    accept = environ.get("HTTP_ACCEPT", "")
    return "json" in accept and "text/html" not in accept
