"""The inbox of reports in the console."""

import re

from casework import alert_on, picture, report

from authsvc.reports import grouped
from authsvc.staff import Role


def path(filed):
    return f"/console/reports/{filed.id}"


def test_a_report_is_read_with_its_words_as_text(analyst, scene):
    filed = report(scene, text="<script>alert(1)</script>", listing_url="market.example/x", photos=(picture(),))

    page = analyst.get(path(filed)).text

    assert "&lt;script&gt;alert(1)" in page
    assert "https://market.example/x" in page
    assert 'href="https://market.example' not in page
    photo = analyst.get(f"{path(filed)}/photos/1")
    assert (photo.content_type, photo.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert "sandbox" in photo.headers["Content-Security-Policy"]
    assert analyst.get(f"{path(filed)}/photos/2").status_code == 404


def test_a_contact_is_shown_on_demand_and_the_look_is_noted(analyst, cast, scene):
    filed = report(scene, contact="who@example.com")
    assert "who@example.com" not in analyst.get(path(filed)).text

    assert "who@example.com" in analyst.post(f"{path(filed)}/contact").text
    assert scene.row(
        "SELECT count(*) FROM audit_events WHERE act = 'report.contact' AND subject = %s", f"report {filed.number}"
    ) == (1,)  # fmt: skip
    viewer = cast.add(Role.VIEWER)
    viewer.sign_in()
    assert viewer.get(path(filed)).status_code == 200
    assert viewer.post(f"{path(filed)}/contact").status_code == 403
    assert 'method="post" action="/console/reports' not in viewer.get(path(filed)).text


def test_a_report_goes_into_a_new_case_and_to_the_alert_of_its_item(analyst, scene):
    link, alert_id = alert_on(scene)
    filed = report(scene, sgtin=link.sgtin)

    assert analyst.post(f"{path(filed)}/link", case="new", title="").status_code == 400
    answer = analyst.post(f"{path(filed)}/link", case="new", title="From a report")
    assert grouped(filed.number) in analyst.get(answer.location).text
    assert str(alert_id) in analyst.get(path(filed)).text
    analyst.post(f"{path(filed)}/alert", alert=str(alert_id))

    page = analyst.get(path(filed)).text
    assert "From a report" in page
    assert re.search(r'class="t2">linked<', page)
    assert analyst.post(f"{path(filed)}/alert", alert="x").status_code == 404


def test_a_report_is_closed_with_a_reason_and_opened_again(analyst, scene):
    filed = report(scene)

    assert analyst.post(f"{path(filed)}/close", reason="").status_code == 400
    analyst.post(f"{path(filed)}/close", reason="A mix-up")
    assert "A mix-up" in analyst.get(path(filed)).text
    assert grouped(filed.number) in analyst.get("/console/reports?list=closed").text
    assert analyst.post(f"{path(filed)}/link", case="new", title="x").status_code == 409
    analyst.post(f"{path(filed)}/reopen")

    assert grouped(filed.number) in analyst.get("/console/reports").text


def test_reports_are_listed_by_state_and_by_shop(analyst, scene):
    for _ in range(3):
        report(scene, shop_name="Watch & Co")
    report(scene, shop_name="Other")

    shops = analyst.get("/console/reports/shops").text
    assert re.search(r"Watch &amp; Co</a></td>.*?>3<.*?>3<.*?>3<", shops, re.DOTALL)
    one = re.search(r'href="([^"]+)">Watch &amp; Co', shops)[1].replace("&amp;", "&")
    listed = analyst.get(one).text
    assert "Reports of Watch &amp; Co" in listed
    assert "Other" not in listed
    assert analyst.get("/console/reports?list=nonsense").status_code == 200


def test_the_alert_of_a_shop_has_a_page_with_its_reports(analyst, scene):
    filed = [report(scene, listing_url="https://market.example/shop", text=f"Word {n}") for n in range(3)]
    (alert_id,) = scene.row("SELECT id FROM alerts WHERE subject = 'shop' AND evidence->>'shop' LIKE '%%/shop'")

    page = analyst.get(f"/console/alerts/{alert_id}").text

    assert "Three people reported an offer on market.example within 30 days" in page
    assert all(f"Report {grouped(one.number)}" in page for one in filed)
    assert "Add to case" in page
    assert "Three people reported an offer on market.example" in analyst.get("/console/alerts").text
    analyst.post("/console/cases/add", alert=[str(alert_id)], case="new", title="A shop")
    assert "A shop" in analyst.get(f"/console/alerts/{alert_id}").text


def test_a_long_inbox_has_pages_that_leave_nothing_out(analyst, cast, scene, monkeypatch):
    monkeypatch.setattr("authsvc.report_inbox.PAGE", 2)
    filed = {grouped(report(scene, shop_name="Paged").number) for _ in range(5)}
    address, seen = "/console/reports?shop=name%3Apaged", set()

    while address:
        page = analyst.get(address).text
        seen |= set(re.findall(r'class="mono" href="/console/reports/[^"]+">([0-9A-Z-]{11})<', page))
        older = re.search(r'rel="next" href="([^"]+)"', page)
        address = older and older[1].replace("&amp;", "&")

    assert seen == filed
