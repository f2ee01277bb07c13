"""The queue and the page of alerts: lists, filters, decisions and undo, for whom they are and for nobody else."""

import re
from datetime import timedelta
from html import unescape

import pytest
from raising import EVIDENCE, flagged, put
from test_investigations import FAR

from authsvc import alert_lists
from authsvc.core.verdicts import Reason
from authsvc.core.wording import words
from authsvc.staff import Role

__all__ = ["flagged"]


@pytest.fixture
def rival(scene, cast):
    person = cast.add(Role.ADMIN, scene.rival)
    person.sign_in()
    return person


@pytest.fixture
def empty(scene):
    """Take every alert away, so that a list holds what a test puts there."""
    scene.admin.execute("TRUNCATE alerts, alert_countries")


def shown(response):
    assert response.status_code == 200, response.text
    return re.findall(r'data-alert="([^"]+)"', response.text)


def page_after(response, rel):
    found = re.search(rf'rel="{rel}" href="(/console/alerts\?[^"]+)"', response.text)
    return found and unescape(found[1])


# --- The queue -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("sort", ["newest", "oldest", "worst"])
def test_pages_hold_every_alert_once_in_order_and_lead_back(scene, analyst, sort):
    put(scene, 95)
    order = {
        "newest": "opened_at DESC, id DESC",
        "oldest": "opened_at, id",
        "worst": "severity DESC, score DESC, id DESC",
    }
    expected = [str(row[0]) for row in scene.rows(f"SELECT id FROM alerts ORDER BY {order[sort]}")]

    pages = [analyst.get(f"/console/alerts?sort={sort}")]
    while (older := page_after(pages[-1], "next")) and len(pages) < 9:
        pages.append(analyst.get(older))
    back = analyst.get(page_after(pages[-1], "prev"))

    assert [one for page in pages for one in shown(page)] == expected
    assert len(pages) == 3
    assert shown(back) == shown(pages[1])


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("most", [2, alert_lists.COUNTED_TO])
@pytest.mark.parametrize("order", ["worst", "newest", "oldest"])
def test_the_alerts_of_a_country_are_in_order_be_they_few_or_many(scene, analyst, monkeypatch, order, most):
    monkeypatch.setattr(alert_lists, "COUNTED_TO", most)
    ours = [*put(scene, 45, evidence={**EVIDENCE, "country": "PL"}), *put(scene, 3, evidence=EVIDENCE)][:45]
    by = {"newest": "opened_at DESC, id DESC", "oldest": "opened_at, id", "worst": "severity DESC, score DESC, id DESC"}
    rows = scene.rows(f"SELECT id FROM alerts WHERE id = ANY(%s) ORDER BY {by[order]}", ours)

    first = analyst.get(f"/console/alerts?country=PL&sort={order}")
    second = analyst.get(page_after(first, "next"))

    assert shown(first) + shown(second) == [str(row[0]) for row in rows]


@pytest.mark.usefixtures("empty")
def test_filters_and_their_sum(scene, analyst):
    network = {"country": "PL", "parts": []}
    (lot,) = put(scene, rule="lot-in-a-far-place", evidence={**network, "lot": "L9", "gtin": scene.watch.gtin},
                 sgtin=f"lot/{scene.watch.gtin}/L9")  # fmt: skip
    (high,) = put(scene, score=12.0)
    (other,) = put(scene, rule="signed-not-issued", evidence={}, sgtin="09506000134406.A1")
    for asked, expected in {
        "rule=lot-in-a-far-place": {lot}, "country=pl": {lot}, "lot=L9": {lot}, "severity=high": {high, other},
        "severity=high&rule=kinds-of-network": {high}, f"product={scene.watch.gtin}": {lot, high}, "age=1":
        {lot, high, other}, "country=DE": set(), "severity=nonsense&age=x&sort=x&list=x": {lot, high, other},
    }.items():  # fmt: skip
        assert set(shown(analyst.get(f"/console/alerts?{asked}"))) == {str(one) for one in expected}, asked


