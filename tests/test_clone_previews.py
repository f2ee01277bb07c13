"""Previews: judging the recorded scans again gives what was raised at the present setting, and else what would be."""

import random
from datetime import timedelta

import psycopg
import pytest
from cases import FAR, PARIS, check, flagged_item, record, resolve, set_lifecycle, subject
from scene import BERLIN

from authsvc import clone_previews
from authsvc.clone_previews import Asked
from authsvc.core.clones import FactKind

PLACES = (BERLIN, PARIS, *FAR)


@pytest.fixture(autouse=True)
def clock(scene):
    """Let it be later: there are tables for scans of last month and of three months to come, none older."""
    scene.clock.ahead = timedelta(days=80)
    yield
    scene.clock.ahead = timedelta()


def preview(scene, product=None, *, rates=(), tell=lambda _done, _total: None, brand=None):
    asked = Asked(brand_id=(brand or scene.halden).id, gtin=product and product.gtin, rates=rates)
    with psycopg.connect(scene.url) as connection:
        return clone_previews.preview(
            connection, asked, wrapping_key=scene.wrapping_key, now=scene.clock(), tell=tell
        )  # fmt: skip


def told(found):
    return {row["rate"]: (row["alerts"], row["confirmed"], row["harmless"]) for row in found["rates"]}


def live(scene, product, seed, *, items=14, days=100):
    """Let the items of a product be scanned for a hundred days: some by few people at home, some everywhere."""
    dice = random.Random(seed)
    codes = scene.issue(product, items)
    links = [codes.link() for _ in range(items)]
    scans = sorted(
        (dice.uniform(0, days), n, dice.choice(PLACES if n % 3 else PLACES[:2]))
        for n in range(items)
        for _ in range(dice.choice((1, 3, 8, 14)))
    )
    start = scene.clock.ahead - timedelta(days=days)
    answers = [FactKind.FALSE_ALARM, FactKind.CONFIRMED_CLONE, FactKind.GREY_MARKET, FactKind.OWNER_ERROR]
    for n, (day, item, place) in enumerate(scans):
        scene.clock.ahead = start + timedelta(days=day)
        link = links[item]
        if dice.random() < 0.8:
            check(scene, link, place=place)
        else:
            scene.scan(link, place=place)
        about = subject(scene, link, product)
        is_open = scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s AND closed_at IS NULL", link.sgtin)
        if is_open and dice.random() < 0.4:
            resolve(scene, about, answers[n % 4])
        elif dice.random() < 0.1:
            record(
                scene, about, dice.choice((FactKind.SOLD, FactKind.REGISTERED)), at=scene.clock() - timedelta(days=3)
            )
    scene.clock.ahead = start + timedelta(days=days)


@pytest.mark.parametrize("has_lifecycle", [False, True])
@pytest.mark.parametrize("rate", [0.01, 0.0003])
def test_at_the_present_setting_a_replay_raises_what_was_raised(scene, has_lifecycle, rate):
    product = scene.add_product(markets="DE FR")
    scene.admin.execute("UPDATE products SET target_rate = %s WHERE gtin = %s", (rate, product.gtin))
    if has_lifecycle:
        set_lifecycle(scene, product)
    scene.refresh()
    live(scene, product, seed=f"{rate}{has_lifecycle}")

    found = preview(scene, product)

    since = scene.clock() - clone_previews.WINDOW
    raised = scene.row(
        "SELECT count(*) FROM alerts WHERE gtin = %s AND opened_at > %s", product.gtin, since
    )[0]  # fmt: skip
    confirmed = scene.row(
        "SELECT count(*) FROM alerts a WHERE gtin = %s AND opened_at > %s AND EXISTS (SELECT FROM resolutions r "
        "WHERE r.sgtin = a.sgtin AND r.kind = 'confirmed-clone' AND r.undone_at IS NULL)", product.gtin, since,
    )[0]  # fmt: skip
    assert raised > 0
    assert found["raised"] == raised
    assert told(found)[rate][:2] == (raised, confirmed)


