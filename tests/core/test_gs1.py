"""GS1 identifiers against 799 vectors, a second implementation (biip), GS1's own examples and properties."""

import json
import re
import timeit
from pathlib import Path

import pytest
from biip.gs1_application_identifiers import _GS1_APPLICATION_IDENTIFIERS as BIIP_TABLE
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from authsvc.core.gs1 import DigitalLink, check_digit, digital_link, human_readable, normalise_gtin, parse_sgtin
from authsvc.core.gs1.ai_table import RULES, check_together, check_value
from authsvc.core.gs1.values import CHECKS, shown
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


# --- values

COUPON = "0123456123456" + "11" + "110123"


@pytest.mark.parametrize(
    ("ai", "good", "bad"),
    [
        ("00", ["106141412345678908"], ["106141412345678907", "10614141234567890"]),
        ("10", ["A", "!\"%&'()*+,-./:;<", "=>?_z", "0" * 20], ["", "0" * 21, "A B", "A#", "A$", "A@", "A~", "\u0663"]),
        ("17", ["261231", "260200", "280229", "000229"], ["260229", "261301", "260001", "260431", "260100x", "261232"]),
        ("02", [GTIN], ["0950600013435\u0662"]),
        ("253", ["9521234567899", "9521234567899" + "x" * 17], ["9521234567898", "9521234567899" + "x" * 18]),
        ("255", ["9521234567899" + "1" * 12], ["9521234567899A"]),
        ("3910", ["9781"], ["1231", "978"]),
        ("421", ["056B"], ["056", "999B"]),
        ("423", ["056", "056250056250056"], ["05625", "056999", "056250056250056250"]),
        ("4300", ["A%20B"], ["A%2", "A%GG"]),
        ("4307", ["BE"], ["XX", "be"]),
        ("4309", ["18000000003600000000"], ["18000000013600000000", "18000000003600000001"]),
        ("4321", ["0", "1"], ["2"]),
        ("4324", ["2612002359"], ["2612012400", "2612012360"]),
        ("4330", ["000100", "000100-"], ["000100+"]),
        ("7003", ["2612312359"], ["2612002359"]),
        ("7007", ["261231", "261231270101"], ["261231270001"]),
        ("7030", ["999A"], ["998A"]),
        ("7040", ["1ABC", "1AB-", "1AB_", "1AB0"], ["1AB!", "AABC"]),
        ("7241", ["01", "10", "80", "99"], ["00", "11", "79"]),
        ("7250", ["20000229", "20240229"], ["19000229", "20230229", "20231301"]),
        ("7252", ["0", "9"], ["3"]),
        ("7258", ["1/1", "2/3"], ["3/2", "0/1", "1/0", "1-2"]),
        ("8001", ["00010000100101"], ["00000000100101", "00010000100121"]),
        ("8003", ["09521234567899", "09521234567899AS1"], ["19521234567899"]),
        ("8006", ["095060001343520102", "095060001343520202"], ["095060001343520201", "095060001343520001"]),
        ("8007", ["GB29NWBK60161331926819"], ["GB28NWBK60161331926819", "XX29NWBK60161331926819", "GB29!"]),
        ("8008", ["26123123", "261231235959"], ["26123124", "2612312360", "261231235960"]),
        ("8010", ["9521234-P/1", "9521#"], ["952-1", "952", "9521p"]),
        ("8011", ["1", "10"], ["0", "01"]),
        ("8013", ["1987654Ad4X4bL5ttr2310c2K"], ["1987654Ad4X4bL5ttr2310c2X", "!22", "2", "1987654Ad4X4bL5ttr2310cXK"]),
        ("8014", ["1987654Ad4X4bL5ttr2310c2K"], ["2222"]),
        ("8030", ["A", "AA=", "A" * 90, "A" * 88 + "=="], ["=", "A===", "A" * 91, "A" * 90 + "=", "A.A", "AA=A"]),
        ("8112", ["001234561234560123456", "061234567890121234569123456789012345"], ["201234561234560123456", "0"]),
        (
            "8110",
            [
                COUPON,
                COUPON + "10110123" + "9",
                COUPON + "10110123" + "0123456",
                COUPON + "2110123" + "9" + "3261231" + "4260101" + "50123456" + "611234567" + "90001",
            ],
            [COUPON[:-1], COUPON + "3261301", COUPON + "3260101" + "4260102", COUPON + "4261301", "7" + COUPON, "A"],
        ),
        ("99", ["x" * 90], ["x" * 91]),
    ],
)  # fmt: skip
def test_a_value_must_have_the_form_of_its_ai(ai, good, bad):
    for value in good:
        check_value(ai, value)
    for value in bad:
        with pytest.raises(BadDigitalLink, match=re.escape(f"({ai})")):
            check_value(ai, value)


