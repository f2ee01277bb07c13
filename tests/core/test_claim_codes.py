import hashlib
import hmac
import json
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import claim_codes
from authsvc.core.serials import ALPHABET
from authsvc.errors import BadInput

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "claim_codes.json").read_text(encoding="ascii"))
KEY = bytes.fromhex(VECTORS["claim_key"])
ITEM = {"key": KEY, "brand_id": UUID(int=1), "gtin": "09506000134352", "serial": "7K3M9QX2V4TD1RZ8"}
codes = st.text(ALPHABET, min_size=8, max_size=8)


@pytest.mark.parametrize("vector", VECTORS["codes"], ids=lambda vector: vector["code"])
def test_claim_code_is_the_one_of_the_vectors(vector):
    brand_id = UUID(vector["brand_id"])

    assert claim_codes.claim_code(KEY, brand_id, vector["gtin"], vector["serial"]) == vector["code"]


@pytest.mark.parametrize("vector", VECTORS["codes"], ids=lambda vector: vector["code"])
def test_claim_code_is_the_first_forty_bits_of_the_mac(vector):
    message = b"authsvc/claim/1" + bytes.fromhex(vector["brand_id"].replace("-", ""))
    message += vector["gtin"].encode() + vector["serial"].encode()
    bits = "".join(f"{byte:08b}" for byte in hmac.new(KEY, message, hashlib.sha256).digest())[:40]

    assert vector["code"] == "".join(ALPHABET[int(bits[at : at + 5], 2)] for at in range(0, 40, 5))


@pytest.mark.parametrize("gtin", ["9506000134352", "095060001343520", ""])
def test_claim_code_wants_a_gtin_of_14_digits(gtin):
    with pytest.raises(BadInput, match="14 digits"):
        claim_codes.claim_code(KEY, UUID(int=1), gtin, "1")


@pytest.mark.parametrize("vector", VECTORS["typed"], ids=lambda vector: ascii(vector["typed"]))
def test_normalise_reads_what_people_type(vector):
    if vector["code"] is None:
        with pytest.raises(BadInput, match="7K3M-9QX2"):
            claim_codes.normalise(vector["typed"])
    else:
        assert claim_codes.normalise(vector["typed"]) == vector["code"]


@given(codes)
def test_normalise_undoes_display_in_either_case(code):
    assert claim_codes.normalise(claim_codes.display(code)) == code
    assert claim_codes.normalise(claim_codes.display(code).lower()) == code


@given(st.text())
def test_normalise_returns_a_code_or_refuses(text):
    try:
        code = claim_codes.normalise(text)
    except BadInput:
        return

    assert len(code) == 8
    assert set(code) <= set(ALPHABET)


def test_a_refusal_does_not_repeat_what_was_typed():
    with pytest.raises(BadInput) as refused:
        claim_codes.normalise("8M4N9QXU")

    assert "8M4N" not in str(refused.value)


def test_display_writes_two_groups():
    assert claim_codes.display("7K3M9QX2") == "7K3M-9QX2"


def test_matches_takes_the_code_as_it_is_typed():
    code = claim_codes.claim_code(**ITEM)

    assert claim_codes.matches(code, **ITEM)
    assert claim_codes.matches(f" {claim_codes.display(code).lower()} ", **ITEM)


@given(st.integers(0, 7), st.sampled_from(ALPHABET))
def test_matches_refuses_every_other_code(place, character):
    code = claim_codes.claim_code(**ITEM)
    other = code[:place] + character + code[place + 1 :]

    assert claim_codes.matches(other, **ITEM) == (other == code)


@pytest.mark.parametrize("change", [{"key": bytes(32)}, {"brand_id": UUID(int=2)}, {"gtin": "0" * 14}, {"serial": "1"}])
def test_matches_refuses_the_code_of_another_item(change):
    assert not claim_codes.matches(claim_codes.claim_code(**ITEM), **(ITEM | change))


def test_matches_refuses_what_is_no_code():
    with pytest.raises(BadInput):
        claim_codes.matches("hello", **ITEM)
