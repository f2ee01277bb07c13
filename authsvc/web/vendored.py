"""
The files of others that pages load, as ``tools/vendor.py`` brought them in: pinned, committed, with their checksums.

A page names a file, never a version: ``{{ vendored("htmx") }}`` writes the script element with its integrity, so a file
that was changed on the way, or on the disk since, is not run.
"""

import json
from pathlib import Path

from markupsafe import Markup

from authsvc.web import assets

FOLDER = Path(__file__).resolve().parent / "static" / "vendor"
_ENTRIES: dict[str, dict[str, str]] = {
    entry["name"]: entry for entry in json.loads((FOLDER / "vendor.lock.json").read_text(encoding="ascii"))
}


def entries() -> list[dict[str, str]]:
    """Return the lock: name, file, package, version, licence and SHA-384 of each file."""
    return list(_ENTRIES.values())


def url(name: str) -> str:
    """
    Return the address of a file.

    Raises:
        KeyError: No such file was brought in.
    """
    return assets.url(f"vendor/{_ENTRIES[name]['file']}")


def read(name: str, compressed: str = "") -> bytes:
    """
    Return the bytes of a file, or of what lies beside it, *compressed* as ``.br``.

    Raises:
        KeyError: No such file was brought in.
    """
    return (FOLDER / f"{_ENTRIES[name]['file']}{compressed}").read_bytes()


def script(name: str) -> Markup:
    """
    Write the element that loads a script.

    Raises:
        KeyError: No such file was brought in.
    """
    return Markup('<script defer src="{}" integrity="sha384-{}" crossorigin="anonymous"></script>').format(
        url(name), _ENTRIES[name]["sha384"]
    )
