"""The pages of products: listed, imported after a dry run, changed, their batches and their history."""

import io
import re
from dataclasses import replace

import pytest

from authsvc import errand_work
from authsvc.core.gs1 import check_digit
from authsvc.deliveries import Courier
from authsvc.staff import Role

HERE = "/console/products"


@pytest.fixture(autouse=True)
def nothing_under_way(scene):
    scene.admin.execute("TRUNCATE errands CASCADE")


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


def work(scene):
    courier = replace(Courier.make(scene.config, scene._sessions), now=scene.clock)
    for (number,) in scene.rows("SELECT id FROM errands WHERE state IN ('waiting', 'running')"):
        errand_work.do_errand(courier, scene.url, number)
    courier.client.close()
    scene.refresh()


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def gtin(number, prefix="9506000"):
    digits = f"0{prefix}{number:0{12 - len(prefix)}}"
    return digits + check_digit(digits)


def send(person, content, name="products.csv"):
    return person.post(f"{HERE}/import", file=(io.BytesIO(content.encode()), name))


def import_id(scene):
    return scene.row("SELECT id FROM errands ORDER BY created_at DESC LIMIT 1")[0]


def test_a_file_is_checked_first_and_loaded_then(operator, scene):
    content = f"gtin,name,granularity\n{gtin(70001)},Kettle,serial\n{scene.watch.gtin},Meridian 36,serial\n"
    assert send(operator, content).status_code == 303
    work(scene)
    checked = text_of(operator.get(HERE))
    assert "1 would be registered, 1 changed" in checked
    assert scene.rows("SELECT FROM products WHERE gtin = %s", gtin(70001)) == []

    assert operator.post(f"{HERE}/imports/{import_id(scene)}/load").status_code == 303
    work(scene)

    assert "1 registered, 1 changed" in text_of(operator.get(HERE))
    shown = text_of(operator.get(f"{HERE}/{gtin(70001)}"))
    assert "Kettle" in shown
    assert f"product.import by {operator.email.partition('@')[0].title()}" in shown


def test_a_dry_run_names_row_and_column_of_every_fault_and_loads_nothing(operator, scene):
    bad = gtin(70003)[:-1] + str((int(gtin(70003)[-1]) + 1) % 10)
    content = (
        f"gtin,name,granularity,warranty_months,brand\n{gtin(70002)},Jug,serial,24,\n{bad},Pot,serial,,\n"
        f"{gtin(70004)},,sometimes,soon,\n{gtin(1, '9521101')},Theirs,serial,,\n{gtin(70005)},Pan,serial,,rival\n"
    )
    send(operator, content)
    work(scene)

    shown = text_of(operator.get(HERE))
    for fault in ("row 3, gtin:", "row 4, name:", "row 4, granularity:", "row 4, warranty_months:", "row 5, gtin:",
                  "row 6, brand:"):  # fmt: skip
        assert fault in shown, fault
    assert scene.rows("SELECT FROM products WHERE name IN ('Jug', 'Pot', 'Pan', 'Theirs')") == []
    assert operator.post(f"{HERE}/imports/{import_id(scene)}/load").status_code == 409


def test_what_is_no_product_file_is_said_at_once(operator, scene):
    assert "names the columns" in text_of(send(operator, "name\nx\n")) or "must name" in text_of(operator.last)
    assert "has no product" in text_of(send(operator, "gtin\n"))
    assert "Choose a file" in text_of(operator.post(f"{HERE}/import"))
    assert scene.rows("SELECT FROM errands") == []


def test_a_product_is_defined_and_changed_by_a_form(operator, scene):
    form = {"gtin": gtin(70010), "name": "Lamp", "granularity": "serial", "claim": "none",
            "release": "on-issue", "warranty_months": "12"}  # fmt: skip
    assert operator.post(f"{HERE}/new", **form).status_code == 303
    work(scene)
    assert "Lamp" in text_of(operator.get(f"{HERE}/{gtin(70010)}"))

    changed = operator.post(f"{HERE}/{gtin(70010)}/edit", **{**form, "name": "Desk lamp", "warranty_months": "24"})
    assert changed.status_code == 303
    work(scene)
    assert scene.row("SELECT name, warranty_months FROM products WHERE gtin = %s", gtin(70010)) == ("Desk lamp", 24)


def test_a_form_with_faults_is_shown_again(operator, scene):
    answer = operator.post(f"{HERE}/new", gtin="124", name="", granularity="serial", warranty_months="x")

    assert answer.status_code == 400
    assert "gtin: A GTIN has 8, 12, 13 or 14 digits, got" in text_of(answer)
    assert "warranty_months:" in text_of(answer)
    assert scene.rows("SELECT FROM errands") == []


def test_a_batch_has_dates_and_facts(operator, scene):
    product = scene.add_product(name="Wine", granularity="batch")
    address = f"{HERE}/{product.gtin}/lots/edit"
    wrong = operator.post(address, lot="W1", made_on="2026-08-01", expires_on="2026-07-01")
    assert "before it was made" in text_of(wrong)

    assert (
        operator.post(address, lot="W1", made_on="2026-08-01", expires_on="2030-01-01", origin="Mosel").status_code
        == 303
    )
    assert 'value="2030-01-01"' in operator.get(f"{address}?lot=W1").text
    operator.post(f"{address}?lot=W1", lot="W1", made_on="2026-08-01", expires_on="2031-01-01", origin="Mosel")

    shown = text_of(operator.get(f"{HERE}/{product.gtin}"))
    assert "W1 2026-08-01 2031-01-01 Origin: Mosel 0" in shown
    assert "lot.add" in shown
    assert "lot.set" in shown


def test_a_viewer_reads_and_is_offered_no_change(cast, scene):
    person = cast.add(Role.VIEWER)
    person.sign_in()

    assert "Import a file" not in person.get(HERE).text
    assert "Order codes" not in person.get(f"{HERE}/{scene.watch.gtin}").text.split("<main")[1]
    assert person.get(f"{HERE}/new").status_code == 403
