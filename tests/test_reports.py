"""Reports of consumers: what is taken, how often, what three of one shop raise, and what the inbox does with them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from casework import ANALYST, COUNT_KEY, alert_on, huge_png, picture, report
from sqlalchemy import text

from authsvc import audit, cases, db, report_inbox, reports
from authsvc.core import shops
from authsvc.core.shops import Listing
from authsvc.errors import BadInput, Conflict, NotFound, TooManyRequests
from authsvc.report_inbox import State
from authsvc.runtime import new_id


@pytest.fixture
def session(scene):
    with scene._sessions() as session:
        yield session
        session.rollback()


def shop_alerts(scene, shop, brand=None):
    key = shops.subject_key((brand or scene.halden).id, shop)
    return scene.rows("SELECT subject, rule, score, evidence, closed_at FROM alerts WHERE sgtin = %s", key)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("https://www.Market.Example/offer/12/?ref=abc#top", "web:market.example/offer/12"),
        ("market.example//offer/12", "web:market.example/offer/12"),
        ("HTTP://market.example:80/offer/12", "web:market.example/offer/12"),
        ("https://market.example/off%65r/12", "web:market.example/offer/12"),
        ("https://bücher.example/ä", "web:xn--bcher-kva.example/%C3%A4"),
        ("https://market.example:8443/a", "web:market.example:8443/a"),
        ("  https://market.example/a b\n", "web:market.example/ab"),
    ],
)
def test_a_listing_has_one_key(given, key):
    assert Listing.parse(given).key == key


@pytest.mark.parametrize(
    "given",
    [
        "javascript:alert(1)", "data:text/html,x", "https://", "https://user:pw@market.example/", "https://10.0.0.1:x/",
        "ftp://market.example/", "https://market", "https://[::1", "nonsense", "https://market.example/" + "x" * 600,
        "https://mar ket..example/", "\u202e",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_page_is_refused(given):
    with pytest.raises(BadInput):
        Listing.parse(given)


def test_the_address_that_people_open_has_no_markup_in_it():
    url = Listing.parse('https://market.example/"><script>?q="><script>').url

    assert not set(url) & set("\"<>' ")


def test_a_shop_is_known_by_its_name_however_it_is_typed():
    assert shops.name_key("  Watch-World\u00a0GmbH ") == shops.name_key("WATCH WORLD gmbh") == "name:watch world gmbh"
    assert shops.name_key(" !? ") is None


def test_a_report_is_stored_with_its_contact_wrapped_and_its_photos_drawn_anew(scene, session):
    link = scene.codes.link()
    filed = report(
        scene, sgtin=link.sgtin, shop_name="A shop", price="20 EUR", contact="who@example.com",
        photos=(picture(), picture("PNG")),
    )  # fmt: skip

    found = report_inbox.get_report(session, scene.halden.id, filed.id)
    assert (found.number, found.sgtin, found.state, found.has_contact) == (filed.number, link.sgtin, State.NEW, True)
    assert [photo.media_type for photo in found.photos] == ["image/jpeg", "image/png"]
    (stored,) = scene.row("SELECT contact FROM consumer_reports WHERE id = %s", filed.id)
    assert b"who@" not in stored
    assert report_inbox.show_contact(
        session, scene.halden.id, filed.id, wrapping_key=scene.wrapping_key, by=ANALYST, now=scene.clock()
    ) == "who@example.com"  # fmt: skip
    audit.write(session)
    assert audit.find_events(session, scene.halden.id, act="report.contact")[0].subject == f"report {filed.number}"


@pytest.mark.parametrize(
    "fields",
    [
        {"text": " "},
        {"text": "x" * 4001},
        {"shop_name": "x" * 301},
        {"listing_url": "javascript:alert(1)"},
        {"photos": (picture(),) * 6},
        {"photos": (huge_png(),)},
        {"photos": (b"<svg onload=alert(1)>\x00",)},
    ],
)
def test_a_report_that_says_nothing_or_too_much_is_refused(scene, fields):
    before = scene.row("SELECT count(*) FROM consumer_reports")

    with pytest.raises(BadInput):
        report(scene, **fields)
    assert scene.row("SELECT count(*) FROM consumer_reports") == before


def test_five_reports_a_day_are_taken_from_one_person(scene):
    reporter = scene.random(16)
    for _ in range(5):
        report(scene, reporter=reporter)

    with pytest.raises(TooManyRequests):
        report(scene, reporter=reporter)
    scene.clock.ahead += reports._DAY + reports._HOUR
    report(scene, reporter=reporter)


def test_reports_that_come_at_once_are_counted_one_by_one(scene):
    """Otherwise many at once would all find room."""
    prefix = scene.random(8)

    def ask(_):
        with scene.owner_session() as session:
            try:
                reports.admit(
                    session, scene.halden.id, reporter=scene.random(16), prefix=prefix, key=COUNT_KEY, now=scene.clock()
                )  # fmt: skip
            except TooManyRequests:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(ask, range(40)))

    assert sum(taken) == reports.PER_NETWORK


def test_three_people_from_three_networks_raise_one_alert_for_a_shop(scene):
    shop = "web:market.example/three"
    one, network = scene.random(16), scene.random(8)
    url = "https://market.example/three"
    report(scene, listing_url=url, reporter=one)
    report(scene, listing_url=url, reporter=one)
    report(scene, listing_url=url, reporter=one)
    report(scene, listing_url=url, prefix=network)
    report(scene, listing_url=url, reporter=one, prefix=network)
    assert shop_alerts(scene, shop) == []

    report(scene, listing_url=f"{url}/?from=mail")
    report(scene, listing_url=url)

    ((subject, rule, score, evidence, closed_at),) = shop_alerts(scene, shop)
    assert (subject, rule, score, closed_at) == ("shop", "shop-reported", 3.0, None)
    assert len(evidence["reports"]) == 6
    assert evidence["parts"][0]["text"].startswith("Three people reported ")


def test_reports_of_long_ago_and_of_another_brand_raise_nothing(scene):
    for _ in range(2):
        report(scene, shop_name="Old Shop")
    report(scene, shop_name="Old Shop", brand=scene.rival)
    scene.clock.ahead += reports.WINDOW
    report(scene, shop_name="Old Shop")

    assert shop_alerts(scene, "name:old shop") == []


def test_after_an_alert_was_closed_three_others_raise_the_next(scene):
    for _ in range(3):
        report(scene, shop_name="Again")
    key = shops.subject_key(scene.halden.id, "name:again")
    scene.admin.execute("UPDATE alerts SET closed_at = %s WHERE sgtin = %s", (scene.clock(), key))

    counts = []
    for _ in range(3):
        report(scene, shop_name="Again")
        counts.append(len(shop_alerts(scene, "name:again")))

    assert counts == [1, 1, 2]


def test_three_reports_at_the_same_moment_raise_the_alert(scene):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: report(scene, shop_name="At once"), range(3)))

    assert len(shop_alerts(scene, "name:at once")) == 1


def test_the_last_to_be_stored_may_have_come_first(scene):
    scene.clock.ahead += timedelta(seconds=2)
    for _ in range(2):
        report(scene, shop_name="A race")
    scene.clock.ahead -= timedelta(seconds=2)
    report(scene, shop_name="A race")

    assert len(shop_alerts(scene, "name:a race")) == 1


def test_the_role_of_the_public_pages_files_a_report_and_reads_none(scene):
    with scene._sessions.begin() as session:
        session.execute(text(f"SET LOCAL ROLE {db.OWNER_ROLE}"))
        session.execute(text("SELECT set_config('authsvc.brand', :brand, true)"), {"brand": str(scene.halden.id)})
        admitted = reports.admit(
            session, scene.halden.id, reporter=b"r" * 16, prefix=b"p" * 8, key=COUNT_KEY, now=scene.clock()
        )  # fmt: skip
        told = reports.Told(text="A fake.", shop_name="By the web", contact="who@example.com")
        reports.file_report(
            session, admitted, told, wrapping_key=scene.wrapping_key, random=scene.random, new_id=new_id,
            now=scene.clock(),
        )  # fmt: skip

    for column in "text", "contact", "case_id":
        with psycopg.connect(scene.url) as connection:
            connection.execute(f"SET ROLE {db.OWNER_ROLE}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT {column} FROM consumer_reports")


@pytest.mark.parametrize("table", ["consumer_reports", "report_photos", "report_counts"])
def test_the_scan_path_has_no_part_in_reports(scene, table):
    for right in ("SELECT", "INSERT", "UPDATE", "DELETE"):
        for has in ("has_table_privilege", "has_any_column_privilege"):
            if (has, right) != ("has_any_column_privilege", "DELETE"):
                assert scene.row(f"SELECT {has}(%s, %s, %s)", db.SCAN_ROLE, table, right) == (False,)


def test_a_report_is_linked_closed_and_opened_again(scene, session):
    brand_id, now = scene.halden.id, scene.clock()
    filed = report(scene, shop_name="A shop")
    case = cases.open_case(session, brand_id, "A shop", id=new_id(), by=ANALYST, now=now)
    _, alert_id = alert_on(scene)

    assert report_inbox.link_to_case(session, brand_id, filed.id, case.id, by=ANALYST, now=now).reports == 1
    report_inbox.link_to_alert(session, brand_id, filed.id, alert_id, by=ANALYST, now=now)
    found = report_inbox.get_report(session, brand_id, filed.id)
    assert (found.state, found.case_id, found.alert_id) == (State.LINKED, case.id, alert_id)
    with pytest.raises(BadInput, match="reason"):
        report_inbox.close(session, brand_id, filed.id, reason="", by=ANALYST, now=now)
    assert report_inbox.close(session, brand_id, filed.id, reason="spam", by=ANALYST, now=now).state is State.CLOSED
    with pytest.raises(Conflict):
        report_inbox.link_to_alert(session, brand_id, filed.id, alert_id, by=ANALYST, now=now)
    assert report_inbox.reopen(session, brand_id, filed.id, by=ANALYST, now=now).state is State.LINKED
    audit.write(session)
    acts = [e.act for e in audit.find_events(session, brand_id, subject=f"report {filed.number}")]
    assert acts == ["report.reopen", "report.close", "report.link", "report.link"]


def test_shops_are_listed_by_how_often_people_name_them(scene, session):
    brand = scene.add_brand("shops", "7777778")
    for _ in range(2):
        report(scene, brand=brand, listing_url="https://market.example/one")
    report(scene, brand=brand, shop_name="Corner shop")

    found = report_inbox.list_shops(session, brand.id, since=scene.clock() - reports.WINDOW)

    assert [(shop.shop, shop.reports, shop.people, shop.waiting) for shop in found] == [
        ("web:market.example/one", 2, 2, 2), ("name:corner shop", 1, 1, 1)
    ]  # fmt: skip
    newest = report_inbox.list_reports(session, brand.id, limit=2)
    older = report_inbox.list_reports(session, brand.id, before=(newest[-1].created_at, newest[-1].id))
    assert len({found.id for found in newest + older}) == 3


def test_nothing_of_a_report_is_found_by_a_rival(scene, session):
    filed, rival, now = report(scene, photos=(picture(),), contact="x"), scene.rival.id, scene.clock()

    for ask in (
        lambda: report_inbox.get_report(session, rival, filed.id),
        lambda: report_inbox.get_photo(session, rival, filed.id, 1),
        lambda: report_inbox.close(session, rival, filed.id, reason="x", by=ANALYST, now=now),
        lambda: report_inbox.show_contact(
            session, rival, filed.id, wrapping_key=scene.wrapping_key, by=ANALYST, now=now
        ),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            ask()
