"""Pages of single items, of serials from a file, of one run, and of printers and sites."""

import io
import json
import re

import pytest
from openpyxl import Workbook
from working import codes_of, path_of, work

from authsvc.staff import Role

RUNS = "/console/runs"
IMEI = "490154203237518"


@pytest.fixture(autouse=True)
def nothing_under_way(scene):
    scene.admin.execute("TRUNCATE errands, run_orders CASCADE")


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def item(scene, **cells):
    codes = scene.issue(scene.add_product(**cells), 5, lot="U1")
    link = codes.link(0)
    return f"/console/items/{link.sgtin}", codes.path(0), link


def test_records_and_facts_are_added_by_forms_and_shown_with_their_level(operator, scene):
    page, path, _link = item(scene, name="Cell", attributes={"facts": [["Chemistry", "LFP"]]})
    for at, health in (("2026-01-05T10:00", 99), ("2026-03-05T10:00", 97.5)):
        sent = operator.post(f"{page}/record", kind="battery", at=at, values=f"state_of_health = {health}",
                             audience="public")  # fmt: skip
        assert sent.status_code == 303, text_of(sent)
    operator.post(f"{page}/record", kind="software", values="version = 2.10\nfrom=2.9", text="by air")
    operator.post(f"{page}/fact", name="Colour", value="red", audience="public")
    operator.post(f"{page}/fact", name="Colour", value="blue", audience="owner")

    shown = text_of(operator.get(page))
    assert "State of health: 97.5 %" in shown
    assert "Version: 2.10, From version: 2.9" in shown
    assert "Chemistry LFP the product Everybody" in shown
    assert "Colour blue this item The owner" in shown
    assert 'class="course"' in operator.last.text
    assert "item.fact" in shown
    seen = scene.visitor().check(path)
    assert [record["values"] for record in seen["records"]] == [{"state_of_health": 97.5}, {"state_of_health": 99}]
    assert [fact["name"] for fact in seen["data"]] == ["Chemistry"]

    for form, why in (
        ({"kind": "battery", "values": "state_of_health = 120"}, "from 0 to 100"),
        ({"kind": "", "values": ""}, "Choose what"), ({"kind": "test", "values": "x"}, "name = value"),
        ({"kind": "test", "at": "soon"}, "Write the time"),
    ):  # fmt: skip
        assert why in text_of(operator.post(f"{page}/record", **form)), why
    assert "has a name" in text_of(operator.post(f"{page}/fact", name=" ", value="x", audience="public"))
    assert operator.post(f"{page}/fact", name="Colour", remove="1").status_code == 303
    assert "no fact" in text_of(operator.post(f"{page}/fact", name="Colour", remove="1"))


def test_a_damaged_label_is_replaced_from_the_page_of_the_item(operator, scene):
    page, path, link = item(scene, name="Meridian 50")
    assert "Give the reason" in text_of(operator.post(f"{page}/relabel", reason=" "))
    assert operator.post(f"{page}/relabel", reason="scratched").location == RUNS
    work(scene)

    number = scene.row("SELECT id FROM run_orders WHERE replaces = %s", link.sgtin)[0]
    (row,) = codes_of(operator.get(f"{RUNS}/orders/{number}/file").text)
    assert scene.visitor().check(path)["reason"] == "withdrawn"
    assert scene.visitor().check(path_of(row))["reason"] == "first-check"
    old = operator.get(page)
    assert "This label was replaced" in text_of(old)
    assert f'href="/console/items/{link.gtin}.{row["serial"]}"' in old.text
    new = operator.get(f"/console/items/{link.gtin}.{row['serial']}")
    assert "This code has replaced a damaged label" in text_of(new)
    assert "item.relabel" in text_of(new)
    assert "Only an active item" in text_of(operator.post(f"{page}/relabel", reason="again"))


