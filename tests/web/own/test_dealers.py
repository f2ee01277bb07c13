"""Dealers: stock without warranty, lists that are done in whole or not, sales that warranty and rules hear of."""

import io
from datetime import timedelta

import pytest
from dealing import Shop
from owning import letters
from scene import forge

from authsvc import dealers
from authsvc.core.gs1 import DigitalLink
from authsvc.investigations import Subject, weighing
from authsvc.web import limits


@pytest.fixture
def shop(scene):
    return Shop(scene).sign_in()


@pytest.fixture
def other(scene):
    return Shop(scene, country="CH").sign_in()


@pytest.fixture
def path(watches):
    return watches.path()


def number(path):
    link = DigitalLink.parse(path)
    return f"{link.gtin}.{link.serial}"


def states(scene, path):
    rows = scene.rows("SELECT state FROM dealer_items WHERE sgtin = %s ORDER BY version", number(path))
    return [state for (state,) in rows]


def facts(scene, path):
    return scene.rows(
        "SELECT country, at::date, withdrawn_at IS NULL FROM item_facts WHERE sgtin = %s AND kind = 'sold'",
        number(path),
    )


def link(path):
    return f"https://id.example.com{path}"


# --- Stock -----------------------------------------------------------------------------------------------------------


def test_what_is_received_is_held_without_a_warranty_and_twice_is_once(scene, shop, watches):
    paths = [watches.path() for _ in range(3)]
    assert shop.act("receive", *map(link, paths)).status_code == 200
    shop.act("receive", *map(link, paths))

    assert "Done: 3 items" in shop.last.text
    assert [states(scene, each) for each in paths] == [["held"]] * 3
    assert scene.row("SELECT count(*) FROM registrations WHERE sgtin = %s", number(paths[0]))[0] == 0
    assert "In stock (3)" in shop.get("/own/dealer").text


def test_a_list_of_a_thousand_links_fits_its_form(shop, watches):
    shop.act("receive", *(f"{link(watches.path(n % 400))}&x={n}" for n in range(1000)), check="1")

    assert shop.last.status_code == 400
    assert sum("names this item already" in said for said in shop.faults()) == 600


@pytest.mark.parametrize("query", ["after=%00", "q=%00", "list=sold&q=a%00"])
def test_an_address_that_no_page_has_given_is_refused(shop, query):
    assert shop.get(f"/own/dealer?{query}").status_code == 400


def test_names_and_lists_that_cannot_be_kept_are_refused(scene, shop):
    shop.get("/own/dealer/access")
    assert shop.post("/own/dealer/access/keys", name="a\0b").status_code == 400
    shop.get("/own/dealer/access")
    assert shop.post("/own/dealer/access/keys", name="a\u202eb").status_code == 200
    assert scene.rows("SELECT name FROM dealer_accesses WHERE name LIKE 'a%%'") == [("a b",)]
    assert shop.act("sell", "code,sold_on\n" + "x" * 200_000).status_code == 400
    secret = shop.make_key()
    for act in ("receive", "sell"):
        answer = shop.visitor.client.post(
            f"/api/v1/dealer/stock/{act}", data=b'{"items": [{"code": "\\ud800", "sold_on": "\\ud800"}]}',
            headers={"Authorization": f"Bearer {secret}"}, base_url="https://id.example.com",
        )  # fmt: skip
        assert answer.status_code == 400


def test_a_number_a_forged_code_and_a_foreign_one_are_not_received_and_then_nothing_is(scene, shop, path, watches):
    foreign = scene.issue(scene.add_product(scene.rival), 1).path()
    forged = link(forge(watches.path()))

    shop.act("receive", link(path), number(watches.path()), forged, link(foreign), "12")

    assert shop.last.status_code == 400
    said = shop.faults()
    assert len(said) == 4
    assert "square code" in said[0]
    assert "forged" in said[1]
    assert "not an item of the brand" in said[2]
    assert states(scene, path) == []