@pytest.mark.usefixtures("empty")
def test_a_search_takes_serial_link_and_batch_and_looks_into_closed_alerts(scene, analyst):
    link = scene.codes.link()
    (alert,) = put(scene, sgtin=link.sgtin)
    put(scene, 3)
    scene.admin.execute("UPDATE alerts SET closed_at = now(), lot = 'L2410' WHERE id = %s", (alert,))
    serial = " ".join(link.serial[n : n + 4] for n in range(0, 16, 4))

    for text in (link.serial, serial, link.uri("https://id.example.com", s="x"), "L2410", link.sgtin):
        found = analyst.get("/console/alerts?" + "q=" + text.replace(" ", "+").replace("&", "%26").replace("?", "%3F"))
        assert shown(found) == [str(alert)], text
    assert shown(analyst.get("/console/alerts?q=nothing.such")) == []
    assert analyst.get("/console/alerts?q=nothing%00such").status_code == 400


@pytest.mark.parametrize("key", ["x", "1_2", "2026-01-01_x", "9999999_1_x", "2026-01-01T00:00:00_x_y"])
@pytest.mark.parametrize("sort", ["newest", "worst"])
def test_an_address_that_names_no_page_is_refused(analyst, key, sort):
    assert analyst.get(f"/console/alerts?sort={sort}&after={key}").status_code == 400


@pytest.mark.usefixtures("empty")
def test_lists_have_what_they_say(scene, analyst, cast):
    colleague = cast.add(Role.ANALYST)
    new, mine, theirs, asleep, awake, closed = put(scene, 6)
    for alert, change in (
        (mine, f"assignee = '{analyst.account_id}'"), (theirs, f"assignee = '{colleague.account_id}'"),
        (asleep, "snoozed_until = now() + interval '1 day'"), (awake, "snoozed_until = now() - interval '1 day'"),
        (closed, "closed_at = now()"),
    ):  # fmt: skip
        scene.admin.execute(f"UPDATE alerts SET {change} WHERE id = %s", (alert,))

    lists = {name: set(shown(analyst.get(f"/console/alerts?list={name}"))) for name in
             ("new", "mine", "team", "snoozed", "closed")}  # fmt: skip
    counts = dict(re.findall(r">(New|Mine|Team|Snoozed) <span>(\d+)<", analyst.get("/console/alerts").text))

    assert lists == {"new": {str(new), str(awake)}, "mine": {str(mine)}, "team": {str(theirs)},
                     "snoozed": {str(asleep)}, "closed": {str(closed)}}  # fmt: skip
    assert counts == {"New": "2", "Mine": "1", "Team": "1", "Snoozed": "1"}


def test_a_rival_sees_and_does_nothing(scene, rival, flagged):
    _link, alert_id = flagged

    assert str(alert_id) not in rival.get("/console/alerts").text
    assert rival.get(f"/console/alerts/{alert_id}").status_code == 404
    for act in ("decide", "undo", "assign", "wake"):
        assert rival.post(f"/console/alerts/{alert_id}/{act}", decision="test", reason="x").status_code == 404
    assert rival.get(f"/console/alerts/{alert_id}/block").status_code == 404
    answer = rival.post("/console/alerts/bulk", alert=str(alert_id), what="test", reason="x")
    assert "0 alerts done. 1 refused" in rival.get(answer.location).text
    assert scene.row("SELECT closed_at, assignee FROM alerts WHERE id = %s", alert_id) == (None, None)


@pytest.mark.usefixtures("empty")
def test_a_line_says_what_happened_where_how_sure_and_what_it_waits_for(scene, analyst, cast):
    colleague = cast.add(Role.ANALYST)
    seen = [
        {"visitor": str(n), "first_at": f"2026-11-0{n}T08:00:00+00:00", "country": country, "is_confirmed": True}
        for n, country in enumerate(("IT", "NL", "VN", "BR", "JP"), 1)
    ]
    new, theirs, asleep = put(scene, 3, rule="kinds-of-network", evidence={"threshold": 1.0, "sightings": seen})
    (shop,) = put(scene, rule="shop-reported", sgtin=f"shop/{scene.halden.id}/b3", evidence={"shop_name": "Duomo"})
    scene.admin.execute("UPDATE alerts SET assignee = %s WHERE id = %s", (colleague.account_id, theirs))
    scene.admin.execute("UPDATE alerts SET snoozed_until = '2036-12-03' WHERE id = %s", (asleep,))

    page = unescape(analyst.get("/console/alerts").text)
    team = unescape(analyst.get("/console/alerts?list=team").text)
    asleep_page = unescape(analyst.get("/console/alerts?list=snoozed").text)
    analyst.post(f"/console/alerts/{shop}/decide", decision="confirmed", reason="bought one")
    closed = unescape(analyst.get("/console/alerts?list=closed").text)

    for said in ("Five phones in five countries checked this code within four days", "20 times over the limit",
                 "Japan, Brazil, Vietnam and 2 more", "Somebody to take it", "Shop · Duomo", str(new)):  # fmt: skip
        assert said in page, said
    assert re.search(r"Decision of \w+", team)
    assert "Sleeps until 3 Dec" in asleep_page
    assert "Counterfeits are sold here" in closed


