"""Cases in the console: opened, filled, moved, exported and written about, by those who may."""

import io
import json
import os
import re
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest
from casework import PDF, alert_on, huge_png, picture, report
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from authsvc import evidence_bundles, uploads
from authsvc.runtime import new_id
from authsvc.staff import Role


def open_case(person, title="Watches from a market"):
    answer = person.post("/console/cases", title=title)
    assert answer.status_code == 303, answer.text
    return answer.location.removeprefix("https://id.example.com")


def upload(person, path, name, content):
    # Encoded here: the client would leave large bodies in files that it does not close.
    boundary, body = encode_multipart({"form_token": person.token(), "file": FileStorage(io.BytesIO(content), name)})
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Origin": person.base_url}
    return person.visitor.open(
        f"{path}/attachments", "POST", data=body, headers=headers, base_url=person.base_url,
        content_type=f"multipart/form-data; boundary={boundary}",
    )  # fmt: skip


def pdf_text(content, tmp_path):
    file = tmp_path / "paper.pdf"
    file.write_bytes(content)
    said = subprocess.run(["pdftotext", "-layout", file, "-"], check=True, capture_output=True, text=True)
    return " ".join(said.stdout.split())


def test_alerts_are_grouped_from_a_selection_into_a_new_case_and_an_old_one(analyst, scene):
    (first, one), (_, two) = alert_on(scene), alert_on(scene)
    form = analyst.get(f"/console/cases/add?alert={one}&alert={two}")
    assert "Add 2 alerts to a case" in form.text
    assert first.sgtin in form.text

    answer = analyst.post("/console/cases/add", alert=[str(one), str(two)], case="new", title="Two of a kind")
    page = analyst.get(answer.location)
    assert "2 alerts are added to case" in page.text
    assert "Two of a kind" in page.text
    case_id = answer.location.rpartition("/")[2]
    again = analyst.post("/console/cases/add", alert=[str(one)], case=case_id)
    said = analyst.get(again.location).text
    assert "0 alerts are added" in said
    assert "1 had been in it before" in said


def test_a_selection_of_the_queue_is_asked_about_and_leaves_no_token_in_an_address(analyst, scene):
    _, alert_id = alert_on(scene)
    queue = analyst.get("/console/alerts").text
    assert 'formaction="/console/cases/add"' in queue
    assert "formmethod" not in queue

    form = analyst.post("/console/cases/add", alert=[str(alert_id)], what="assign", reason="")

    assert form.status_code == 200
    assert "Add this alert to a case" in form.text
    assert "tick at least one" in analyst.post("/console/cases/add", what="assign").text


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"case": "new", "title": " "}, 400, "A title needs at least one letter"),
        ({"case": "nonsense"}, 404, "nothing under this number"),
        ({"case": str(new_id())}, 404, "no such case"),
    ],
)
def test_what_cannot_be_added_to_is_said(analyst, scene, form, status, said):
    _, alert_id = alert_on(scene)

    answer = analyst.post("/console/cases/add", alert=[str(alert_id)], **form)

    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize("alerts", [[], ["x"], [str(new_id())]])
def test_alerts_that_are_not_there_lead_nowhere(analyst, alerts):
    query = "&".join(f"alert={alert}" for alert in alerts)

    assert analyst.get(f"/console/cases/add?{query}").status_code == 404
    assert analyst.post("/console/cases/add", alert=alerts, case="new", title="x").status_code == 404


def test_a_case_is_moved_assigned_commented_and_closed_with_a_reason(analyst, scene):
    path = open_case(analyst)
    me = str(analyst.account_id)

    analyst.post(f"{path}/move", to="investigating", reason="")
    analyst.post(f"{path}/assign", assignee=me)
    analyst.post(f"{path}/comments", text="Ask <b>the shop</b>.\nTwice.")
    refused = analyst.post(f"{path}/move", to="closed", reason=" ")
    assert refused.status_code == 400
    assert "Give the reason for closing" in refused.text
    page = analyst.get(path).text
    assert "Ask &lt;b&gt;the shop&lt;/b&gt;.\nTwice." in page
    assert '<span class="sev warn">Investigating</span>' in page
    analyst.post(f"{path}/move", to="closed", reason="The shop has closed")

    assert "Closed: The shop has closed" in analyst.get(path).text
    assert analyst.post(f"{path}/move", to="escalated", reason="x").status_code == 409
    assert analyst.post(f"{path}/move", to="nonsense").status_code == 400
    number = re.search(r"Case <b>(\d+)</b>", page)[1]
    acts = [a for (a,) in scene.rows("SELECT act FROM audit_events WHERE subject = %s ORDER BY seq", f"case {number}")]
    assert acts == ["case.open", "case.move", "case.assign", "case.comment", "case.move"]
    assert "Everything that was done" in page