def test_a_list_that_names_an_item_twice_is_refused(shop, path):
    shop.act("receive", link(path), link(path))
    assert "Line 2 has the code of line 1" in shop.last.text
    shop.act("send-back", link(path), number(path))

    assert shop.faults()[-1] == "Line 1 names this item already."


def test_an_item_with_an_owner_or_of_another_dealer_is_not_received(buyer, shop, other, path, watches):
    buyer.own(path)
    shop.act("receive", link(path))
    assert "has an owner" in shop.faults()[0]
    taken = watches.path()
    other.act("receive", link(taken))

    shop.act("receive", link(taken))

    assert "Another dealer holds it" in shop.faults()[0]


def test_what_is_offered_passes_to_the_dealer_who_receives_it(scene, shop, other, path):
    shop.act("receive", link(path))
    shop.act("offer", number(path), to=str(other.info.id))
    assert other.name in shop.get("/own/dealer").text
    assert shop.name in other.get("/own/dealer").text

    other.act("receive", link(path))

    assert states(scene, path) == ["handed", "held"]
    assert "Offered to you" not in other.get("/own/dealer").text
    shop.act("sell", number(path), sold_on="2026-05-20")
    assert shop.faults() == ["It is not in your stock."]


def test_an_offer_to_a_dealer_of_another_brand_is_refused(scene, shop, path):
    foreign = Shop(scene, brand=scene.rival)
    shop.act("receive", link(path))

    shop.act("offer", number(path), to=str(foreign.info.id))

    assert "no other dealer" in shop.faults()[0]


def test_a_stolen_item_is_neither_received_nor_sold(scene, shop, path):
    shop.act("receive", link(path))
    scene.admin.execute("UPDATE items SET disposition = 'stolen' WHERE sgtin = %s", (number(path),))

    shop.act("sell", number(path), sold_on="2026-05-20")

    assert "reported stolen" in shop.faults()[0]
    assert states(scene, path) == ["held"]


# --- Sales -----------------------------------------------------------------------------------------------------------


def sold_on(scene, days=10):
    return (scene.clock() - timedelta(days=days)).date()


def test_the_warranty_of_the_buyer_counts_from_the_sale_whatever_day_they_name(scene, shop, buyer, path):
    day = sold_on(scene)
    shop.act("receive", link(path))
    shop.act("sell", number(path), sold_on=day.isoformat(), country="FR")
    assert "Done: 1 item<" in shop.last.text

    buyer.own(path, purchased_on=scene.clock().date().isoformat())

    began = scene.row("SELECT warranty_from, purchased_on FROM registrations WHERE sgtin = %s", number(path))
    assert began == (day, day)


def test_a_sale_is_a_fact_that_is_taken_back_with_it(scene, shop, path):
    day = sold_on(scene)
    shop.act("receive", link(path))
    shop.act("sell", number(path), sold_on=day.isoformat(), country="FR")
    shop.act("sell", number(path), sold_on=day.isoformat(), country="FR")
    assert facts(scene, path) == [("FR", day, True)]
    shop.act("sell", number(path), sold_on=day.isoformat(), country="JP")
    assert "Take that sale back first" in shop.faults()[0]

    shop.act("take-back", number(path))

    assert facts(scene, path) == [("FR", day, False)]
    assert states(scene, path) == ["undone", "held"]


def test_a_sale_of_an_item_that_was_registered_since_is_not_taken_back(scene, shop, buyer, path):
    shop.act("receive", link(path))
    shop.act("sell", number(path), sold_on=sold_on(scene).isoformat())
    buyer.own(path)

    shop.act("take-back", number(path))

    assert "registered it since" in shop.faults()[0]


@pytest.mark.parametrize(("day", "country"), [("2036-01-01", "DE"), ("2020-01-01", "DE"), ("31.5.2026", "DE")])
def test_a_sale_on_no_day_that_can_be_is_refused(scene, shop, path, day, country):
    shop.act("receive", link(path))

    shop.act("sell", number(path), sold_on=day, country=country)

    assert len(shop.faults()) == 1
    assert states(scene, path) == ["held"]


