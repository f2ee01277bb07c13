"""
Static files, each under an address that holds the hash of its bytes.

The bytes behind such an address never change, so a browser may keep them for ever; a new release has new addresses.
All files are read once, when the process starts: serving one touches no disk, and a request can name no other file.
"""

import functools
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "static"

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
"""What is served. A file of another kind that strays into a folder stays private."""


def url(name: str) -> str:
    """
    Return the address of a file, for example ``/static/0f3a60d1c2b4/ui.css``.

    Raises:
        KeyError: No such file is in the package.
    """
    return _URLS[name]


def find(path: str) -> tuple[bytes, str] | None:
    """Return the bytes and the media type behind ``<hash>/<name>``, or None for any other path."""
    return _FILES.get(path)


def text(name: str) -> str:
    """
    Return the text of a file, for a script that is served under an address of its own.

    Raises:
        KeyError: No such file is in the package.
    """
    return _FILES[_URLS[name].removeprefix("/static/")][0].decode()


@functools.cache
def compressed(path: str) -> bytes | None:
    """Return the file behind ``<hash>/<name>`` as gzip, made when first asked for, or None where that gains nothing."""
    body, media_type = _FILES[path]
    if media_type == "image/png":
        return None
    small = gzip.compress(body, 9, mtime=0)
    return small if len(small) < len(body) else None


def brotli(path: str) -> bytes | None:
    """Return the file behind ``<hash>/<name>`` as ``tools/vendor.py`` has compressed it, or None where it has not."""
    return _BROTLI.get(path.partition("/")[2])


def _read() -> Iterator[tuple[str, str, bytes]]:
    for file in sorted(_FOLDER.rglob("*")):
        if file.is_file() and (media_type := TYPES.get(file.suffix)):
            yield file.relative_to(_FOLDER).as_posix(), media_type, file.read_bytes()


_URLS: dict[str, str] = {}
_FILES: dict[str, tuple[bytes, str]] = {}
_BROTLI: dict[str, bytes] = {
    file.relative_to(_FOLDER).as_posix().removesuffix(".br"): file.read_bytes() for file in _FOLDER.rglob("*.br")
}
for _name, _type, _body in _read():
    _path = f"{hashlib.sha256(_body).hexdigest()[:12]}/{_name}"
    _URLS[_name] = f"/static/{_path}"
    _FILES[_path] = (_body, _type)
