"""What an owner does with an item: sign in, report it, hold its certificate, be forgotten."""

import json
import re
import subprocess

import jwt
import pytest
from owning import claim_code, letters, link_in

from authsvc import seals
from authsvc.core import base64url
from authsvc.core.gs1 import DigitalLink
from authsvc.errors import BadSeal


@pytest.fixture
def owned(scene, watches, buyer):
    """Return the code of a watch that the buyer owns, whose page is open."""
    path = watches.path()
    buyer.register(path, code=claim_code(scene, path), purchased_on="2026-05-31", shop="Uhren Meier")
    buyer.get(buyer.last.headers["Location"].partition("?")[0])
    return path


def page_of(buyer):
    return re.search(r'action="(/own/items/[^/]+)/condition"', buyer.last.text)[1]


def text_of(pdf, tmp_path):
    file = tmp_path / "certificate.pdf"
    file.write_bytes(pdf)
    return subprocess.run(["pdftotext", "-layout", file, "-"], check=True, capture_output=True, text=True).stdout


def test_a_link_signs_an_owner_in_once(scene, buyer, owned):
    buyer.get("/own")
    buyer.post("/own/sign-out")
    assert buyer.get("/own").headers["Location"] == "/own/sign-in"
    buyer.get("/own/sign-in")
    buyer.post("/own/sign-in", email=buyer.email.upper())
    link = link_in(letters(scene, buyer.email)[-1])

    assert buyer.get(link).status_code == 200
    assert buyer.post(link).headers["Location"] == "/own"
    assert "Meridian 38" in buyer.get("/own").text
    assert buyer.get(link).status_code == 409


def test_a_link_to_sign_in_is_good_for_a_quarter_of_an_hour(scene, buyer, owned, later):
    buyer.get("/own/sign-in")
    buyer.post("/own/sign-in", email=buyer.email)
    link = link_in(letters(scene, buyer.email)[-1])

    later(minutes=15, seconds=1)

    assert buyer.get(link).status_code == 409


def test_nobody_is_told_whether_an_address_is_known(scene, buyer, stranger, owned):
    answers = []
    for email in (buyer.email, stranger.email):
        stranger.get("/own/sign-in")
        answers.append(stranger.post("/own/sign-in", email=email).text.replace(email, ""))

    assert answers[0] == answers[1]
    assert stranger.mails() == []


def test_a_session_ends_after_two_hours_without_use(buyer, owned, later):
    assert buyer.get("/own").status_code == 200
    later(hours=2, seconds=1)

    assert buyer.get("/own").headers["Location"] == "/own/sign-in"


def test_the_cookie_is_the_owners_own(buyer, owned):
    cookie = buyer.visitor.client.get_cookie("__Host-own-session", domain="id.example.com")

    assert cookie.http_only
    assert cookie.secure
    assert cookie.same_site == "Lax"
    assert buyer.visitor.client.get_cookie("__Host-console-session", domain="id.example.com") is None


def test_an_item_of_somebody_else_is_not_found(scene, watches, buyer, stranger, owned):
    page = page_of(buyer)
    other = watches.path()
    stranger.register(other, code=claim_code(scene, other))

    assert stranger.get(page).status_code == 404
    stranger.get("/own")
    assert stranger.post(f"{page}/condition", condition="lost").status_code == 404
    assert stranger.get(f"{page}/certificate.pdf").status_code == 404


def test_a_theft_is_seen_at_once_by_whoever_scans_and_lifted_when_it_is_back(scene, buyer, owned):
    page = page_of(buyer)

    buyer.post(f"{page}/condition", condition="stolen", reason="Police report 4711", day="2026-06-02")
    assert buyer.last.status_code == 303
    assert scene.visitor().check(owned)["reason"] == "stolen"
    assert buyer.mails()[-1] == "owner-condition"
    buyer.get(page)
    assert "You have reported it stolen" in buyer.last.text
    buyer.post(f"{page}/condition", condition="found")

    assert scene.visitor().check(owned)["reason"] not in {"stolen", "lost"}


