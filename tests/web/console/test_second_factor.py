"""Codes of an app, recovery codes, and the proof before a grave act."""

import re
from datetime import timedelta

import pyotp
import pytest

from authsvc.staff import Role


@pytest.fixture
def guarded(cast, scene, later):
    """Return somebody whose account asks for codes, signed out; ``totp`` makes them, ``recovery`` are in reserve."""
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    page = person.get("/console/account/app").text
    person.totp = pyotp.TOTP(re.search(r'<bdi class="mono" dir="ltr">([A-Z2-7 ]+)</bdi>', page)[1].replace(" ", ""))
    flow = re.search(r'name="flow" value="([^"]+)"', page)[1]
    shown = person.post("/console/account/app", flow=flow, code=person.totp.at(scene.clock()))
    person.recovery = re.findall(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", shown.text)
    person.post("/console/sign-out")
    later(seconds=30)
    return person


def second(person, code):
    flow = re.search(r'name="flow" value="([^"]+)"', person.sign_in().text)[1]
    return person.post("/console/sign-in/second", flow=flow, code=code)


def test_a_password_alone_does_not_do_any_more(guarded):
    answer = guarded.sign_in()

    assert answer.status_code == 200
    assert "Second step" in answer.text
    assert guarded.get("/console/").status_code == 303


def test_a_code_signs_in_once(guarded, scene):
    code = guarded.totp.at(scene.clock())

    assert second(guarded, code).status_code == 303
    guarded.post("/console/sign-out")
    assert second(guarded, code).status_code == 401


def test_a_code_older_than_the_last_is_refused(guarded, scene):
    older, newer = guarded.totp.at(scene.clock()), guarded.totp.at(scene.clock() + timedelta(seconds=30))

    assert second(guarded, newer).status_code == 303
    guarded.post("/console/sign-out")
    assert second(guarded, older).status_code == 401


@pytest.mark.parametrize("code", ["000000", "", "12345", "\N{FULLWIDTH DIGIT ONE}" * 6, "A" * 16, "x" * 5000])
def test_a_wrong_code_is_refused(guarded, code):
    assert second(guarded, code).status_code == 401


def test_a_recovery_code_signs_in_once_however_it_is_typed(guarded):
    assert len(guarded.recovery) == 10
    typed = guarded.recovery[0].lower().replace("-", " ")

    assert second(guarded, typed).status_code == 303
    guarded.post("/console/sign-out")
    assert second(guarded, guarded.recovery[0]).status_code == 401
    assert second(guarded, guarded.recovery[1]).status_code == 303


def test_the_recovery_codes_of_one_account_are_nothing_to_another(guarded, cast, scene):
    stored = scene.rows("SELECT code_hash FROM staff_recovery_codes WHERE account_id = %s", guarded.account_id)

    assert len(stored) == 10
    assert guarded.recovery[0].encode() not in b"".join(bytes(row[0]) for row in stored)


def test_the_secret_of_an_app_is_stored_wrapped(guarded, scene):
    (wrapped,) = scene.row("SELECT totp_wrapped FROM staff_accounts WHERE id = %s", guarded.account_id)

    assert guarded.totp.secret.encode() not in bytes(wrapped)


def test_codes_are_counted_too(guarded, scene):
    flow = re.search(r'name="flow" value="([^"]+)"', guarded.sign_in().text)[1]
    token = guarded.token()
    for _ in range(10):
        assert guarded.post("/console/sign-in/second", token, flow=flow, code="000000").status_code == 401

    right = guarded.totp.at(scene.clock())
    assert guarded.post("/console/sign-in/second", token, flow=flow, code=right).status_code == 429


def test_the_second_step_of_one_browser_is_nothing_in_another(guarded, cast, scene):
    flow = re.search(r'name="flow" value="([^"]+)"', guarded.sign_in().text)[1]
    thief = cast.add()

    answer = thief.post("/console/sign-in/second", flow=flow, code=guarded.totp.at(scene.clock()))

    assert answer.status_code == 404


# --- The proof before a grave act -------------------------------------------------------------------------------------


def test_a_grave_act_needs_a_proof_younger_than_five_minutes(admin, scene, later):
    assert admin.get("/console/audit/export.csv").status_code == 200
    later(minutes=6)

    sent = admin.get("/console/audit/export.csv")
    assert sent.location == "/console/confirm?next=%2Fconsole%2Faudit%2Fexport.csv"
    refused = admin.post("/console/team/invitations", email="x@example.com", role="viewer")
    assert refused.status_code == 403
    assert scene.row("SELECT count(*) FROM staff_invitations WHERE email = 'x@example.com'") == (0,)


def test_a_proof_opens_the_way_and_changes_the_session(admin, later):
    later(minutes=6)
    before = admin.cookie("session")

    assert admin.post("/console/confirm", password="not the password", next="/console/team").status_code == 401
    answer = admin.post("/console/confirm", password=admin.password, next="/console/audit/export.csv")

    assert answer.location == "/console/audit/export.csv"
    assert admin.cookie("session") != before
    assert admin.get("/console/audit/export.csv").status_code == 200


def test_a_proof_of_a_guarded_account_needs_a_code_too(guarded, scene, later):
    second(guarded, guarded.totp.at(scene.clock()))
    later(minutes=10)
    token, code = guarded.token(), guarded.totp.at(scene.clock())

    assert guarded.post("/console/confirm", token, password=guarded.password).status_code == 401
    assert guarded.post("/console/confirm", token, password=guarded.password, code=code).status_code == 303