# --- The page --------------------------------------------------------------------------------------------------------


def test_the_page_shows_evidence_as_raised_and_later_scans_as_later(scene, analyst, flagged):
    link, alert_id = flagged
    raised = analyst.get(f"/console/alerts/{alert_id}").text
    (number,) = re.findall(r"(\d+) when the alert was raised", raised)
    scene.scan(link, place=FAR[0])

    page = analyst.get(f"/console/alerts/{alert_id}").text

    assert f"{number} when the alert was raised" in page
    assert "Scans since then" in page
    for part in ("Where it was scanned", "Why this alert", "Scans per day", "What happened", "Your decision"):
        assert part in page
    evidence = scene.row("SELECT evidence FROM alerts WHERE id = %s", alert_id)[0]
    total = round(sum(round(part["weight"], 1) for part in evidence["parts"]), 1)
    (why,) = re.findall(r'<section class="pan" id="why".*?</section>', page, re.DOTALL)
    points = re.findall(r'<span class="pt[^"]*">([^<]+)</span>', why.partition("<details")[0])
    *parts, shown = [float(text.replace("\N{MINUS SIGN}", "-").replace("+", "")) for text in points]
    assert len(parts) <= 4
    assert round(sum(parts), 1) == shown == total


def test_a_viewer_reads_and_does_not_decide(scene, viewer, flagged):
    _link, alert_id = flagged

    page = viewer.get(f"/console/alerts/{alert_id}").text

    assert "Analysts of the team decide" in page
    assert 'name="decision"' not in page
    assert 'type="checkbox"' not in viewer.get("/console/alerts").text
    assert viewer.post(f"/console/alerts/{alert_id}/decide", decision="test", reason="x").status_code == 403


CHOICES = ("block", "warn", "false-alarm", "owner-error", "grey-market", "test")


@pytest.mark.parametrize("choice", CHOICES)
def test_what_will_change_is_what_changes(scene, analyst, flagged, choice):
    link, alert_id = flagged
    path = f"/console/alerts/{alert_id}"
    page = unescape(analyst.get(path).text)
    effects = re.findall(r"<div><b>What will change</b>(.*?)</div>", page, re.DOTALL)
    said = dict(zip((*CHOICES, "wait"), effects, strict=True))[choice]

    answer = analyst.post(f"{path}/decide", decision=choice, reason="looked at it")
    if choice == "block":
        assert "A last look" in analyst.get(answer.location).text
        answer = analyst.post(f"{path}/block", reason="looked at it")
    assert answer.status_code == 303
    decided = words(scene.scan(link).verdict).title
    analyst.post(f"{path}/undo", reason="the wrong one")
    undone = scene.scan(link).verdict.reason

    assert f"“{decided}”" in said
    assert undone is Reason.POSSIBLE_COPY
    log = unescape(analyst.get(path).text)
    assert "took back" in log
    assert "looked at it" in log


def test_a_block_asks_for_a_fresh_proof(scene, analyst, flagged, later):
    link, alert_id = flagged
    path = f"/console/alerts/{alert_id}"
    later(minutes=6)

    answer = analyst.post(f"{path}/decide", decision="block", reason="copies seized")
    form = analyst.get(answer.location)

    assert "/console/confirm?next=" in form.location
    assert "copies%2Bseized" in form.location
    assert analyst.post(f"{path}/block", reason="copies seized").status_code == 403
    assert scene.row("SELECT disposition FROM items WHERE sgtin = %s", link.sgtin) == ("active",)


def test_webhooks_are_told_of_where_there_are_some(scene, analyst, flagged):
    _link, alert_id = flagged
    told = "INSERT INTO webhook_endpoints (id, brand_id, url, types) VALUES (gen_random_uuid(), %s, 'https://x', %s)"
    assert "No webhook is told." in analyst.get(f"/console/alerts/{alert_id}").text

    scene.admin.execute(told, (scene.halden.id, ["alert.closed"]))
    scene.admin.execute(told, (scene.halden.id, []))
    scene.admin.execute(told, (scene.rival.id, []))
    page = analyst.get(f"/console/alerts/{alert_id}").text
    scene.admin.execute("DELETE FROM webhook_endpoints")

    assert "2 webhooks are told." in page


