"""GS1 identifiers against 799 vectors, a second implementation (biip) and GS1's own examples."""

import json
import re
from pathlib import Path

import pytest
from biip.gs1_application_identifiers import _GS1_APPLICATION_IDENTIFIERS as BIIP_TABLE
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from authsvc.core.gs1 import DigitalLink, human_readable, parse_sgtin
from authsvc.core.gs1.ai_table import RULES, check_value
from authsvc.core.gs1.values import CHECKS
from authsvc.errors import BadDigitalLink

VECTORS = [
    json.loads(line) for line in (Path(__file__).parent.parent / "vectors/digital_link.jsonl").read_text().splitlines()
]
GTIN = "09506000134352"
ITEM = f"/01/{GTIN}/21/SN1"
HOST = "https://id.example.com"
TOKEN = "AQAB" + "x" * 86

# Where the sources differ, a vector has a note, and this is what we decided.
DECISIONS = {
    "engine policy: trailing slash": False,
    "engine policy: mixed-case scheme": False,
    "engine policy: malformed percent-escape": False,
    "engine/standard difference: URI Syntax ABNF queryStringDelim": False,
    "ambiguous stem": False,
    "conflict: URI Syntax 1.7 itip-path allows 22": False,
    "engine accepts base64 padding": True,
    "syntactically valid, but user agents remove dot segments": True,
}


def decision(vector):
    if "note" not in vector:
        return vector["valid"]
    (decided,) = [valid for note, valid in DECISIONS.items() if vector["note"].startswith(note)]
    return decided


VALID = [vector["uri"] for vector in VECTORS if decision(vector)]


# --- vectors and second opinions


def test_there_are_as_many_vectors_as_we_were_given():
    assert (len(VECTORS), len(VALID)) == (799, 275)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: ascii(vector["uri"]))
def test_a_vector_is_read_or_refused_as_decided(vector):
    if decision(vector):
        assert dict(DigitalLink.parse(vector["uri"]).ais) == vector["ai"]
    else:
        with pytest.raises(BadDigitalLink):
            DigitalLink.parse(vector["uri"])


def test_a_refusal_is_made_of_sentences_in_ascii():
    for vector in VECTORS:
        if not decision(vector):
            with pytest.raises(BadDigitalLink) as refusal:
                DigitalLink.parse(vector["uri"])
            message = str(refusal.value)
            assert message.isascii()
            assert message.isprintable()
            assert message.endswith(".")
            assert ", got " in message
            assert len(message) < 500


@pytest.mark.parametrize("uri", [uri for uri in VALID if "AA=" not in uri and "AA%3D" not in uri])
def test_biip_reads_the_same_ais(uri):
    link = DigitalLink.parse(uri)

    elements = GS1DigitalLinkURI.parse(link.canonical()).element_strings

    assert {element.ai.ai: element.value for element in elements} == dict(link.ais)


def test_the_table_has_the_ais_of_the_second_source():
    assert set(RULES) == set(BIIP_TABLE)


@settings(deadline=None)
@given(st.data())
def test_what_the_table_accepts_fits_the_second_source(data):
    rule = RULES[data.draw(st.sampled_from(sorted(RULES.keys() - {"8030"})))]
    value = data.draw(st.from_regex(rule.format.pattern, fullmatch=True))
    try:
        check_value(rule.ai, value)
    except BadDigitalLink:
        assume(False)

    assert re.fullmatch(BIIP_TABLE[rule.ai].pattern, rule.ai + value)


def test_there_are_sixteen_primary_keys_with_their_qualifiers():
    keys = {ai: "|".join(",".join(branch) for branch in rule.branches) for ai, rule in RULES.items() if rule.is_key}

    assert keys == {
        "00": "", "01": "22,10,21|235", "253": "", "255": "", "401": "", "402": "", "414": "254|7040", "415": "8020",
        "417": "7040", "8003": "", "8004": "7040", "8006": "22,10,21", "8010": "8011", "8013": "", "8017": "8019",
        "8018": "8019",
    }  # fmt: skip


def test_every_reference_in_the_table_names_an_ai_that_exists():
    for rule in RULES.values():
        assert all(one for group in rule.needs for one in group), rule.ai
        assert rule.ai not in rule.excludes


def test_every_check_is_used_by_the_table():
    used = {id(check) for rule in RULES.values() for _, check, _ in rule.format.checks}

    assert used == {id(check) for check, _ in CHECKS.values()}


# --- parsing


