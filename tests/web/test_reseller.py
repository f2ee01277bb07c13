import csv
import gzip
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from scene import BASE_URL, Page, forge

from authsvc.core.verdicts import Disposition
from authsvc.web import assets, vendored, wire


@pytest.fixture(autouse=True)
def fresh_limits(scene):
    scene.forget_limits()


def look_up(visitor, text):
    return visitor.open("/check", "POST", data={"code": text})


def listed(visitor, text, **fields):
    return visitor.open("/check/bulk", "POST", data={"codes": text, **fields})


def facts(html):
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(?:<bdi[^>]*>)?(.*?)(?:</bdi>)?</dd>", html))


def csv_rows(response):
    return list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"))))


def test_a_look_up_counts_nothing_and_is_nobodys_first_check(scene, visitor):
    path = scene.codes.path()
    before = scene.fingerprint()

    responses = [look_up(visitor, BASE_URL + path), listed(visitor, BASE_URL + path)]
    documents = [visitor.open("/check/list", "POST", data={"codes": path}), visitor.open("/check")]

    assert {response.status_code for response in [*responses, *documents]} == {200}
    assert not any("Set-Cookie" in response.headers for response in [*responses, *documents])
    assert scene.fingerprint() == before
    assert scene.visitor().check(path)["reason"] == "first-check"


def test_an_item_shows_its_history_rounded_and_no_person(scene, visitor):
    path = scene.codes.path()
    scene.visitor().scan(path)

    page = look_up(visitor, BASE_URL + path)

    shown = facts(page.text)
    assert Page(page).title == "This code is genuine"
    assert shown["First checked"] == f"{datetime.now(UTC):%B %Y}"
    assert (shown["Condition"], shown["Recall"], shown["Warning of copies"]) == ("In use", "None known", "None")
    assert f'href="{path}"' in page.text


@pytest.mark.parametrize(
    ("disposition", "title", "word"),
    [
        (Disposition.STOLEN, "This item is reported stolen", "Reported stolen"),
        (Disposition.LOST, "This item is reported lost", "Reported lost"),
        (Disposition.BLOCKED, "Halden has blocked this code", "Blocked by the brand"),
    ],
)
def test_what_became_of_an_item_is_told(scene, visitor, disposition, title, word):
    link = scene.codes.link()
    scene.set_disposition(link, disposition)

    page = look_up(visitor, link.uri(BASE_URL, s=link.extension("s")))

    assert Page(page).title == title
    assert facts(page.text)["Condition"] == word


def test_a_bare_number_is_told_no_more_than_its_verdict(scene, visitor):
    link = scene.codes.link()
    scene.visitor().scan(link.uri("https://x.example", s=link.extension("s")).removeprefix("https://x.example"))

    page = look_up(visitor, f"(01){link.gtin}(21){link.serial}")

    assert Page(page).title == "We know this number"
    assert set(facts(page.text)) == {"Product number", "Serial number"}
    assert "Check it as a buyer" not in page.text


def test_a_forged_code_shows_no_product_and_no_history(scene, visitor):
    page = look_up(visitor, BASE_URL + forge(scene.codes.path()))

    assert Page(page).title == "Halden did not make this code"
    assert facts(page.text) == {}
    assert "Meridian" not in page.text


@pytest.mark.parametrize("text", ["", "x", '"><script>alert(1)</script>', "https://example.com/", "a" * 9000])
def test_what_cannot_be_read_is_said_beside_the_field(visitor, text):
    response = look_up(visitor, text)

    assert response.status_code == 400
    assert 'aria-invalid="true"' in response.text
    assert "<script>alert" not in response.text


def test_a_part_of_a_link_is_neither_an_unknown_item_nor_a_wrong_gtin(scene, visitor):
    link = scene.codes.link()
    tail = f"{link.gtin}/21/{link.serial}"

    for part in (tail, f"01/{tail}", f"id.example.com/01/{tail}?s=AQAB"):
        page = visitor.open("/check", "POST", data={"code": part})
        assert (page.status_code, "paste the whole link again" in page.text) == (400, True)


def test_a_list_is_answered_in_order_as_a_table(scene, visitor):
    good, bad = scene.codes.path(), forge(scene.codes.path())
    link = scene.codes.link()

    response = listed(
        visitor, "\n".join([BASE_URL + good, "nonsense", "", BASE_URL + bad, link.sgtin, BASE_URL + good])
    )

    tones = re.findall(r'<tr data-tone="([a-z]+)"', response.text)
    assert (response.status_code, tones) == (200, ["ok", "none", "bad", "info", "ok"])
    assert "Same code as line 1" in response.text
    assert "1 line repeats a code" in response.text


