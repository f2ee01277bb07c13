"""
HMAC-SHA-256 (RFC 2104) under keys that are used again and again.

``hmac.digest`` looks the hash up and takes the key in anew for each message: 1.6 us, and in a scan, where little of it
is in the processor's caches, several times that. Here both states that follow from a key are made once and copied.
"""

import hashlib
from functools import lru_cache

BLOCK = 64
"""Bytes that SHA-256 takes in at a time."""


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the 32 bytes of the HMAC of *message*."""
    inner, outer = _states(key)
    within, around = inner.copy(), outer.copy()
    within.update(message)
    around.update(within.digest())
    return around.digest()


@lru_cache(maxsize=64)
def _states(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    if len(key) > BLOCK:
        key = hashlib.sha256(key).digest()
    padded = key.ljust(BLOCK, b"\0")
    return hashlib.sha256(bytes(x ^ 0x36 for x in padded)), hashlib.sha256(bytes(x ^ 0x5C for x in padded))
