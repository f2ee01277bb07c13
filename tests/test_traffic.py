"""Traffic: base rates are learned from the brand's own scans, and copies cannot make themselves usual."""

from datetime import timedelta

import pytest
from scene import Scene, session_of

from authsvc import clone_settings, investigations, receipts, traffic
from authsvc.core.clones import Bustle, weights
from authsvc.core.clones.base_rates import HIGH, Traffic, shift
from authsvc.errors import BadInput, NotFound


def check(scene: Scene, link) -> None:
    checked = scene.scan(link)
    rt = scene.rt
    receipts.confirm(rt.held, rt.connections, checked.receipt, at=scene.clock(), new_id=rt.new_id)


def learn(scene: Scene) -> None:
    with session_of(scene) as session, session.begin():
        traffic.learn(session, now=scene.clock())
    scene.refresh()


def weigh(scene: Scene, **limits) -> None:
    traffic.weigh(scene.admin.info.dsn, scene.rt.held, now=scene.clock(), **limits)
    scene.refresh()


def score(scene: Scene, link, product) -> float:
    found = investigations.judge_again(
        scene.rt.connections, link.sgtin, scene.rt.held.register.find_product(product.gtin)
    )
    return found.examination.score


def rate_of(scene: Scene, product):
    return scene.rows("SELECT items, visitors FROM base_rates WHERE gtin = %s", product.gtin)


def test_items_are_counted_with_few_visitors_and_flagged_ones_not_at_all(scene):
    product = scene.add_product()
    codes = scene.issue(product)
    quiet, viral, flagged, alerted = (codes.link(n) for n in range(4))
    for link, visitors in ((quiet, 2), (viral, 12), (flagged, 3), (alerted, 3)):
        for _ in range(visitors):
            check(scene, link)
    scene.scan(codes.link(5))  # Whoever only opened the link is a visitor, too.
    scene.admin.execute("UPDATE items SET flagged_at = now() WHERE sgtin = %s", (flagged.sgtin,))
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, gen_random_uuid(), %s, 'receipt-copied', 1, '{}', now())",
        (alerted.sgtin, scene.halden.id),
    )

    learn(scene)

    assert rate_of(scene, product) == [(3, 2 + 5 + 1)]
    check(scene, quiet)
    learn(scene)
    assert rate_of(scene, product) == [(3, 3 + 5 + 1)]


def test_a_product_is_usual_until_its_own_traffic_says_otherwise(scene):
    product, busy, quiet = (scene.add_product() for _ in range(3))
    scene.admin.execute("DELETE FROM base_rates")
    for gtin, items, visitors in ((product.gtin, 3, 9), (busy.gtin, 20_000, 60_000), (quiet.gtin, 60_000, 60_000)):
        scene.admin.execute(
            "INSERT INTO base_rates VALUES (%s, %s, %s, %s, now())", (scene.halden.id, gtin, items, visitors)
        )
    scene.refresh()

    found = [scene.rt.held.register.find_product(each.gtin).bustle for each in (busy, quiet)]
    assert found == [Bustle.BUSY, Bustle.QUIET]
    scene.admin.execute("DELETE FROM base_rates WHERE gtin <> %s", (product.gtin,))
    scene.refresh()
    assert scene.rt.held.register.find_product(product.gtin).bustle is Bustle.USUAL
    scene.admin.execute("DELETE FROM base_rates")
    scene.refresh()


def test_a_product_inherits_what_it_does_not_set(scene):
    product = scene.add_product(scene.rival)

    def settle(gtin=None, **values):
        with session_of(scene) as session, session.begin():
            clone_settings.set_clone_settings(session, scene.rival, gtin, **values)
        scene.refresh()
        found = scene.rt.held.register.find_product(product.gtin)
        return round(found.target_rate, 6), found.has_lifecycle, found.copy_threshold

    assert settle() == (0.001, False, None)
    assert settle(target_rate=0.0003, has_lifecycle=True) == (0.0003, True, None)
    assert settle(product.gtin, target_rate=0.01, has_lifecycle=False, copy_threshold=7) == (0.01, False, 7)
    assert settle(product.gtin, copy_threshold=0) == (0.01, False, None)
    settle(target_rate=0.001, has_lifecycle=False)


def test_settings_outside_their_range_are_refused(scene):
    product = scene.add_product()
    with session_of(scene) as session:
        for values, words in (
            ({"target_rate": 0.5}, "lies between"),
            ({"copy_threshold": 1}, "2 to 10000"),
        ):
            with pytest.raises(BadInput, match=words):
                clone_settings.set_clone_settings(session, scene.halden, product.gtin, **values)
        with pytest.raises(BadInput, match="give its GTIN"):
            clone_settings.set_clone_settings(session, scene.halden, copy_threshold=5)
        with pytest.raises(NotFound, match="no product"):
            clone_settings.set_clone_settings(session, scene.rival, product.gtin, target_rate=0.001)


def test_items_that_score_high_raise_the_threshold_of_their_brand_until_they_are_flagged(scene):
    product = scene.add_product()
    codes = scene.issue(product)
    scene.admin.execute("DELETE FROM base_rates")
    for n in range(4):
        scene.clock.ahead += timedelta(days=9)
        for index in range(2 if n else 3):
            check(scene, codes.link(index))
    learn(scene)
    assert scene.rt.held.register.find_product(product.gtin).shift == 0

    weigh(scene)

    judged, high = scene.rows("SELECT judged, high FROM base_rates WHERE gtin = %s", product.gtin)[0]
    assert (judged, high) == (3, sum(score(scene, codes.link(n), product) >= HIGH for n in range(3)))
    assert high
    totals = scene.rows("SELECT sum(judged), sum(high) FROM base_rates WHERE brand_id = %s", scene.halden.id)[0]
    whole = Traffic(judged=int(totals[0]), high=int(totals[1]))
    assert scene.rt.held.register.find_product(product.gtin).shift == pytest.approx(shift(whole, weights.SCANS))
    scene.admin.execute("UPDATE items SET flagged_at = now() WHERE sgtin = %s", (codes.link(0).sgtin,))
    weigh(scene)
    assert scene.rows("SELECT judged FROM base_rates WHERE gtin = %s", product.gtin) == [(2,)]
    weigh(scene, most=1)
    assert scene.rows("SELECT sum(judged) FROM base_rates WHERE brand_id = %s", scene.halden.id) == [(1,)]


def test_a_lot_that_was_copied_as_a_whole_is_left_out_and_a_link_that_was_only_opened_counts(scene):
    product = scene.add_product()
    copied, usual = scene.issue(product, lot="L1"), scene.issue(product, lot="L2")
    scene.admin.execute("DELETE FROM base_rates")
    for _ in range(4):
        scene.clock.ahead += timedelta(days=9)
        for index in range(4):
            check(scene, copied.link(index))
    for index in range(6):
        scene.scan(usual.link(index))
    assert min(score(scene, copied.link(index), product) for index in range(4)) >= HIGH
    learn(scene)

    weigh(scene)

    assert scene.rows("SELECT judged, high FROM base_rates WHERE gtin = %s", product.gtin) == [(6, 0)]
