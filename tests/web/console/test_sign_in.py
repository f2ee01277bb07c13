"""The ways in by password, and what a session is worth."""

import pytest

from authsvc import db
from authsvc.connections import Connections
from authsvc.staff import Role


def test_a_person_signs_in_with_a_password(cast):
    person = cast.add(Role.ANALYST)

    answer = person.sign_in()

    assert (answer.status_code, answer.location) == (303, "/console/")
    page = person.get("/console/")
    assert page.status_code == 200
    assert "Halden" in page.text
    assert "analyst" in page.text


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(cast):
    person, nobody = cast.add(), cast.add()
    nobody.email = "nobody@halden.example"

    wrong, unknown = person.sign_in("not the password at all"), nobody.sign_in()

    assert wrong.status_code == unknown.status_code == 401
    strip = lambda answer, who: answer.text.replace(who.email, "").replace(who.token(), "")  # noqa: E731  used here alone
    assert strip(wrong, person) == strip(unknown, nobody)
    assert person.get("/console/").status_code == 303


def test_who_is_not_signed_in_comes_back_after_it(cast):
    person = cast.add()

    sent = person.get("/console/?tab=new")
    assert sent.status_code == 303
    assert sent.location == "/console/sign-in?next=%2Fconsole%2F%3Ftab%3Dnew"
    assert person.sign_in(to="/console/?tab=new").location == "/console/?tab=new"


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "/console@evil", "/demo"])
def test_a_link_leads_nowhere_else(cast, to):
    assert cast.add().sign_in(to=to).location == "/console/"


def test_the_session_cookie_is_new_at_sign_in_and_gone_after_it(cast):
    person = cast.add()
    planted = "A" * 43
    person.visitor.client.set_cookie("__Host-console-session", planted, domain="id.example.com", secure=True)

    answer = person.sign_in()
    secret = person.cookie("session")
    assert secret not in {None, planted}
    (header,) = [c for c in answer.headers.getlist("Set-Cookie") if "session=" in c]
    assert all(flag in header for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in header

    person.post("/console/sign-out")
    person.visitor.client.set_cookie("__Host-console-session", secret, domain="id.example.com", secure=True)
    assert person.get("/console/").status_code == 303


def test_of_a_session_only_the_hash_is_stored(cast, scene):
    person = cast.add()
    person.sign_in()

    stored = scene.row("SELECT string_agg(t::text, '') FROM staff_sessions t")[0]
    assert person.cookie("session") not in stored


def test_a_session_ends_after_30_idle_minutes(cast, later):
    person = cast.add()
    person.sign_in()
    later(minutes=29)
    assert person.get("/console/").status_code == 200
    later(minutes=31)

    assert person.get("/console/").status_code == 303


def test_a_session_ends_after_12_hours_however_busy(cast, later):
    person = cast.add()
    person.sign_in()
    for _ in range(24):
        later(minutes=29)
        assert person.get("/console/").status_code == 200
    later(minutes=29)

    assert person.get("/console/").status_code == 303


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("A" * 43, {}),
        ("ä", {}),
        (None, {"Origin": "https://evil.example"}),
        (None, {"Sec-Fetch-Site": "cross-site"}),
        (None, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_form_of_another_site_is_refused(cast, token, headers):
    person = cast.add()
    person.sign_in()

    answer = person.post("/console/sign-out", token, headers)

    assert answer.status_code == 403
    assert person.get("/console/").status_code == 200


def test_the_token_of_one_browser_is_nothing_in_another(cast):
    person, other = cast.add(), cast.add()
    person.sign_in()
    other.sign_in()

    assert person.post("/console/sign-out", other.token()).status_code == 403


def test_ten_failures_slow_an_account_and_nobody_else(cast, later):
    person, other = cast.add(), cast.add()
    for _ in range(10):
        assert person.sign_in("not the password at all").status_code == 401

    assert person.sign_in().status_code == 429
    assert other.sign_in().status_code == 303
    later(minutes=31)
    assert person.sign_in().status_code == 303


def test_right_passwords_are_not_counted(cast):
    person = cast.add()
    for _ in range(12):
        assert person.sign_in().status_code == 303
        person.post("/console/sign-out")


def test_while_the_database_is_away_nobody_waits(cast, scene, tmp_path):
    lost = Connections(f"postgresql://nobody@/nothing?host={tmp_path}", role=db.SCAN_ROLE, probe_s=60)
    app = scene.start(runs_on=lost)
    person = cast.add()
    person.visitor = scene.visitor(app)

    assert person.get("/console/").status_code == 503
    assert person.get("/console/sign-in").status_code == 503
    assert "does not answer" in person.last.text
