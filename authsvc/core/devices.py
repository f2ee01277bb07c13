"""
Trusted devices: the browsers and programs of a brand's own people, told by a secret that only they hold.

Staff, repair shops, line cameras and photo studios scan genuine items all day. A secret has 256 random bits, so its
plain hash is safe to store and to look up by.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

SECRET_BYTES = 32

is_secret = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch


class DeviceKind(StrEnum):
    """How a device shows its secret: a cookie of a browser, or a header of a program."""

    BROWSER = "browser"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is trusted for the items of one brand."""

    id: UUID
    brand_id: UUID
    kind: DeviceKind


def spell(raw: bytes) -> str:
    """Write a secret of 32 bytes as it stands in a cookie or header."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def digest(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(b"authsvc/device/1" + secret.encode("ascii")).digest()
