"""Digital Links of any shape: what is built is what is read, and anything else is refused with a sentence, quickly."""

import timeit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authsvc.core.gs1 import DigitalLink, check_digit, digital_link, normalise_gtin, parse_sgtin
from authsvc.core.gs1.ai_table import RULES
from authsvc.errors import BadDigitalLink

GTIN = "09506000134352"
ITEM = f"/01/{GTIN}/21/SN1"
HOST = "https://id.example.com"
TOKEN = "AQAB" + "x" * 86

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
