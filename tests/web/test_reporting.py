"""The public form of reports: from a check or a number to the inbox, the number to quote, the sheet for a refund."""

import io
import re
import subprocess

import psycopg
import pytest
from casework import picture
from owning import FROM_HERE

from authsvc import receipts, report_inbox, reports
from authsvc.core.gs1 import DigitalLink

WORDS = {"text": "The strap is glued on.", "shop_name": "Market hall", "price": "129,90", "currency": "eur"}


def token_of(page):
    return re.search(r'name="form_token" value="([^"]+)"', page.text)[1]


def send(visitor, action, *, photos=(), **form):
    """Open the form and send it as a browser does."""
    page = visitor.open(action)
    data = {"form_token": token_of(page), **WORDS, **form}
    if photos:
        data["photos"] = [(io.BytesIO(content), f"{n}.jpg") for n, content in enumerate(photos)]
    return visitor.open(action, "POST", data=data, headers=FROM_HERE, content_type="multipart/form-data")


def stored(scene):
    return scene.row("SELECT count(*) FROM consumer_reports")[0]


def read(pdf, tmp_path):
    """Return the text of a file as one line, and what its fonts are said to be."""
    file = tmp_path / "sheet.pdf"
    file.write_bytes(pdf)
    said, fonts = (
        subprocess.run([*command, file, *rest], check=True, capture_output=True, text=True).stdout
        for command, rest in ((["pdftotext", "-layout"], ["-"]), (["pdffonts"], []))
    )
    return " ".join(said.split()), fonts.splitlines()[2:]


@pytest.fixture
def check(scene, visitor):
    """Scan a code; return its path and the address of its form."""
    path = scene.codes.path()
    return path, f"/report/{visitor.scan(path).receipt}"


@pytest.fixture(scope="module")
def inbox(scene):
    def latest():
        with scene.owner_session() as session:
            newest = report_inbox.list_reports(session, scene.halden.id, limit=1)[0]
            return report_inbox.get_report(session, scene.halden.id, newest.id)

    return latest


def test_a_report_on_a_check_reaches_the_inbox_with_all_that_was_said(visitor, check, inbox):
    path, action = check

    answer = send(
        visitor, action, photos=[picture(), picture("PNG")], listing_url="market.example/offer/7", seller="M. Muster",
        bought_on="2026-04-30", contact="ada@example.com", shop_address="Basel",
    )  # fmt: skip

    assert answer.status_code == 303
    page = visitor.open(answer.location)
    found = inbox()
    assert (page.status_code, reports.grouped(found.number) in page.text) == (200, True)
    assert (found.text, found.price, found.seller) == (WORDS["text"], "129,90 EUR", "M. Muster")
    assert (found.shop_name, found.shop_address, found.listing_url) == (
        "Market hall", "Basel", "https://market.example/offer/7",
    )  # fmt: skip
    assert (found.sgtin, found.has_contact, len(found.photos)) == (DigitalLink.parse(path).sgtin, True, 2)
    assert found.bought_on.isoformat() == "2026-04-30"
    assert f"/report/{receipts.spell(found.receipt)}" == action


def test_a_report_on_a_number_needs_no_scan_and_makes_none(scene, visitor, inbox):
    link = scene.codes.link()
    before = scene.row("SELECT count(*) FROM scans"), scene.row("SELECT count(*) FROM rejections")

    answer = send(visitor, f"/report?code=(01){link.gtin}(21){link.serial}")

    assert answer.status_code == 303
    found = inbox()
    assert (found.sgtin, found.typed_code) == (None, f"(01){link.gtin}(21){link.serial}")
    assert (scene.row("SELECT count(*) FROM scans"), scene.row("SELECT count(*) FROM rejections")) == before
    assert "Sheet for a refund" not in visitor.open(answer.location).text


def test_a_forged_code_is_reported_under_what_it_says(scene, visitor, inbox):
    path = scene.codes.path()
    forged = path[:-2] + ("AA" if not path.endswith("AA") else "BB")

    page = visitor.scan(forged)
    assert f'href="/report/{page_receipt(page)}"' in page.html
    assert send(visitor, f"/report/{page_receipt(page)}").status_code == 303

    assert inbox().typed_code == DigitalLink.parse(path).sgtin


def page_receipt(page):
    return re.search(r'href="/report/([A-Za-z0-9_-]{22})"', page.html)[1]


