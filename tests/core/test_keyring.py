import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.core import keyring
from authsvc.core.keyring import (
    COMPACT,
    ED25519,
    BrandKeysInfo,
    Keyring,
    KeyState,
    PublicKeySet,
    Revocation,
    RevocationMode,
    VerificationKey,
)
from authsvc.errors import BadKey

V1 = json.loads((Path(__file__).parents[1] / "vectors" / "token_v1.json").read_text(encoding="ascii"))
BRAND, RIVAL = UUID(int=1), UUID(int=2)
PUBLIC = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTIVE = VerificationKey(BRAND, 1, ED25519, KeyState.ACTIVE, public=PUBLIC)
MAC = VerificationKey(BRAND, 2, COMPACT, KeyState.ACTIVE, mac=bytes(32))


def revoked(mode, since=None, runs=frozenset()):
    return replace(ACTIVE, state=KeyState.REVOKED, revocation=Revocation(mode, since, frozenset(runs)))


def sorted_keys(published):
    return sorted(published.keyring, key=lambda key: key.kid)


# --- Keys and lookup -------------------------------------------------------------------------------------------------


def test_find_looks_up_by_brand_and_key_id():
    other = replace(ACTIVE, brand_id=RIVAL)
    ring = Keyring([ACTIVE, MAC, other])

    assert [ring.find(BRAND, 1), ring.find(BRAND, 2), ring.find(RIVAL, 1)] == [ACTIVE, MAC, other]
    assert ring.find(RIVAL, 2) is None
    assert list(ring) == [ACTIVE, MAC, other]


def test_a_key_id_is_unique_in_its_brand_over_all_formats():
    with pytest.raises(BadKey, match="twice"):
        Keyring([ACTIVE, replace(MAC, key_id=1)])


def test_kid_names_brand_and_key():
    assert ACTIVE.kid == "00000000-0000-0000-0000-000000000001.1"


def test_a_mac_key_is_not_shown():
    assert "mac" not in repr(MAC)


@pytest.mark.parametrize(
    ("key", "change", "match"),
    [
        (ACTIVE, {"key_id": 0}, "1 to 65535"),
        (ACTIVE, {"key_id": 65536}, "1 to 65535"),
        (ACTIVE, {"format": 3}, "no token format"),
        (ACTIVE, {"format": COMPACT}, "format 2 a MAC key"),
        (ACTIVE, {"public": None}, "format 1 needs a public key"),
        (ACTIVE, {"mac": bytes(32)}, "no other"),
        (MAC, {"format": ED25519}, "format 1 needs a public key"),
        (MAC, {"mac": None}, "format 2 a MAC key"),
        (MAC, {"public": PUBLIC}, "no other"),
        (MAC, {"mac": bytes(31)}, "32 bytes"),
        (ACTIVE, {"state": KeyState.REVOKED}, "revocation"),
        (ACTIVE, {"revocation": Revocation(RevocationMode.ALL)}, "revocation"),
    ],
)
def test_a_key_that_contradicts_itself_is_refused(key, change, match):
    with pytest.raises(BadKey, match=match):
        replace(key, **change)


# --- Revocation ------------------------------------------------------------------------------------------------------

BEFORE, AFTER = AT - timedelta(microseconds=1), AT


@pytest.mark.parametrize(
    ("key", "first_valid_at", "run", "spared"),
    [
        (ACTIVE, None, None, True),
        (replace(ACTIVE, state=KeyState.RETIRED), None, None, True),
        (revoked(RevocationMode.STOP), None, None, True),
        (revoked(RevocationMode.FROM, AT), BEFORE, 7, True),
        (revoked(RevocationMode.FROM, AT), AFTER, 7, False),
        (revoked(RevocationMode.FROM, AT), None, 7, False),
        (revoked(RevocationMode.FROM), BEFORE, 7, False),
        (revoked(RevocationMode.RUN, runs={7}), BEFORE, 8, True),
        (revoked(RevocationMode.RUN, runs={7, 8}), BEFORE, 8, False),
        (revoked(RevocationMode.RUN, runs={7}), BEFORE, None, False),
        (revoked(RevocationMode.RUN), BEFORE, 8, False),
        (revoked(RevocationMode.ALL), BEFORE, 8, False),
    ],
)
def test_a_revocation_spares_what_its_mode_says(key, first_valid_at, run, spared):
    assert keyring.is_spared(key, first_valid_at=first_valid_at, run=run) is spared