def test_an_answer_of_a_list_has_the_tone_and_the_word_of_its_own_page(scene, visitor):
    soon = scene.clock().date() - timedelta(days=2)
    expired = scene.issue(scene.watch, expires_on=soon).link()
    stolen, withdrawn = (scene.codes.link() for _ in range(2))
    scene.set_disposition(stolen, Disposition.STOLEN)
    scene.set_disposition(withdrawn, Disposition.DESTROYED)
    uris = [link.uri(BASE_URL, s=link.extension("s")) for link in (expired, stolen, withdrawn)]

    listed_as = re.findall(
        r'<tr data-tone="([a-z]+)">.*?<b class="say">([^<]+)</b>', listed(visitor, "\n".join(uris)).text, re.DOTALL
    )

    for uri, said in zip(uris, listed_as, strict=True):
        page = look_up(visitor, uri).text
        chip = re.search(r'<section class="verdict (\w+)".*?<div class="chip">.*?<span>([^<]+)</span>', page, re.DOTALL)
        assert said == chip.groups()
    assert listed_as == [("warn", "Warning"), ("bad", "Stop"), ("warn", "Warning")]


def test_a_case_is_named_by_its_number_and_a_batch_may_be_there_many_times(scene, visitor):
    link = scene.codes.link()
    shirts = scene.add_product(granularity="hybrid")
    case = scene.issue(shirts, 2, lot="C1", contents=24).link()
    batch = scene.issue(shirts, 1, lot="C2", is_lot_level=True).path()
    paths = [case.uri(BASE_URL, s=case.extension("s")), batch, batch, link.uri(BASE_URL, s=link.extension("s"))]

    response = listed(visitor, "\n".join([*paths, link.sgtin]))

    codes = re.findall(r'<bdi class="mono" dir="ltr">(.*?)</bdi>', response.text)
    assert codes == [case.sscc, "C2", "C2", link.serial, link.serial]
    assert re.findall("Same code as line [0-9]", response.text) == ["Same code as line 4"]
    assert "1 line repeats a code" in response.text


def test_a_case_says_how_many_items_its_label_promises(scene, visitor):
    case = scene.issue(scene.add_product(granularity="hybrid"), 1, lot="C1", contents=1200).link()
    uri = case.uri(BASE_URL, s=case.extension("s"))
    changed = uri.replace("37=1200", "37=12")

    pages = [scene.visitor().scan(uri.removeprefix(BASE_URL)).html, look_up(visitor, uri).text]

    assert uri != changed
    assert [facts(page).get("Items in this case") for page in pages] == ["1,200"] * 2, list(map(facts, pages))
    for page in (scene.visitor().scan(changed.removeprefix(BASE_URL)).html, look_up(visitor, changed).text):
        assert "Items in this case" not in page


def test_a_list_comes_back_as_csv_that_no_spreadsheet_runs(scene, visitor):
    link = scene.codes.link()
    stolen = link.uri(BASE_URL, s=link.extension("s"))
    scene.set_disposition(link, Disposition.STOLEN)

    response = listed(visitor, f"{stolen}\n=HYPERLINK(1)\n@x\n{stolen}", **{"as": "csv"})

    first, formula, at_sign, again = csv_rows(response)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="checked-')
    assert (first["outcome"], first["reason"], first["condition"]) == ("withdrawn", "stolen", "stolen")
    assert (first["gtin"], first["serial"], first["copy_warning"]) == (link.gtin, link.serial, "no")
    assert (formula["code"], at_sign["code"]) == ("'=HYPERLINK(1)", "'@x")
    assert formula["outcome"] == "unread"
    assert (first["same_code_as_line"], again["same_code_as_line"]) == ("", "1")


def test_a_file_from_the_printer_may_be_given_as_it_is(scene, visitor):
    links = [scene.codes.link() for _ in range(2)]
    lines = "".join(
        f"{link.uri(BASE_URL, s=link.extension('s'))},{link.gtin},L2410,{link.serial},7K3M9QX2\r\n" for link in links
    )
    file = (io.BytesIO(b"\xef\xbb\xbfuri,gtin,lot,serial,claim_code\r\n" + lines.encode()), "codes.csv")

    response = listed(visitor, "", file=file)

    assert re.findall(r'<tr data-tone="([a-z]+)"', response.text) == ["ok"] * 2
    assert "7K3M9QX2" not in response.text


