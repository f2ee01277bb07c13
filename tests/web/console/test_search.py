"""Search: by serial, link, batch and case; what nobody has scanned is found by its serial, and nothing of a rival."""

import html
import re
from urllib.parse import urlencode

import pytest
from casework import report
from scene import derive, forge

from authsvc import item_search, receipts, reports
from authsvc.core.gs1 import DigitalLink, check_digit
from authsvc.ownership import number_of
from authsvc.runtime import new_id
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


def test_the_reference_of_a_check_leads_to_its_item_and_to_nobody_elses(scene, admin, cast, link):
    path = scene.codes.path()
    page = scene.visitor().scan(path)
    reference = receipts.reference(receipts.parse(page.receipt))
    forged = scene.visitor().scan(forge(path))
    other = receipts.reference(receipts.parse(forged.receipt))

    answer = find(admin, reference.lower())
    assert keys(answer) == [DigitalLink.parse(path).sgtin]
    assert "Checks with this reference" in answer.text
    assert "Forged" in find(admin, other).text
    rival = cast.add(Role.VIEWER, scene.rival)
    rival.sign_in()
    assert keys(find(rival, reference)) == []


def test_the_number_of_a_report_leads_to_it_as_it_is_quoted(scene, admin, cast):
    filed = report(scene)
    quoted = reports.grouped(filed.number)

    for text in (quoted, f" {quoted.lower()} ", filed.number):
        assert find(admin, text).location == f"/console/reports/{filed.id}"
    rival = cast.add(Role.VIEWER, scene.rival)
    rival.sign_in()
    assert "Nothing found." in find(rival, quoted).text


def test_the_number_of_a_certificate_leads_to_its_item(scene, admin, cast):
    path = scene.codes.path()
    registered = new_id()
    scene.visitor().scan(path)
    sgtin = DigitalLink.parse(path).sgtin
    scene.admin.execute(
        "INSERT INTO registrations (sgtin, version, id, brand_id, owner_id, state, has_claim, registered_at) "
        "VALUES (%s, 1, %s, %s, gen_random_uuid(), 'confirmed', true, now())",
        (sgtin, registered, scene.halden.id),
    )

    assert keys(find(admin, number_of(registered))) == [sgtin]
    assert keys(find(admin, number_of(registered).lower())) == [sgtin]
    rival = cast.add(Role.VIEWER, scene.rival)
    rival.sign_in()
    assert keys(find(rival, number_of(registered))) == []


def test_first_characters_are_found_alike_in_whatever_order_the_database_sorts(scene, admin, monkeypatch):
    codes = scene.issue(scene.add_product(), texts=("ORD-1", "ORD_2", "ORDZ3"))
    by_key = keys(find(admin, "ORD"))
    monkeypatch.setattr(item_search, "_BY_KEY", item_search._BY_BYTES)

    assert keys(find(admin, "ORD")) == by_key
    assert len(by_key) == 3
    assert codes.link(0).sgtin in by_key


def test_no_product_is_left_out_of_a_search(scene, admin):
    rows = [(f"0950600{n:06}", n) for n in range(800_000, 802_600)]
    values = [(digits + check_digit(digits), scene.halden.id, f"Small thing {n}") for digits, n in rows]
    with scene.admin.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO products (gtin, brand_id, name, granularity) VALUES (%s, %s, %s, 'serial')", values
        )
    scene.refresh()
    try:
        last = values[-1][0]
        scene.admin.execute(
            "INSERT INTO items (sgtin, brand_id, gtin) VALUES (%s, %s, %s)",
            (f"{last}.LASTOFALL", scene.halden.id, last),
        )
        assert keys(find(admin, "LASTOFALL")) == [f"{last}.LASTOFALL"]
        assert keys(find(admin, "LASTOF")) == [f"{last}.LASTOFALL"]
    finally:
        scene.admin.execute("DELETE FROM items WHERE sgtin LIKE '%%.LASTOFALL'")
        scene.admin.execute("DELETE FROM products WHERE name LIKE 'Small thing %%'")
        scene.refresh()


def test_it_is_said_when_a_serial_was_not_tried_under_every_product(scene, admin, link, monkeypatch):
    monkeypatch.setattr(item_search, "MOST_DECODED", 1)
    scene.issue(scene.add_product(), 5)

    assert "products that were issued last" in find(admin, link.serial).text