def test_the_parts_of_a_link_have_names():
    link = DigitalLink.parse(f"/01/{GTIN}/10/LOT%2F1/21/SN1?17=261231&s=abc&linkType=gs1:dpp&k=a+b%C3%A9&e")

    assert (link.primary, link.gtin, link.lot, link.serial, link.expiry) == ("01", GTIN, "LOT/1", "SN1", "261231")
    assert link.sgtin == f"{GTIN}.SN1"
    assert link.sscc is None
    assert link.extensions == (("s", "abc"), ("linkType", "gs1:dpp"), ("k", "a bé"), ("e", ""))
    assert link.extension("s") == "abc"
    assert link.extension("S") is None


def test_a_logistic_unit_has_no_sgtin():
    link = DigitalLink.parse("/00/106141412345678908?02=09506000134352&37=24&10=LOT1")

    assert (link.sscc, link.gtin, link.sgtin, link.lot) == ("106141412345678908", None, None, "LOT1")


def test_a_link_is_a_value():
    one, other = DigitalLink.parse(ITEM), DigitalLink.parse(f"{HOST}/stem{ITEM}")

    assert one == other
    assert hash(one) == hash(other)
    with pytest.raises(TypeError):
        one.ais["21"] = "SN2"


def test_an_extension_given_twice_is_refused_when_asked_for():
    link = DigitalLink.parse(f"{ITEM}?s=a&t=b&s=c")

    assert link.extension("t") == "b"
    with pytest.raises(BadDigitalLink, match="2 times"):
        link.extension("s")


def test_an_escaped_slash_stays_in_its_value():
    assert DigitalLink.parse(f"/01/{GTIN}/10/A%2FB").lot == "A/B"
    with pytest.raises(BadDigitalLink):
        DigitalLink.parse(f"/01/{GTIN}/10/A/B")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("", "starts with https"),
        ("/", "slash at the end"),
        (ITEM + "/", "Remove the slash"),
        (ITEM[1:], "starts with https"),
        (f"//id.example.com{ITEM}", "starts with https"),
        ("https://id.example.com", "primary key"),
        (f"{HOST}?17=261231", "primary key"),
        ("/21/SN1", "primary key"),
        (f"/01/{GTIN}/21/S/extra", "primary key"),
        (f"/01/{GTIN}/21/S/10/L", r"\(22\) \(10\) \(21\), or \(235\)"),
        ("/00/106141412345678908/10/L", "followed by nothing"),
        (f"/01/{GTIN}/01/{GTIN}/21/S", "two things"),
        (f"/%30%31/{GTIN}/01/{GTIN}/21/S", "two things"),
        (f"{ITEM}?17=261231;3103=000195", "separated by &"),
        (f"{ITEM}?utm=a;17=261231", "separated by &"),
        (f"{ITEM}?=v", "name before its ="),
        (f"{ITEM}?17=261231&17=261231", "twice"),
        (f"{ITEM}?21=SN1", "twice"),
        (f"{ITEM}?123=1", "which is none"),
        (f"{ITEM}?8200=x", "which is none"),
        (f"{ITEM}?10=L", "belongs in the path"),
        (f"{ITEM}?k=%00", "control characters"),
        (f"{ITEM}?k%0A=", "control characters"),
        (f"{ITEM}?k=\u00e9", "position 29"),
        (f"{ITEM}?k=%G4", "percent sign"),
        (f"/a%2/01/{GTIN}", "percent sign"),
        (f"{ITEM}%2", "percent sign"),
        ("/01/9506000134352", "14 digits"),
        ("/01/09506000134353", "check digit"),
        (ITEM + "?k=" + "x" * 2000, "at most 2000"),
    ],
)
def test_a_bad_target_is_refused_with_a_reason(target, says):
    with pytest.raises(BadDigitalLink, match=says):
        DigitalLink.parse(target)


@pytest.mark.parametrize(
    "uri", [f"ftp://x?s={TOKEN}", f"{ITEM}?s={TOKEN};", f"{ITEM}?s={TOKEN}%00", f"{ITEM}?s={TOKEN}%", f"/01?s={TOKEN}"]
)
def test_a_refusal_does_not_repeat_the_token(uri):
    with pytest.raises(BadDigitalLink) as refusal:
        DigitalLink.parse(uri)

    assert TOKEN[:8] not in str(refusal.value)


@pytest.mark.parametrize("gtin", ["40170725", "614141123452", "9506000134352"])
def test_short_gtins_are_read_on_request_only(gtin):
    with pytest.raises(BadDigitalLink):
        DigitalLink.parse(f"/01/{gtin}/21/S")

    assert DigitalLink.parse(f"/01/{gtin}/21/S", strict=False).gtin == gtin.zfill(14)


