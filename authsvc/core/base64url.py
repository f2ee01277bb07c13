"""
base64url without padding (RFC 4648, section 5), where every value has exactly one spelling.

The usual decoders skip foreign characters and ignore the spare bits of the last one, so that sixteen texts stand for
the same 67 bytes. What is signed, stored or compared here must not have that many names.
"""

import binascii

_URL = bytes.maketrans(b"+/", b"-_")
_NOT_URL = bytes.maketrans(b"-_", b"+/")


def encode(raw: bytes) -> str:
    """Write *raw* as text."""
    return binascii.b2a_base64(raw, newline=False).translate(_URL).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """
    Read *text*, which must be what ``encode`` writes.

    Raises:
        ValueError: It is another spelling, or no base64url at all.
    """
    raw = binascii.a2b_base64(text.encode("ascii").translate(_NOT_URL) + b"==")
    if encode(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
