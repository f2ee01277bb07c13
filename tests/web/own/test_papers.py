"""Proofs of purchase: taken with the form or later, seen by the owner and the desk alone, kept as they should be."""

import io
from datetime import timedelta

import pytest
from casework import picture
from owning import Buyer, claim_code
from PIL import Image

from authsvc.core.gs1 import DigitalLink

PDF = b"%PDF-1.7\n% a receipt of Uhren Zumbrunn\n%%EOF\n"
DAYS = timedelta(days=1)


def photo():
    """Return a photo whose file says where it was taken."""
    exif = Image.Exif()
    exif[0x010E] = "Zumbrunn, Solothurn"
    return picture("JPEG", exif=exif)


def upload(content, name="receipt.pdf"):
    return (io.BytesIO(content), name)


def files_of(scene, path):
    return scene.rows(
        "SELECT f.id, f.sealed, f.size FROM owner_files f JOIN registrations r ON r.id = f.about WHERE r.sgtin = %s",
        DigitalLink.parse(path).sgtin,
    )


def stored(buyer, page):
    """Return the address of the one file on the page of an item."""
    buyer.get(page)
    start = buyer.last.text.index("/own/files/")
    return buyer.last.text[start : start + len("/own/files/") + 36]


def test_a_file_that_came_with_the_form_is_kept_once_the_address_is_confirmed(scene, watches, buyer):
    path = watches.path()
    buyer.apply(path, code=claim_code(scene, path), proof=upload(PDF, "../Zumbrunn <1>.PDF"))
    (waiting,) = scene.rows("SELECT sealed FROM owner_link_files")
    assert PDF not in waiting[0]
    assert b"Zumbrunn" not in waiting[0]

    buyer.follow("owner-confirm")

    page = buyer.last.headers["Location"].partition("?")[0]
    got = buyer.get(stored(buyer, page))
    assert got.data == PDF
    assert got.mimetype == "application/pdf"
    assert 'filename="Zumbrunn -1-.pdf"' in got.headers["Content-Disposition"]
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert scene.rows("SELECT 1 FROM owner_link_files") == []
    ((_, sealed, _),) = files_of(scene, path)
    assert b"PDF" not in sealed


def test_a_picture_is_drawn_anew_without_what_its_file_says_beside(scene, watches, buyer):
    page = buyer.own(watches.path())
    buyer.get(page)
    assert buyer.post(f"{page}/proofs", proof=upload(photo(), "photo.png")).status_code == 303

    got = buyer.get(stored(buyer, page))

    assert got.mimetype == "image/jpeg"
    assert b"Zumbrunn" not in got.data
    assert not Image.open(io.BytesIO(got.data)).getexif()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html><script>alert(1)</script>", "This is no PDF, JPEG or PNG file"),
        (b"%PDF-1.7 cut off", "This is no PDF, JPEG or PNG file"),
        (b"\xff\xd8\xff no picture", "damaged"),
        (b"", "empty"),
    ],
    ids=["page", "cut", "broken", "empty"],
)
def test_what_is_no_proof_is_refused_with_words_that_help(buyer, kettles, content, says):
    path = kettles.path()
    answer = buyer.apply(path, proof=upload(content))

    assert answer.status_code == 400
    assert says in answer.text


def test_nobody_but_the_owner_opens_or_removes_a_file(scene, watches, buyer, stranger):
    page = buyer.own(watches.path())
    buyer.get(page)
    buyer.post(f"{page}/proofs", proof=upload(PDF))
    file = stored(buyer, page)
    stranger.own(watches.path())
    stranger.get("/own")

    assert stranger.get(file).status_code == 404
    stranger.get("/own")
    assert stranger.post(f"{file}/remove").status_code == 404
    assert Buyer(scene, "x@example.com").get(file).headers["Location"] == "/own/sign-in"
    buyer.get(page)
    assert buyer.post(f"{file}/remove").status_code == 303
    assert buyer.get(file).status_code == 404


def test_three_files_are_kept_and_a_fourth_is_refused(watches, buyer):
    page = buyer.own(watches.path())
    buyer.get(page)
    token = buyer.field("form_token")
    for _ in range(3):
        assert buyer.post(f"{page}/proofs", token, proof=upload(PDF)).status_code == 303

    assert buyer.post(f"{page}/proofs", token, proof=upload(PDF)).status_code == 400
    assert "3 files are kept" in buyer.last.text


def test_bought_used_without_the_code_waits_for_the_brand_and_the_code_still_wins(scene, watches, buyer, stranger):
    path = watches.path()
    scene.visitor().scan(path)
    assert stranger.apply(path, bought="used").status_code == 400
    assert "Type the claim code" in stranger.last.text

    stranger.register(path, bought="used", purchased_on="2026-05-31", proof=upload(PDF))

    page = stranger.last.headers["Location"].partition("?")[0]
    assert "looks at your proof" in stranger.get(page).text
    sgtin = DigitalLink.parse(path).sgtin
    row = "SELECT state, is_used, pending_until, warranty_from FROM registrations WHERE sgtin = %s ORDER BY version"
    (known,) = scene.rows(row, sgtin)
    assert known[:3] == ("pending", True, None)
    # Time does not decide it: whoever has been in the shop alone never becomes the owner by waiting.
    scene.clock.ahead += 400 * DAYS
    try:
        assert scene.row("SELECT owners FROM authsvc_item_owners(%s, %s, now() + interval '400 days')", sgtin,
                         scene.halden.id) == (0,)  # fmt: skip
        assert stranger.visitor.check(path)["item"]["warranty"] is None
    finally:
        scene.clock.ahead -= 400 * DAYS
    buyer.register(path, code=claim_code(scene, path))
    assert [state for state, *_ in scene.rows(row, sgtin)] == ["superseded", "confirmed"]
    assert "owner-superseded" in stranger.mails()


def test_a_warranty_of_one_who_bought_used_counts_from_the_sale_that_is_known(scene, batteries, buyer):
    path = batteries.path()
    sgtin = DigitalLink.parse(path).sgtin
    buyer.visitor.scan(path)
    scene.admin.execute("UPDATE items SET first_at = '2024-02-03T10:00:00Z' WHERE sgtin = %s", (sgtin,))

    buyer.register(path, bought="used", purchased_on="2026-05-31", proof=upload(PDF))

    row = "SELECT warranty_from::text, purchased_on::text FROM registrations WHERE sgtin = %s"
    assert scene.row(row, sgtin) == ("2024-02-03", "2026-05-31")
