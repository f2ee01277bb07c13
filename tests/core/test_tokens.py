import json
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.core import tokens
from authsvc.core.keyring import Keyring, KeyState, PublicKeySet, Revocation, RevocationMode, VerificationKey
from authsvc.errors import BadKey, BadToken

VECTORS = Path(__file__).parents[1] / "vectors"
V1 = json.loads((VECTORS / "token_v1.json").read_text(encoding="ascii"))
V2 = json.loads((VECTORS / "token_v2.json").read_text(encoding="ascii"))

BRAND, RIVAL = UUID(int=1), UUID(int=2)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MAC = bytes(range(32, 64))
SIGNER = tokens.Ed25519Signer(BRAND, 1, PRIVATE)
MAC_SIGNER = tokens.MacSigner(BRAND, 2, MAC)
SIGNERS = pytest.mark.parametrize("signer", [SIGNER, MAC_SIGNER], ids=["ed25519", "compact"])
AIS = {"01": "09506000134352", "10": "LOT-2026A", "21": "7K3M9QX2V4TD1RZ8"}
URLSAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def key(brand, key_id, fmt=tokens.ED25519, state=KeyState.ACTIVE, revocation=None):
    if fmt == tokens.ED25519:
        return VerificationKey(brand, key_id, fmt, state, public=PRIVATE.public_key(), revocation=revocation)
    return VerificationKey(brand, key_id, fmt, state, mac=MAC, revocation=revocation)


KEYRING = Keyring([key(BRAND, 1), key(BRAND, 2, tokens.COMPACT), key(BRAND, 3), key(RIVAL, 1)])


def detail(token, ais=AIS, brand=BRAND, keyring=KEYRING):
    """Return why the token is refused."""
    with pytest.raises(BadToken) as refused:
        tokens.verify(token, ais, brand, keyring)
    return refused.value.detail


# --- Golden vectors --------------------------------------------------------------------------------------------------


def v2_keyring():
    keys = [(kid.split("."), bytes.fromhex(mac)) for kid, mac in V2["mac_keys"].items()]
    return Keyring(
        VerificationKey(UUID(brand), int(key_id), tokens.COMPACT, KeyState.ACTIVE, mac=mac)
        for (brand, key_id), mac in keys
    )


@pytest.mark.parametrize(
    ("vector", "keyring"),
    [(vector, PublicKeySet.parse(V1["jwks"]).keyring) for vector in V1["good"]]
    + [(vector, v2_keyring()) for vector in V2["good"]],
    ids=lambda value: value["note"] if isinstance(value, dict) else "",
)
def test_verify_accepts_every_good_vector(vector, keyring):
    brand = UUID(vector["brand_id"])

    key = tokens.verify(vector["token"], vector["ais"], brand, keyring)

    assert (key.brand_id, key.key_id) == (brand, vector["key_id"])
    assert tokens.signed_message(key.format, brand, key.key_id, vector["ais"]).hex() == vector["message"]


@pytest.mark.parametrize("vector", V1["refused"], ids=lambda vector: vector["note"])
def test_verify_refuses_every_bad_vector(vector):
    published = PublicKeySet.parse(V1["jwks"])
    brand = published.brand_of(vector["ais"]["01"])

    assert detail(vector["token"], vector["ais"], brand, published.keyring) == vector["detail"]


@pytest.mark.parametrize("vector", V2["refused"], ids=lambda vector: vector["note"])
def test_verify_refuses_every_bad_compact_vector(vector):
    assert detail(vector["token"], vector["ais"], UUID(vector["brand_id"]), v2_keyring()) == vector["detail"]


# --- Round trip and shape --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("signer", "length"), [(SIGNER, 90), (MAC_SIGNER, 20)], ids=["ed25519", "compact"])
def test_issue_makes_a_token_of_the_length_of_its_format(signer, length):
    token = tokens.issue(signer, AIS)

    assert len(token) == length
    assert set(token) <= set(URLSAFE)
    assert tokens.peek(token) == (signer.format, signer.key_id)


def test_issue_works_with_any_signer():
    class Module:
        """A key that lies elsewhere."""

        brand_id, key_id, format = BRAND, 1, tokens.ED25519

        def sign(self, message):
            return PRIVATE.sign(message)

    assert tokens.verify(tokens.issue(Module(), AIS), AIS, BRAND, KEYRING).key_id == 1


gs1_text = st.text("!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz", min_size=1, max_size=90)
links = st.dictionaries(
    st.sampled_from(["00", "01", "02", "10", "17", "21", "22", "235", "3103", "37", "7040"]), gs1_text
)


@SIGNERS
@given(ais=links, order=st.randoms(use_true_random=False))
@settings(deadline=None)
def test_verify_does_not_care_for_the_order_of_the_link(signer, ais, order):
    shuffled = list(ais.items())
    order.shuffle(shuffled)

    assert tokens.verify(tokens.issue(signer, ais), dict(shuffled), BRAND, KEYRING).key_id == signer.key_id