def test_a_viewer_reads_and_finds_no_form(analyst, viewer):
    path = open_case(analyst)
    analyst.post(f"{path}/comments", text="For all to read")

    page = viewer.get(path).text

    assert "For all to read" in page
    assert 'method="post" action="/console/cases' not in page
    assert "Export evidence" not in page
    for act in ("move", "assign", "comments", "attachments", "evidence"):
        assert viewer.post(f"{path}/{act}").status_code == 403, act


def test_a_comment_is_taken_away_by_its_author_alone(analyst, cast):
    path = open_case(analyst)
    analyst.post(f"{path}/comments", text="A mistake")
    remove = re.search(r'action="([^"]+/comments/[^"]+/remove)"', analyst.get(path).text)[1]
    other = cast.add(Role.ADMIN)
    other.sign_in()

    assert other.post(remove).status_code == 403
    assert remove not in other.get(path).text
    analyst.post(remove)

    page = other.get(path).text
    assert "A mistake" not in page
    assert "Taken away by its author" in page


@pytest.mark.parametrize(
    ("name", "content", "media_type", "kept"),
    [
        ("Beleg Größe.pdf", PDF, "application/pdf", "Beleg Größe.pdf"),
        ("x;a=b.html", b"<script>alert(1)</script>", "text/plain; charset=utf-8", "x;a=b.html.txt"),
        ("photo.svg", picture(), "image/jpeg", "photo.svg.jpg"),
        ("../../etc/passwd", picture("PNG"), "image/png", "passwd.png"),
    ],
)
def test_a_file_comes_back_as_a_download_that_no_browser_runs(analyst, name, content, media_type, kept):
    path = open_case(analyst)
    assert upload(analyst, path, name, content).status_code == 303
    address = re.search(r'href="([^"]+/attachments/[^"]+)"', analyst.get(path).text)[1]

    answer = analyst.get(address)

    assert answer.content_type == media_type
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="')
    assert disposition.count('"') == 2
    assert disposition.isascii()

    assert unquote(disposition.rpartition("''")[2]) == kept


@pytest.mark.parametrize("content", [b"", b"MZ\x00", huge_png(), b"\xff\xd8\xff damaged"])
def test_a_file_that_is_not_taken_is_said_in_its_place(analyst, content):
    path = open_case(analyst)

    answer = upload(analyst, path, "photo.jpg", content)

    assert answer.status_code == 400
    assert 'id="f-file-fault"' in answer.text
    assert "/attachments/" not in answer.text


def test_a_file_that_is_too_large_is_refused_and_a_strangers_is_not_even_read(analyst, cast):
    path = open_case(analyst)
    assert upload(analyst, path, "long.txt", b"x" * (uploads.MOST_BYTES - 10)).status_code == 303
    assert upload(analyst, path, "long.txt", b"x" * (uploads.MOST_BYTES + 2**20)).status_code == 413

    stranger = cast.add()
    assert upload(stranger, path, "long.txt", b"x" * 100_000).status_code == 413


# --- Evidence ---------------------------------------------------------------------------------------------------------


def filled_case(person, scene):
    link, alert_id = alert_on(scene)
    location = person.post("/console/cases/add", alert=[str(alert_id)], case="new", title="Sold in Milan").location
    path = location.removeprefix("https://id.example.com")
    filed = report(
        scene, sgtin=link.sgtin, listing_url="https://market.example/offer/9", price="25 EUR",
        text="Came in a plain bag.", contact="who@example.com",
    )  # fmt: skip
    person.post(f"/console/reports/{filed.id}/link", case=path.rpartition("/")[2])
    person.post(f"{path}/comments", text="Compared with a genuine one.")
    upload(person, path, "receipt.pdf", PDF)
    return path, link


