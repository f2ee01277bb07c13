"""
The library that verifies tokens (libsodium) beside the one that signs them (OpenSSL): ours must never accept more.

Each signature goes through both. Where they differ, ours is the stricter one, and only for what no honest signer makes.
"""

import hashlib
import random
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from authsvc.core import tokens
from authsvc.core.keyring import ED25519, KeyState, VerificationKey, load_public
from authsvc.errors import BadKey

# RFC 8032, section 7.1: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7

SIGN = 1 << 255
SMALL_ORDER = [
    (y | sign).to_bytes(32, "little") for y in (0, 1, P - 1, ORDER_8, P - ORDER_8, P, P + 1) for sign in (0, SIGN)
]
"""Every encoding of the eight points of small order, the non-canonical ones too."""


def ours(raw: bytes, signature: bytes, message: bytes) -> bool:
    """Verify as a token is verified."""
    public = Ed25519PublicKey.from_public_bytes(raw)
    key = VerificationKey(UUID(int=1), 1, ED25519, KeyState.ACTIVE, public=public)
    return tokens._is_signed_ed25519(key, signature, message)


def theirs(raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


# --- Points, to make what no library would ----------------------------------------------------------------------------


def add(p, q):
    (x1, y1), (x2, y2) = p, q
    k = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P)


def times(n, p):
    total = (0, 1)
    while n:
        if n & 1:
            total = add(total, p)
        p = add(p, p)
        n >>= 1
    return total


def encode(p):
    return (p[1] | (p[0] & 1) << 255).to_bytes(32, "little")


def base():
    y = 4 * pow(5, -1, P) % P
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x % 2 == 0 else P - x, y)


B = base()


def scalar(secret: bytes) -> int:
    number = int.from_bytes(hashlib.sha512(secret).digest()[:32], "little")
    return number & ~7 & (1 << 254) - 1 | 1 << 254


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


# --- Both agree -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_the_standard(secret, public, message, signature):
    raw, text, signed = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)

    assert Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)).sign(text) == signed
    assert ours(raw, signed, text) is theirs(raw, signed, text) is True


def test_every_flipped_bit_of_key_signature_and_message():
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    raw, message = private.public_key().public_bytes_raw(), b"authsvc/token/ a message"
    signature = private.sign(message)
    whole = raw + signature + message
    for bit in range(len(whole) * 8):
        bent = (int.from_bytes(whole, "big") ^ 1 << bit).to_bytes(len(whole), "big")
        parts = bent[:32], bent[32:96], bent[96:]

        assert ours(*parts) is theirs(*parts) is False


def test_random_keys_messages_and_damages():
    draw = random.Random(8032)
    for _ in range(300):
        private = Ed25519PrivateKey.from_private_bytes(draw.randbytes(32))
        raw, message = private.public_key().public_bytes_raw(), draw.randbytes(draw.randrange(200))
        signature = private.sign(message)
        other = bytearray(signature)
        at = draw.randrange(64)
        other[at : at + draw.randrange(1, 9)] = draw.randbytes(len(other[at : at + draw.randrange(1, 9)]))
        damaged = bytes(other[:64]).ljust(64, b"\0")

        assert ours(raw, signature, message) is theirs(raw, signature, message) is True
        assert ours(raw, damaged, message) is theirs(raw, damaged, message)
        assert ours(raw, draw.randbytes(64), message) is theirs(raw, draw.randbytes(64), message) is False


@pytest.mark.parametrize("multiple", range(1, 15))
def test_a_multiple_of_the_order_makes_no_second_signature(multiple):
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    raw, message = private.public_key().public_bytes_raw(), b"malleable"
    signature = private.sign(message)
    larger = int.from_bytes(signature[32:], "little") + multiple * L
    bent = signature[:32] + larger.to_bytes(32, "little")

    assert ours(raw, bent, message) is theirs(raw, bent, message) is False


# --- Ours is the stricter ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", SMALL_ORDER, ids=bytes.hex)
def test_a_signature_with_an_r_of_small_order_is_none(point):
    """Who holds the key can make R = 0 · B, and the equation holds: OpenSSL accepts it, ours does not."""
    secret, message = bytes(range(32)), b"no randomness"
    raw = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    s = challenge(point, raw, message) * scalar(secret) % L
    signature = point + s.to_bytes(32, "little")

    assert ours(raw, signature, message) is False
    assert theirs(raw, signature, message) is (point == (1).to_bytes(32, "little"))


@pytest.mark.parametrize("point", SMALL_ORDER, ids=bytes.hex)
def test_a_key_of_small_order_verifies_nothing_and_is_never_loaded(point):
    r = encode(times(7, B))
    forged = [(r, (7).to_bytes(32, "little")), (encode((0, 1)), bytes(32)), (point, bytes(32))]
    for first, second in forged:
        for number in range(8):
            message = b"forged %d" % number
            try:
                Ed25519PublicKey.from_public_bytes(point)
            except ValueError:
                continue

            assert ours(point, first + second, message) is False

    with pytest.raises(BadKey):
        load_public(point)


def test_a_part_of_small_order_in_r_or_the_key_is_judged_alike():
    """With and without the cofactor the equation gives different answers here: both libraries leave it out."""
    torsion = times(L, next(point for point in points() if times(L, point) != (0, 1)))
    secret = bytes(range(32))
    a, message = scalar(secret), b"mixed order"
    for key in (times(a, B), add(times(a, B), torsion)):
        for nonce in (times(11, B), add(times(11, B), torsion)):
            raw, r = encode(key), encode(nonce)
            s = (11 + challenge(r, raw, message) * a) % L
            signature = r + s.to_bytes(32, "little")

            assert ours(raw, signature, message) is theirs(raw, signature, message)


@pytest.mark.parametrize("y", range(19))
def test_an_encoding_beyond_the_field_is_never_accepted(y):
    """y and y + p are one number: a key or an R that is written as the larger one is another spelling."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    raw, message = private.public_key().public_bytes_raw(), b"spelled otherwise"
    large = (y + P).to_bytes(32, "little")
    s = private.sign(message)[32:]

    assert ours(raw, large + s, message) is theirs(raw, large + s, message) is False
    with pytest.raises(BadKey):
        load_public(large)


def points():
    for y in range(2, 100):
        xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        if pow(xx, (P - 1) // 2, P) == 1:
            x = pow(xx, (P + 3) // 8, P)
            yield (x if (x * x - xx) % P == 0 else x * pow(2, (P - 1) // 4, P) % P, y)