@given(one=links, other=links)
@settings(deadline=None)
def test_two_links_never_share_a_message(one, other):
    messages = [tokens.signed_message(1, BRAND, 1, ais) for ais in (one, other)]

    assert (messages[0] == messages[1]) == (one == other)


def test_a_message_belongs_to_one_format_brand_and_key():
    places = [(fmt, brand, key_id) for fmt in (1, 2) for brand in (BRAND, RIVAL) for key_id in (1, 2)]

    assert len({tokens.signed_message(*place, AIS) for place in places}) == len(places)


def test_ai_8030_is_not_signed():
    assert tokens.verify(tokens.issue(SIGNER, AIS | {"8030": "abc"}), AIS, BRAND, KEYRING)
    assert tokens.verify(tokens.issue(SIGNER, AIS), AIS | {"8030": "xyz"}, BRAND, KEYRING)


@pytest.mark.parametrize("value", ["\u0661", "A" * 256], ids=["not ASCII", "too long"])
def test_a_value_that_no_link_can_hold_is_not_signed(value):
    with pytest.raises(ValueError, match=r"."):
        tokens.issue(SIGNER, {"01": value})


# --- Refusals --------------------------------------------------------------------------------------------------------


@given(text=st.one_of(st.text(), st.text(URLSAFE, max_size=100), st.text(URLSAFE, min_size=90, max_size=90)))
@settings(deadline=None)
def test_verify_raises_only_bad_token(text):
    assert detail(text) in {"encoding", "length", "format", "unknown-key", "signature"}
    assert tokens.peek(text) is None or detail(text) in {"format", "unknown-key", "signature"}


@SIGNERS
@given(data=st.data())
@settings(deadline=None)
def test_any_changed_character_is_refused(signer, data):
    token = tokens.issue(signer, AIS)
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters().filter(lambda character: character != token[place]))

    detail(token[:place] + character + token[place + 1 :])


@SIGNERS
@given(ai=st.sampled_from(["01", "10", "21", "17", "22", "3103"]), value=st.none() | gs1_text)
@settings(deadline=None)
def test_any_changed_ai_is_refused(signer, ai, value):
    changed = {name: text for name, text in (AIS | {ai: value}).items() if text is not None}
    if changed == AIS:
        return

    assert detail(tokens.issue(signer, AIS), changed) == "signature"


def test_a_token_has_one_spelling():
    token = tokens.issue(SIGNER, AIS)

    refusals = [detail(token[:-1] + character) for character in URLSAFE if character != token[-1]]

    # The last character carries two bits of the signature and four spare ones.
    assert (refusals.count("encoding"), refusals.count("signature")) == (60, 3)


def test_no_token_claims_a_key_of_another_format():
    assert detail(tokens.issue(tokens.Ed25519Signer(BRAND, 2, PRIVATE), AIS)) == "format"
    assert detail(tokens.issue(tokens.MacSigner(BRAND, 1, MAC), AIS)) == "format"


def test_a_public_key_is_no_mac_key():
    forged = tokens.issue(tokens.MacSigner(BRAND, 1, PRIVATE.public_key().public_bytes_raw()), AIS)

    assert detail(forged) == "format"


def test_another_brand_with_the_same_key_id_and_even_the_same_key_is_refused():
    assert detail(tokens.issue(SIGNER, AIS), brand=RIVAL) == "signature"


def test_the_same_key_under_another_id_is_refused():
    assert (
        detail(tokens.issue(tokens.Ed25519Signer(BRAND, 3, PRIVATE), AIS)[:4] + tokens.issue(SIGNER, AIS)[4:])
        == "signature"
    )


@pytest.mark.parametrize("fmt", [tokens.ED25519, tokens.COMPACT])
@pytest.mark.parametrize("state", KeyState)
def test_verify_returns_the_key_in_whatever_state(fmt, state):
    revocation = Revocation(RevocationMode.ALL) if state is KeyState.REVOKED else None
    keyring = Keyring([key(BRAND, 9, fmt, state, revocation)])
    signer = tokens.Ed25519Signer(BRAND, 9, PRIVATE) if fmt == tokens.ED25519 else tokens.MacSigner(BRAND, 9, MAC)

    assert tokens.verify(tokens.issue(signer, AIS), AIS, BRAND, keyring).state is state


@pytest.mark.parametrize("text", ["", "A", "AQAB", "AwAB" + "A" * 86, "\u0661"])
def test_peek_returns_none_where_no_token_can_be_read(text):
    assert tokens.peek(text) is None


def test_secrets_are_not_shown():
    assert "private" not in repr(SIGNER)
    assert repr(MAC)[2:-1] not in repr(MAC_SIGNER)


def test_a_short_mac_key_is_refused():
    with pytest.raises(BadKey, match="32 bytes"):
        tokens.MacSigner(BRAND, 1, b"short")