def sheet(*rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def send(person, product, name, content, **form):
    return person.post(f"{RUNS}/import", gtin=product.gtin, file=(io.BytesIO(content), name), **form)


@pytest.mark.parametrize(
    ("name", "content", "faults"),
    [
        ("a.csv", f"serial,lot\n{IMEI},\n{IMEI},\n12,\n{IMEI[:-1]}9,L9\n".encode(),
         ("row 3, column serial:", "row 4, column serial:", "row 5, column serial:", "row 5, column lot:")),
        ("a.xlsx", sheet(("gtin", "serial"), ("", int(IMEI)), ("04006381333931", 490154203237526)),
         ("row 3, column gtin:",)),
        ("a.jsonl", b'{"serial": "490154203237518"}\n{"serial": "4901542032375"}\n{"number": 1}\n',
         ("row 2, column serial:", "row 3, column serial:")),
    ],
)  # fmt: skip
def test_a_dry_run_names_row_and_column_of_every_fault_and_loads_nothing(operator, scene, name, content, faults):
    product = scene.add_product(name="Phone", serial_format="imei")
    assert send(operator, product, name, content).location == f"{RUNS}/import"
    work(scene)

    shown = text_of(operator.get(f"{RUNS}/import"))
    for fault in faults:
        assert fault in shown, shown
    assert len(re.findall(r"row \d+, column", shown)) == len(faults)
    assert "Not accepted" in shown
    number = scene.row("SELECT id FROM errands ORDER BY created_at DESC LIMIT 1")[0]
    assert operator.post(f"{RUNS}/import/{number}/issue").status_code == 409
    assert scene.rows("SELECT FROM items WHERE gtin = %s", product.gtin) == []
    assert scene.rows("SELECT FROM run_orders") == []


def test_serials_without_a_fault_become_a_run(operator, scene):
    product = scene.add_product(name="Phone", serial_format="imei")
    content = "\n".join(json.dumps({"serial": serial, "lot": "P1"}) for serial in (IMEI, "356938035643809")).encode()
    send(operator, product, "phones.jsonl", content, lot="P1", expiry="2030-01-31")
    work(scene)
    assert "2 serials, no fault" in text_of(operator.get(f"{RUNS}/import"))
    number = scene.row("SELECT id FROM errands")[0]
    assert operator.post(f"{RUNS}/import/{number}/issue").location == RUNS
    work(scene)

    order = scene.row("SELECT id FROM run_orders")[0]
    rows = codes_of(operator.get(f"{RUNS}/orders/{order}/file").text)
    assert [row["serial"] for row in rows] == [IMEI, "356938035643809"]
    told = scene.visitor().check(path_of(rows[0]))
    assert (told["reason"], told["lot"]) == (
        "first-check",
        {"lot": "P1", "expires_on": "2030-01-31", "recalled": False},
    )
    # The same file again: each serial is an item by now.
    send(operator, product, "phones.jsonl", content, lot="P1")
    work(scene)
    assert text_of(operator.get(f"{RUNS}/import")).count("is an item of this product already") == 2


def test_what_is_no_file_of_serials_is_said_at_once(operator, scene):
    product = scene.add_product()
    assert "Choose a file" in text_of(operator.post(f"{RUNS}/import", gtin=product.gtin))
    assert "names the column serial" in text_of(send(operator, product, "x.csv", b"number\n1\n"))
    assert "1 to 100,000 serials" in text_of(send(operator, product, "x.csv", b"serial\n"))
    assert "use-by date" in text_of(send(operator, product, "x.csv", b"serial\n1\n", expiry="soon"))
    assert scene.rows("SELECT FROM errands") == []


def test_unused_codes_are_voided_on_the_page_of_their_run(operator, scene):
    codes = scene.issue(scene.watch, 20)
    page = f"{RUNS}/{codes.run}"
    assert "Tick the box" in text_of(operator.post(f"{page}/void", first="0", last="9", reason="spoilt"))
    assert "whole number" in text_of(operator.post(f"{page}/void", first="x", sure="1", reason="spoilt"))
    assert operator.post(f"{page}/void", first="0", last="9", reason="spoilt", sure="1").location == page

    shown = text_of(operator.get(page))
    assert "Void 10" in shown
    assert "Voided by Operator" in shown
    assert scene.visitor().check(codes.path(9))["reason"] == "withdrawn"
    assert scene.visitor().check(codes.path(10))["reason"] == "first-check"
    link = codes.link(9)
    assert "Decommissioned" in text_of(operator.get(f"/console/items/{link.sgtin}"))
    assert operator.get(f"{RUNS}/999999").status_code == 404


def test_a_site_has_a_quota_and_orders_name_it(admin, operator, scene):
    page = f"{RUNS}/sites"
    assert admin.post(page, name="Line 2", quota="1,000", per="day").location == page
    assert "1,000 a day" in text_of(admin.get(page))
    wanted = {"gtin": scene.watch.gtin, "count": "600", "lot": "N1"}
    assert "Name the one" in text_of(operator.post(f"{RUNS}/new", **wanted))
    assert operator.post(f"{RUNS}/new", **wanted, site="Line 2").location == RUNS
    work(scene)
    assert "400 are left" in text_of(operator.post(f"{RUNS}/new", **wanted, site="Line 2"))
    assert "Line 2: 400 left" in text_of(operator.get(f"{RUNS}/new"))
    run = scene.row("SELECT run FROM run_orders WHERE site = 'Line 2' AND run IS NOT NULL")[0]
    assert "Printer or site Line 2" in text_of(operator.get(f"{RUNS}/{run}"))
    assert "has a name" in text_of(admin.post(page, name=" ", per="day"))

    assert admin.post(page, name="Line 2", close="1").location == page
    assert operator.post(f"{RUNS}/new", **wanted).location == RUNS
    assert operator.get(page).status_code == 403


def test_the_form_of_a_product_has_its_formats_and_the_day_of_serials(operator, scene):
    product = scene.add_product(name="Shirt", granularity="batch", attributes={"noun": "shirt", "copy_threshold": 9})
    scene.issue(product, 1, lot="S1")
    day = scene.clock().date().isoformat()
    form = {"name": "Shirt", "granularity": "serial", "claim": "none", "release": "on-issue", "lot_format": "S##",
            "serial_source": "random", "serial_prefix": "SH", "serial_length": "14", "serial_alphabet": "capitals",
            "serial_from": day, "data": "Cotton: organic\nMill: Prato [partner]"}  # fmt: skip
    page = f"/console/products/{product.gtin}"
    wrong = operator.post(f"{page}/edit", **{**form, "serial_length": "5", "data": ""})
    assert "random bits" in text_of(wrong)
    assert "Write a fact as Name: value" in text_of(operator.post(f"{page}/edit", **{**form, "data": "x"}))
    assert operator.post(f"{page}/edit", **form).status_code == 303
    work(scene)

    shown = text_of(operator.get(page))
    assert "S##, such as S11" in shown
    assert "random prefix=SH length=14 alphabet=capitals" in shown
    assert f"Serial codes from {day}" in shown
    assert "Mill Prato partner" in shown
    again = operator.get(f"{page}/edit").text
    assert 'value="SH"' in again
    assert "Mill: Prato [partner]" in again
    assert scene.row("SELECT copy_threshold, attributes->>'noun' FROM products WHERE gtin = %s", product.gtin) == (
        9, "shirt",
    )  # fmt: skip
    assert operator.post(f"{RUNS}/new", gtin=product.gtin, count="3", lot="S12").location == RUNS
    work(scene)
    assert all(serial.startswith("SH") and len(serial) == 14 for (serial,) in scene.rows(
        "SELECT substr(sgtin, 16) FROM items WHERE gtin = %s", product.gtin))  # fmt: skip
    told = text_of(operator.post(f"{page}/lots/edit", lot="X1"))
    assert "does not follow the format S##" in told
