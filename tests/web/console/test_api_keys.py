"""The pages of API keys: a secret that is shown once, a second one beside it, and the end of both."""

import re

import pytest
from programs import Program

from authsvc.staff import Role

HERE = "/console/api-keys"


@pytest.fixture
def admin(cast):
    person = cast.add(Role.ADMIN)
    person.sign_in()
    return person


def secret_of(answer):
    return re.search(r'id="secret">(authsvc_[0-9A-Z]{8}_[A-Za-z0-9_-]{43})<', answer.text)[1]


def make(person, **form):
    wanted = {"name": "ERP, Biel", "days": "365", "per_minute": "600", "scopes": ["products:read"], **form}
    return person.post(f"{HERE}/new", **wanted)


def status(scene, secret, path="/products"):
    return Program(scene.app, secret).get(path).status_code


def test_a_key_is_shown_once_rotated_and_revoked(admin, scene, later):
    answer = make(admin)
    first = secret_of(answer)
    assert status(scene, first) == 200
    assert status(scene, first, "/runs") == 403
    page = admin.get(HERE).text
    assert first not in page
    assert first[8:16] in page
    key_id = re.search(rf"{HERE}/([0-9a-f-]+)/rotate", page)[1]

    second = secret_of(admin.post(f"{HERE}/{key_id}/rotate", overlap="24"))
    assert (status(scene, first), status(scene, second)) == (200, 200)
    later(hours=25)
    assert (status(scene, first), status(scene, second)) == (401, 200)
    admin.sign_in()
    assert admin.post(f"{HERE}/{key_id}/revoke").status_code == 303
    assert status(scene, second) == 401
    acts = scene.rows("SELECT act, details->>'prefix' FROM audit_events WHERE subject = %s ORDER BY seq", key_id)
    assert acts == [("api-key.new", first[8:16]), ("api-key.rotate", second[8:16]), ("api-key.revoke", None)]


def test_of_three_secrets_two_live(admin, scene):
    first = secret_of(make(admin, name="Line"))
    key_id = re.search(rf"{HERE}/([0-9a-f-]+)/rotate", admin.get(HERE).text)[1]
    second, third = (secret_of(admin.post(f"{HERE}/{key_id}/rotate", overlap="168")) for _ in range(2))

    assert [status(scene, each) for each in (first, second, third)] == [401, 200, 200]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": " "}, "Give the key a name"),
        ({"scopes": []}, "at least one permission"),
        ({"scopes": ["everything"]}, "no permission"),
        ({"per_minute": "0"}, "limit of 1 to"),
        ({"days": "x"}, "whole number"),
    ],
)
def test_what_makes_no_key_is_said_on_the_form(admin, form, sentence):
    answer = make(admin, **form)

    assert answer.status_code == 400
    assert sentence in answer.text
