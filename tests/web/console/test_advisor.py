"""The page of the advisor: an answer with reasons and law, the costs as table and chart, and the same as PDF."""

import re
from html import unescape

import pytest

from authsvc.core.categories import CATEGORIES
from authsvc.staff import Role

HERE = "/console/advisor"


@pytest.fixture(scope="module")
def viewer(cast):
    person = cast.add(Role.VIEWER)
    person.sign_in()
    return person


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_is_answered(viewer, category):
    battery = {"battery": "&battery=portable&kwh=0.1", "ev-battery": "&kwh=60"}.get(category, "")
    answer = viewer.get(f"{HERE}?category={category}&value=120&volume=50000&markets=EU{battery}")

    assert answer.status_code == 200, text_of(answer)
    assert CATEGORIES[category].title in text_of(answer)
    assert "What the costs of a year are made of" in answer.text


def test_a_battery_that_law_serialises_says_so(viewer):
    address = "category=ev-battery&value=9000&volume=5000&battery=ev&kwh=60&markets=EU"
    shown = text_of(viewer.get(f"{HERE}?{address}"))

    assert "Serial codes are mandatory" in shown
    assert "2023/1542" in shown
    file = viewer.get(f"{HERE}/advice.pdf?{address}")
    assert file.data.startswith(b"%PDF-")
    assert file.headers["Content-Disposition"].startswith("attachment")


def test_assumptions_are_changed(viewer):
    category = next(iter(CATEGORIES))
    usual = viewer.get(f"{HERE}?category={category}&value=1&volume=100000").text
    dear = viewer.get(f"{HERE}?category={category}&value=1&volume=100000&a-serial_code=5").text

    assert usual != dear
    assert re.search(r"<td[^>]*>serial</td><td[^>]*>5\d\d,\d\d\d</td>", dear)


def test_the_advice_goes_along_into_the_form_of_the_product(viewer, cast):
    shown = viewer.get(f"{HERE}?category=watch&value=900&volume=5000&markets=DE CH").text
    operator = cast.add(Role.OPERATOR)
    operator.sign_in()

    (address,) = re.findall(r'href="(/console/products/new\?[^"]+)"', shown)
    form = operator.get(unescape(address)).text

    assert re.search(r'value="serial"[^>]*(checked|selected)', form)
    assert 'value="watch"' in form
    assert 'value="DE CH"' in form


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("category=none&value=1&volume=1", "none"),
        ("category=wine&value=much&volume=1", "is no number"),
        ("category=wine&value=1", "how many"),
        ("category=wine&value=1&volume=1&markets=Germany", "A market is"),
        ("category=wine&value=1&volume=1&recall=all", "There is no recall"),
    ],
)
def test_what_cannot_be_judged_is_said(viewer, query, sentence):
    answer = viewer.get(f"{HERE}?{query}")

    assert answer.status_code == 400
    assert sentence in text_of(answer)
