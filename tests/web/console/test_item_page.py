"""The page of one item: everything about it, acts with their opposite, and nothing of another brand."""

import html
import re
from urllib.parse import urlencode

import pytest
from scene import derive, forge

from authsvc import receipts
from authsvc.core.verdicts import Disposition
from authsvc.ownership import number_of
from authsvc.runtime import new_id
from authsvc.staff import Role


@pytest.fixture
def code(scene):
    """Return the path of a fresh code of Halden's watch, and the address of its page."""
    path = scene.codes.path()
    return path, page_of(path)


def page_of(path):
    gtin, serial = re.match(r"/01/(\d+)/21/([^?]+)", path).groups()
    return f"/console/items/{gtin}.{serial}"


def text_of(answer):
    assert answer.status_code == 200, answer.text
    return html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2]))


def told(answer):
    return re.search(r'id="told".*?<p><b>(.*?)</b>', answer.text, re.DOTALL)[1]


def signed_in(cast, role, brand=None):
    person = cast.add(role, brand)
    person.sign_in()
    return person


def test_an_item_that_nobody_has_scanned_says_where_it_comes_from(scene, admin, code):
    answer = admin.get(code[1])

    text = text_of(answer)
    assert "Meridian 36" in text
    assert "L2410" in text
    assert f"{scene.codes.run}, code " in text
    assert "Nobody has scanned it." in text
    assert told(answer) == "This code is genuine"
    assert scene.rows("SELECT 1 FROM items WHERE sgtin = %s", code[1].rpartition("/")[2]) == []


def test_every_scan_is_told_and_why_it_counts_or_not(scene, admin, code):
    path, address = code
    person = scene.visitor()
    person.confirm(person.scan(path))
    person.scan(path)
    scene.visitor(agent="Slackbot-LinkExpanding 1.0").scan(path)
    scene.visitor().scan(forge(path))

    text = text_of(admin.get(address))

    assert re.search(r"Germany\s+within 300 km", text)
    for said in ("Scan 1", "Repeat, not counted again", "Not counted: program", "Forged"):
        assert said in text, said
    assert "81." not in text


def test_scans_come_in_pages_and_each_is_shown_once(scene, admin, code):
    path, address = code
    shown = [scene.visitor().scan(path).receipt for _ in range(60)]
    scene.admin.execute(
        "UPDATE scans SET at = date_trunc('second', at) WHERE sgtin = %s", (address.rpartition("/")[2],)
    )

    seen, next_page = [], address
    while next_page:
        answer = admin.get(next_page)
        seen += re.findall(r"Scan (\d+)", answer.text)
        older = re.search(r'rel="next" href="([^"]+)"', answer.text)
        next_page = html.unescape(older[1]).partition("#")[0] if older else None

    assert sorted(map(int, seen)) == list(range(1, len(shown) + 1))


def test_a_page_that_does_not_exist_is_a_bad_request(admin, code):
    for place in ("x", "1-2", f"{'9' * 40}-{'0' * 32}"):
        assert admin.get(f"{code[1]}?before={place}").status_code == 400


def test_scans_of_ones_own_devices_are_marked(scene, admin, code):
    path, address = code
    person = scene.visitor()
    receipt = receipts.parse(person.scan(path).receipt)
    scene.admin.execute(
        "UPDATE scans SET automated = 'internal', is_counted = false, device = gen_random_uuid() WHERE id = %s",
        (receipt,),
    )

    assert "Internal, not counted" in text_of(admin.get(address))


def test_alerts_are_told_with_what_was_decided_and_taken_back(scene, admin, code):
    path, address = code
    key = address.rpartition("/")[2]
    scene.visitor().scan(path)
    ((alert_id,),) = scene.rows(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) VALUES (%s, gen_random_uuid(), %s, "
        "'new-visitors-in-other-places', 9, '{\"parts\": [{\"text\": \"Two places at once.\"}]}', now()) RETURNING id",
        key, scene.halden.id,
    )  # fmt: skip
    scene.admin.execute(
        "INSERT INTO resolutions (sgtin, id, brand_id, alert_id, kind, reason, is_evidence, resolved_by, at, "
        "undone_by, undone_at) VALUES (%s, gen_random_uuid(), %s, %s, 'false-alarm', 'A fair', true, 'Ann', now(), "
        "'Ben', now())",
        (key, scene.halden.id, alert_id),
    )

    text = text_of(admin.get(address))

    for said in ("New people in other places", "Two places at once.", "False alarm by Ann: A fair", "by Ben", "Open"):
        assert said in text, said


