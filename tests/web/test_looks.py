"""Colours and logo of a brand on its pages: one style sheet, one picture, within the budget, and nowhere else."""

import io
import re

import pytest
from PIL import Image, ImageDraw

from authsvc import brand_looks
from authsvc.core import looks
from authsvc.errors import BadInput, TooLarge


def logo(ground=(18, 38, 63, 255), ink=(232, 220, 194, 255), size=256, kind="PNG"):
    """Draw a letter on a ground of its own."""
    picture = Image.new("RGBA", (size, size), ground)
    draw = ImageDraw.Draw(picture)
    for box in ((0.25, 0.2, 0.38, 0.8), (0.62, 0.2, 0.75, 0.8), (0.25, 0.44, 0.75, 0.56)):
        draw.rectangle([round(part * size) for part in box], ink)
    target = io.BytesIO()
    picture.save(target, kind)
    return target.getvalue()


@pytest.fixture(scope="module")
def maison(scene):
    """Return codes of a brand with colours and a logo."""
    brand = scene.add_brand("maison", "9530000")
    with scene.owner_session() as session:
        brand_looks.set_look(session, brand.id, "#5b2c86", "#d9b8ff", logo())
    scene.refresh()
    return scene.issue(scene.add_product(brand, name="Bag", attributes={"noun": "bag"}))


def test_a_page_of_the_brand_has_its_colours_and_logo_within_the_budget(scene, visitor, maison):
    page = visitor.scan(maison.path())

    files = set(re.findall(r'(?:href|src)="(/(?:look|static|media)/[^"]+)"', page.html))
    assert len(files) == 3
    answers = {name: visitor.open(name) for name in files}
    assert {answer.status_code for answer in answers.values()} == {200}
    (sheet,) = (answer for name, answer in answers.items() if name.endswith(".css"))
    assert "--accent:#5b2c86" in sheet.text
    assert "immutable" in sheet.headers["Cache-Control"]
    (picture,) = (name for name in files if name.startswith("/media/"))
    assert page.html.count(picture) == 2
    assert f'<img class="logo" src="{picture}" alt=""' in page.html
    assert sum(len(answer.data) for answer in answers.values()) + len(page.html.encode()) <= 30 * 1024


def test_other_pages_are_as_before(scene, visitor, maison):
    page = visitor.scan(scene.codes.path())

    assert "/look/" not in page.html
    assert 'class="logo"' not in page.html
    assert visitor.open("/look/000000000000.css").status_code == 404


def test_the_form_of_a_report_has_the_look_too(visitor, maison):
    page = visitor.scan(maison.path())

    assert "/look/" in visitor.open(f"/report/{page.receipt}").text


def test_a_small_sheet_is_sent_where_it_is_understood(visitor, maison):
    address = re.search(r'href="(/look/[^"]+)"', visitor.scan(maison.path()).html)[1]

    small = visitor.open(address, headers={"Accept-Encoding": "gzip"})

    assert small.headers["Content-Encoding"] == "gzip"
    assert len(small.data) < len(visitor.open(address).data) / 2


def test_a_look_is_taken_away_again(scene, visitor):
    brand = scene.add_brand("atelier", "9530001")
    codes = scene.issue(scene.add_product(brand))
    for change, has in (
        (lambda s: brand_looks.set_look(s, brand.id, "#5b2c86", "#d9b8ff", None), True),
        (lambda s: brand_looks.remove_look(s, brand.id), False),
    ):
        with scene.owner_session() as session:
            change(session)
        scene.refresh()
        assert ("/look/" in visitor.scan(codes.path()).html) == has


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_logo_is_drawn_anew_and_small(kind):
    drawn = brand_looks.draw_logo(logo(size=900, kind=kind))

    with Image.open(io.BytesIO(drawn)) as picture:
        assert (picture.format, picture.size) == ("PNG", (128, 128))
    assert len(drawn) <= brand_looks.MOST_BYTES


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (logo(ground=(255, 255, 255, 0), ink=(0, 0, 0, 255)), "dark theme 0.0% of it stand out"),
        (logo(ground=(255, 255, 255, 0), ink=(255, 255, 255, 255)), "light theme 0.0% of it stand out"),
        (b"<svg/>", "no PNG or WebP"),
        (logo()[:200], "no PNG or WebP"),
    ],
)
def test_a_logo_that_cannot_be_seen_or_read_is_refused_with_the_numbers(content, said):
    with pytest.raises(BadInput, match=said):
        brand_looks.draw_logo(content)


def test_a_picture_that_stays_large_is_no_logo(scene):
    noise = Image.frombytes("RGB", (128, 128), scene.random(128 * 128 * 3))
    target = io.BytesIO()
    noise.save(target, "PNG")

    with pytest.raises(TooLarge, match="bytes when it is drawn small"):
        brand_looks.draw_logo(target.getvalue())


def test_the_letter_of_the_default_mark_would_pass():
    assert looks.contrast("#12263f", "#e8dcc2") >= looks.TEXT
