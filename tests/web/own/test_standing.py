"""What everybody may know of an item that somebody owns: its warranty, how many owners it had, that it is offered."""

from datetime import timedelta

from owning import Buyer, claim_code

from authsvc.core.gs1 import DigitalLink

DAYS = timedelta(days=1)


def item_of(visitor, path):
    return visitor.check(path)["item"]


def looked_up(scene, path):
    """Return what the page for resellers says of an item, and its row in a list."""
    page = scene.visitor().open("/check", "POST", data={"code": path})
    csv = scene.visitor().open("/check/bulk", "POST", data={"codes": path, "as": "csv"}).text.splitlines()
    cells = [[cell.strip('"') for cell in line.strip("\ufeff").split(",")] for line in csv]
    return page.text, dict(zip(*cells, strict=True))


def test_a_scan_tells_the_days_of_the_warranty_and_of_no_person(scene, watches, buyer, stranger):
    path = watches.path()
    assert item_of(stranger.visitor, path)["warranty"] is None
    buyer.register(path, code=claim_code(scene, path), purchased_on="2026-05-31", shop="Uhren Zumbrunn")

    found = item_of(stranger.visitor, path)
    page = stranger.visitor.scan(path).html

    assert found["warranty"] == {"from": "2026-05-31", "until": "2028-05-31"}
    assert (found["owners"], found["in_transfer"]) == (None, None)
    assert "<dt>Warranty</dt><dd>until 31 May 2028</dd>" in page
    assert "Record that you own it" in page
    assert "Zumbrunn" not in page + stranger.visitor.open(path, headers={"Accept": "application/json"}).text


def test_a_provisional_registration_is_told_to_nobody_until_it_counts(scene, kettles, buyer, stranger):
    path = kettles.path()
    buyer.register(path)

    assert item_of(stranger.visitor, path)["warranty"] is None
    assert looked_up(scene, path)[1]["owners"] == "0"
    scene.clock.ahead += 15 * DAYS
    try:
        assert item_of(stranger.visitor, path)["warranty"] is not None
        assert looked_up(scene, path)[1]["owners"] == "1"
    finally:
        scene.clock.ahead -= 15 * DAYS


def test_a_reseller_sees_owners_warranty_loss_and_an_open_transfer(scene, watches, buyer, stranger):
    path = watches.path()
    page, _ = looked_up(scene, path)
    assert "<dt>Owners so far</dt><dd>None</dd>" in page
    assert "<dt>Warranty</dt><dd>Not started</dd>" in page
    item = buyer.own(path, purchased_on="2026-05-31")
    stranger.take(buyer.offer(item, how="present"), path)

    page, row = looked_up(scene, path)
    assert "<dt>Owners so far</dt><dd>2</dd>" in page
    assert "<dt>Warranty</dt><dd>Until 31 May 2028</dd>" in page
    assert "<dt>Being passed on</dt><dd>No</dd>" in page
    assert (row["owners"], row["warranty_until"], row["in_transfer"]) == ("2", "2028-05-31", "no")
    for person in (buyer, stranger):
        assert person.email.partition("@")[0] not in page

    seller = Buyer(scene, "seller-of-one@example.com")
    path = watches.path()
    seller.offer(seller.own(path))
    page, row = looked_up(scene, path)
    assert "Yes, its owner offers it" in page
    assert (row["owners"], row["in_transfer"], row["copy_warning"]) == ("1", "yes", "no")


def test_the_number_alone_tells_nothing_of_owners(scene, watches, buyer):
    path = watches.path()
    buyer.register(path, code=claim_code(scene, path))
    link = DigitalLink.parse(path)

    page, row = looked_up(scene, f"(01){link.gtin}(21){link.serial}")

    assert "Owners so far" not in page
    assert (row["owners"], row["warranty_until"], row["in_transfer"]) == ("", "", "")


def test_who_only_scanned_in_the_shop_uses_up_no_day_of_the_warranty(scene, batteries, buyer, stranger):
    path = batteries.path()
    stranger.register(path, purchased_on="2010-01-02")
    page = stranger.last.headers["Location"].partition("?")[0]
    stranger.get(page)
    assert stranger.post(f"{page}/release", sure="yes").status_code == 303

    buyer.register(path, code=claim_code(scene, path), purchased_on="2026-05-31")

    assert item_of(buyer.visitor, path)["warranty"] == {"from": "2026-05-31", "until": "2034-05-31"}