def test_a_thousand_are_taken_and_no_more(scene, visitor):
    codes = [BASE_URL + scene.codes.path(number) for number in range(1001)]

    full = listed(visitor, "\n".join(codes[:1000]), **{"as": "csv"})
    over = listed(visitor, "\n".join(codes))

    assert (full.status_code, len(csv_rows(full))) == (200, 1000)
    assert over.status_code == 413
    assert "at most 1,000 codes, got 1,001" in over.text


@pytest.mark.parametrize("path", ["/check/bulk", "/check/list"])
def test_an_empty_list_is_refused_with_a_sentence(visitor, path):
    response = visitor.open(path, "POST", data={"codes": " \n "}, headers={"Accept": "*/*"})

    assert response.status_code == 400
    assert "The list is empty" in response.text


def test_a_list_is_read_for_the_script_as_for_the_form(scene, visitor):
    path = scene.codes.path()

    document = visitor.open("/check/list", "POST", data={"codes": f"gtin;serial\n1;2\n1;2\n{path};"}).json

    assert document == {"codes": ["(01)1(21)2", "(01)1(21)2", f"{path}"], "repeats": {"2": 1}}


def test_the_api_reads_a_number_as_a_typed_one(scene, visitor):
    link = scene.codes.link()

    document = visitor.open("/api/v1/verify", "POST", json={"uri": link.sgtin}).json

    assert (document["reason"], document["title"]) == ("unsigned", "We know this number")


def test_only_this_page_and_its_decoder_may_compile_webassembly(visitor):
    policies = {
        path: visitor.open(path).headers["Content-Security-Policy"]
        for path in ("/", "/check", "/check/decoder.js", "/check/keeper.js")
    }

    assert policies["/"] == policies["/check/keeper.js"] == wire.POLICY
    assert "script-src 'self' 'wasm-unsafe-eval';" in policies["/check"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policies["/check/decoder.js"]
    assert "camera=(self)" in visitor.open("/check").headers["Permissions-Policy"]
    assert "camera=()" in visitor.open("/").headers["Permissions-Policy"]


def test_every_file_that_is_kept_for_offline_use_is_there(visitor):
    keeper = visitor.open("/check/keeper.js")
    addresses = re.findall(r'"(/[^"]+)"', keeper.text.partition("\n")[0])

    assert keeper.headers["Service-Worker-Allowed"] == "/check"
    assert len(addresses) > 10
    assert {visitor.open(address).status_code for address in addresses} == {200}


def test_a_page_that_is_sent_small_leads_on_in_the_chosen_language(visitor):
    small = visitor.open("/check?lang=de", headers={"Accept-Encoding": "gzip"})

    assert 'action="/check?lang=de"' in gzip.decompress(small.data).decode()


def test_a_decoder_is_sent_smallest_to_whoever_takes_it(visitor):
    address = vendored.url("zxing-wasm")
    sizes = {
        taken: int(visitor.open(address, "HEAD", headers={"Accept-Encoding": taken}).headers["Content-Length"])
        for taken in ("br, gzip", "gzip", "br;q=0, gzip")
    }

    assert sizes["br, gzip"] < 0.85 * sizes["gzip"]
    assert sizes["br;q=0, gzip"] == sizes["gzip"]


def test_the_page_can_be_put_on_a_home_screen(visitor):
    manifest = visitor.open("/check/app.webmanifest").json

    assert (manifest["start_url"], manifest["display"]) == ("/check", "standalone")
    assert {visitor.open(icon["src"]).mimetype for icon in manifest["icons"]} == {"image/svg+xml", "image/png"}


def test_brands_are_named_for_offline_use(scene, visitor):
    named = visitor.open("/check/brands.json").json

    assert named[str(scene.halden.id)] == "Halden"


def test_a_file_is_sent_small_to_whoever_takes_it(visitor):
    address = assets.url("ui.css")

    small = visitor.open(address, headers={"Accept-Encoding": "br, gzip"})

    assert small.headers["Content-Encoding"] == "gzip"
    assert small.headers["Vary"] == "Accept-Encoding"
    assert len(small.data) < len(visitor.open(address).data) / 2