def test_recalls_that_cover_the_item_are_told_and_no_others(scene, admin):
    product = scene.add_product()
    codes, other = scene.issue(product, 6, lot="A"), scene.issue(product, 2, lot="B")
    links = [codes.link(n) for n in range(6)]
    scene.recall(product, lot="A", between=(links[1].serial, links[3].serial), reason="Of a range")
    scene.recall(product, lot="B", reason="Of another batch")

    inside, outside = (text_of(admin.get(page_of(codes.path(n)))) for n in (2, 5))

    assert "Of a range" in inside
    assert "codes 1 to 3" in inside
    assert "No recall covers this item." in outside
    assert "Of another batch" in text_of(admin.get(page_of(other.path(0))))


@pytest.mark.parametrize("texts", [("A/B%1", "it's"), ("x&y", "1+2=3")])
def test_a_serial_of_any_characters_has_a_page(scene, admin, texts):
    codes = scene.issue(scene.add_product(), texts=texts)

    for n, serial in enumerate(texts):
        answer = admin.get("/console/search?" + urlencode({"q": f"{codes.link(n).gtin}.{serial}"}))
        assert answer.status_code == 303, answer.text
        page = admin.get(answer.location)
        assert serial in html.unescape(page.text).replace(" ", "")
        assert told(page) == "This code is genuine"


def test_a_number_that_was_never_issued_has_a_page_once_somebody_has_shown_it(scene, admin):
    serial = derive(scene, scene.watch.gtin, scene.codes.run, 3_000_000)
    address = f"/console/items/{scene.watch.gtin}.{serial}"

    assert admin.get(address).status_code == 404
    scene.visitor().scan(f"/01/{scene.watch.gtin}/21/{serial}")
    answer = admin.get(address)

    assert "Never issued" in text_of(answer)
    assert told(answer) == "We do not know this code"
    assert "Block" not in re.findall(r'<a class="btn[^>]*>([^<]+)', answer.text)


@pytest.mark.parametrize(
    "key", ["x", "09506000134352", "09506000134352.", "00.12", "~", "~!!", "~LQ", "09506000134352.%00", "00.x"]
)
def test_what_is_no_key_is_not_found(admin, key):
    assert admin.get(f"/console/items/{key}").status_code == 404


def test_a_case_has_a_page(scene, admin):
    product = scene.add_product(granularity="hybrid")
    case = scene.issue(product, 3, lot="C1", contents=12)
    sscc = case.link(0).sscc

    text = text_of(admin.get(f"/console/items/00.{sscc}"))

    assert "Case" in text
    assert sscc in text


# --- Acts -------------------------------------------------------------------------------------------------------------


def audit_of(scene, address):
    return scene.rows(
        "SELECT act, details FROM audit_events WHERE subject = %s ORDER BY seq", address.rpartition("/")[2]
    )


def test_an_item_is_blocked_and_unblocked_and_people_are_told_so(scene, cast, code):
    path, address = code
    operator = signed_in(cast, Role.OPERATOR)
    form = operator.get(f"{address}/block")
    assert "What will change" in form.text
    assert "Reason" in form.text

    done = operator.post(f"{address}/block", reason="Copies were seized")

    assert (done.status_code, done.location) == (303, address)
    assert scene.visitor().check(path)["reason"] == "blocked"
    page = operator.get(address)
    assert "is blocked" in page.text
    assert "Unblock" in page.text
    assert told(page) != "This code is genuine"
    assert operator.post(f"{address}/unblock", reason="A mistake").status_code == 303
    assert scene.visitor().check(path)["reason"] == "checked-before"
    assert audit_of(scene, address) == [
        ("item.set", {"from": "active", "to": "blocked", "reason": "Copies were seized"}),
        ("item.set", {"from": "blocked", "to": "active", "reason": "A mistake"}),
    ]
    assert "Copies were seized" in text_of(operator.get(address))


