"""
Style sheets with the colours of a brand: the common one with a few tokens behind it, as one file.

So a page in a brand's colours asks for as many files as any other. The address holds the hash of the bytes; a process
makes a sheet when it first draws a page with it, or is first asked for it.
"""

import functools
import gzip
import hashlib

from authsvc.core.looks import Look
from authsvc.core.register import Register
from authsvc.web import assets

PREFIX = "/look"


@functools.lru_cache(maxsize=512)
def url(look: Look | None) -> str:
    """Return the address of the style sheet for a look, or of the common one."""
    return assets.url("ui.css") if look is None else f"{PREFIX}/{hashlib.sha256(sheet(look)).hexdigest()[:12]}.css"


@functools.lru_cache(maxsize=64)
def sheet(look: Look) -> bytes:
    """Return the style sheet for a look."""
    return f"{assets.text('ui.css')}\n{look.css}".encode()


@functools.lru_cache(maxsize=64)
def compressed(look: Look) -> bytes:
    """Return the style sheet as gzip."""
    return gzip.compress(sheet(look), 9, mtime=0)


def find(register: Register, address: str) -> Look | None:
    """Return the look whose style sheet has an address, if a brand has it now."""
    return next((b.look for b in register.brands.values() if b.look is not None and url(b.look) == address), None)


def logo(look: Look | None) -> str | None:
    """Return the address of a logo."""
    return f"/media/{look.logo}" if look is not None and look.logo else None
