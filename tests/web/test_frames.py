"""Frames: a page that is filled in is the page that the engine would have rendered."""

import pytest
from jinja2 import Environment

from authsvc.web import frames
from authsvc.web.frames import Frames, mark

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
def made(renders) -> Frames:
    return Frames(renders, ("who", "nonce"))


def context(*names: str, brand: str = "Halden") -> dict:
    return {"brand": brand, **{name: mark(name) if name in names else None for name in ("who", "nonce")}}


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_escaped_as_the_engine_does_it(made, value):
    for _ in range(2):
        page = made.fill(context("who"), {"who": value})

        assert page == TEMPLATE.render({"brand": "Halden", "who": value, "nonce": None})


def test_a_page_is_rendered_once_and_shows_no_value_of_another(made, renders):
    pages = [made.fill(context("who"), {"who": f"V{number}"}) for number in range(20)]

    assert renders.count == 1
    assert pages == [TEMPLATE.render({"brand": "Halden", "who": f"V{number}", "nonce": None}) for number in range(20)]


def test_whatever_is_no_mark_makes_another_frame(made, renders):
    whole = made.fill(context("who", "nonce"), {"who": "A", "nonce": "N"})
    without = made.fill(context("who"), {"who": "A"})
    other = made.fill(context("who", brand="Rival"), {"who": "A"})

    assert renders.count == 3
    assert ("<b>N</b>" in whole, "<b>" in without, "Rival" in other, "Rival" in whole + without) == (
        True, False, True, False,
    )  # fmt: skip


def test_a_mark_in_a_name_spoils_nothing(made):
    page = made.fill(context("who", brand=f"{mark('nonce')}{mark('none')}"), {"who": "A"})

    assert page == f'<p title="A">A of {mark("none")}</p>'


def test_frames_are_not_kept_without_end(made, renders):
    for number in range(3 * frames.MOST):
        made.fill(context("who", brand=f"B{number}"), {"who": "A"})

    assert len(made._kept) <= frames.MOST
    assert renders.count == 3 * frames.MOST