# --- Public keys from outside ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("weak", V1["weak_keys"], ids=lambda weak: f"{weak['note']} {weak['public_key'][:4]}")
def test_load_public_refuses_weak_and_malformed_keys(weak):
    with pytest.raises(BadKey):
        keyring.load_public(bytes.fromhex(weak["public_key"]))


def test_the_corpus_holds_all_encodings_of_the_points_of_small_order():
    small = [weak["public_key"] for weak in V1["weak_keys"] if weak["note"] == "small order"]

    assert len(set(small)) == 14


@given(st.binary(min_size=32, max_size=32))
@settings(deadline=None, max_examples=30)
def test_load_public_takes_the_key_of_every_private_key(seed):
    raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    assert keyring.load_public(raw).public_bytes_raw() == raw


@given(st.binary(max_size=34))
@settings(deadline=None)
def test_load_public_raises_only_bad_key(raw):
    try:
        public = keyring.load_public(raw)
    except BadKey:
        return

    assert public.public_bytes_raw() == raw


# --- The published set -----------------------------------------------------------------------------------------------

NUMBERS = {BRAND: BrandKeysInfo(gcp=("9506000",)), RIVAL: BrandKeysInfo(gcp=("95060009",), gtins=("00000095061238",))}
RIVALS = replace(ACTIVE, brand_id=RIVAL, not_before=AT)


def test_jwks_holds_the_keys_of_format_1_and_the_revoked_ones_apart():
    document = keyring.jwks([RIVALS, replace(revoked(RevocationMode.FROM, AT), key_id=3), MAC, ACTIVE], NUMBERS)

    common = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
        "alg": "EdDSA",
        "use": "sig",
    }
    mine = {"brand_id": str(BRAND), "gcp": ["9506000"]}
    assert document == {
        "keys": [
            {"kid": f"{BRAND}.1", **common, **mine, "status": "active"},
            {
                "kid": f"{RIVAL}.1",
                **common,
                "brand_id": str(RIVAL),
                "status": "active",
                "nbf": int(AT.timestamp()),
                "gcp": ["95060009"],
                "gtins": ["00000095061238"],
            },
        ],
        "revoked": [
            {
                "kid": f"{BRAND}.3",
                **common,
                **mine,
                "status": "revoked",
                "mode": "from-time",
                "from": int(AT.timestamp()),
            }
        ],
    }


def test_jwks_orders_key_ids_as_numbers():
    document = keyring.jwks([replace(ACTIVE, key_id=key_id) for key_id in (10, 9, 100)], NUMBERS)

    assert [member["kid"].split(".")[1] for member in document["keys"]] == ["9", "10", "100"]


def test_parse_reads_what_jwks_writes():
    keys = [ACTIVE, replace(ACTIVE, key_id=3, state=KeyState.PENDING), revoked(RevocationMode.FROM, AT), RIVALS]
    keys[2] = replace(keys[2], key_id=4)

    published = PublicKeySet.parse(json.loads(json.dumps(keyring.jwks(keys, NUMBERS))))

    assert sorted_keys(published) == sorted(keys, key=lambda key: key.kid)
    assert published.revoked(f"{BRAND}.4") == Revocation(RevocationMode.FROM, AT)
    assert published.revoked(f"{BRAND}.1") is None
    assert published.revoked("nobody") is None


def test_the_runs_of_a_revocation_are_not_published():
    document = keyring.jwks([revoked(RevocationMode.RUN, runs={7})], NUMBERS)

    key = PublicKeySet.parse(document).keyring.find(BRAND, 1)
    assert not keyring.is_spared(key, first_valid_at=None, run=8)


@pytest.mark.parametrize("vector", V1["brands"], ids=lambda vector: vector["note"])
def test_brand_of_follows_the_longest_match(vector):
    found = PublicKeySet.parse(V1["jwks"]).brand_of(vector["key"])

    assert (found and str(found)) == vector["brand_id"]


def test_a_listed_gtin_beats_every_prefix():
    gtin = "09506000134352"
    numbers = {BRAND: BrandKeysInfo(gcp=("950600013435",)), RIVAL: BrandKeysInfo(gtins=(gtin,))}

    published = PublicKeySet.parse(keyring.jwks([ACTIVE, RIVALS], numbers))

    assert published.brand_of(gtin) == RIVAL