def test_a_stricter_rate_raises_no_more_and_what_it_covers_is_said(scene):
    product = scene.add_product()
    live(scene, product, seed="monotone")
    heard = []

    found = preview(scene, product, rates=(0.002,), tell=lambda done, total: heard.append((done, total)))

    alerts = [row["alerts"] for row in found["rates"]]
    assert [row["rate"] for row in found["rates"]] == [0.01, 0.003, 0.002, 0.001, 0.0003, 0.0001]
    assert alerts == sorted(alerts, reverse=True)
    assert alerts[0] > alerts[-1]
    scans = scene.row(
        "SELECT count(*) FROM scans WHERE gtin = %s AND at > %s", product.gtin, scene.clock() - timedelta(days=90)
    )[0]
    assert (found["scans"], heard[0], heard[-1]) == (scans, (0, scans), (scans, scans))
    assert found["items"] == scene.row(
        "SELECT count(DISTINCT sgtin) FROM scans WHERE gtin = %s AND at > %s", product.gtin,
        scene.clock() - timedelta(days=90),
    )[0]  # fmt: skip


def test_an_answer_counts_only_where_the_replay_had_asked(scene):
    """Found harmless at the present rate; at a stricter one nobody had been asked, and evidence adds up."""
    product = scene.add_product()
    link = scene.issue(product).link()
    scene.admin.execute("UPDATE products SET target_rate = 0.01 WHERE gtin = %s", (product.gtin,))
    scene.refresh()
    scene.clock.ahead = timedelta()
    is_asked = False
    for n in range(24):
        scene.clock.ahead += timedelta(days=2)
        check(scene, link, place=FAR[n % 6])
        if not is_asked and scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s", link.sgtin):
            resolve(
                scene, subject(scene, link, scene.rt.held.register.find_product(product.gtin)), FactKind.FALSE_ALARM
            )
            is_asked = True
    assert is_asked
    raised = scene.row("SELECT count(*) FROM alerts WHERE sgtin = %s", link.sgtin)[0]

    found = told(preview(scene, product))

    assert found[0.01][0] == raised
    assert found[0.0001] == (1, 0, 1)


def test_a_brand_keeps_what_a_product_sets_for_itself(scene):
    brand = scene.rival
    strict, plain = scene.add_product(brand), scene.add_product(brand)
    scene.admin.execute("UPDATE products SET target_rate = 0.0001 WHERE gtin = %s", (strict.gtin,))
    scene.refresh()
    for product in (strict, plain):
        live(scene, product, seed="brand")

    whole, one, other = (
        preview(scene, brand=brand),
        preview(scene, strict, brand=brand),
        preview(scene, plain, brand=brand),
    )

    assert told(whole)[0.01][0] == told(one)[0.0001][0] + told(other)[0.01][0]
    assert told(whole)[0.0001][0] == told(one)[0.0001][0] + told(other)[0.0001][0]
    assert told(one)[0.01][0] > told(one)[0.0001][0]
    assert preview(scene, strict, brand=scene.halden)["scans"] == 0


def test_an_item_that_was_flagged_before_is_not_raised_within(scene):
    scene.clock.ahead = -timedelta(days=3)
    link, about = flagged_item(scene)
    scene.clock.ahead = timedelta(days=83)
    for place in FAR:
        check(scene, link, place=place)
    scene.clock.ahead = timedelta(days=89)

    found = preview(scene, about.product)

    assert found["items"] == 1
    assert {row["alerts"] for row in found["rates"]} == {0}


def test_a_range_that_the_line_released_speaks_of_its_items(scene):
    product = scene.add_product(markets="DE")
    set_lifecycle(scene, product)
    codes = scene.issue(product, 10)
    scene.clock.ahead = timedelta()
    scene.commission(product, codes.run, 0, 9)
    link = codes.link()
    for n in range(20):
        scene.clock.ahead += timedelta(days=2)
        check(scene, link, place=FAR[n % 6])
    raised = scene.row("SELECT opened_at FROM alerts WHERE sgtin = %s", link.sgtin)[0]

    found = preview(scene, product)

    assert found["raised"] == told(found)[0.001][0] == 1
    assert raised is not None