def test_what_a_theft_needs_is_demanded_by_its_label_and_the_browser(buyer, owned):
    page = buyer.get(page_of(buyer)).text
    form = page.partition("/condition")[2].partition("</form>")[0]

    assert '<label for="reason">What happened</label>' in form
    assert re.search(r'<input id="reason" [^>]*required', form)
    assert "Of a theft we need it" in form
    assert re.search(r'<button [^>]*value="lost" formnovalidate>', form)
    assert re.search(r'<button [^>]*value="stolen">', form)
    assert buyer.post(f"{page_of(buyer)}/condition", condition="lost", reason="").status_code == 303


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"condition": "stolen"}, "what happened"),
        ({"condition": "eaten"}, "lost, stolen or found"),
        ({"condition": "lost", "day": "2999-01-01"}, "in the future"),
        ({"condition": "lost", "day": "soon"}, "year, month and day"),
        ({"condition": "lost", "reason": "x" * 301}, "at most 300"),
    ],
)
def test_a_report_that_lacks_something_is_refused(scene, buyer, owned, form, said):
    buyer.post(f"{page_of(buyer)}/condition", **form)

    assert buyer.last.status_code == 400
    assert said in buyer.last.text
    assert scene.visitor().check(owned)["reason"] not in {"stolen", "lost"}


def test_an_owner_does_not_lift_what_the_brand_has_blocked(scene, buyer, owned):
    scene.admin.execute(
        "UPDATE items SET disposition = 'blocked', disposition_at = now() WHERE sgtin = %s",
        (DigitalLink.parse(owned).sgtin,),
    )

    assert buyer.post(f"{page_of(buyer)}/condition", condition="found").status_code == 409


def test_whoever_only_scanned_an_item_warns_nobody_off_it(scene, kettles, stranger):
    path = kettles.path()
    stranger.register(path)
    page = stranger.last.headers["Location"].partition("?")[0]
    stranger.get(page)
    assert "/condition" not in stranger.last.text
    stranger.get("/own")

    assert stranger.post(f"{page}/condition", condition="stolen", reason="x").status_code == 409
    assert stranger.get(f"{page}/certificate.pdf").status_code == 404


def test_the_certificate_names_item_owner_and_warranty_with_its_fonts_inside(buyer, owned, tmp_path):
    response = buyer.get(f"{page_of(buyer)}/certificate.pdf")

    assert response.mimetype == "application/pdf"
    said = text_of(response.data, tmp_path)
    for part in ("HALDEN", "Meridian 38", DigitalLink.parse(owned).serial, buyer.email, "31 May 2028", "Uhren Meier"):
        assert part in said
    listed = ["pdffonts", tmp_path / "certificate.pdf"]
    fonts = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    # Counted from the right: two numbers of the object, unicode, subset, embedded.
    assert [line.split()[-5] for line in fonts] == ["yes"] * 2, fonts


def test_the_certificate_speaks_the_language_of_the_page_that_led_to_it(buyer, owned, tmp_path):
    page = buyer.get(f"{page_of(buyer)}?lang=de").text
    link = re.search(r'href="([^"]+/certificate\.pdf\?lang=de)"', page)[1]

    content = buyer.get(link).data

    assert b"/Lang (de)" in content
    assert "31. Mai 2028" in text_of(content, tmp_path)


def test_an_item_that_was_sold_passes_on_with_what_is_left_of_its_warranty(scene, buyer, stranger, owned):
    page = page_of(buyer)
    assert buyer.post(f"{page}/release").status_code == 400
    assert "Tick the box" in buyer.last.text
    assert buyer.post(f"{page}/release", sure="yes").status_code == 303

    stranger.register(owned, code=claim_code(scene, owned), purchased_on="2026-11-01")

    stranger.get(stranger.last.headers["Location"])
    assert stranger.title() == "One more wait"
    assert "31 May 2026 to 31 May 2028" in stranger.last.text
    assert buyer.get(page).status_code == 404
    assert scene.visitor().check(owned)["reason"] == "checked-before"
    claimed = "SELECT count(*) FROM item_facts WHERE sgtin = %s AND kind = 'claimed'"
    assert scene.row(claimed, DigitalLink.parse(owned).sgtin) == (1,)