@pytest.mark.parametrize(
    "pair",
    [
        "12345_ABCDEFGHIJKLMCP",
        "12345_nopqrstuvwxyzP2",
        "12345_!\"%&'()*+,-./LC",
        "99999zzzzzzzzzzzzzzzzzzT2",
        "00000!HV",
    ],
)
def test_the_check_pair_agrees_with_the_examples_of_gs1(pair):
    check_value("8013", pair)


@pytest.mark.parametrize(
    "ais",
    [
        {"00": "", "02": "", "37": "", "10": ""},
        {"01": "", "3103": "", "3922": ""},
        {"01": "", "21": "", "250": ""},
        {"01": "", "422": "", "427": ""},
        {"255": "9521234567899", "3900": ""},
        {"253": "9521234567899A", "8030": "A"},
    ],
)
def test_ais_that_belong_together_are_accepted(ais):
    check_together(ais)


@pytest.mark.parametrize(
    "ais",
    [
        {"02": ""},
        {"01": "", "37": ""},
        {"01": "", "250": ""},
        {"01": "", "427": ""},
        {"01": "", "3102": "", "3103": ""},
        {"01": "", "3922": ""},
        {"01": "", "255": ""},
        {"8017": "", "8018": ""},
        {"01": "", "21": "", "235": ""},
        {"253": "9521234567899", "8030": "A"},
        {"8003": "09521234567899", "8030": "A"},
    ],
)
def test_ais_that_need_or_exclude_another_are_refused(ais):
    with pytest.raises(BadDigitalLink):
        check_together(ais)


def test_what_came_is_clipped_and_escaped():
    assert shown("é\n") == "'\\xe9\\n'"
    assert shown("x" * 100) == "'" + "x" * 48 + "'..."


# --- check digits and GTINs


@pytest.mark.parametrize(
    ("body", "digit"),
    [("0950600013435", "2"), ("4017072", "5"), ("61414112345", "2"), ("10614141234567890", "8"), ("", "0"), ("5", "5")],
)
def test_check_digit_agrees_with_known_numbers(body, digit):
    if body:
        assert check_digit(body) == digit
    else:
        with pytest.raises(BadDigitalLink):
            check_digit(body)


@pytest.mark.parametrize("text", ["12a", "\u0661\u0662", " 1", "-1"])
def test_check_digit_takes_ascii_digits_only(text):
    with pytest.raises(BadDigitalLink, match="0 to 9"):
        check_digit(text)


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("40170725", "00000040170725"),
        ("614141123452", "00614141123452"),
        ("9506000134352", GTIN),
        (GTIN, GTIN),
    ],
)
def test_normalise_gtin_pads_every_length(text, gtin):
    assert normalise_gtin(text) == gtin


@pytest.mark.parametrize(
    "text",
    ["", "9506000134353", "950600013435", "095060001343", "401707250", "\u06639506000134352", f" {GTIN}", f"{GTIN}\n"],
)
def test_normalise_gtin_refuses_other_text(text):
    with pytest.raises(BadDigitalLink):
        normalise_gtin(text)


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


# --- properties

SET_82 = "".join(chr(code) for code in range(33, 127) if chr(code) not in "#$@[\\]^`{|}~")
gtins = st.from_regex(r"[0-9]{13}", fullmatch=True).map(lambda body: body + check_digit(body))
texts = st.text(SET_82, min_size=1, max_size=20).filter(lambda text: text not in {".", ".."})
dates = st.sampled_from(["261231", "260200", "280229"])
attributes = st.fixed_dictionaries(
    {},
    optional={
        "17": dates,
        "11": dates,
        "240": texts,
        "99": texts,
        "3103": st.just("000195"),
        "414": st.just("9521234567899"),
    },
)
items = st.builds(
    lambda gtin, qualifiers, more: {"01": gtin} | qualifiers | more,
    gtins,
    st.one_of(
        st.fixed_dictionaries({}, optional={"22": texts, "10": texts, "21": texts}),
        st.fixed_dictionaries({"235": texts}, optional={"10": texts}),
    ),
    attributes,
)
units = st.builds(
    lambda gtin, lot: {"00": "106141412345678908", "02": gtin, "37": "24"} | lot,
    gtins,
    st.fixed_dictionaries({}, optional={"10": texts}),
)
names = st.text(min_size=1, max_size=5).filter(lambda name: name.isprintable() and not name.isdigit())
values = st.text(max_size=20).filter(str.isprintable)