@pytest.mark.parametrize("form", [{"decision": "test"}, {"reason": "x"}, {"decision": "wait"}])
def test_a_form_that_lacks_something_comes_back_with_what_was_typed(scene, analyst, flagged, form):
    _link, alert_id = flagged

    answer = analyst.post(f"/console/alerts/{alert_id}/decide", **form)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert form.get("reason", "") in answer.text
    assert scene.row("SELECT closed_at, snoozed_until FROM alerts WHERE id = %s", alert_id) == (None, None)


def test_an_alert_is_assigned_and_sleeps_and_wakes(scene, analyst, cast, flagged):
    _link, alert_id = flagged
    path, query = (
        f"/console/alerts/{alert_id}",
        "SELECT assignee, snoozed_until, wakes_at_score FROM alerts WHERE id = %s",
    )
    stranger = cast.add(Role.ANALYST, scene.rival)

    analyst.post(f"{path}/assign", to=str(analyst.account_id))
    assert scene.row(query, alert_id)[0] == analyst.account_id
    assert analyst.post(f"{path}/assign", to=str(stranger.account_id)).status_code == 404
    assert analyst.post(f"{path}/assign", to="x").status_code == 400
    analyst.post(f"{path}/assign", to="")
    analyst.post(f"{path}/decide", decision="wait", reason="one more week", days="30", rise="2")
    assignee, until, score = scene.row(query, alert_id)
    assert assignee is None
    assert until - scene.clock() > timedelta(days=29)
    assert score > 2
    analyst.post(f"{path}/wake")

    assert scene.row(query, alert_id) == (None, None, None)
    page = unescape(analyst.get(path).text)
    for act in ("woke it up", "let it sleep: one more week", "gave it to nobody"):
        assert act in page


def test_alerts_on_no_item_have_a_page_with_what_they_have(scene, analyst):
    (network,) = put(scene, rule="codes-refused-from-one-network", sgtin=f"network/{scene.halden.id}/ab12", evidence={
        "prefix": "ab12", "country": "RU", "since": "2026-01-01", "parts": [
            {"rule": "refused-codes", "weight": 100.0, "text": "40 different codes were refused"}]})  # fmt: skip

    page = unescape(analyst.get(f"/console/alerts/{network}").text)

    assert "40 different codes were refused" in page
    assert "Copied code: block" not in page
    assert "Owner error" not in page
    assert "Forged codes are tried from here" in page
    assert "Nothing changes for people who scan." in page
    refused = analyst.post(f"/console/alerts/{network}/decide", decision="block", reason="x")
    assert refused.status_code == 409
    assert "does not fit an alert about a network" in refused.text
    analyst.post(f"/console/alerts/{network}/decide", decision="confirmed", reason="a farm of phones")
    decided = unescape(analyst.get(f"/console/alerts/{network}").text)
    assert "decided “Forged codes are tried from here”: a farm of phones" in decided
    analyst.post(f"/console/alerts/{network}/undo", reason="the wrong one")
    assert analyst.get(f"/console/alerts/{network}/block").location.endswith(f"/console/alerts/{network}")


def test_figures_that_nothing_was_counted_for_are_left_out(scene, analyst):
    (shown,) = put(scene, rule="receipt-copied", evidence={"visitors": 21}, score=1.0)
    (never,) = put(scene, rule="signed-not-issued", evidence={"kid": "k.1", "format": "ed25519"}, score=1.0)

    pages = [analyst.get(f"/console/alerts/{alert}").text for alert in (shown, never)]

    tiles = [re.findall(r"<div[^>]*><dt>([^<]+)</dt><dd><b>([^<]+)<", page) for page in pages]
    assert tiles == [[("Readers of the result", "21")], []]
    assert '<dl class="kpi">' not in pages[1]


def test_shortcuts_are_switched_off_in_the_account(analyst, flagged):
    _link, alert_id = flagged
    path = f"/console/alerts/{alert_id}"
    assert 'data-keys="on"' in analyst.get(path).text

    analyst.post("/console/account/shortcuts", on="0")

    assert "data-keys" not in analyst.get(path).text
    assert "<kbd>" not in analyst.get(path).text