@pytest.mark.parametrize(
    ("act", "reason", "label"), [("stolen", "stolen", "Report stolen"), ("lost", "lost", "Report lost")]
)
def test_an_item_is_reported_and_found(scene, cast, code, act, reason, label):
    path, address = code
    operator = signed_in(cast, Role.OPERATOR)

    assert operator.post(f"{address}/{act}", reason="Its owner called").status_code == 303
    assert scene.visitor().check(path)["reason"] == reason
    assert f"“{label}” takes it back" in operator.get(f"{address}/found").text
    assert operator.post(f"{address}/found", reason="It turned up").status_code == 303

    assert f"choose “{label}”" in operator.get(address).text
    assert scene.visitor().check(path)["reason"] == "checked-before"


def test_no_single_act_takes_back_that_a_lost_item_was_stolen(cast, code):
    operator = signed_in(cast, Role.OPERATOR)
    operator.post(f"{code[1]}/lost", reason="Its owner called")

    assert "takes it back" not in operator.get(f"{code[1]}/stolen").text


def test_an_act_needs_a_reason(scene, cast, code):
    operator = signed_in(cast, Role.OPERATOR)

    answer = operator.post(f"{code[1]}/block", reason="  ")

    assert answer.status_code == 400
    assert "Give the reason" in answer.text
    assert audit_of(scene, code[1]) == []
    assert scene.visitor().check(code[0])["reason"] == "first-check"


def test_an_act_that_does_not_fit_changes_nothing(scene, cast, code):
    path, address = code
    operator = signed_in(cast, Role.OPERATOR)

    for act in ("unblock", "found"):
        assert operator.get(f"{address}/{act}").status_code == 409
        assert operator.post(f"{address}/{act}", reason="x").status_code == 409

    assert audit_of(scene, address) == []
    assert scene.visitor().check(path)["reason"] == "first-check"


def test_blocking_asks_for_a_fresh_proof_and_the_other_acts_do_not(cast, code, later):
    operator = signed_in(cast, Role.OPERATOR)
    token = operator.token()
    later(minutes=6)

    assert operator.get(f"{code[1]}/block").location.startswith("/console/confirm?next=")
    assert operator.post(f"{code[1]}/block", token, reason="x").status_code == 403
    assert operator.post(f"{code[1]}/lost", token, reason="x").status_code == 303


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_who_may_not_act_sees_no_button(cast, code, role):
    person = signed_in(cast, role)

    assert "/block" not in person.get(code[1]).text
    assert person.post(f"{code[1]}/block", reason="x").status_code == 403


def test_a_rival_finds_neither_page_nor_act(scene, cast, code):
    rival = signed_in(cast, Role.ADMIN, scene.rival)
    scene.visitor().scan(code[0])

    assert rival.get(code[1]).status_code == 404
    assert rival.post(f"{code[1]}/block", reason="x").status_code == 404
    assert scene.visitor().check(code[0])["reason"] == "checked-before"


def test_a_condition_that_has_no_act_shows_none(scene, admin):
    codes = scene.issue(scene.add_product())
    scene.set_disposition(codes.link(0), Disposition.DESTROYED)

    answer = admin.get(page_of(codes.path(0)))

    assert "Destroyed" in answer.text
    assert not re.search(r'href="/console/items/[^"]+/(block|lost|stolen|found|unblock)"', answer.text)


def test_owners_stand_between_the_scans_and_without_their_names(scene, admin, code):
    scene.visitor().scan(code[0])
    sgtin, registered = code[1].rpartition("/")[2], new_id()
    at = scene.clock()
    insert = (
        "INSERT INTO registrations (sgtin, version, id, brand_id, owner_id, state, has_claim, registered_at, "
        "confirmed_at, ended_at) VALUES (%s, %s, %s, %s, gen_random_uuid(), %s, %s, %s, %s, %s)"
    )
    scene.admin.execute(insert, (sgtin, 1, new_id(), scene.halden.id, "released", True, at, at, at))
    scene.admin.execute(insert, (sgtin, 2, registered, scene.halden.id, "confirmed", False, at, at, None))
    scene.visitor().scan(code[0])

    answer = admin.get(code[1])

    rows = re.findall(
        r"<tr role=\"row\".*?</tr>", answer.text.partition('id="scans"')[2].partition("</table>")[0], re.DOTALL
    )
    told = [re.sub(r"<[^>]+>", " ", row) for row in rows]
    marks = [n for n, row in enumerate(told) if "Owner" in row]
    assert len(marks) == 3
    # Between the head and a scan above, and a scan below.
    assert min(marks) > 1
    assert max(marks) < len(told) - 1
    text = text_of(answer)
    assert "Owner 2, since" in text
    assert number_of(registered) in text
    assert "Given up" in text