def test_a_company_prefix_never_claims_a_gtin_8():
    numbers = {BRAND: BrandKeysInfo(gcp=("0000095",))}

    published = PublicKeySet.parse(keyring.jwks([ACTIVE], numbers))

    assert published.brand_of("00000095061238") is None


@pytest.mark.parametrize("text", ["", "9506000134352", "0950600013435200"])
def test_what_is_neither_a_gtin_nor_an_sscc_has_no_brand(text):
    assert PublicKeySet.parse(V1["jwks"]).brand_of(text) is None


def test_parse_passes_over_other_kinds_of_keys_and_members():
    foreign = [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {"kty": "OKP", "crv": "X25519", "x": "AA"}]
    document = {"keys": [*foreign, *keyring.jwks([ACTIVE], NUMBERS)["keys"]], "issuer": "x"}
    document["keys"][-1]["note"] = "mine"

    assert [key.kid for key in sorted_keys(PublicKeySet.parse(document))] == [ACTIVE.kid]


MEMBER = keyring.jwks([RIVALS], NUMBERS)["keys"][0]
REVOKED = keyring.jwks([revoked(RevocationMode.ALL)], NUMBERS)["revoked"][0]


@pytest.mark.parametrize(
    "document", [None, [], "keys", {}, {"keys": None}, {"keys": {}}, {"keys": [1]}, {"keys": [], "revoked": 1}]
)
def test_parse_refuses_what_is_no_key_set(document):
    with pytest.raises(BadKey, match="key set"):
        PublicKeySet.parse(document)


@pytest.mark.parametrize(
    "change",
    [
        {"kid": None},
        {"kid": "1"},
        {"kid": f"{RIVAL}.01"},
        {"kid": f"{RIVAL}.65536"},
        {"kid": f"{str(RIVAL).replace('-', '')}.1"},
        {"kid": f"{BRAND}.1"},
        {"brand_id": None},
        {"x": None},
        {"x": MEMBER["x"] + "="},
        {"x": "AQ"},
        {"x": "AQ" + "A" * 41},
        {"status": "revoked"},
        {"status": "on"},
        {"status": None},
        {"nbf": "2026-03-01"},
        {"nbf": -1},
        {"nbf": 10**20},
        {"gcp": "9506000"},
        {"gcp": [9506000]},
        {"gcp": ["950"]},
        {"gcp": ["9506000134352"]},
        {"gcp": ["\u0661506000"]},
        {"gtins": ["9506000134352"]},
        {"gtins": None},
    ],
)
def test_parse_refuses_a_malformed_key(change):
    with pytest.raises(BadKey):
        PublicKeySet.parse({"keys": [MEMBER | change]})


@pytest.mark.parametrize("change", [{"mode": None}, {"mode": "some"}, {"from": "now"}, {"status": "active"}])
def test_parse_refuses_a_malformed_revoked_key(change):
    with pytest.raises(BadKey):
        PublicKeySet.parse({"keys": [], "revoked": [REVOKED | change]})


def test_parse_refuses_a_key_that_is_current_and_revoked():
    with pytest.raises(BadKey, match="twice"):
        PublicKeySet.parse(
            {
                "keys": [MEMBER | {"kid": f"{BRAND}.1", "brand_id": str(BRAND), "gcp": [], "gtins": []}],
                "revoked": [REVOKED],
            }
        )


def test_parse_refuses_two_brands_with_one_number():
    numbers = {BRAND: BrandKeysInfo(gcp=("9506000",)), RIVAL: BrandKeysInfo(gcp=("9506000",))}

    with pytest.raises(BadKey, match="Two brands"):
        PublicKeySet.parse(keyring.jwks([ACTIVE, RIVALS], numbers))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*MEMBER, *REVOKED, "keys"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(sorted(MEMBER)), anything),
    st.dictionaries(st.sampled_from(sorted(REVOKED)), anything),
)
@settings(deadline=None)
def test_parse_raises_only_bad_key(current, withdrawn):
    document = {"keys": [MEMBER | current], "revoked": [REVOKED | withdrawn]}
    try:
        published = PublicKeySet.parse(document)
    except BadKey:
        return

    assert len(list(published.keyring)) <= 2


@given(anything)
def test_parse_of_anything_raises_only_bad_key(document):
    try:
        PublicKeySet.parse(document)
    except BadKey:
        return

    assert isinstance(document, dict)
