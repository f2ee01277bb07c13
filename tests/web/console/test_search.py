"""Search: by serial, link, batch and case; what nobody has scanned is found by its serial, and nothing of a rival."""

import html
import re
from urllib.parse import urlencode

import pytest
from scene import derive

from authsvc.staff import Role


def find(person, text):
    return person.get("/console/search?" + urlencode({"q": text}))


def keys(answer):
    assert answer.status_code == 200, answer.text
    return re.findall(r'href="/console/items/([^"]+)"', answer.text)


@pytest.fixture
def link(scene):
    return scene.codes.link()


def test_what_names_one_item_leads_to_its_page(scene, admin, link):
    for text in (
        link.sgtin,
        f"https://id.example.com/01/{link.gtin}/21/{link.serial}?s=anything",
        f"/01/{link.gtin}/21/{link.serial}",
        f"(01){link.gtin}(21){link.serial}",
        f"  {link.sgtin} ",
    ):
        answer = find(admin, text)
        assert (answer.status_code, answer.location) == (303, f"/console/items/{link.sgtin}"), text


def test_a_serial_alone_finds_an_item_that_nobody_has_scanned(scene, admin, link):
    answer = find(admin, link.serial)

    assert keys(answer) == [link.sgtin]
    assert "never" in answer.text


def test_a_serial_of_no_run_is_not_found(scene, admin):
    serial = derive(scene, scene.watch.gtin, scene.codes.run, 3_500_000)

    answer = find(admin, serial)

    assert keys(answer) == []
    assert "Nothing fits." in answer.text


def test_the_first_characters_find_what_was_scanned(scene, admin):
    texts = ("PRE-1", "PRE-2", "PRF-1", "pre-3")
    codes = scene.issue(scene.add_product(), texts=texts)
    gtin = codes.link(0).gtin

    assert keys(find(admin, "PRE")) == [f"{gtin}.PRE-1", f"{gtin}.PRE-2"]
    assert keys(find(admin, "PRE-1")) == [f"{gtin}.PRE-1"]
    assert "Give 3 characters or more" in html.unescape(find(admin, "PQ").text)


def test_an_exact_serial_stands_before_those_that_begin_with_it(scene, admin):
    codes = scene.issue(scene.add_product(), texts=("ZZT10", "ZZT1", "ZZT1A"))
    gtin = codes.link(0).gtin

    assert keys(find(admin, "ZZT1"))[0] == f"{gtin}.ZZT1"


def test_a_batch_is_found_with_what_was_issued(scene, admin):
    scene.issue(scene.add_product(name="Parka"), 7, lot="SEARCH-1")
    scene.issue(scene.add_product(scene.rival), 7, lot="SEARCH-9")

    text = find(admin, "SEARCH").text

    assert "SEARCH-1" in text
    assert re.search(r">7<", text)
    assert "SEARCH-9" not in text


def test_more_than_fit_are_cut_and_said_so(scene, admin):
    scene.issue(scene.add_product(), texts=tuple(f"MANY{n:03}" for n in range(70)))

    answer = find(admin, "MANY")

    assert len(keys(answer)) == 50
    assert "There are more." in answer.text


@pytest.mark.parametrize("text", ["%", "'", "a b c", "\u0663", "x" * 3000, "https://", "/01/1/21/x", "(01)", "00.1"])
def test_nothing_typed_is_an_error(admin, text):
    answer = find(admin, text)

    assert answer.status_code == 200
    assert "Nothing found." in answer.text


def test_a_rival_finds_nothing_of_halden(scene, cast, link):
    scene.visitor().scan(link.path() + f"?s={link.extension('s')}")
    rival = cast.add(Role.ADMIN, scene.rival)
    rival.sign_in()

    assert keys(find(rival, link.serial)) == []
    assert rival.get(find(rival, link.sgtin).location).status_code == 404
