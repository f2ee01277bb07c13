from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from scene import Page, Scene, Visitor, forge

from authsvc import receipts
from authsvc.core.keyring import Revocation, RevocationMode
from authsvc.core.verdicts import Disposition
from authsvc.errors import NotFound

GOOD = "This code is genuine"
SOMEBODY_ELSES = "This is somebody else&#39;s check"
THREADS = 20


def read(visitor: Visitor, page: Page) -> Page:
    response = visitor.open(f"/s/{page.receipt}")
    assert response.status_code == 200, response.text
    return Page(response)


@pytest.fixture
def later(scene):
    """Return a function that lets time pass until the end of the test."""

    def later(**delta) -> None:
        scene.clock.ahead += timedelta(**delta)

    yield later
    scene.clock.ahead = timedelta()


# --- Who sees what ----------------------------------------------------------------------------------------------------


def test_the_good_verdict_is_for_the_visitor_who_made_the_check_alone(scene):
    maker, buyer = scene.visitor(), scene.visitor()
    page = maker.scan(scene.codes.path())

    mine, theirs, again = read(maker, page), read(buyer, page), read(buyer, page)

    assert mine.title == GOOD
    for other in (theirs, again):
        assert other.title == SOMEBODY_ELSES
        assert GOOD not in other.html
        assert 'class="verdict ok"' not in other.html
        assert scene.watch.name not in other.html


def test_somebody_without_cookies_never_sees_the_good_verdict(scene):
    page = scene.visitor().scan(scene.codes.path())

    assert {read(scene.visitor(), page).title for _ in range(3)} == {SOMEBODY_ELSES}


def test_the_good_verdict_ends_after_30_minutes_for_its_maker_too(scene, later):
    maker = scene.visitor()
    page = maker.scan(scene.codes.path())
    later(minutes=29, seconds=50)
    assert read(maker, page).title == GOOD
    later(seconds=20)

    assert read(maker, page).title == SOMEBODY_ELSES


def test_a_receipt_counts_nothing_and_confirms_nothing(scene):
    maker, path = scene.visitor(), scene.codes.path()
    page = maker.scan(path)
    for visitor in (maker, scene.visitor()):
        shown = read(visitor, page)
        assert (shown.nonce, shown.receipt) == (None, None)
        assert "<script" not in shown.html

    assert scene.counts(path) == (1, 0)


def test_a_bad_verdict_is_for_everybody(scene):
    page = scene.visitor().scan(forge(scene.codes.path()))

    assert read(scene.visitor(), page).title == page.title == "Halden did not make this code"


@pytest.mark.parametrize(
    ("disposition", "title"),
    [
        (Disposition.STOLEN, "This item is reported stolen"),
        (Disposition.LOST, "This item is reported lost"),
        (Disposition.BLOCKED, "Halden has blocked this code"),
        (Disposition.DESTROYED, "This code is no longer in use"),
    ],
)
def test_what_happens_to_the_item_after_the_check_shows_to_both(scene, disposition, title):
    maker, buyer = scene.visitor(), scene.visitor()
    link = scene.codes.link()
    page = maker.scan(f"{link.path()}?s={link.extension('s')}")
    scene.set_disposition(link, disposition)

    assert [read(visitor, page).title for visitor in (maker, buyer)] == [title, title]


def test_a_recall_after_the_check_shows_to_both(scene):
    product = scene.add_product()
    maker, buyer = scene.visitor(), scene.visitor()
    page = maker.scan(scene.issue(product, lot="X1").path())
    scene.recall(product, lot="X1")

    for visitor in (maker, buyer):
        shown = read(visitor, page)
        assert shown.title == "Stop using this item: it is recalled"
        assert "became known after it" in shown.html


def test_a_recall_after_a_number_was_typed_shows_too(scene):
    product = scene.add_product()
    link = scene.issue(product, lot="X1").link()
    page = Page(scene.visitor().open("/", "POST", data={"code": f"(01){link.gtin}(21){link.serial}"}))
    assert page.title == "We know this number"
    (receipt,) = scene.row("SELECT id FROM rejections WHERE serial = %s", link.serial)
    scene.recall(product, lot="X1")

    shown = Page(scene.visitor().open(f"/s/{receipts.spell(receipt)}"))

    assert shown.title == "Stop using this item: it is recalled"


def test_a_revoked_key_shows_on_its_receipts(scene):
    signer = scene.add_key(scene.rival)
    maker = scene.visitor()
    page = maker.scan(scene.issue(scene.add_product(scene.rival)).path())
    scene.revoke(signer, Revocation(RevocationMode.ALL))

    assert read(maker, page).title == "This code is no longer in use"


