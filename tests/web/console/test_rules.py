"""The rules page: what each setting would have raised, who may ask and who may set, and how soon it holds."""

import re
import time
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
from cases import FAR, check

from authsvc import clone_settings, errand_work, errands
from authsvc.core.clones import RULES
from authsvc.deliveries import Courier
from authsvc.runtime import Keeper
from authsvc.staff import Role


@pytest.fixture(autouse=True)
def as_before(scene):
    scene.admin.execute("TRUNCATE errands CASCADE")
    yield
    scene.clock.ahead = timedelta()
    scene.admin.execute("UPDATE brands SET target_rate = 0.001")
    scene.admin.execute("UPDATE products SET target_rate = NULL")
    scene.refresh()


def work(scene):
    """Do what was asked for, as the worker does."""
    courier = replace(Courier.make(scene.config, scene._sessions), now=scene.clock)
    for (number,) in scene.rows("SELECT id FROM errands WHERE state = 'waiting' ORDER BY created_at"):
        errand_work.do_errand(courier, scene.url, number)
    courier.client.close()


def copy(scene, product=None):
    """Have an item checked all over the world."""
    link = scene.issue(product or scene.watch).link()
    scene.clock.ahead -= timedelta(days=14)
    for n in range(14):
        scene.clock.ahead += timedelta(days=1)
        check(scene, link, place=FAR[n % 6])
    return link


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def last_act(scene, act):
    return scene.row(
        "SELECT subject, details FROM audit_events WHERE act = %s AND brand_id = %s ORDER BY seq DESC LIMIT 1", act,
        scene.halden.id,
    )  # fmt: skip


def test_an_analyst_learns_what_each_setting_would_have_raised(analyst, scene):
    copy(scene)
    raised = scene.row("SELECT count(*) FROM alerts WHERE brand_id = %s AND subject = 'item'", scene.halden.id)[0]
    assert "No preview yet." in analyst.get("/console/rules").text

    asked = analyst.post("/console/rules/preview", one_in="500")
    assert asked.location == "/console/rules"
    waiting = analyst.get("/console/rules").text
    assert "waits for the worker" in waiting
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in waiting
    scene.admin.execute("UPDATE errands SET state = 'running', done = 3, total = 12")
    assert "3 of 12" in text_of(analyst.get("/console/rules"))
    scene.admin.execute("UPDATE errands SET state = 'waiting'")
    work(scene)

    told = text_of(analyst.get("/console/rules"))
    assert f"With this setting the last 90 days would have raised {raised} alert" in told
    assert "of them on items you later confirmed as copied." in told
    assert re.search(r"Computed .+ from \d+ recorded scans of \d+ items between .+ judged again one by one\.", told)
    for words in ("1 in 100 ", "1 in 333 ", "1 in 500 ", "1 in 1,000 ", "1 in 3,333 ", "1 in 10,000 "):
        assert words in told
    assert "http-equiv" not in analyst.last.text
    assert "Set 1 in" not in told


def test_a_preview_that_waits_long_says_what_may_be_wrong(analyst, later):
    analyst.post("/console/rules/preview")
    assert "no worker runs" not in analyst.get("/console/rules").text
    later(minutes=6)

    assert "or no worker runs" in analyst.get("/console/rules").text


def test_a_preview_is_cancelled_and_a_failed_one_says_why(analyst, scene):
    analyst.post("/console/rules/preview")
    number = scene.row("SELECT id FROM errands")[0]
    analyst.post(f"/console/rules/previews/{number}/cancel")
    assert "The preview is cancelled." in analyst.get("/console/rules").text
    analyst.post("/console/rules/preview")
    scene.admin.execute("UPDATE errands SET state = 'failed', fault = 'It took too long.' WHERE state = 'waiting'")

    assert "The last preview failed. It took too long." in analyst.get("/console/rules").text


@pytest.mark.parametrize("one_in", ["99", "10001", "many", "-5", "²00", "1e3", "9" * 40])
def test_a_setting_out_of_range_is_not_previewed(analyst, scene, one_in):
    answer = analyst.post("/console/rules/preview", one_in=one_in)

    assert answer.status_code == 400
    assert "Give a whole number from 100 to 10,000." in answer.text
    assert scene.rows("SELECT 1 FROM errands") == []


def test_a_product_is_previewed_alone_and_another_brand_s_is_unknown(analyst, scene):
    product = scene.add_product(name="Alpine")
    copy(scene, product)
    analyst.post("/console/rules/preview", gtin=product.gtin)
    work(scene)

    told = text_of(analyst.get(f"/console/rules/products/{product.gtin}"))
    assert "Rules for Alpine" in told
    assert "would have raised 1 alert, 0 of them" in told
    assert "No preview yet." in analyst.get("/console/rules").text
    theirs = scene.add_product(scene.rival)
    assert analyst.get(f"/console/rules/products/{theirs.gtin}").status_code == 404
    assert analyst.post("/console/rules/preview", gtin=theirs.gtin).status_code == 404