@settings(deadline=None)
@given(st.one_of(items, units), st.dictionaries(names, values, max_size=3))
def test_what_is_built_is_what_is_read(ais, extensions):
    link = DigitalLink.build(ais)

    read = DigitalLink.parse(link.uri(HOST, **extensions))

    assert read.ais == ais
    assert read == DigitalLink(link.ais, link.primary, tuple(extensions.items()))
    assert DigitalLink.parse(link.path()) == DigitalLink.parse(link.canonical()) == link


pieces = st.sampled_from([
    "/", "//", "01", "00", "10", "21", "17", "8030", GTIN, "09506000134353", "9506000134352", "SN1", ".", "..", "?",
    "&", "=", ";", "#", "s", "?s=", TOKEN, "%2F", "%2e", "%", "%00", "+", "é", " ", "\n", "https://", "HTTP://", "Https://",
    "id.example.com", ":8443", "[::1]", "261231", "/01/", "/21/", "/10/", ITEM, "x" * 20,
])  # fmt: skip
hostile = st.one_of(st.text(), st.lists(pieces, max_size=12).map("".join))


def outcome(read, uri):
    try:
        return read(uri)
    except BadDigitalLink as refusal:
        return str(refusal)


@settings(deadline=None)
@given(st.one_of(hostile, st.lists(pieces, max_size=4).map(lambda tail: ITEM + "".join(tail))))
@example(f"{ITEM}?s={TOKEN}")
@example(f"{HOST}:/01/{GTIN}/10/L/21/S?s=")
@example(f"/01/{GTIN}/10/01/21/{GTIN}")
@example(f"/01/{GTIN}\n")
@example(f"{ITEM}?s={TOKEN}\n")
@example(f"/01/{GTIN}?s={'x' * 2000}")
def test_the_fast_path_never_differs_from_the_general_one(uri):
    def general(uri):
        return DigitalLink(*digital_link._read(uri, strict=True))

    assert outcome(DigitalLink.parse, uri) == outcome(general, uri)


@settings(deadline=None)
@given(hostile)
def test_any_text_is_read_or_refused_and_nothing_else(text):
    for read in (DigitalLink.parse, normalise_gtin, parse_sgtin, check_digit):
        outcome(read, text)
    outcome(lambda uri: DigitalLink.parse(uri, strict=False), text)
    outcome(lambda uri: DigitalLink.parse(ITEM).uri(uri), text)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.one_of(st.sampled_from(sorted(RULES)), st.text(max_size=4)), st.one_of(st.text(SET_82), st.text())
    )
)
def test_any_ais_are_built_or_refused_and_nothing_else(ais):
    outcome(DigitalLink.build, ais)


@pytest.mark.parametrize("tail", ["", "/21/SN1", "/10/LOT1", "/10/LOT1/21/SN1"])
@pytest.mark.parametrize("origin", ["", HOST, "http://localhost:5000"])
def test_common_links_take_the_fast_path(monkeypatch, tail, origin):
    def not_here(uri, *, strict):
        pytest.fail(f"The general parser read {uri}.")

    monkeypatch.setattr(digital_link, "_read", not_here)

    assert DigitalLink.parse(f"{origin}/01/{GTIN}{tail}?s={TOKEN}").extension("s") == TOKEN


@pytest.mark.parametrize(
    "hostile_uri",
    [
        "/" * 2000,
        "/01/1" * 400,
        "https://" + "a." * 990 + "/01",
        ITEM + "?" + "&".join(["k=%41"] * 320),
        ITEM + "?" + "%41" * 660,
        "/a%2" * 500,
        ITEM + "?" + "1=1&" * 480,
    ],
)
def test_no_link_takes_long_to_refuse(hostile_uri):
    assert min(timeit.repeat(lambda: outcome(DigitalLink.parse, hostile_uri), number=1, repeat=3)) < 0.05
