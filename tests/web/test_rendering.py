from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import UndefinedError

from authsvc.core.gs1.code_lists import COUNTRY_LETTERS
from authsvc.places import read_countries
from authsvc.web import rendering
from authsvc.web.shell import Person

AT = datetime(2026, 11, 23, 9, 5, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def render():
    app = Flask("authsvc", static_folder=None)
    rendering.equip(app)
    return lambda source, **values: app.jinja_env.from_string(source).render(values)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ at | moment }}", "23 Nov 2026, 09:05 UTC"),
        ("{{ at | day }}", "23 Nov 2026"),
        ("{{ at | clock }}", "09:05"),
        ("{{ at | iso }}", "2026-11-23T09:05:07+00:00"),
        ("{{ 3041 | number }}", "3,041"),
        ("{{ -4 | signed }}", "\u22124"),
        ("{{ 40 | signed }}", "+40"),
        ("{{ 999 | compact }} {{ 12345 | compact }} {{ 3000000 | compact }}", "999 12k 3M"),
        ("{{ '7K3M9QX2V4' | grouped }}", "7K3M 9QX2 V4"),
    ],
)
def test_value_is_worded(render, source, text):
    assert render(source, at=AT.astimezone(timezone(timedelta(hours=5)))) == text


def test_templates_of_the_console_are_compiled_before_the_first_visitor():
    app = Flask("authsvc", static_folder=None, template_folder="web/templates")
    rendering.equip(app)
    rendering.warm(app)
    folder = Path(app.root_path) / "web" / "templates"
    kept = {key[1] for key, _ in app.jinja_env.cache.items()}

    assert kept >= {f"console/{file.name}" for file in (folder / "console").glob("*.html")}


@pytest.mark.parametrize("source", ["{{ gone }}", "{{ row.gone }}", "{% for x in gone %}{% endfor %}", "{{ gone.x }}"])
def test_forgotten_name_is_an_error_when_shown(render, source):
    with pytest.raises(UndefinedError):
        render(source, row={})


@pytest.mark.parametrize("source", ["{% if row.gone %}x{% endif %}", "{% if row.gone == 'end' %}x{% endif %}"])
def test_part_that_was_left_out_may_be_asked_for(render, source):
    assert render(source, row={}) == ""


def test_every_country_has_a_name():
    assert set(rendering.country_names()) == COUNTRY_LETTERS | {"XK"}
    assert set(read_countries()) <= set(rendering.country_names())


@pytest.mark.parametrize(
    ("name", "initials"), [("Robin Analyst", "RA"), ("ada", "A"), ("a b c", "AC"), ("ada@halden.example", "AH")]
)
def test_person_has_initials(name, initials):
    assert Person(name=name, role="Analyst").initials == initials