def test_a_flag_raised_after_the_check_shows(scene):
    product = scene.add_product()
    scene.admin.execute("UPDATE products SET copy_threshold = 2 WHERE gtin = %s", (product.gtin,))
    scene.refresh()
    path, maker = scene.issue(product).path(), scene.visitor()
    page = maker.scan(path)
    for _ in range(3):
        other = scene.visitor()
        other.confirm(other.scan(path))

    assert read(maker, page).title == "Be careful: this code may have been copied"


def test_a_lifted_recall_still_stands_on_the_receipt_of_its_time(scene):
    product = scene.add_product()
    number = scene.recall(product)
    page = scene.visitor().scan(scene.issue(product).path())
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE id = %s", (number,))

    assert read(scene.visitor(), page).title == "Stop using this item: it is recalled"


def test_a_receipt_of_a_lot_and_of_a_case_can_be_read(scene):
    maker = scene.visitor()
    lot = scene.issue(scene.add_product(granularity="batch"), 1, lot="W1")
    cases = scene.issue(scene.add_product(granularity="hybrid"), 2, lot="W2", contents=12)

    assert read(maker, maker.scan(lot.path(0))).title == "This code names the batch, not the item"
    case = read(maker, maker.scan(cases.path(0)))
    assert case.title == GOOD
    assert "<dt>Items in this case</dt><dd>12</dd>" in case.html


def test_what_a_preview_shows_never_carries_a_verdict(scene):
    page = scene.visitor().scan(scene.codes.path())

    shown = scene.visitor(agent="WhatsApp/2.23.20.0").open(f"/s/{page.receipt}").text

    assert "genuine" not in shown.partition("<body")[0]


# --- Until when, and what is no receipt -------------------------------------------------------------------------------


def test_a_receipt_ends_after_90_days(scene, later):
    maker = scene.visitor()
    good, bad = maker.scan(scene.codes.path()), maker.scan(forge(scene.codes.path()))
    later(days=89, hours=23)
    assert read(maker, good).title == SOMEBODY_ELSES
    later(hours=2)

    assert [maker.open(f"/s/{page.receipt}").status_code for page in (good, bad)] == [404, 404]


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "A" * 21,
        "A" * 23,
        "A" * 22,
        "AAAAAAAAAAAAAAAAAAAAAB",
        "AAAAAAAAAAAAAAAAAAAA==",
        "%C3%A9" * 22,
        "%00" * 22,
        "A%20AAAAAAAAAAAAAAAAAAAA",
        "A" * 5000,
        "..%2f..%2fetc",
        "+/AAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_garbage_is_no_receipt(scene, text):
    visitor = scene.visitor()

    assert visitor.open(f"/s/{text}").status_code == 404
    assert visitor.open(f"/s/{text}/confirm", "POST", data={"nonce": "x"}).status_code in {204, 303, 404}


def test_every_uuid_has_one_spelling():
    receipt = UUID(int=2**128 - 1)
    text = receipts.spell(receipt)

    assert receipts.parse(text) == receipt
    with pytest.raises(NotFound):
        receipts.parse(text[:-1] + "x")
    with pytest.raises(NotFound):
        receipts.parse(text + "=")


def test_a_reference_is_short_and_has_no_letters_that_are_misread():
    spoken = {receipts.reference(UUID(int=n << 96)) for n in range(0, 2**32, 7_777_777)}

    assert all(len(text) == 7 and text[2] == "-" for text in spoken)
    assert not set("".join(spoken)) & set("ILOU")
    assert len(spoken) > 500


# --- Crowds -----------------------------------------------------------------------------------------------------------


def alerts(scene: Scene, page: Page) -> list[tuple]:
    return scene.rows("SELECT evidence FROM alerts WHERE evidence ->> 'receipt' = %s", page.receipt)


def test_more_than_20_readers_of_a_receipt_raise_one_alert(scene):
    maker = scene.visitor()
    page = maker.scan(scene.codes.path())
    faithful = scene.visitor()
    for _ in range(25):
        read(maker, page)
        read(faithful, page)
    for _ in range(19):
        read(scene.visitor(), page)
    assert alerts(scene, page) == []

    for _ in range(3):
        read(scene.visitor(), page)

    assert alerts(scene, page) == [({"receipt": page.receipt, "visitors": 21},)]
    assert scene.rows("SELECT rule FROM alerts WHERE evidence ->> 'receipt' = %s", page.receipt) == [
        ("receipt-copied",)
    ]


