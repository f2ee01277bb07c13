"""Templates and stocks are data: what cannot be printed is refused when it is read, not on the paper."""

import pytest

from authsvc.errors import BadInput
from authsvc.labels.templates import Stock, builtin_stocks, builtin_templates, get_template, read_templates

OWN = """
[tag]
width = 40
height = 20
symbol = { x = 1, y = 1, room = 18 }
fields = [{ show = "name", x = 20, y = 5, width = 18 }]
"""


def test_a_brand_brings_templates_of_its_own():
    template = read_templates(OWN)["tag"]

    assert (template.name, template.width, template.room, template.fields[0].show) == ("tag", 40, 18, "name")
    assert not template.is_round
    assert not template.has_claim


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[tag]", "[tag", "are no TOML"),
        ("width = 40\n", "", "does not say its width"),
        ("room = 18", "room = 19.5", "symbol of the template tag reaches over the edge"),
        ("x = 20, y = 5", "x = 23, y = 5", "field name of the template tag reaches over the edge"),
        ("x = 20, y = 5", "x = 18, y = 5", "field name of the template tag reaches into the symbol"),
        ("width = 40", "width = true", "a measure is a number of mm"),
        ("width = 40", "width = -1", "a measure is a number of mm"),
        ("y = 5", 'y = "5"', "a measure is a number of mm"),
        ('"name"', '"price"', "shows one of name, lot"),
        ('show = "name"', 'show = "claim"', "a claim has a height"),
        ("y = 5", "y = 5, colour = 3", "a field has no colour"),
        ("y = 5", "y = 5, half = 3", "half is 0, 1 or 2"),
        ("y = 5", "y = 5, lines = 0", "lines 1 to 20"),
        ("symbol = { x = 1, y = 1, room = 18 }", "symbol = 3", "cannot be read"),
        (OWN, "tag = 3", "cannot be read"),
    ],
)
def test_what_cannot_be_printed_is_refused(old, new, sentence):
    with pytest.raises(BadInput, match=sentence):
        read_templates(OWN.replace(old, new))


def test_a_round_label_has_no_corners():
    text = OWN.replace("height = 20", "height = 40\nround = true").replace("x = 1, y = 1", "x = 8, y = 8")

    with pytest.raises(BadInput, match="field name of the template tag reaches over the edge"):
        read_templates(text)


def test_an_unknown_template_is_named_with_those_that_there_are():
    with pytest.raises(BadInput, match="no label template 'x'; they are round-20"):
        get_template("x", builtin_templates())
    assert get_template("a6", builtin_templates()).width == 105


def test_templates_reach_from_20_mm_to_a6_and_their_stocks_hold_them():
    sizes = sorted((t.width, t.height) for t in builtin_templates().values())

    assert (sizes[0], sizes[-1]) == ((20, 20), (105, 148))
    for template in builtin_templates().values():
        if template.stock:
            builtin_stocks()[template.stock].check(template)


@pytest.mark.parametrize("name", builtin_templates())
def test_every_template_shows_serials(name):
    assert "serial" in {field.show for field in builtin_templates()[name].fields}


def test_a_plain_page_is_filled_within_its_margin():
    template = builtin_templates()["round-20"]
    stock = Stock.grid(template, page="letter", margin=10, gap=3)

    # (215.9 - 20 + 3) / 23 = 8.6 across, (279.4 - 20 + 3) / 23 = 11.4 down.
    assert (stock.across, stock.down, stock.count) == (8, 11, 88)
    assert stock.left == pytest.approx((215.9 - 8 * 20 - 7 * 3) / 2)
    assert stock.top >= 10
    stock.check(template)


def test_a_page_without_room_is_refused():
    with pytest.raises(BadInput, match="no room for a label of 105 x 148 mm"):
        Stock.grid(builtin_templates()["a6"], page="a4", margin=60, gap=0)