def test_an_item_that_is_reported_is_not_given_up(buyer, owned):
    page = page_of(buyer)
    buyer.post(f"{page}/condition", condition="lost")
    buyer.get(page)

    assert buyer.post(f"{page}/release", sure="yes").status_code == 409


def test_the_signed_receipt_is_verified_by_another_library_and_the_jwks_alone(scene, buyer, owned):
    signed = buyer.get(f"{page_of(buyer)}/receipt.jws")
    assert signed.mimetype == "application/jose"
    scene.refresh()
    keys = {key["kid"]: key for key in scene.visitor().open("/.well-known/jwks.json").json["keys"]}
    kid = jwt.get_unverified_header(signed.text)["kid"]

    said = jwt.api_jws.decode_complete(signed.text, jwt.PyJWK(keys[kid]), algorithms=["EdDSA"])

    assert said["header"]["typ"] == "authsvc-registration"
    facts = json.loads(said["payload"])
    assert (facts["gtin"], facts["serial"]) == (DigitalLink.parse(owned).gtin, DigitalLink.parse(owned).serial)
    assert facts["warranty"] == {"from": "2026-05-31", "until": "2028-05-31"}
    assert buyer.email not in said["payload"].decode()
    assert "Meier" not in said["payload"].decode()
    changed = signed.text[:-6] + ("AAAAAA" if signed.text[-6:] != "AAAAAA" else "BBBBBB")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.api_jws.decode_complete(changed, jwt.PyJWK(keys[kid]), algorithms=["EdDSA"])


def test_a_receipt_is_no_seal_of_evidence(scene, buyer, owned):
    signed = buyer.get(f"{page_of(buyer)}/receipt.jws").text
    scene.refresh()
    head, payload, signature = signed.split(".")

    with pytest.raises(BadSeal):
        seals.verify(
            base64url.decode(payload), f"{head}..{signature}", scene.visitor().open("/.well-known/jwks.json").json
        )


# --- Erasing ---------------------------------------------------------------------------------------------------------


def test_erasing_asks_for_a_tick_and_ends_everything(scene, buyer, owned):
    buyer.get("/own/erase")
    assert buyer.post("/own/erase").status_code == 400

    buyer.post("/own/erase", sure="yes")

    assert buyer.title() == "You are forgotten"
    assert buyer.get("/own").headers["Location"] == "/own/sign-in"
    (state,) = scene.row("SELECT state FROM registrations WHERE sgtin = %s", DigitalLink.parse(owned).sgtin)
    assert state == "released"


def test_nothing_of_an_erased_person_opens_and_the_items_history_stays(scene, buyer, owned):
    """Their mail has gone, as the worker does it; then no row of any table holds or opens their address."""
    sgtin = DigitalLink.parse(owned).sgtin
    (owner_id,) = scene.row("SELECT owner_id FROM registrations WHERE sgtin = %s", sgtin)
    facts = scene.rows("SELECT * FROM item_facts WHERE sgtin = %s", sgtin)
    buyer.get("/own/erase")
    buyer.post("/own/erase", sure="yes")
    scene.admin.execute("UPDATE mails SET state = 'sent', sealed = NULL, ended_at = now() WHERE state = 'waiting'")

    assert scene.row("SELECT email_hash, wrapped_key, sealed FROM owners WHERE id = %s", owner_id) == (None, None, None)
    assert scene.row("SELECT sealed FROM registrations WHERE sgtin = %s", sgtin) == (None,)
    assert scene.rows("SELECT 1 FROM owner_sessions WHERE owner_id = %s", owner_id) == []
    dump = []
    for (table,) in scene.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        dump += [repr(row).lower() for row in scene.rows(f"SELECT * FROM {table}")]
    assert not [row for row in dump if buyer.email in row or buyer.email.encode().hex() in row or "meier" in row]
    assert scene.rows("SELECT * FROM item_facts WHERE sgtin = %s", sgtin) == facts


def test_an_address_stands_nowhere_in_clear_while_its_owner_is_known(scene, buyer, owned):
    dump = []
    for (table,) in scene.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        dump += [repr(row).lower() for row in scene.rows(f"SELECT * FROM {table}")]

    assert not [row for row in dump if buyer.email in row or buyer.email.encode().hex() in row or "meier" in row]
