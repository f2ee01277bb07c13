"""Acts on many alerts at once: one reason, what fits all of them, and a word on what does not."""

import re
from base64 import urlsafe_b64encode
from html import unescape

import pytest
from raising import flagged, put

from authsvc.web.console import guard

__all__ = ["flagged"]


def test_many_are_decided_with_one_reason(scene, analyst, flagged):
    _link, alert_id = flagged
    closed, *others = put(scene, 3)
    scene.admin.execute("UPDATE alerts SET closed_at = now() WHERE id = %s", (closed,))

    answer = analyst.post("/console/alerts/bulk", alert=[str(alert_id), str(closed), *map(str, others)],
                          what="false-alarm", reason="a campaign", back="/console/alerts?sort=worst")  # fmt: skip

    assert answer.location.endswith("/console/alerts?sort=worst")
    assert "3 alerts done. 1 refused: This alert is closed already." in unescape(analyst.get(answer.location).text)
    said = scene.rows("SELECT DISTINCT details->>'reason' FROM audit_events WHERE act = 'alert.decide'")
    assert ("a campaign",) in said


@pytest.mark.parametrize("path", ["/console/alerts/bulk", "/console/cases/add"])
def test_acting_on_none_shows_the_list_again_and_says_what_to_do(scene, analyst, path):
    put(scene, 2)

    answer = analyst.post(path, what="snooze-7", reason="The fair ends then", back="/console/alerts?sort=worst")

    assert answer.status_code == 400
    assert '<a href="#bulk-what">Tick the alerts that you mean first.</a>' in answer.text
    assert '<option value="worst" selected>' in answer.text
    assert 'value="The fair ends then"' in answer.text
    assert '<option value="snooze-7" selected>' in answer.text


def test_a_refused_act_whose_list_is_empty_by_now_leads_to_what_is_there(scene, analyst):
    (alert,) = put(scene, sgtin=f"{scene.watch.gtin}.EMPTY")

    answer = analyst.post("/console/alerts/bulk", alert=str(alert), what="snooze-7", reason="",
                          back="/console/alerts?q=no-such-serial")  # fmt: skip

    (link,) = re.findall(r'<li><a href="#([^"]+)">Nothing was done: this list has no alert to tick', answer.text)
    assert answer.status_code == 400
    assert f'<section class="pan" id="{link}"' in answer.text
    assert "No alert fits." in answer.text


def test_a_refused_decision_on_alerts_that_are_closed_by_now_leads_back_to_the_list(scene, analyst):
    (alert,) = put(scene)
    scene.admin.execute("UPDATE alerts SET closed_at = now() WHERE id = %s", (alert,))

    answer = analyst.post("/console/alerts/bulk", **{"alert": str(alert), "what": "test", "reason": "", "is-page": "1",
                                                     "back": "/console/alerts?sort=worst"})  # fmt: skip

    assert answer.status_code == 400
    assert "All of these alerts are closed already, so nothing was done." in answer.text
    assert '<a class="btn" href="/console/alerts?sort=worst">Back to the list</a>' in answer.text
    assert 'href="#' not in re.sub(r'<use href="#[^"]+"', "", answer.text).partition("<main")[2]


def test_many_without_a_reason_come_back_ticked_with_the_fault_at_its_field(scene, analyst):
    first, second, third = map(str, put(scene, 3))

    answer = analyst.post("/console/alerts/bulk", alert=[first, third], what="snooze-30", reason=" ",
                          back="/console/alerts?sort=oldest")  # fmt: skip

    assert answer.status_code == 400
    assert set(re.findall(r'name="alert" value="([^"]+)" checked', answer.text)) == {first, third}
    assert f'value="{second}">' in answer.text
    assert '<option value="snooze-30" selected>' in answer.text
    assert '<option value="oldest" selected>' in answer.text
    assert re.search(r'id="bulk-reason"[^>]+aria-invalid="true" aria-describedby="bulk-fault"', answer.text)
    assert re.search(r'id="bulk-fault">.*Give the reason', answer.text)


@pytest.mark.parametrize(
    ("lacking", "field", "said"),
    [("reason", "f-reason", "Give the reason"), ("what", "f-what", "Choose what to do with the ticked alerts.")],
)
def test_a_page_to_decide_together_comes_back_with_what_was_given_and_the_fault_at_its_field(
    scene, analyst, lacking, field, said
):
    ids = list(map(str, put(scene, 2)))
    form = {"what": "grey-market", "reason": "a trader"} | {lacking: ""}

    answer = analyst.post(
        "/console/alerts/bulk", **{"alert": ids, "is-page": "1", "back": "/console/alerts?sort=worst", **form}
    )

    assert answer.status_code == 400
    assert set(re.findall(r'type="hidden" name="alert" value="([^"]+)"', answer.text)) == set(ids)
    assert re.findall(r'name="what" value="([^"]+)" required checked', answer.text) == [form["what"]] * bool(
        form["what"]
    )
    assert f">{form['reason']}</textarea>" in answer.text
    assert re.search(rf'<a href="#{field}">{said}', answer.text)
    assert re.search(rf'aria-describedby="{field}-fault"', answer.text)
    assert re.search(rf'class="fault" id="{field}-fault">.*{said}', answer.text)
    assert f'id="{field}"' in answer.text
    assert 'name="back" value="/console/alerts?sort=worst"' in answer.text


@pytest.mark.parametrize(
    ("is_closed", "tone", "icon"), [((), "ok", "tick"), ((0,), "warn", "warn"), ((0, 1), "bad", "warn")]
)
def test_a_notice_has_the_look_of_what_came_of_it(scene, analyst, is_closed, tone, icon):
    ids = put(scene, 2)
    for n in is_closed:
        scene.admin.execute("UPDATE alerts SET closed_at = now() WHERE id = %s", (ids[n],))

    answer = analyst.post("/console/alerts/bulk", alert=[*map(str, ids)], what="test", reason="x")

    said = re.search(r'<div class="said (\w+)"[^>]*>.*?#i-(\w+)"', analyst.get(answer.location).text, re.DOTALL)
    assert said.groups() == (tone, icon)