def test_a_csv_names_day_and_country_of_each_and_checking_first_changes_nothing(scene, shop, watches):
    paths = [watches.path() for _ in range(2)]
    shop.act("receive", *map(link, paths))
    day = sold_on(scene)
    rows = f"uri,sold_on,country\n{link(paths[0])},{day},IT\n{link(paths[1])},,\n"
    given = {"file": (io.BytesIO(rows.encode()), "sales.csv"), "sold_on": day.isoformat(), "country": "AT"}
    shop.act("sell", check="1", **given)
    assert "All lines can be done" in shop.last.text
    assert [states(scene, each) for each in paths] == [["held"]] * 2
    given["file"] = (io.BytesIO(rows.encode()), "sales.csv")

    shop.act("sell", **given)

    assert [facts(scene, each)[0][0] for each in paths] == ["IT", "AT"]
    listed = shop.get("/own/dealer/stock.csv").text
    assert f'"{day}","IT"' in listed


def test_a_sale_reaches_the_clone_score_both_ways(scene, shop, watches):
    """Where a brand keeps records of sale, phones before a sale speak otherwise than the same phones after it."""
    path = watches.path()
    scene.admin.execute("UPDATE brands SET has_lifecycle = true WHERE id = %s", (scene.halden.id,))
    scene.refresh()
    parsed = DigitalLink.parse(path)
    for _ in range(4):
        person = scene.visitor()
        person.confirm(person.scan(path))
    subject = Subject.of(scene.rt.held, parsed.gtin, parsed.serial)

    def score():
        with scene.owner_session() as session:
            return weighing.weigh(session, subject).examination.score

    before = score()
    shop.act("receive", link(path))
    shop.act("sell", number(path), sold_on=sold_on(scene, 30).isoformat(), country="DE")
    after = score()
    shop.act("take-back", number(path))
    back = score()

    scene.admin.execute("UPDATE brands SET has_lifecycle = false WHERE id = %s", (scene.halden.id,))
    scene.refresh()
    # Four phones at an unsold piece are shoppers; at one that was sold a month ago they want explaining.
    assert after > before
    assert back == before


# --- Who -------------------------------------------------------------------------------------------------------------


def test_whether_an_address_is_known_is_told_to_nobody(scene, shop):
    stranger = Shop(scene)
    stranger.get("/own/dealer/sign-in")
    unknown = stranger.post("/own/dealer/sign-in", email="nobody@example.com").text.replace("nobody@example.com", "")
    stranger.get("/own/dealer/sign-in")

    known = stranger.post("/own/dealer/sign-in", email=stranger.email).text.replace(stranger.email, "")

    assert known == unknown
    assert letters(scene, "nobody@example.com") == []


def test_a_dealer_who_has_ended_gets_in_nowhere(scene, shop, path):
    key = shop.make_key()
    with scene.owner_session() as session:
        dealers.end(session, scene.halden.id, shop.info.id, now=scene.clock())

    assert shop.get("/own/dealer").headers["Location"].endswith("/own/dealer/sign-in")
    assert shop.call("GET", "/api/v1/dealer", key=key).status_code == 401


def test_a_trusted_phone_of_the_shop_counts_as_nobody(scene, shop, path):
    shop.get("/own/dealer/access")
    assert shop.post("/own/dealer/access/browser", name="Till phone").status_code == 303
    scene.refresh()

    shop.visitor.scan(path)

    assert scene.row("SELECT coalesce(max(counted), 0) FROM items WHERE sgtin = %s", number(path))[0] == 0


# --- Programs --------------------------------------------------------------------------------------------------------