def test_a_short_gtin_is_padded_for_its_length_only():
    with pytest.raises(BadDigitalLink, match="14 digits"):
        DigitalLink.parse("/01/950600013", strict=False)


def test_dot_serials_are_read_but_not_built():
    assert DigitalLink.parse(f"/01/{GTIN}/21/%2E%2e").serial == ".."
    for serial in (".", ".."):
        with pytest.raises(BadDigitalLink, match="browsers drop"):
            DigitalLink.build({"01": GTIN, "21": serial})


# --- building


def test_a_link_is_built_in_canonical_order_whatever_came():
    link = DigitalLink.build({"21": "A/B", "99": "z", "17": "261231", "01": GTIN, "10": "L&1"})

    assert link.path() == f"/01/{GTIN}/10/L%261/21/A%2FB?17=261231&99=z"
    assert link.canonical() == f"https://id.gs1.org{link.path()}"
    assert link.uri(f"{HOST}/stem/", s="a b") == f"{HOST}/stem{link.path()}&s=a%20b"
    assert link.uri(HOST) == HOST + link.path()
    assert human_readable(link.ais) == f"(01){GTIN}(10)L&1(21)A/B(17)261231(99)z"


def test_the_first_key_whose_path_holds_the_qualifiers_leads():
    sscc = "106141412345678908"

    assert DigitalLink.build({"00": sscc, "01": GTIN}).primary == "00"
    assert DigitalLink.build({"01": GTIN, "00": sscc}).primary == "01"
    assert DigitalLink.build({"00": sscc, "01": GTIN, "21": "S"}).path() == f"/01/{GTIN}/21/S?00={sscc}"
    assert DigitalLink.build({"01": GTIN, "235": "T", "10": "L"}).path() == f"/01/{GTIN}/235/T?10=L"


@pytest.mark.parametrize(
    ("ais", "says"),
    [
        ({}, "primary key"),
        ({"21": "S"}, "primary key"),
        ({"01": GTIN, "8200": "x"}, "primary key"),
        ({"01": GTIN, "235": "T", "22": "V"}, "primary key"),
        ({"01": GTIN, "s": "x"}, "application identifier"),
        ({"01": "9506000134352"}, "14 digits"),
        ({"01": GTIN, "37": "1"}, "exclude"),
        ({"415": "9521234567899"}, "needs"),
        ({"401": ".."}, "company prefix"),
    ],
)
def test_what_parse_would_refuse_is_not_built(ais, says):
    with pytest.raises(BadDigitalLink, match=says):
        DigitalLink.build(ais)


@pytest.mark.parametrize(
    "base",
    ["", "id.example.com", "ftp://x", "https://", "https://x?a", "https://x/#a", "https://x/01", "https://x/a/00/b",
     "https://x/%2", "https://u@x", "https://x y"],
)  # fmt: skip
def test_a_base_that_would_spoil_the_link_is_refused(base):
    with pytest.raises(BadDigitalLink, match="base"):
        DigitalLink.parse(ITEM).uri(base)


@pytest.mark.parametrize("extensions", [{"17": "261231"}, {"": "x"}, {"k": "a\nb"}, {"k": "x" * 2000}])
def test_extensions_that_would_spoil_the_link_are_refused(extensions):
    with pytest.raises(BadDigitalLink):
        DigitalLink.parse(ITEM).uri(HOST, **extensions)


# --- identities as text


@pytest.mark.parametrize(
    "text",
    [
        f"{GTIN}.A.B",
        "9506000134352.A.B",
        f" {GTIN}.A.B\n",
        f"(01){GTIN}(21)A.B",
        "(01)9506000134352(10)L\\(1(21)A.B(17)261231",
        f"/01/{GTIN}/21/A.B?s=x",
        f"HTTPS://ID.EXAMPLE.COM/01/{GTIN}/10/L/21/A.B",
        f"{HOST}/01/9506000134352/21/A.B",
    ],
)
def test_parse_sgtin_reads_every_spelling(text):
    assert parse_sgtin(text) == (GTIN, "A.B")


@pytest.mark.parametrize(
    "text",
    ["", GTIN, f"{GTIN}.", f"{GTIN}.A B", "1.A", f"(01){GTIN}", f"(01){GTIN}(21)A(B", f"(01){GTIN}(21)A\\B",
     f"(01){GTIN}(21)A(21)B", f"(01){GTIN}(9)A", f"(04){GTIN}(21)A", f"/01/{GTIN}/10/L", "/00/106141412345678908",
     "x" * 2001, "ftp://x", "https://x"],
)  # fmt: skip
def test_parse_sgtin_refuses_what_names_no_item(text):
    with pytest.raises(BadDigitalLink):
        parse_sgtin(text)
