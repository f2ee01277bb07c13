from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import codes, tokens
from authsvc.core.claim_codes import claim_code
from authsvc.core.gs1 import DigitalLink, check_digit
from authsvc.core.keyring import COMPACT, ED25519, Keyring, KeyState, VerificationKey
from authsvc.errors import BadInput

BRAND = UUID(int=5)
GTIN = "09506000134352"
PRIVATE = bytes(range(32))
CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


def recipe(**changes):
    fields = {
        "brand_id": BRAND,
        "gtin": GTIN,
        "lot": "A1",
        "head": f"https://id.example.com/01/{GTIN}/21/",
        "tail": "?s=",
        "ais": {"01": GTIN},
        "numbered_by": "21",
        "run": 1,
        "key_id": 1,
        "private": PRIVATE,
        "epoch": "0",
        "serial_key": bytes(32),
    }
    return codes.Recipe(**{**fields, **changes})


def ring(**half):
    fmt = COMPACT if "mac" in half else ED25519
    return Keyring([VerificationKey(BRAND, 1, fmt, KeyState.ACTIVE, **half)])


@given(st.text(CSET_82, min_size=1, max_size=20).filter(lambda serial: serial not in {".", ".."}))
def test_any_serial_reads_back_and_is_signed(serial):
    (line,) = codes.lines(recipe(), [serial])

    link = DigitalLink.parse(line.partition(",")[0])
    assert dict(link.ais) == {"01": GTIN, "21": serial}
    public = Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key()
    assert tokens.verify(link.extension("s"), link.ais, BRAND, ring(public=public)).key_id == 1
    assert codes.find_serial_fault(serial) is None


def test_a_line_is_what_the_header_says():
    (line,) = codes.lines(recipe(claim_key=bytes(32), lot="A,1", key_id=None, tail=""), ['S"1'])

    secret = claim_code(bytes(32), BRAND, GTIN, 'S"1')
    assert codes.HEADER == "uri,gtin,lot,serial,claim_code\r\n"
    assert line == f'https://id.example.com/01/{GTIN}/21/S%221,{GTIN},"A,1","S""1",{secret}\r\n'


def test_compact_codes_are_signed_with_the_mac_key():
    (line,) = codes.lines(recipe(private=None, mac=PRIVATE), range(1))

    link = DigitalLink.parse(line.partition(",")[0])
    assert tokens.verify(link.extension("s"), link.ais, BRAND, ring(mac=PRIVATE)).format == COMPACT


def test_derived_lines_do_not_depend_on_their_block():
    together = list(codes.lines(recipe(), range(5)))

    assert [line for i in range(5) for line in codes.lines(recipe(), range(i, i + 1))] == together
    assert len(set(together)) == 5


def test_the_code_of_a_lot_has_no_serial():
    head = f"https://id.example.com/01/{GTIN}/10/A1"
    (line,) = codes.lines(recipe(numbered_by=None, head=head, ais={"01": GTIN, "10": "A1"}), range(1))

    uri, _, rest = line.partition(",")
    assert uri.startswith(head + "?s=")
    assert rest == f"{GTIN},A1,,\r\n"


def test_cases_count_from_the_first_one():
    case = recipe(
        numbered_by="00", sscc_first=9506000000000008, head="https://id.example.com/00/", tail="", key_id=None
    )
    found = [line.split(",")[3] for line in codes.lines(case, range(3))]

    assert [sscc[:17] for sscc in found] == ["09506000000000008", "09506000000000009", "09506000000000010"]
    assert all(check_digit(sscc[:17]) == sscc[17] for sscc in found)


@pytest.mark.parametrize(
    ("prefix", "reference", "body"),
    [("9506000", 0, 9506000000000000), ("0614", 12, 614000000000012), ("950600012345", 9999, 9506000123459999)],
)
def test_an_sscc_is_extension_prefix_and_reference(prefix, reference, body):
    assert codes.sscc_body(prefix, reference) == body


def test_a_full_prefix_is_refused():
    with pytest.raises(BadInput, match="room for 10000 cases"):
        codes.sscc_body("950600012345", 10_000)


@given(st.text(max_size=25))
def test_a_serial_that_no_code_can_carry_is_refused(serial):
    is_good = 1 <= len(serial) <= 20 and set(serial) <= set(CSET_82) and serial not in {".", ".."}

    assert (codes.find_serial_fault(serial) is None) == is_good


@pytest.mark.parametrize("serial", ["", ".", "..", "A\n", "Ä", "A B", "٣", "X" * 21])
def test_known_bad_serials_are_refused(serial):
    assert codes.find_serial_fault(serial) is not None


def test_no_secret_shows_in_a_traceback():
    shown = repr(recipe(claim_key=b"claim-key", private=b"private-key", serial_key=b"serial-key", mac=b"mac-key"))

    assert "-key" not in shown