def test_a_program_receives_sells_and_pages_through_the_stock(scene, shop, watches):
    shop.make_key()
    codes = [{"code": link(watches.path())} for _ in range(3)]
    done = shop.call("POST", "/api/v1/dealer/stock/receive", {"items": codes})
    assert (done.status_code, done.json["done"], len(done.json["rows"])) == (200, True, 3)
    first = shop.call("GET", "/api/v1/dealer/stock?limit=2").json
    rest = shop.call("GET", f"/api/v1/dealer/stock?limit=2&after={first['next']}").json
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]
    sale = {"items": [{**codes[0], "sold_on": sold_on(scene).isoformat(), "country": "jp"}]}

    sold = shop.call("POST", "/api/v1/dealer/stock/sell", sale)

    assert sold.json["rows"][0]["item"]["country"] == "JP"
    assert shop.call("GET", "/api/v1/dealer").json["counts"] == {"held": 2, "sold": 1, "offered": 0}
    assert shop.call("POST", "/api/v1/dealer/stock/sell", sale).json["done"] is True
    for limit in ("0", "1001", "000000001999999", "000000001" + "9" * 5000, "٣"):
        assert shop.call("GET", f"/api/v1/dealer/stock?limit={limit}").status_code == 400


def test_a_list_of_a_program_is_done_in_whole_or_not(scene, shop, path):
    shop.make_key()

    answer = shop.call("POST", "/api/v1/dealer/stock/receive", {"items": [{"code": link(path)}, {"code": "12"}]})

    assert answer.status_code == 409
    assert answer.json["detail"].startswith("1 of 2 lines")
    assert [row["fault"] is None for row in answer.json["rows"]] == [True, False]
    assert states(scene, path) == []


@pytest.mark.parametrize(
    ("act", "body", "status"),
    [
        ("receive", [], 400),
        ("receive", {"items": []}, 400),
        ("receive", {"items": ["x"]}, 400),
        ("receive", {"items": [{"code": "x", "sold_on": 5}]}, 400),
        ("receive", {"items": [{"code": "x"}], "dry_run": "yes"}, 400),
        ("offer", {"items": [{"code": "x"}], "to": "x"}, 400),
        ("burn", {"items": [{"code": "x"}]}, 404),
        ("receive", {"items": [{"code": "x"}] * 1001}, 413),
    ],
)
def test_bodies_are_read_strictly(scene, shop, act, body, status):
    scene.forget_limits()
    shop.make_key()

    assert shop.call("POST", f"/api/v1/dealer/stock/{act}", body).status_code == status


def test_a_key_is_one_of_two_and_ends_when_it_is_revoked(shop):
    shop.make_key()
    shop.make_key()
    shop.get("/own/dealer/access")
    shop.post("/own/dealer/access/keys", name="Third")
    assert "2 keys already" in shop.last.text
    found = next(part for part in shop.last.text.split('action="')[1:] if "/revoke" in part[:80]).partition('"')[0]

    shop.post(found)

    codes = {shop.call("GET", "/api/v1/dealer", key=key).status_code for key in (shop.key, "adk_none", "", "x")}
    assert codes <= {200, 401}
    assert shop.call("GET", "/api/v1/dealer", key="adk_none").status_code == 401


def test_whoever_tries_keys_or_asks_without_end_is_slowed_down(scene, shop):
    secret = shop.make_key()
    counted = scene.forget_limits()
    tried = {shop.call("GET", "/api/v1/dealer", key=f"adk_{'A' * 43}").status_code for _ in range(90)}
    counted.is_within(limits.DEALER, str(shop.info.id), limits.DEALER.amount)
    asked = [shop.call("GET", "/api/v1/dealer/offers", key=secret).status_code for _ in range(20)]
    files = [shop.get("/own/dealer/stock.csv").status_code for _ in range(8)]

    assert tried == {401, 429}
    assert 429 in asked
    assert (files[0], files[-1]) == (200, 429)
    scene.forget_limits()


def test_a_form_of_somebody_whose_session_has_ended_is_refused_and_is_no_fault_of_ours(shop, later):
    shop.get("/own/dealer")
    later(hours=13)
    assert shop.post("/own/dealer/take", offers="x").status_code == 401
    assert "too long ago" in shop.last.text
