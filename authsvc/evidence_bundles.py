"""
Bundles: the ZIP that a brand hands out, and the check that whoever receives it makes without us.

In it are the evidence as JSON and as PDF, a seal beside each, and the files of the case, whose hashes stand in the
JSON. ``verify`` wants every part: one byte that differs, a file that is missing and one that nobody listed are refused.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Final

from authsvc import seals
from authsvc.errors import BadSeal
from authsvc.seals import Sealed, Sealer

JSON_NAME: Final = "evidence.json"
PDF_NAME: Final = "evidence.pdf"
README_NAME: Final = "README.txt"
SEAL: Final = ".jws"
_MOST_FILES = 64
_MOST_BYTES = 256 * 2**20

_README = """\
Evidence of case {number}: {title}
{brand}

evidence.pdf   for people          evidence.pdf.jws   its seal
evidence.json  for programs        evidence.json.jws  its seal
files/         files of the case; their SHA-256 hashes stand in evidence.json

A seal is a detached JSON Web Signature (RFC 7515, appendix F; EdDSA) over exactly the bytes of the file beside it.
The key is published by the brand at {jwks} under the name
{kid}

To check everything at once:  authsvc verify-evidence THIS.zip --jwks {jwks}
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the case, under the name that it has in the bundle."""

    name: str
    content: bytes = field(repr=False)


def member_name(position: int, name: str) -> str:
    """Return where a file of the case stands in the bundle; its number keeps two of one name apart."""
    return f"files/{position:02}-{name}"


def write(
    target: BinaryIO,
    document: Mapping[str, Any],
    as_json: bytes,
    as_pdf: bytes,
    files: Sequence[Member],
    sealer: Sealer,
    *,
    jwks_url: str,
    now: datetime,
) -> None:
    """Write a bundle."""
    case = document["case"]
    readme = _README.format(
        number=case["number"], title=case["title"], brand=document["brand"]["name"], jwks=jwks_url, kid=sealer.kid
    )
    members = [
        Member(README_NAME, readme.encode()),
        Member(JSON_NAME, as_json),
        Member(JSON_NAME + SEAL, f"{sealer.seal(as_json)}\n".encode()),
        Member(PDF_NAME, as_pdf),
        Member(PDF_NAME + SEAL, f"{sealer.seal(as_pdf)}\n".encode()),
        *files,
    ]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name, now.timetuple()[:6])
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, member.content)


def verify(source: BinaryIO, keys: Mapping[str, Any]) -> tuple[Sealed, dict[str, Any]]:
    """
    Check a bundle against the JWKS *keys*; return who sealed it, and the document in it.

    Raises:
        BadSeal: A part was changed, is missing or does not belong there.
    """
    parts = _read(source)
    for name in JSON_NAME, PDF_NAME:
        if name not in parts or name + SEAL not in parts:
            raise BadSeal(f"The bundle lacks {name} or its seal.")
    sealed = [
        seals.verify(parts[name], parts.pop(name + SEAL).decode("ascii", "replace"), keys)
        for name in (JSON_NAME, PDF_NAME)
    ]
    del parts[PDF_NAME]
    if sealed[0] != sealed[1]:
        raise BadSeal("The PDF and the JSON were sealed by different keys.")
    document = json.loads(parts.pop(JSON_NAME))
    if not isinstance(document, dict) or document.get("brand", {}).get("id") != str(sealed[0].brand_id):
        raise BadSeal("The evidence is not of the brand whose key has sealed it.")
    parts.pop(README_NAME, None)
    for position, listed in enumerate(document["attachments"], 1):
        if listed["removed_at"] is not None:
            continue
        content = parts.pop(member_name(position, listed["name"]), None)
        if content is None:
            raise BadSeal(f"The file {listed['name']} is missing from the bundle.")
        if hashlib.sha256(content).hexdigest() != listed["sha256"]:
            raise BadSeal(f"The file {listed['name']} was changed: its hash is another.")
    if parts:
        raise BadSeal(f"The bundle holds something that the evidence does not list: {min(parts):.80}.")
    return sealed[0], document


# --- Private ---------------------------------------------------------------------------------------------------------


def _read(source: BinaryIO) -> dict[str, bytes]:
    """Return the parts of a bundle; whoever made it may have been hostile."""
    try:
        with zipfile.ZipFile(source) as archive:
            found = archive.infolist()
            names = {info.filename for info in found}
            if len(found) > _MOST_FILES or len(names) < len(found) or sum(i.file_size for i in found) > _MOST_BYTES:
                raise BadSeal("This is no bundle of ours: too many files, too much in them, or two of one name.")
            return {info.filename: archive.read(info) for info in found}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise BadSeal("The bundle is damaged and cannot be read.") from error
