"""Trusted devices: scans of a brand's own people are stored and change nothing else."""

import time
from datetime import timedelta

import pytest
from scene import Scene, session_of

from authsvc import trusted_devices
from authsvc.core import devices
from authsvc.core.devices import DeviceKind
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.web import visitors


def trust(scene: Scene, brand=None, kind=DeviceKind.KEY, name="Line camera"):
    """Trust a new device; return it and its secret."""
    secret = devices.spell(scene.random(32))
    with session_of(scene) as session, session.begin():
        info = trusted_devices.add_device(
            session, (brand or scene.halden).id, kind, name, id=scene.rt.new_id(), secret=secret, now=scene.clock()
        )
    return info, secret


def revoke(scene: Scene, info):
    with session_of(scene) as session, session.begin():
        return trusted_devices.revoke_device(session, scene.halden.id, info.id, now=scene.clock())


def stored(scene: Scene, link):
    """Return what a scan can change of an item."""
    return {
        table: scene.rows(f"SELECT * FROM {table} WHERE sgtin = %s ORDER BY 1, 2", link.sgtin)
        for table in ("items", "sightings", "alerts")
    }


@pytest.fixture(scope="module")
def key(scene):
    found = trust(scene)
    scene.refresh()
    return found


def test_a_hundred_trusted_scans_change_nothing_and_are_stored(scene, key):
    info, secret = key
    link = scene.codes.link()
    path = link.path() + "?s=" + (link.extension("s") or "")
    person = scene.visitor()
    person.confirm(person.scan(path))
    before = stored(scene, link)

    for _ in range(100):
        document = scene.visitor().check(path, **{"Authsvc-Device": secret})
        assert document["internal"] is True

    assert stored(scene, link) == before
    scans = scene.row(
        "SELECT count(*) FROM scans WHERE sgtin = %s AND device = %s AND channel = 'internal' AND NOT is_counted",
        link.sgtin,
        info.id,
    )
    assert scans == (100,)


def test_a_trusted_scan_takes_no_first_check_from_a_person(scene, key):
    path = scene.codes.path()

    scene.visitor().check(path, **{"Authsvc-Device": key[1]})

    assert scene.counts(path) == (0, 0)
    document = scene.visitor().check(path)
    assert document["reason"] == "first-check"
    assert "internal" not in document


def test_a_trusted_browser_is_told_by_its_cookie_and_never_asked_to_confirm(scene):
    _, secret = trust(scene, kind=DeviceKind.BROWSER)
    scene.refresh()
    path = scene.codes.path()
    header = visitors.set_device_cookie_header(secret, secure=True)
    assert header.endswith("; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax")

    browser = scene.visitor()
    browser.client.set_cookie("__Host-d", header.partition(";")[0].partition("=")[2], domain="id.example.com")

    page = browser.scan(path)

    assert page.status == 200
    assert page.receipt
    assert not page.nonce
    assert scene.counts(path) == (0, 0)


def test_a_trusted_device_still_sees_what_is_wrong(scene, key):
    link = scene.codes.link()
    path = link.path() + "?s=" + (link.extension("s") or "")
    scene.set_disposition(link, Disposition.STOLEN)

    assert scene.visitor().check(path, **{"Authsvc-Device": key[1]})["reason"] == "stolen"


@pytest.mark.parametrize("secret", ["", "x", "A" * 43, "A" * 44, "é" * 43])
def test_what_is_no_secret_of_a_device_is_a_person(scene, key, secret):
    path = scene.codes.path()

    document = scene.visitor().check(path, **{"Authsvc-Device": secret})

    assert "internal" not in document
    assert scene.counts(path)[0] == 1


def test_a_device_is_trusted_for_the_codes_of_its_own_brand_alone(scene):
    _, secret = trust(scene, scene.rival)
    scene.refresh()
    path = scene.codes.path()

    assert "internal" not in scene.visitor().check(path, **{"Authsvc-Device": secret})
    assert scene.counts(path)[0] == 1


def test_new_and_revoked_devices_are_known_within_five_seconds(scene):
    info, secret = trust(scene)
    path = scene.codes.path()

    def is_internal():
        return "internal" in scene.visitor().check(path, **{"Authsvc-Device": secret})

    def wait_for(expected):
        end = time.monotonic() + 5
        while is_internal() is not expected and time.monotonic() < end:
            time.sleep(0.1)
        return is_internal()

    scene.rt.keeper.start()
    try:
        assert wait_for(True)
        revoke(scene, info)
        assert not wait_for(False)
    finally:
        scene.rt.keeper.stop()


def test_when_a_device_was_last_seen_is_stored_now_and_then_and_changes_no_register(scene):
    info, secret = trust(scene)
    scene.refresh()
    version = scene.row("SELECT version FROM register_version")

    scene.visitor().check(scene.codes.path(), **{"Authsvc-Device": secret})
    (first,) = scene.row("SELECT last_seen_at FROM trusted_devices WHERE id = %s", info.id)
    scene.visitor().check(scene.codes.path(), **{"Authsvc-Device": secret})
    assert scene.row("SELECT last_seen_at FROM trusted_devices WHERE id = %s", info.id) == (first,)
    scene.clock.ahead = timedelta(hours=2)
    scene.visitor().check(scene.codes.path(), **{"Authsvc-Device": secret})
    scene.clock.ahead = timedelta()

    assert scene.row("SELECT last_seen_at FROM trusted_devices WHERE id = %s", info.id)[0] > first
    assert scene.row("SELECT version FROM register_version") == version


def test_devices_are_listed_and_revoked_once(scene):
    info, secret = trust(scene, name="  Repair desk ")
    assert secret.encode() not in scene.row("SELECT secret_hash FROM trusted_devices WHERE id = %s", info.id)[0]
    assert revoke(scene, info).revoked_at is not None

    with session_of(scene) as session:
        listed = {device.id: device for device in trusted_devices.list_devices(session, scene.halden.id)}
        assert listed[info.id].name == "Repair desk"
        assert listed[info.id].revoked_at is not None
        with pytest.raises(Conflict, match="revoked already"):
            trusted_devices.revoke_device(session, scene.halden.id, info.id, now=scene.clock())
        with pytest.raises(NotFound, match="no such device"):
            trusted_devices.revoke_device(session, scene.rival.id, info.id, now=scene.clock())
        with pytest.raises(BadInput, match="Give the device a name"):
            trusted_devices.add_device(
                session, scene.halden.id, DeviceKind.KEY, " ", id=scene.rt.new_id(), secret="A" * 43, now=scene.clock()
            )