@pytest.mark.parametrize("code", ["", "nonsense", "(01)04012345678901(21)ABC"])
def test_a_number_of_nobody_is_asked_for_again(visitor, code):
    page = visitor.open(f"/report?code={code}")

    assert page.status_code == (400 if code else 200)
    assert "form_token" not in page.text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("text", "  ", "Say in a few words"),
        ("text", "x" * 4_001, "4,000 characters"),
        ("price", "free", "as a number"),
        ("currency", "euro", "three letters"),
        ("bought_on", "2099-01-01", "in the future"),
        ("bought_on", "yesterday", "date of purchase"),
        ("listing_url", "javascript:alert(1)", "address of the offer"),
        ("contact", "ada@", "e-mail"),
        ("website", "http://spam.example", "people do not see"),
        ("photos", b"%PDF-1.4 %%EOF", "JPEG or PNG"),
        ("photos", b"\xff\xd8\xff damaged", "damaged"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_stored(scene, visitor, check, field, value, said):
    before = stored(scene)
    form = {"photos": [value]} if field == "photos" else {field: value}

    page = send(visitor, check[1], **form)

    assert (page.status_code, stored(scene)) == (400, before)
    assert said in page.text
    if field != "text":
        assert WORDS["text"] in page.text
    if field != "website":
        assert f'id="{field}-fault"' in page.text


def test_four_photos_are_too_many(scene, visitor, check):
    assert "3 photos at most" in send(visitor, check[1], photos=[picture()] * 4).text


def test_the_sixth_report_of_a_day_is_refused_and_its_photos_are_not_looked_at(scene, visitor, check):
    for _ in range(reports.PER_REPORTER):
        assert send(visitor, check[1]).status_code == 303
    before = stored(scene)

    page = send(visitor, check[1], photos=[b"not looked at"])

    assert (page.status_code, stored(scene)) == (429, before)


def test_where_nothing_can_be_counted_nothing_is_taken(scene, visitor, check):
    before = stored(scene)
    with psycopg.connect(scene.url) as other:
        other.execute("LOCK TABLE report_counts IN ACCESS EXCLUSIVE MODE")
        assert send(visitor, check[1]).status_code == 503

    assert stored(scene) == before


def test_a_form_of_another_site_or_of_no_page_of_ours_is_refused(scene, visitor, check):
    before = stored(scene)
    token = token_of(visitor.open(check[1]))

    foreign = visitor.open(
        check[1], "POST", data={"form_token": token, **WORDS}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    guessed = visitor.open(check[1], "POST", data={"form_token": "0" * 64, **WORDS}, headers=FROM_HERE)
    stranger = scene.visitor().open(check[1], "POST", data={"form_token": token, **WORDS}, headers=FROM_HERE)

    assert [answer.status_code for answer in (foreign, guessed, stranger)] == [403, 403, 403]
    assert stored(scene) == before


def test_the_page_after_it_opens_to_nobody_else(scene, visitor, check):
    location = send(visitor, check[1]).location

    assert visitor.open(location).status_code == 200
    assert scene.visitor().open(location).status_code == 404
    assert scene.visitor().open(f"{location}/refund-help.pdf").status_code == 404
    assert visitor.open(location.replace("/halden/", "/rival/")).status_code == 404


def test_the_sheet_says_what_was_checked_and_answered_and_accuses_nobody(visitor, check, inbox, tmp_path):
    path, action = check
    location = send(visitor, action, seller="M. Muster", bought_on="2026-04-30").location
    assert f"{location}/refund-help.pdf" in visitor.open(location).text

    answer = visitor.open(f"{location}/refund-help.pdf")

    text, fonts = read(answer.data, tmp_path)
    found = inbox()
    for said in (
        "This code is genuine", "Meridian 36", DigitalLink.parse(path).serial, receipts.reference(found.receipt),
        reports.grouped(found.number), "M. Muster", "30 Apr 2026", "129,90 EUR", "Labels can be copied",
    ):  # fmt: skip
        assert said in text, said
    assert not re.search(r"fraud|criminal|counterfeiter|illegal|guarantee|100 %|fake", text, re.IGNORECASE)
    # Counted from the right: two numbers of the object, unicode, subset, embedded.
    assert [line.split()[-5] for line in fonts] == ["yes"] * 2, fonts
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_sheet_names_what_became_known_since(scene, visitor, tmp_path):
    product = scene.add_product(name="Lamp", attributes={"noun": "lamp"})
    path = scene.issue(product, lot="R1").path()
    location = send(visitor, f"/report/{visitor.scan(path).receipt}").location
    scene.recall(product, lot="R1")

    text, _ = read(visitor.open(f"{location}/refund-help.pdf").data, tmp_path)

    assert "Known since then" in text


def test_whoever_reports_the_check_of_another_gets_no_sheet(scene, visitor, check):
    stranger = scene.visitor()

    location = send(stranger, check[1]).location

    assert "Scan the item yourself" in stranger.open(location).text
    assert stranger.open(f"{location}/refund-help.pdf").status_code == 404


def test_three_people_who_name_one_shop_open_an_alert(scene):
    for _ in range(3):
        someone = scene.visitor()
        send(someone, f"/report/{someone.scan(scene.codes.path()).receipt}", shop_name="Basar of Three")

    assert scene.row("SELECT count(*) FROM alerts WHERE rule = 'shop-reported' AND evidence->>'shop_name' = %s",
                     "Basar of Three") == (1,)  # fmt: skip
