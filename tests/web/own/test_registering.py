"""Registering an item: who may, what it takes, and what nobody can take from the buyer."""

import re
from datetime import UTC, datetime

import pytest
from cases import FAR, check_daily, score, set_lifecycle, subject
from owning import FROM_HERE, Buyer, claim_code, letters, link_in
from scene import BERLIN

from authsvc.core import webhooks
from authsvc.core.gs1 import DigitalLink


def present(scene, path):
    return scene.rows(
        "SELECT state, has_claim, warranty_from, warranty_until FROM registrations "
        "WHERE sgtin = %s AND ended_at IS NULL",
        DigitalLink.parse(path).sgtin,
    )


def kinds(scene, path):
    found = scene.rows("SELECT kind FROM item_facts WHERE sgtin = %s ORDER BY kind", DigitalLink.parse(path).sgtin)
    return [kind for (kind,) in found]


def test_a_check_leads_to_the_warranty_and_the_claim_code_starts_it(scene, watches, buyer):
    path = watches.path()
    page = buyer.visitor.scan(path)
    assert f'href="/own/register/{page.receipt}"' in page.html
    assert "Start your 2-year warranty" in page.html

    buyer.register(path, code=claim_code(scene, path), purchased_on="2026-05-31", shop="Uhren Meier, Biel")

    assert buyer.last.status_code == 303
    buyer.get(buyer.last.headers["Location"])
    assert buyer.title() == "Your warranty has started"
    assert "31 May 2026 to 31 May 2028" in buyer.last.text
    assert "Uhren Meier, Biel" in buyer.last.text
    assert present(scene, path)[0][:2] == ("confirmed", True)
    assert buyer.mails() == ["owner-confirm", "owner-registered"]


def test_the_clone_rules_hear_of_it_in_the_same_transaction(scene, watches, buyer):
    path = watches.path()

    buyer.register(path, code=claim_code(scene, path))

    assert kinds(scene, path) == ["claimed", "registered"]
    sgtin = DigitalLink.parse(path).sgtin
    (visitor,) = scene.row("SELECT visitor FROM item_facts WHERE sgtin = %s AND kind = 'registered'", sgtin)
    assert scene.rows("SELECT 1 FROM sightings WHERE sgtin = %s AND visitor = %s", sgtin, visitor)


def test_a_registration_reaches_the_clone_score(scene, later):
    product = scene.add_product(claim="required", warranty_months="24", markets="DE;FR")
    set_lifecycle(scene, product)
    path = scene.issue(product).path()
    link = DigitalLink.parse(path)
    check_daily(scene, link, (BERLIN, BERLIN, *FAR))
    before = score(scene, subject(scene, link, product))

    Buyer(scene, "score@example.com").register(path, code=claim_code(scene, path))

    assert score(scene, subject(scene, link, product)) != before


def test_the_claim_code_of_a_first_owner_clears_a_warning(scene, buyer):
    product = scene.add_product(claim="required", warranty_months="24", attributes={"noun": "watch"})
    path = scene.issue(product).path()
    check_daily(scene, DigitalLink.parse(path), (BERLIN, *FAR * 4))
    page = buyer.visitor.scan(path)
    assert page.title == "Be careful: this code may have been copied"
    assert "I own this watch: prove it" in page.html

    buyer.register(path, code=claim_code(scene, path))

    assert scene.visitor().check(path)["reason"] == "checked-before"


def test_opening_the_link_registers_nothing_and_the_button_does_it_once(scene, watches, buyer):
    path = watches.path()
    buyer.apply(path, code=claim_code(scene, path))
    link = link_in(letters(scene, buyer.email)[-1])

    assert buyer.get(link).status_code == 200
    assert present(scene, path) == []
    assert buyer.post(link).status_code == 303
    assert buyer.get(link).status_code == 409
    assert "used already" in buyer.last.text


