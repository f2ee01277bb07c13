"""Frames: what is filled in is what would have been made anew, and nothing of another check."""

import uuid
from dataclasses import fields, replace
from datetime import UTC, date, datetime

import pytest
from jinja2 import Environment
from pydantic_core import to_json
from verdict_pages import AT, FACTS, HALDEN, RECALL, VERDICTS, WATCH, check

from authsvc import languages
from authsvc.core.recall_texts import Text
from authsvc.core.records import Record
from authsvc.core.unit_data import Attribute, Audience, Level
from authsvc.core.verdicts import Disposition, Facts, Mark, Signature, Verdict
from authsvc.core.warranties import Warranty
from authsvc.scanning import Checked
from authsvc.web import documents, frames, pages
from authsvc.web.frames import Frames, escaped, mark

TEMPLATE = Environment(autoescape=True).from_string(
    '<p title="{{ who }}">{{ who }} of {{ brand }}{% if nonce %} <b>{{ nonce }}</b>{% endif %}</p>'
)
HOSTILE = ["plain", "", "<script>", "\"><a href='", "&amp;", "{{ 7 * 7 }}", "%s \\1", "é💶", mark("nonce")]


class Renders:
    """The template, and how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, context):
        self.count += 1
        return TEMPLATE.render(context)


@pytest.fixture
def renders() -> Renders:
    return Renders()


@pytest.fixture
def made() -> Frames:
    return Frames(("who", "nonce"), escaped)


def filled(made: Frames, renders: Renders, own: dict[str, str], *, brand: str = "Halden") -> str:
    marked = {"brand": brand, **{name: mark(name) if name in own else None for name in ("who", "nonce")}}
    return made.fill((brand, *own), own, lambda: renders(marked)).decode()


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_escaped_as_the_engine_does_it(made, renders, value):
    for _ in range(2):
        page = filled(made, renders, {"who": value})

        assert page == TEMPLATE.render({"brand": "Halden", "who": value, "nonce": None})


def test_a_page_is_rendered_once_and_shows_no_value_of_another(made, renders):
    shown = [filled(made, renders, {"who": f"V{number}"}) for number in range(20)]

    assert renders.count == 1
    assert shown == [TEMPLATE.render({"brand": "Halden", "who": f"V{number}", "nonce": None}) for number in range(20)]


def test_a_mark_in_a_name_spoils_nothing(made, renders):
    page = filled(made, renders, {"who": "A"}, brand=f"{mark('nonce')}{mark('none')}")

    assert page == f'<p title="A">A of {mark("none")}</p>'


def test_frames_are_not_kept_without_end(made, renders):
    for number in range(3 * frames.MOST):
        filled(made, renders, {"who": "A"}, brand=f"B{number}")

    assert len(made._kept) <= frames.MOST
    assert renders.count == 3 * frames.MOST


def test_without_a_key_nothing_is_kept(made, renders):
    for _ in range(2):
        made.fill(None, {"who": "A"}, lambda: renders({"brand": "Halden", "who": mark("who"), "nonce": None}))

    assert (made._kept, renders.count) == ({}, 2)


def test_what_a_frame_knows_by_its_id_lives_as_long(made):
    """An id is given again when its object is gone; then a product would get the page of another."""
    known = set()
    for number in range(100):
        product = replace(WATCH, name=f"N{number}")
        known.add(id(product))
        made.fill(id(product), {}, lambda product=product: product.name, about=product)

    assert len(known) == 100


# --- Pages and documents: every fact --------------------------------------------------------------------------------

LATER = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
RECORD = Record(
    id=uuid.UUID(int=7), kind="service", at=AT, values={}, text="Oiled", audience=Audience.PUBLIC, by="", recorded_at=AT
)
CHANGES = {
    "at": [LATER],
    "signature": [Signature(mark, "k.2", "compact") for mark in Mark],
    "gtin": [None, "09506000134376"],
    "serial": [None, 'S<"&\\1'],
    "sscc": [None, "095060001234567884"],
    "contents": [24],
    "lot": [None, "<L2>"],
    "brand": [None, replace(HALDEN, name="Rival <b>"), replace(HALDEN, contact=None)],
    "product": [None, replace(WATCH, name="Other"), replace(WATCH, warranty_months=24, category="toy")],
    "is_typed": [True, False],
    "is_issued": [None, True, False],
    "withdrawn_at": [LATER],
    "is_commissioned": [False],
    "disposition": list(Disposition),
    "disposition_at": [LATER, None],
    "recall": [
        None,
        RECALL,
        replace(RECALL, reason="It burns.", lot=None),
        replace(RECALL, language="ar"),
        replace(RECALL, texts=(Text("de", "Das Gehäuse kann reißen", "Wir ersetzen es"),)),
    ],
    "lot_recall": [None, RECALL],
    "expires_on": [None, date(2027, 2, 3)],
    "is_flagged": [True, False],
    "scan_number": [None, 1, 2, 7, 70],
    "first_at": [None, datetime(2024, 2, 3, tzinfo=UTC)],
    "mine_at": [None, datetime(2025, 2, 3, tzinfo=UTC)],
    "warranty": [None, Warranty(date(2026, 1, 2), date(2028, 1, 1)), Warranty(date(2020, 1, 2), date(2021, 1, 1))],
    "owners": [None, 2],
    "is_offered": [None, True],
    "has_history": [True, False],
    "data": [(Attribute("Origin", "Biel", Level.LOT),), (Attribute("Colour", "Blue", Level.ITEM),)],
    "records": [(RECORD,)],
}


def changed() -> list[Verdict]:
    """Return every verdict, and beside each what it is with one fact changed."""
    found = []
    for verdict in VERDICTS.values():
        found.append(verdict)
        for name, values in CHANGES.items():
            found += [replace(verdict, facts=replace(verdict.facts, **{name: value})) for value in values]
    return found


def test_every_fact_is_changed_here():
    assert set(CHANGES) == {fact.name for fact in fields(Facts)}
    assert all(any(value != getattr(FACTS, name) for value in values) for name, values in CHANGES.items())


def test_a_page_shows_the_facts_of_its_own_check(monkeypatch):
    verdicts = changed()
    monkeypatch.setattr(pages._FRAMES, "_most", 2 * len(verdicts))
    pages._FRAMES._kept.clear()
    cold = []
    for verdict in verdicts:
        kept = dict(pages._FRAMES._kept)
        pages._FRAMES._kept.clear()
        cold.append(pages.verdict(check(verdict=verdict)))
        pages._FRAMES._kept |= kept
    warm = [pages.verdict(check(verdict=verdict)) for verdict in verdicts]

    assert warm == cold
    assert len(set(cold)) > 200


def test_a_page_is_in_the_language_that_is_spoken():
    for _ in range(2):
        for code, said in (("en", "This code is genuine"), ("de", "Dieser Code ist echt")):
            with languages.speaking(code):
                assert said in pages.verdict(check())


def test_a_document_tells_the_facts_of_its_own_check():
    checks = [
        Checked(verdict, receipt, is_internal=is_internal)
        for verdict in changed()
        for receipt, is_internal in ((None, False), (uuid.UUID(int=5), False), (uuid.UUID(int=6), True))
    ]
    for _ in range(2):
        for checked in checks:
            assert documents.encoded(checked) == to_json(documents.verdict(checked))
