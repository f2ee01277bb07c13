"""Attacks that once worked: each test is the attack, and stays here so that it never works again."""

from datetime import timedelta

import pytest
from scene import derive, sign

from authsvc import receipts
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Disposition, Reason
from authsvc.web import limits


@pytest.fixture(autouse=True)
def fresh_limits(scene):
    scene.forget_limits()


def confirm(scene, checked):
    return receipts.confirm(
        scene.rt.held, scene.rt.connections, checked.receipt, at=scene.clock(), new_id=scene.rt.new_id
    )


def test_a_compact_key_forges_no_item_of_another_key(scene):
    scene.add_key(scene.halden, "compact")
    mac = scene._signers[scene.halden.id, "compact"]
    path = sign(mac, {"01": scene.watch.gtin, "21": derive(scene, scene.watch.gtin, scene.codes.run, 3999)})

    assert scene.visitor().check(path)["reason"] == "not-issued"


def test_a_case_is_not_shown_under_another_product(scene):
    shirts = scene.add_product(granularity="hybrid")
    plain = scene.add_product(granularity="hybrid", token="none")
    cases = scene.issue(shirts, 3, lot="C1", contents=10)
    path = cases.path()
    assert scene.visitor().check(path)["reason"] == "first-check"
    sscc = DigitalLink.parse(path).sscc
    swapped = scene.visitor().check(f"/00/{sscc}?02={plain.gtin}&37=1")

    assert swapped["reason"] == "unknown"
    assert scene.counts(path)[0] == 1


def limited(scene):
    """Return a code of a product whose brand takes ten visitors for a copy, whatever they look like."""
    return scene.issue(scene.add_product(attributes={"copy_threshold": 10})).link()


def test_opening_links_does_not_use_up_the_evidence_of_a_network(scene):
    link = limited(scene)
    for number in range(12):
        prefix = number.to_bytes(8, "big")
        scene.scan(link, prefix=prefix)  # Somebody opens the link and never sees the page.
        confirm(scene, scene.scan(link, prefix=prefix))

    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY


def test_unconfirmed_sightings_do_not_push_confirmed_ones_out(scene):
    link = limited(scene)
    for number in range(12):
        confirm(scene, scene.scan(link, prefix=number.to_bytes(8, "big")))
        for junk in range(8):
            scene.scan(link, prefix=(1000 + 8 * number + junk).to_bytes(8, "big"))

    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY


def test_bots_of_one_address_do_not_stop_the_count_of_a_copied_code(scene):
    path, hostile = scene.codes.path(), scene.visitor()
    for _ in range(limits.ONE_CODE.item.amount + 20):
        hostile.open(path, "HEAD")

    assert scene.visitor().check(path)["reason"] == "first-check"


def test_one_address_alone_cannot_use_up_the_count_of_a_code(scene):
    path, hostile = scene.codes.path(), scene.visitor()
    for _ in range(limits.ONE_CODE.item.amount + 20):
        hostile.check(path)

    assert scene.visitor().check(path)["receipt"] is not None


def test_a_flood_does_not_hide_that_an_item_is_stolen(scene):
    path, seller = scene.codes.path(), scene.visitor()
    scene.set_disposition(DigitalLink.parse(path), Disposition.STOLEN)
    other = scene.codes.path()
    for _ in range(limits.SOFT_READS.item.amount + 10):
        seller.open(other, "HEAD")

    assert seller.check(path)["reason"] == "stolen"


def test_wrong_confirmations_do_not_starve_the_right_one(scene):
    path, visitor = scene.codes.path(), scene.visitor()
    page = visitor.scan(path)
    for _ in range(limits.WRITES.item.amount + 5):
        visitor.confirm(page, nonce="A" * 22)

    assert visitor.confirm(page).status_code == 204
    assert scene.counts(path) == (1, 1)


def test_one_network_is_no_crowd_at_a_receipt(scene):
    page = scene.visitor().scan(scene.codes.path())
    address = scene.visitor().address
    for _ in range(25):
        assert scene.visitor(address=address).open(f"/s/{page.receipt}").status_code == 200

    assert scene.row("SELECT count(*) FROM alerts WHERE rule = 'receipt-copied'") == (0,)
    assert scene.row("SELECT count(*) FROM receipt_opens WHERE receipt = %s", receipts.parse(page.receipt)) == (1,)


def test_receipts_of_unsigned_links_raise_nothing(scene):
    page = scene.visitor().scan(f"/01/{scene.watch.gtin}/21/NEVERWAS")
    for _ in range(25):
        scene.visitor().open(f"/s/{page.receipt}")

    assert scene.row("SELECT count(*) FROM alerts WHERE sgtin LIKE '%%NEVERWAS'") == (0,)


def test_a_bare_number_is_told_nothing_of_its_history(scene):
    link = scene.codes.link()
    scene.scan(link)
    document = scene.visitor().open("/api/v1/verify", "POST", json={"uri": f"/01/{link.gtin}/21/{link.serial}"}).json

    assert document["reason"] == "unsigned"
    assert document["item"] | {"gtin": None, "serial": None} == dict.fromkeys(document["item"])
    assert document["lot"] is None


def test_guessed_numbers_are_no_longer_stored_one_by_one(scene):
    visitor = scene.visitor()
    before = scene.row("SELECT count(*) FROM rejections")[0]
    for number in range(limits.INVALID.item.amount + 20):
        assert visitor.check(f"/01/{scene.watch.gtin}/21/GUESS{number}")["reason"] == "unknown"

    assert scene.row("SELECT count(*) FROM rejections")[0] - before == limits.INVALID.item.amount


def test_our_own_page_repeats_no_sentence_of_a_stranger(scene):
    path = scene.codes.path()
    page = scene.visitor().open(f"{path}&linkType=gs1:x.%20GENUINE%20-%20send%201%20EUR")

    assert page.status_code == 404
    assert "GENUINE" not in page.text


def test_a_flood_of_untracked_links_stops_reading_the_database(scene, monkeypatch):
    monkeypatch.setattr(limits, "UNTRACKED", limits.Limit("untracked", limits.parse("5/minute")))
    wine = scene.add_product(granularity="batch", tracking="none")
    path = scene.issue(wine, 1, lot="W1").path()
    reasons = [scene.visitor().check(path)["reason"] for _ in range(7)]

    assert reasons == ["lot-only"] * 5 + ["unavailable"] * 2


def test_a_late_confirmation_of_an_old_page_is_no_second_visitor(scene):
    link = scene.codes.link()
    checked = scene.scan(link)
    scene.clock.ahead += timedelta(minutes=6)
    try:
        assert not confirm(scene, checked)
    finally:
        scene.clock.ahead = timedelta()


def test_a_signed_code_that_was_never_issued_is_the_loudest_alert(scene):
    signer = scene._signers[scene.halden.id, "ed25519"]
    serial = derive(scene, scene.watch.gtin, scene.codes.run, 5_000_000)
    for _ in range(3):
        scene.visitor().check(sign(signer, {"01": scene.watch.gtin, "21": serial}))
    forged = scene.visitor().check(f"/01/{scene.watch.gtin}/21/{serial}?s=AQAB")

    assert forged["reason"] == "forged"
    assert scene.rows("SELECT rule, evidence FROM alerts WHERE sgtin = %s", f"{scene.watch.gtin}.{serial}") == [
        ("signed-not-issued", {"kid": f"{scene.halden.id}.{signer.key_id}", "format": "ed25519"})
    ]