def test_a_notice_that_an_earlier_release_wrote_is_read(analyst, monkeypatch):
    monkeypatch.setattr(guard, "_seal", lambda raw: "sealed")
    told = urlsafe_b64encode(b"3 alerts done | all of them").decode().rstrip("=")
    analyst.visitor.client.set_cookie("__Host-console-notice", f"{told}.sealed", domain="id.example.com", secure=True)

    assert "3 alerts done | all of them" in analyst.get("/console/alerts").text


@pytest.mark.parametrize(
    "reason", ["", "A fair in Milan & <friends>", "über Händler " * 150], ids=["", "short", "long"]
)
def test_a_whole_page_of_alerts_is_decided_together_with_the_reason_that_was_typed(scene, analyst, reason):
    ids = list(map(str, put(scene, 40)))

    to = analyst.post("/console/alerts/bulk", alert=ids, what="decide", reason=reason, back="/console/alerts")
    page = analyst.get(to.location).text if to.location else to.text

    assert "Decide 40 alerts together" in page
    assert f">{reason}</textarea>" in unescape(page)
    assert len(re.findall('type="hidden" name="alert"', page)) == 40


@pytest.mark.parametrize(("what", "status"), [("block", 400), ("nonsense", 400), ("snooze-3", 400), ("test", 400)])
def test_many_are_not_blocked_and_not_decided_without_reason(scene, analyst, what, status):
    (alert,) = put(scene)

    reason = "" if what == "test" else "x"
    answer = analyst.post("/console/alerts/bulk", alert=str(alert), what=what, reason=reason)

    assert answer.status_code == status
    assert scene.row("SELECT closed_at, snoozed_until FROM alerts WHERE id = %s", alert) == (None, None)


def test_a_mixed_selection_is_offered_what_fits_all_of_it(scene, analyst, flagged):
    _link, item = flagged
    (shop,) = put(scene, rule="shop-reported", sgtin=f"shop/{scene.halden.id}/b1", evidence={"shop_name": "Duomo"})
    (closed,) = put(scene)
    scene.admin.execute("UPDATE alerts SET closed_at = now() WHERE id = %s", (closed,))
    back = "/console/alerts?sort=worst"

    ticked = [str(one) for one in (item, shop, closed)]
    to = analyst.post("/console/alerts/bulk", alert=ticked, what="decide", back=back)
    page = unescape(analyst.get(to.location).text)

    assert "Decide 2 alerts together" in page
    assert "1 of the ticked are closed already" in page
    assert re.findall(r'type="radio" name="what" value="([^"]+)"', page) == ["false-alarm", "grey-market", "test",
                                                                            "snooze-7"]  # fmt: skip
    assert "“Copied code: keep it open and warn” does not fit alerts about shops." in page
    only = re.search(r'form="f-together" name="only" value="([^"]+)" formnovalidate>1 about a shop<', page)
    form = {"alert": ticked, "is-page": "1", "back": back, "reason": "a fair, it seems"}
    shops = analyst.get(analyst.post("/console/alerts/bulk", only=only[1], **form).location).text
    assert "Decide 1 alert together" in shops
    assert "Counterfeits are sold here" in shops
    assert ">a fair, it seems</textarea>" in shops

    again = analyst.post("/console/alerts/bulk", **{"alert": [str(item), str(shop)], "what": "false-alarm",
                                                    "reason": "", "back": back, "is-page": "1"})  # fmt: skip
    assert again.status_code == 400
    assert "Give the reason" in again.text
    done = analyst.post("/console/alerts/bulk", alert=[str(item), str(shop)], what="false-alarm", reason="a fair")
    assert "2 alerts done." in analyst.get(done.location).text


def test_what_fits_one_of_many_only_is_done_for_that_one(scene, analyst, flagged):
    _link, item = flagged
    (shop,) = put(scene, rule="shop-reported", sgtin=f"shop/{scene.halden.id}/b2", evidence={})

    answer = analyst.post(
        "/console/alerts/bulk", alert=[str(item), str(shop)], what="owner-error", reason="a traveller"
    )

    said = unescape(analyst.get(answer.location).text)
    assert "1 alert done. 1 refused: “Not a copy: owner error” does not fit an alert about a shop." in said
    assert scene.row("SELECT closed_at FROM alerts WHERE id = %s", shop) == (None,)


def test_a_page_to_decide_together_without_alerts_leads_back(analyst, viewer):
    assert analyst.get("/console/alerts/decide").location.endswith("/console/alerts")
    assert analyst.get("/console/alerts/decide?alert=x").status_code == 400
    assert viewer.get("/console/alerts/decide").status_code == 403


def test_a_decision_taken_back_beside_a_newer_alert_leaves_no_open_one_and_no_proof(scene, analyst):
    shop = {"rule": "shop-reported", "sgtin": "shop/of-a-trader", "evidence": {"shop_name": "Trader"}}
    (old,) = put(scene, **shop)
    analyst.post(f"/console/alerts/{old}/decide", decision="confirmed", reason="It is so")
    put(scene, **shop)

    done = analyst.post(f"/console/alerts/{old}/undo", reason="the wrong one")

    page = unescape(analyst.get(done.location).text)
    assert "the alert about a shop stays closed, since a newer one about the same is open." in page
    assert "The decision was taken back. This alert stays closed" in page
    assert "Closed without a decision" in analyst.get("/console/alerts?list=closed").text