def test_an_admin_sets_the_rate_and_the_log_has_it_in_the_words_of_the_command(admin, scene):
    page = text_of(admin.get("/console/rules/set?rate=0.003"))
    assert "What will change" in page
    assert "There is no preview of this setting." in page

    answer = admin.post("/console/rules/set", rate="0.003")
    assert answer.location == "/console/rules"
    assert "Set: 1 in 333 genuine items may be flagged." in admin.get("/console/rules").text
    assert last_act(scene, "brand.set") == ("halden", {"false_alarms": 0.003, "before": 0.001})

    gtin = scene.watch.gtin
    admin.post("/console/rules/set", rate="0.0001", gtin=gtin)
    assert last_act(scene, "product.set") == (gtin, {"false_alarms": 0.0001, "before": "as the brand"})
    shown = text_of(admin.get("/console/rules"))
    assert f"Meridian 36 {gtin} 1 in 10,000" in shown
    assert "Follow the brand again" in admin.get(f"/console/rules/products/{gtin}").text
    assert "Follow the brand" in admin.get(f"/console/rules/set?rate=brand&gtin={gtin}").text
    admin.post("/console/rules/set", rate="brand", gtin=gtin)
    assert last_act(scene, "product.set") == (gtin, {"false_alarms": "as the brand", "before": 0.0001})
    with scene.owner_session() as session:
        found = clone_settings.get_product_settings(session, scene.halden.id, gtin)
    assert (found.own_rate, round(found.target_rate, 6)) == (None, 0.003)
    assert scene.row("SELECT round(target_rate::numeric, 4)::float8 FROM brands WHERE slug = 'rival'") == (0.001,)


@pytest.mark.parametrize("form", [{"rate": "0.5"}, {"rate": "nan"}, {"rate": ""}, {"rate": "brand"}])
def test_what_no_rate_is_sets_nothing(admin, scene, form):
    assert admin.post("/console/rules/set", **form).status_code == 400
    assert scene.row("SELECT target_rate FROM brands WHERE slug = 'halden'")[0] == pytest.approx(0.001)


def test_only_an_admin_with_a_fresh_proof_sets(cast, admin, analyst, scene, later):
    for role in (Role.VIEWER, Role.OPERATOR):
        person = cast.add(role)
        person.sign_in()
        assert person.post("/console/rules/set", rate="0.003").status_code == 403
    assert analyst.post("/console/rules/set", rate="0.003").status_code == 403
    token = admin.token()
    later(minutes=6)
    assert admin.post("/console/rules/set", token, rate="0.003").status_code == 403
    assert admin.get("/console/rules/set?rate=0.003").location.startswith("/console/confirm?next=")
    assert scene.row("SELECT target_rate FROM brands WHERE slug = 'halden'")[0] == pytest.approx(0.001)


def test_running_processes_know_a_new_rate_within_five_seconds(admin, scene):
    keepers = [Keeper(scene.rt.connections, scene.wrapping_key, poll_s=1.0) for _ in range(2)]
    for keeper in keepers:
        keeper.start()
    try:
        admin.post("/console/rules/set", rate="0.0003")
        began = time.monotonic()

        def rates():
            return [round(keeper.held.register.find_product(scene.watch.gtin).target_rate, 6) for keeper in keepers]

        while rates() != [0.0003, 0.0003] and time.monotonic() - began < 5:
            time.sleep(0.05)
        assert rates() == [0.0003, 0.0003]
    finally:
        for keeper in keepers:
            keeper.stop()


def test_a_set_rate_decides_the_next_scan(admin, scene):
    """The same scans raise an alert at the loosest rate, and none at the strictest."""
    flagged = []
    for rate in ("0.01", "0.0001"):
        product = scene.add_product()
        admin.post("/console/rules/set", rate=rate, gtin=product.gtin)
        scene.refresh()
        link = scene.issue(product).link()
        scene.clock.ahead -= timedelta(days=6)
        for place in FAR:
            scene.clock.ahead += timedelta(days=1)
            check(scene, link, place=place)
        flagged.append(scene.row("SELECT flagged_at IS NOT NULL FROM items WHERE sgtin = %s", link.sgtin)[0])
        scene.clock.ahead = timedelta()

    assert flagged == [True, False]


def test_rules_are_told_in_the_words_of_their_docstrings(cast):
    person = cast.add(Role.VIEWER)
    person.sign_in()
    told = text_of(person.get("/console/rules"))

    for rule in RULES:
        assert " ".join(rule.tell.__doc__.split()) in told.replace("&#39;", "'")
    assert "Compute the preview" not in told


def test_products_are_found_by_name_and_number(analyst, scene):
    product = scene.add_product(name="Tern 100% Field")
    for words in ("tern 100%", product.gtin[3:]):
        page = analyst.get(f"/console/rules?q={quote(words)}")
        assert f"/console/rules/products/{product.gtin}" in page.text
    assert "No product has that" in analyst.get("/console/rules?q=%25%25").text


def test_a_brand_asks_for_a_few_at_a_time(analyst):
    for _ in range(errands.MOST_OPEN):
        assert analyst.post("/console/rules/preview").status_code == 303
    answer = analyst.post("/console/rules/preview")

    assert answer.status_code == 409
