"""The page of trusted devices: a key that is shown once, a browser by its cookie, and the end of both."""

import re

import pytest

from authsvc.staff import Role


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


def test_a_key_is_shown_once_and_trusted_at_once(operator, scene):
    answer = operator.post("/console/devices/keys", name="Line camera 3")
    secret = re.search(r'id="key">([A-Za-z0-9_-]{43})<', answer.text)[1]
    scene.refresh()
    path = scene.codes.path()

    assert scene.visitor().check(path, **{"Authsvc-Device": secret})["internal"] is True
    assert scene.counts(path) == (0, 0)
    again = operator.get("/console/devices").text
    assert "Line camera 3" in again
    assert secret not in again
    assert scene.row(
        "SELECT details FROM audit_events WHERE act = 'device.add' AND brand_id = %s ORDER BY seq DESC LIMIT 1",
        scene.halden.id,
    )[0] == {"name": "Line camera 3", "kind": "key"}  # fmt: skip


def test_a_browser_is_trusted_by_its_cookie_until_it_is_revoked(operator, scene):
    answer = operator.post("/console/devices/browsers", name="Shop phone")
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("__Host-d="))
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    scene.refresh()
    browser = scene.visitor()
    browser.client.set_cookie("__Host-d", cookie.partition(";")[0].partition("=")[2], domain="id.example.com")
    path = scene.codes.path()

    assert browser.check(path)["internal"] is True

    device = scene.row("SELECT id FROM trusted_devices WHERE name = 'Shop phone'")[0]
    told = operator.post(f"/console/devices/{device}/revoke")
    assert told.status_code == 303
    scene.refresh()
    assert "internal" not in browser.check(path)
    assert "Shop phone is trusted no more" in operator.get("/console/devices").text


def test_a_device_needs_a_name(operator):
    for kind in ("keys", "browsers"):
        answer = operator.post(f"/console/devices/{kind}", name="  ")
        assert answer.status_code == 400
        assert "Give the device a name" in answer.text


def test_a_viewer_reads_and_is_offered_no_change(cast):
    person = cast.add(Role.VIEWER)
    person.sign_in()

    page = person.get("/console/devices").text
    assert "Trusted now" in page
    assert "Make a key" not in page
    assert person.post("/console/devices/keys", name="X").status_code == 403
