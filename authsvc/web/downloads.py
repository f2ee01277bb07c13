"""
Files that people brought, on their way out: as downloads, or as pictures that we have drawn ourselves.

No browser may take one for a page of ours: the type is the one that we found in the content, ``nosniff`` keeps to it,
and the policy lets it load, run and be framed by nothing.
"""

from collections.abc import Iterator
from urllib.parse import quote

from flask import Response

_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


def download(name: str, media_type: str, content: bytes) -> Response:
    """Send a file to be kept."""
    return _send("attachment", name, media_type, content)


def stream(name: str, media_type: str, content: Iterator[bytes]) -> Response:
    """Send a file to be kept, piece by piece."""
    return _send("attachment", name, media_type, content)


def picture(name: str, media_type: str, content: bytes) -> Response:
    """Send a picture that a page of ours shows; only for what ``uploads`` has drawn anew."""
    return _send("inline", name, media_type, content)


def _send(how: str, name: str, media_type: str, content: bytes | Iterator[bytes]) -> Response:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    return Response(
        content,
        content_type=media_type,
        headers={
            "Content-Disposition": f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": _POLICY,
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
