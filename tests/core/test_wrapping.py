import uuid

import pytest

from authsvc.core.wrapping import derive_key, unwrap, wrap
from authsvc.errors import BadKey

KEY = bytes(range(32))
NONCE = bytes(12)
BRAND = uuid.UUID(int=1)
PLACE = {"brand_id": BRAND, "purpose": "serial", "number": "0"}


def test_what_was_wrapped_opens_in_its_place():
    assert unwrap(KEY, wrap(KEY, b"secret", NONCE, **PLACE), **PLACE) == b"secret"


@pytest.mark.parametrize(
    "moved", [{"brand_id": uuid.UUID(int=2)}, {"purpose": "claim"}, {"number": "1"}, {"purpose": "mac", "number": "0"}]
)
def test_a_row_that_somebody_moved_does_not_open(moved):
    with pytest.raises(BadKey, match="does not open with AUTHSVC_SECRET"):
        unwrap(KEY, wrap(KEY, b"secret", NONCE, **PLACE), **{**PLACE, **moved})


def test_a_changed_byte_anywhere_does_not_open():
    wrapped = wrap(KEY, b"secret", NONCE, **PLACE)

    for at in range(len(wrapped)):
        with pytest.raises(BadKey):
            unwrap(KEY, wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :], **PLACE)


@pytest.mark.parametrize("wrapped", [b"", b"x", bytes(12), bytes(27)])
def test_what_is_too_short_does_not_open(wrapped):
    with pytest.raises(BadKey):
        unwrap(KEY, wrapped, **PLACE)


def test_another_secret_does_not_open_and_the_refusal_holds_no_secret():
    with pytest.raises(BadKey) as refused:
        unwrap(bytes(32), wrap(KEY, b"secret", NONCE, **PLACE), **PLACE)

    assert str(BRAND) in str(refused.value)
    assert "secret'" not in str(refused.value)


@pytest.mark.parametrize("size", [0, 11, 13, 16])
def test_a_nonce_has_twelve_bytes(size):
    with pytest.raises(BadKey, match="12 bytes"):
        wrap(KEY, b"secret", bytes(size), **PLACE)


def test_each_purpose_has_a_key_of_its_own():
    keys = {derive_key(KEY, purpose) for purpose in ("visitors", "nonces", "wrapping", "wrapping2")}

    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)
    assert derive_key(KEY, "visitors") != derive_key(bytes(32), "visitors")


def test_derived_keys_never_change():
    """Every stored pseudonym and wrapped key hangs on these bytes."""
    assert derive_key(KEY, "wrapping").hex() == ("07ec5e7361f08f39b95d93ed664c1b58a1b096ec59dcf3f20457759ef83ed619")
