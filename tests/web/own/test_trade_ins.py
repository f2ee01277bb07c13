"""Trade-ins: a dealer takes used items over from their owners by a list of codes, and sells them with what is left."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from dealing import Shop
from owning import Buyer, claim_code, letters
from scene import BASE_URL

from authsvc import dealers
from authsvc.core.gs1 import DigitalLink
from authsvc.owner_attempts import TRANSFER_CODE_OF_DEALER


@pytest.fixture
def shop(scene):
    return Shop(scene).sign_in()


@pytest.fixture
def path(watches):
    return watches.path()


@pytest.fixture
def item(buyer, path):
    """Return the page of a watch that ``buyer`` owns."""
    return buyer.own(path, purchased_on="2026-05-31")


def sgtin(path):
    return DigitalLink.parse(path).sgtin


def code_of(offer):
    return offer.rpartition("/")[2]


def take(shop, *lines, **form):
    shop.get("/own/dealer")
    return shop.post("/own/dealer/take", offers="\n".join(lines), **form)


def held(scene, path):
    rows = scene.rows("SELECT state FROM dealer_items WHERE sgtin = %s ORDER BY version", sgtin(path))
    return [state for (state,) in rows]


def owned(scene, path):
    return scene.rows(
        "SELECT state, warranty_until::text FROM registrations WHERE sgtin = %s ORDER BY version", sgtin(path)
    )


def confirm(seller):
    text = next(text for name, text in reversed(letters(seller.scene, seller.email)) if name == "owner-accepted")
    page = re.search(r"(/own/transfers/\S+)", text)[1]
    seller.get(page)
    return seller.post(f"{page}/confirm", buyer=seller.field("buyer"))


def sell(shop, path, scene):
    return shop.act("sell", sgtin(path), sold_on=scene.clock().date().isoformat())


def test_a_list_is_answered_line_by_line_and_what_was_with_the_dealer_is_held_at_once(
    scene, shop, buyer, stranger, item, path, watches
):
    other = watches.path()
    remote, present = buyer.offer(item), stranger.offer(stranger.own(other), how="present")

    answer = take(shop, f"{BASE_URL}{remote}?lang=de", code_of(present).lower(), "7K3M-9QX2-V4TD-1RZ8", "12")

    assert answer.status_code == 400
    assert "Done: 2 items" in answer.text
    assert [said[:30] for said in shop.faults()] == ["There is no offer with this co", "A transfer code has 16 letters"]
    assert "Its owner has to confirm you" in answer.text
    assert (held(scene, path), held(scene, other)) == ([], ["held"])
    assert (owned(scene, path)[0][0], owned(scene, other)[0][0]) == ("confirmed", "transferred")
    assert shop.name in letters(scene, stranger.email)[-1][1]
    assert "Waiting for their owners (1)" in shop.get("/own/dealer").text


def test_an_item_does_not_go_to_a_dealer_that_has_ended_meanwhile(scene, shop, buyer, item, path):
    take(shop, code_of(buyer.offer(item)))
    with scene.owner_session() as session:
        dealers.end(session, shop.info.brand_id, shop.info.id, now=scene.clock())

    answer = confirm(buyer)

    assert answer.status_code == 409
    assert "This dealer is not known any more" in answer.text
    assert (held(scene, path), owned(scene, path)[0][0]) == ([], "confirmed")


def test_what_a_dealer_holds_that_has_ended_is_for_whoever_has_it(scene, shop, buyer, stranger, item, path, watches):
    other = watches.path()
    shop.get("/own/dealer")
    take(shop, code_of(buyer.offer(item, how="present")))
    shop.act("receive", f"{BASE_URL}{other}")
    assert (held(scene, path), held(scene, other)) == (["held"], ["held"])
    with scene.owner_session() as session:
        dealers.end(session, shop.info.brand_id, shop.info.id, now=scene.clock())

    next_shop = Shop(scene).sign_in()
    next_shop.act("receive", f"{BASE_URL}{path}")
    assert "may still dispute" in next_shop.faults()[0]
    next_shop.act("receive", f"{BASE_URL}{other}")
    stranger.register(path, code=claim_code(scene, path))

    assert held(scene, other) == ["handed", "held"]
    assert [state for state, _ in owned(scene, path)] == ["transferred", "pending"]


def test_the_owner_sees_which_dealer_it_is_and_confirms_and_the_history_says_so(scene, shop, buyer, item, path):
    offer = buyer.offer(item)
    take(shop, code_of(offer), check="1")
    assert "Can be done" in shop.last.text
    assert "owner-accepted" not in buyer.mails()
    take(shop, code_of(offer))
    take(shop, code_of(offer))
    assert buyer.mails().count("owner-accepted") == 1
    buyer.get(f"{item}/sell")
    assert shop.name in buyer.get(buyer.last.headers["Location"]).text

    assert confirm(buyer).status_code == 303

    assert shop.name in buyer.get(buyer.last.headers["Location"]).text
    assert held(scene, path) == ["held"]
    assert owned(scene, path) == [("transferred", "2028-05-31")]
    facts = scene.rows(
        "SELECT kind, recorded_by FROM item_facts WHERE sgtin = %s ORDER BY recorded_at, at", sgtin(path)
    )
    assert ("transferred", f"dealer {shop.name}") in facts
    assert scene.visitor().check(path)["item"]["serial"]


def test_it_is_kept_until_nothing_can_be_disputed_and_sold_with_the_warranty_that_is_left(
    scene, shop, buyer, stranger, item, path, later
):
    take(shop, code_of(buyer.offer(item, how="present")))
    sell(shop, path, scene)
    assert "may still dispute" in shop.faults()[0]
    stranger.apply(path, code=claim_code(scene, path))
    assert "A dealer holds this item" in stranger.last.text
    later(hours=24, seconds=1)
    shop.sign_in()
    sell(shop, path, scene)
    assert held(scene, path) == ["sold"]

    stranger.register(path, code=claim_code(scene, path))

    assert owned(scene, path) == [("transferred", "2028-05-31"), ("pending", "2028-05-31")]


def test_a_dealer_steps_back_and_the_owner_keeps_the_item(scene, shop, buyer, item, path):
    take(shop, code_of(buyer.offer(item)))
    action = re.search(r'action="(/own/dealer/take/[^"]+/decline)"', shop.get("/own/dealer").text)[1]

    shop.post(action)

    assert buyer.mails()[-1] == "owner-offer-ended"
    assert owned(scene, path) == [("confirmed", "2028-05-31")]
    assert "Waiting for their owners" not in shop.get("/own/dealer").text
    assert shop.post(action.replace(action.split("/")[4], "0" * 8 + "-0000-4000-8000-" + "0" * 12)).status_code == 404


def test_of_two_who_accept_one_has_it_and_a_dealer_of_another_brand_has_none(scene, shop, buyer, item, path):
    offer = code_of(buyer.offer(item, how="present"))
    foreign = Shop(scene, brand=scene.rival).sign_in()
    take(foreign, offer)
    assert "not an item of the brand" in foreign.faults()[0]
    shops = [shop, *(Shop(scene).sign_in() for _ in range(3))]
    for each in shops:
        each.get("/own/dealer")

    with ThreadPoolExecutor(len(shops)) as pool:
        answers = list(pool.map(lambda each: each.post("/own/dealer/take", offers=offer), shops))

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert held(scene, path) == ["held"]
    assert owned(scene, path) == [("transferred", "2028-05-31")]


def test_guessed_codes_are_counted_for_the_dealer_and_lock_no_offer(scene, shop, buyer, item, path):
    offer = code_of(buyer.offer(item))
    wrong = [f"{number:016d}" for number in range(TRANSFER_CODE_OF_DEALER.most)]
    take(shop, *wrong)
    take(shop, offer)
    assert "codes that do not match were tried" in shop.faults()[0]
    take(shop, *wrong, offer)
    assert shop.last.status_code == 413

    take(Shop(scene).sign_in(), offer)

    assert "owner-accepted" in buyer.mails()


def test_whoever_is_erased_leaves_what_a_dealer_holds(scene, shop, path, later):
    owner = Buyer(scene, f"gone-{path[-6:].lower().replace('_', '-')}@example.com")
    take(shop, code_of(owner.offer(owner.own(path), how="present")))
    owner.get("/own/erase")
    owner.post("/own/erase", sure="yes")

    assert held(scene, path) == ["held"]
    later(hours=48)
    shop.sign_in()
    assert sell(shop, path, scene).status_code == 200