def test_a_link_is_good_for_a_day(scene, watches, buyer, later):
    path = watches.path()
    buyer.apply(path, code=claim_code(scene, path))
    link = link_in(letters(scene, buyer.email)[-1])

    later(hours=24, seconds=1)

    assert buyer.get(link).status_code == 409
    assert present(scene, path) == []


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Type the claim code"),
        ({"code": "7K3M"}, "8 letters and digits"),
        ({"code": "00000000"}, "not the claim code of this item"),
        ({"code": "right", "email": "nobody"}, "one e-mail address"),
        ({"code": "right", "purchased_on": "2999-01-01"}, "lies in the future"),
        ({"code": "right", "purchased_on": "yesterday"}, "year, month and day"),
        ({"code": "right", "shop": "x" * 121}, "at most 120"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_sends_no_mail(scene, watches, buyer, form, said):
    path = watches.path()
    if form.get("code") == "right":
        form = {**form, "code": claim_code(scene, path)}
    register = buyer.scan(path)
    buyer.get(register)

    buyer.post(register, **{"email": buyer.email, **form})

    assert buyer.last.status_code == 400
    assert said in buyer.last.text
    assert re.search(r'aria-invalid="true"', buyer.last.text)
    assert buyer.mails() == []


def test_a_registration_begins_with_ones_own_check(scene, watches, buyer, stranger, later):
    register = buyer.scan(watches.path())

    assert stranger.get(register).status_code == 403
    assert "Scan the label again" in stranger.last.text
    later(minutes=31)
    assert buyer.get(register).status_code == 403


def test_a_typed_number_opens_no_registration(scene, watches, buyer):
    link = DigitalLink.parse(watches.path())
    page = buyer.visitor.open("/", "POST", data={"code": f"(01){link.gtin}(21){link.serial}"}).text
    receipt = re.search(r'data-receipt="([^"]+)"', page)

    assert "/own/register/" not in page
    assert receipt is None or buyer.get(f"/own/register/{receipt[1]}").status_code == 403


def test_a_form_of_another_site_or_browser_is_refused(scene, watches, buyer, stranger):
    path = watches.path()
    register = buyer.scan(path)
    buyer.get(register)
    token = re.search(r'name="form_token" value="([^"]+)"', buyer.last.text)[1]

    assert buyer.post(register, token="", email=buyer.email).status_code == 403
    foreign = {**FROM_HERE, "Sec-Fetch-Site": "cross-site"}
    sent = buyer.visitor.open(register, "POST", data={"form_token": token, "email": buyer.email}, headers=foreign)
    assert sent.status_code == 403
    stranger.get("/own/sign-in")
    assert stranger.post(register, token=token, email=buyer.email).status_code == 403


def test_an_in_shop_scan_takes_no_warranty_where_the_code_is_asked_for(scene, watches, stranger):
    assert stranger.apply(watches.path()).status_code == 400
    assert stranger.mails() == []


def test_the_buyers_claim_code_beats_a_registration_from_the_shop(scene, batteries, buyer, stranger):
    path = batteries.path()
    stranger.register(path)
    assert present(scene, path)[0][0] == "pending"

    buyer.register(path, code=claim_code(scene, path), purchased_on="2026-06-02")

    state, has_claim, begins_on, _ = present(scene, path)[0]
    assert (state, has_claim, str(begins_on)) == ("confirmed", True, "2026-06-02")
    assert stranger.mails()[-1] == "owner-superseded"
    stranger.get("/own")
    assert "You have no items here" in stranger.last.text


def test_without_a_code_a_claim_is_provisional_for_fourteen_days(scene, kettles, buyer, stranger, later):
    path = kettles.path()
    buyer.register(path)
    buyer.get(buyer.last.headers["Location"])
    assert buyer.title() == "One more wait"

    later(days=13)
    stranger.apply(path)
    assert stranger.last.status_code == 409
    assert "without a proof" in stranger.last.text
    later(days=1, minutes=1)
    stranger.get(stranger.scan(path))
    assert stranger.title() == "This item has an owner"
    assert buyer.email not in stranger.last.text


def test_a_claim_code_is_spent_by_the_first_confirmed_registration(scene, batteries, buyer, stranger, later):
    path = batteries.path()
    buyer.register(path)
    later(days=15)

    stranger.apply(path, code=claim_code(scene, path))

    assert stranger.last.status_code == 409
    assert stranger.title() == "This item has an owner"
    assert kinds(scene, path) == ["claimed", "registered"]


def test_a_code_used_by_a_second_person_is_evidence_and_by_its_owner_none(scene, watches, buyer, stranger):
    path = watches.path()
    code = claim_code(scene, path)
    buyer.register(path, code=code)

    buyer.apply(path, code=code)
    assert kinds(scene, path).count("claimed") == 1
    stranger.apply(path, code=code)
    assert stranger.last.status_code == 409
    assert "it was used before you" in stranger.last.text
    assert kinds(scene, path).count("claimed") == 2


@pytest.mark.parametrize("condition", ["stolen", "lost", "blocked", "destroyed"])
def test_an_item_that_is_gone_is_not_registered(scene, watches, buyer, condition):
    path = watches.path()
    register = buyer.scan(path)
    scene.admin.execute(
        "UPDATE items SET disposition = %s, disposition_at = now() WHERE sgtin = %s",
        (condition, DigitalLink.parse(path).sgtin),
    )
    buyer.get(register)

    buyer.post(register, email=buyer.email, code=claim_code(scene, path))

    assert buyer.last.status_code == 409
    assert buyer.mails() == []


def test_webhooks_tell_of_a_registration_and_nothing_of_its_person(scene, kettles, buyer, courier, endpoint):
    path = kettles.path()
    buyer.register(path, shop="Uhren Meier")
    buyer.get("/own/erase")
    buyer.post("/own/erase", sure="yes")

    told = scene.rows("SELECT type, data FROM events WHERE data->>'registration' IS NOT NULL ORDER BY at, type")
    assert [(kind, data["state"]) for kind, data in told] == [
        ("item.registered", "pending"),
        ("item.registration_changed", "released"),
    ]
    assert all(set(data) == set(webhooks.EVENT_TYPES[kind].example) for kind, data in told)


def test_a_product_name_is_text_and_no_markup(scene, buyer):
    product = scene.add_product(name="<b>Bold</b> & Co", warranty_months="24")
    path = scene.issue(product).path()

    buyer.register(path)
    buyer.get(buyer.last.headers["Location"])

    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; Co" in buyer.last.text
    assert "<b>Bold" not in buyer.last.text


@pytest.mark.parametrize("product", [{}, {"warranty_months": "24", "tracking": "none"}])
def test_what_has_no_warranty_and_no_code_offers_no_registration(scene, buyer, product):
    path = scene.issue(scene.add_product(**product)).path()

    assert "/own/register/" not in buyer.visitor.scan(path).html


def test_a_batch_code_offers_no_registration(scene, buyer):
    product = scene.add_product(granularity="hybrid", warranty_months="24")

    assert "/own/register/" not in buyer.visitor.scan(scene.issue(product, 1, lot="L9", is_lot_level=True).path()).html


def test_the_warranty_follows_an_item_whose_owner_was_forgotten(scene, watches, buyer, stranger):
    path = watches.path()
    code = claim_code(scene, path)
    buyer.register(path, code=code, purchased_on="2025-03-01")
    buyer.get("/own/erase")
    buyer.post("/own/erase", sure="yes")
    assert buyer.last.status_code == 200

    stranger.register(path, code=code, purchased_on=datetime.now(UTC).date().isoformat())

    state, has_claim, begins_on, _ = present(scene, path)[0]
    assert (state, has_claim, str(begins_on)) == ("pending", False, "2025-03-01")