def test_the_evidence_is_downloaded_and_verifies_with_the_published_keys(analyst, scene, tmp_path):
    path, link = filled_case(analyst, scene)
    assert "verify-evidence" in analyst.get(f"{path}/evidence").text

    answer = analyst.post(f"{path}/evidence")

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="case-')
    scene.refresh()
    keys = scene.visitor().open(f"/.well-known/jwks.json?brand={scene.halden.id}").json
    sealed, document = evidence_bundles.verify(io.BytesIO(answer.data), keys)
    assert sealed.brand_id == scene.halden.id
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.read("files/01-receipt.pdf") == PDF
    said = pdf_text(archive.read("evidence.pdf"), tmp_path)
    for words in (
        "Sold in Milan", link.serial[:16], "2 new visitors where its like has 1", "market.example/offer/9", "25 EUR",
        "Came in a plain bag.", "Compared with a genuine one.", "receipt.pdf", "Alerts added", "Report linked",
        "Italy", "190 km", "Page 1",
    ):  # fmt: skip
        assert words.replace(" ", "") in said.replace(" ", ""), words
    assert "who@example.com" not in said
    fonts = subprocess.run(["pdffonts", tmp_path / "paper.pdf"], check=True, capture_output=True, text=True).stdout
    assert {row.split()[-5] for row in fonts.splitlines()[2:]} == {"yes"}
    ((details,),) = scene.rows(
        "SELECT details FROM audit_events WHERE act = 'case.export' AND subject = %s",
        f"case {document['case']['number']}",
    )
    assert details["kid"] == sealed.kid
    assert details["sha256"][:16] in said
    if folder := os.environ.get("CONSOLE_SHOTS"):
        (Path(folder) / "evidence.pdf").write_bytes(archive.read("evidence.pdf"))


def test_hostile_texts_are_text_on_paper(analyst, scene, tmp_path):
    path = open_case(analyst, '<b>&amp;"</b> \u202e\ufeff 錶 title')
    analyst.post(f"{path}/comments", text="<para><font size=90>&lt;x " + "y" * 9000)
    filed = report(scene, text="<img src=x> " * 100, shop_name="<br/>" * 40)
    analyst.post(f"/console/reports/{filed.id}/link", case=path.rpartition("/")[2])

    archive = zipfile.ZipFile(io.BytesIO(analyst.post(f"{path}/evidence").data))

    said = pdf_text(archive.read("evidence.pdf"), tmp_path)
    assert '<b>&amp;"</b>' in said
    assert "<para><font size=90>&lt;x" in said
    document = json.loads(archive.read("evidence.json"))
    assert document["comments"][0]["text"].endswith("y" * 9000)


def test_evidence_needs_a_fresh_proof(analyst, scene, later):
    path, _ = filled_case(analyst, scene)
    later(minutes=6)

    assert analyst.get(f"{path}/evidence").location.startswith("/console/confirm?next=")
    assert analyst.post(f"{path}/evidence").status_code == 403


def test_a_letter_is_filled_from_the_case(analyst, scene, tmp_path):
    path, link = filled_case(analyst, scene)
    page = analyst.get(f"{path}/letter?to=Market+Ltd")
    assert "To: Market Ltd" in page.text

    answer = analyst.get(f"{path}/letter/file?to=Market+Ltd")

    said = pdf_text(answer.data, tmp_path)
    assert "https://market.example/offer/9" in said.replace("9 (", "9 (")
    assert link.serial in said
    assert "to be completed by counsel" in said
    text = analyst.get(f"{path}/letter/file?as=text&to=Market+Ltd").text
    assert "price stated: 25 EUR" in text
    assert scene.row("SELECT count(*) FROM audit_events WHERE act = 'case.letter'") == (2,)


def test_a_case_without_a_shop_has_no_letter(analyst):
    path = open_case(analyst)

    assert "Nobody to write to" in analyst.get(f"{path}/letter").text
    assert analyst.get(f"{path}/letter/file").status_code == 404


def test_a_long_list_of_cases_has_pages(analyst, scene, monkeypatch):
    monkeypatch.setattr("authsvc.cases.PAGE", 2)
    for number in range(3):
        open_case(analyst, f"Page case {number}")

    first = analyst.get("/console/cases").text
    assert "Page case 2" in first
    assert "Page case 0" not in first
    older = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")

    assert "Page case 0" in analyst.get(older).text
    assert analyst.get("/console/cases?list=closed").status_code == 200
    assert analyst.get("/console/cases?list=mine&before=x").status_code == 200


def test_a_decision_on_an_alert_stands_in_the_evidence(analyst, scene, tmp_path):
    path, link = filled_case(analyst, scene)
    ((alert_id,),) = scene.rows("SELECT id FROM alerts WHERE sgtin = %s", link.sgtin)
    analyst.post(f"/console/alerts/{alert_id}/decide", decision="false-alarm", reason="The owner was on a journey")

    archive = zipfile.ZipFile(io.BytesIO(analyst.post(f"{path}/evidence").data))

    document = json.loads(archive.read("evidence.json"))
    (resolution,) = document["alerts"][0]["resolutions"]
    assert (resolution["kind"], resolution["reason"]) == ("false-alarm", "The owner was on a journey")
    said = pdf_text(archive.read("evidence.pdf"), tmp_path)
    assert "False alarm" in said
    assert "The owner was on a journey" in said
    assert "Alert decided" in said
