"""Who asked to be told of an item: what is kept of them, what is news, and that they hear of it once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from owning import letters

from authsvc import deliveries, followers, recalls
from authsvc.core import serials
from authsvc.core.verdicts import Disposition
from authsvc.deliveries import Courier
from authsvc.errors import LinkSpent
from authsvc.followers import Wanted
from authsvc.runtime import new_id

SCENE_WAIT = followers.WAIT + timedelta(seconds=1)


@pytest.fixture
def link(scene):
    """Return an item that somebody has scanned."""
    link = scene.codes.link()
    scene.scan(link)
    return link


def wanted(scene, link, lot="L2410"):
    run, index = serials.decode(link.serial, link.gtin, scene.rt.held.serial_keys_of(scene.halden.id)) or (None, None)
    return Wanted(
        brand_id=scene.halden.id, sgtin=link.sgtin, gtin=link.gtin, serial=link.serial, lot=lot, run=run, index=index
    )


def follow(scene, link, email=None, *, confirms=True, **place):
    """Ask, and open the link in the mail; return address and secret."""
    email = email or f"f{new_id().hex[:8]}@example.com"
    with scene.owner_session() as session:
        secret = followers.ask(
            session, wanted(scene, link, **place), email, key=scene.rt.people_key, random=scene.random,
            now=scene.clock(),
        )  # fmt: skip
        if confirms:
            followers.confirm(session, secret, now=scene.clock())
    return email, secret


def tell(scene, after=SCENE_WAIT, **options):
    with scene.owner_session() as session:
        return followers.tell(
            session, key=scene.rt.people_key, seal_key=scene.rt.mail_key, base_url="https://id.example.com",
            random=scene.random, now=scene.clock() + after, **options,
        ).mailed  # fmt: skip


def resolve(scene, link, kind="confirmed-clone"):
    found = new_id()
    scene.admin.execute(
        "INSERT INTO resolutions (sgtin, id, brand_id, alert_id, kind, reason, is_evidence, resolved_by, at) "
        "VALUES (%s, %s, %s, %s, %s, 'seen', true, 'somebody', now())",
        (link.sgtin, found, scene.halden.id, new_id(), kind),
    )
    return found


def test_whoever_follows_a_blocked_item_hears_of_it_once_and_is_forgotten(scene, link):
    email, _ = follow(scene, link)

    scene.set_disposition(link, Disposition.BLOCKED)

    assert tell(scene) == 1
    ((template, text),) = letters(scene, email)
    assert template == "follow-news"
    assert "Halden has blocked this code" in text
    assert link.serial in text
    assert scene.rows("SELECT 1 FROM followers WHERE sgtin = %s", link.sgtin) == []
    scene.set_disposition(link, Disposition.ACTIVE)
    scene.set_disposition(link, Disposition.BLOCKED)
    assert tell(scene) == 0


def test_a_confirmed_copy_is_news_and_a_false_alarm_is_none(scene, link):
    email, _ = follow(scene, link)

    resolve(scene, link, "false-alarm")
    assert tell(scene) == 0
    resolve(scene, link)
    assert tell(scene) == 1
    assert "this code was copied" in letters(scene, email)[-1][1]


@pytest.mark.parametrize("kind", ["block", "copy", "recall"])
def test_what_is_undone_at_once_tells_nobody(scene, kind):
    product = scene.add_product(name="Lamp")
    link = scene.issue(product, lot="U1").link()
    scene.scan(link)
    follow(scene, link, lot="U1")

    if kind == "block":
        scene.set_disposition(link, Disposition.BLOCKED)
        scene.set_disposition(link, Disposition.ACTIVE)
    elif kind == "copy":
        resolution = resolve(scene, link)
        scene.admin.execute("UPDATE resolutions SET undone_at = now() WHERE id = %s", (resolution,))
    else:
        number = scene.recall(product, lot="U1")
        with scene.owner_session() as session:
            recalls.lift(session, number, now=scene.clock())

    assert tell(scene) == 0
    scene.set_disposition(link, Disposition.BLOCKED)
    assert tell(scene) == 1


@pytest.mark.parametrize(
    ("what", "hears"),
    [
        ({}, True),
        ({"lot": "K1"}, True),
        ({"lot": "K2"}, False),
        ({"lot": "K1", "of": (0, 5)}, True),
        ({"lot": "K1", "of": (6, 9)}, False),
    ],
)
def test_a_recall_is_news_for_those_whose_item_it_names(scene, what, hears):
    product = scene.add_product(name="Kettle")
    codes = scene.issue(product, lot="K1")
    scene.issue(product, lot="K2")
    link = codes.link(3)
    scene.scan(link)
    follow(scene, link, lot="K1")
    ends = what.pop("of", None)
    if ends is not None:
        what["between"] = tuple(codes.link(end).serial for end in ends)

    scene.recall(product, **what)

    assert tell(scene) == int(hears)


def test_a_range_of_imported_serials_is_news_too(scene):
    product = scene.add_product(name="Phone")
    codes = scene.issue(product, texts=("IMEI0001", "IMEI0002", "IMEI0003"))
    inside, outside = codes.link(0), codes.link(2)
    for link in inside, outside:
        scene.scan(link)
        follow(scene, link, lot=None)

    scene.recall(product, between=("IMEI0001", "IMEI0002"))

    assert tell(scene) == 1
    assert scene.rows("SELECT 1 FROM followers WHERE sgtin = %s", outside.sgtin) == [(1,)]


def test_the_news_wait_for_whoever_decided_to_think_again(scene, link):
    follow(scene, link)
    scene.set_disposition(link, Disposition.BLOCKED)

    assert tell(scene, after=followers.WAIT / 2) == 0
    assert tell(scene) == 1


def test_an_address_that_was_not_confirmed_hears_nothing(scene, link):
    email, secret = follow(scene, link, confirms=False)

    scene.set_disposition(link, Disposition.BLOCKED)

    assert tell(scene) == 0
    assert letters(scene, email) == []
    with scene.owner_session() as session, pytest.raises(LinkSpent):
        followers.get(session, secret, key=scene.rt.people_key, now=scene.clock() + followers.UNCONFIRMED)


def test_the_address_is_sealed_and_found_by_nobody_without_the_key(scene, link):
    email, _ = follow(scene, link, "Plain.Name@example.com")

    (stored,) = scene.row("SELECT f::text FROM followers f WHERE sgtin = %s", link.sgtin)
    assert "plain" not in stored.lower()
    assert email.encode().hex() not in stored


def test_one_address_asks_again_and_stays_one_with_a_new_link(scene, link):
    email, old = follow(scene, link)
    _, new = follow(scene, link, email.upper(), confirms=False)

    assert scene.row("SELECT count(*) FROM followers WHERE sgtin = %s", link.sgtin) == (1,)
    with scene.owner_session() as session:
        with pytest.raises(LinkSpent):
            followers.get(session, old, key=scene.rt.people_key, now=scene.clock())
        found = followers.get(session, new, key=scene.rt.people_key, now=scene.clock())
    assert (found.is_confirmed, found.expires_at > scene.clock() + timedelta(days=360)) == (True, True)


def test_many_are_told_in_bounded_transactions(scene, link):
    for _ in range(5):
        follow(scene, link)
    scene.set_disposition(link, Disposition.BLOCKED)

    assert [tell(scene, most=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_block_that_is_rolled_back_is_no_news(scene, link):
    follow(scene, link)
    with scene.admin.transaction(force_rollback=True):
        scene.admin.execute("UPDATE items SET disposition = 'blocked', seq = seq + 1 WHERE sgtin = %s", (link.sgtin,))

    assert tell(scene) == 0


def test_the_worker_tells_everybody_with_its_own_keys_and_clock(scene, link):
    email, _ = follow(scene, link)
    scene.set_disposition(link, Disposition.BLOCKED)
    courier = Courier.make(scene.config, scene._sessions)

    assert deliveries.tell_followers(courier) == 0
    assert deliveries.tell_followers(replace(courier, now=lambda: scene.clock() + SCENE_WAIT)) == 1
    assert [template for template, _ in letters(scene, email)] == ["follow-news"]