def test_previews_and_machines_are_no_crowd(scene):
    page = scene.visitor().scan(scene.codes.path())
    for agent in ("WhatsApp/2.23.20.0", "Slackbot-LinkExpanding 1.0", "curl/8.5.0"):
        for _ in range(8):
            scene.visitor(agent=agent).open(f"/s/{page.receipt}")
    for _ in range(8):
        scene.visitor().open(f"/s/{page.receipt}", "HEAD")

    assert scene.rows("SELECT 1 FROM receipt_opens WHERE receipt = %s", receipts.parse(page.receipt)) == []


# --- Confirmation -----------------------------------------------------------------------------------------------------


def test_twenty_concurrent_confirmations_of_one_receipt_confirm_once(scene):
    maker, path = scene.visitor(), scene.codes.path()
    receipt, rt = receipts.parse(maker.scan(path).receipt), scene.rt

    with ThreadPoolExecutor(THREADS) as pool:
        won = list(
            pool.map(
                lambda _: receipts.confirm(rt.held, rt.connections, receipt, at=scene.clock(), new_id=rt.new_id),
                range(THREADS),
            )
        )

    assert won.count(True) == 1
    assert scene.counts(path) == (1, 1)


def test_a_confirmation_needs_the_cookie_that_the_page_was_made_for(scene):
    maker, thief, path = scene.visitor(), scene.visitor(), scene.codes.path()
    page = maker.scan(path)
    thief.scan(scene.codes.path())

    assert thief.confirm(page).status_code == 204
    assert scene.counts(path) == (1, 0)
    assert maker.confirm(page, nonce="wrong").status_code == 204
    assert maker.confirm(page, nonce="é").status_code == 204
    assert maker.confirm(page, nonce="").status_code == 204
    assert scene.counts(path) == (1, 0)


def test_a_nonce_is_for_its_own_receipt(scene):
    maker, path = scene.visitor(), scene.codes.path()
    first, second = maker.scan(path), maker.scan(scene.codes.path())

    maker.confirm(first, nonce=second.nonce)

    assert scene.counts(path) == (1, 0)


def test_a_second_confirmation_does_nothing(scene):
    maker, path = scene.visitor(), scene.codes.path()
    page = maker.scan(path)

    assert [maker.confirm(page).status_code for _ in range(2)] == [204, 204]
    assert scene.counts(path) == (1, 1)


def test_a_confirmation_after_5_minutes_does_nothing(scene, later):
    maker, path, slow = scene.visitor(), scene.codes.path(), scene.codes.path()
    page, late = maker.scan(path), maker.scan(slow)
    later(minutes=4, seconds=55)
    maker.confirm(page)
    later(seconds=10)
    maker.confirm(late)

    assert (scene.counts(path), scene.counts(slow)) == ((1, 1), (1, 0))


def test_a_reload_within_half_an_hour_is_confirmed_once(scene):
    maker, path = scene.visitor(), scene.codes.path()

    for _ in range(3):
        assert maker.confirm(maker.scan(path)).status_code == 204

    assert scene.counts(path) == (1, 1)


def test_a_visit_from_a_data_centre_counts_when_its_page_ran(scene):
    relayed, path = scene.visitor(address="203.0.113.7"), scene.codes.path()
    pages = [relayed.scan(path) for _ in range(2)]
    assert scene.counts(path) == (0, 0)

    for page in pages:
        relayed.confirm(page)

    assert scene.counts(path) == (1, 1)


def test_a_prefetched_page_counts_when_it_is_shown(scene):
    visitor, path = scene.visitor(), scene.codes.path()
    page = visitor.scan(path, **{"Sec-Purpose": "prefetch;prerender"})
    assert scene.counts(path) == (0, 0)

    visitor.confirm(page)

    assert scene.counts(path) == (1, 1)


def test_a_bot_that_steals_its_way_to_a_nonce_stays_a_bot(scene):
    path = scene.codes.path()
    checked = scene.scan(scene.codes.link(), automated="bot")
    rt = scene.rt

    assert not receipts.confirm(rt.held, rt.connections, checked.receipt, at=scene.clock(), new_id=rt.new_id)
    assert scene.visitor(agent="facebookexternalhit/1.1").scan(path).nonce is None


def test_the_button_leads_a_person_without_script_back_to_the_check(scene):
    maker, path = scene.visitor(), scene.codes.path()
    page = maker.scan(path)

    response = maker.open(f"/s/{page.receipt}/confirm", "POST", data={"nonce": page.nonce})

    assert (response.status_code, response.headers["Location"]) == (303, f"/s/{page.receipt}")
    assert scene.counts(path) == (1, 1)
    assert read(maker, page).title == GOOD
