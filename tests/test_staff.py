"""Limits that hold under many at once, sessions in the database, and whom a provider may speak for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from authsvc import db, passwords, staff, staff_attempts, staff_sso
from authsvc.desk import Desk
from authsvc.errors import BadInput, Conflict, TooManyRequests, Unavailable
from authsvc.oidc import Identity
from authsvc.runtime import new_id
from authsvc.staff import Role

KEY = b"k" * 32


@pytest.fixture(scope="module")
def desk(scene):
    desk = Desk(scene.url)
    yield desk
    desk.close()


def attempt(desk, now, account, network="192.0.2.1"):
    try:
        with desk.as_auth() as session:
            return staff_attempts.count(session, KEY, account=account, network=network, now=now)
    except TooManyRequests:
        return None


def test_tries_at_the_same_time_are_counted_one_by_one(desk, scene):
    now = scene.clock()

    with ThreadPoolExecutor(12) as pool:
        allowed = list(pool.map(lambda n: attempt(desk, now, "a@example.com", f"192.0.2.{n % 3}"), range(30)))

    assert len([counted for counted in allowed if counted]) == staff_attempts.PER_ACCOUNT


def test_a_network_is_counted_over_all_accounts(desk, scene):
    now = scene.clock()
    allowed = [attempt(desk, now, f"{n}@many.example", "198.51.100.7") for n in range(staff_attempts.PER_NETWORK + 5)]

    assert len([counted for counted in allowed if counted]) == staff_attempts.PER_NETWORK
    assert attempt(desk, now, "1@many.example", "198.51.100.8")


def test_a_count_fades_and_old_windows_are_dropped(desk, scene):
    # At the turn of a window, so that the shares below do not depend on when the test runs.
    now = (
        staff_attempts._EPOCH + (scene.clock() - staff_attempts._EPOCH) // staff_attempts.WINDOW * staff_attempts.WINDOW
    )
    for _ in range(staff_attempts.PER_ACCOUNT):
        assert attempt(desk, now, "fades@example.com")
    assert attempt(desk, now + timedelta(minutes=14), "fades@example.com") is None
    assert attempt(desk, now + timedelta(minutes=15), "fades@example.com") is None
    half = [attempt(desk, now + timedelta(minutes=22, seconds=30), "fades@example.com") for _ in range(8)]
    assert len([counted for counted in half if counted]) == 5

    attempt(desk, now + timedelta(hours=2), "other@example.com")
    assert scene.row("SELECT count(*) FROM staff_attempts WHERE window_start < %s", now + timedelta(hours=1)) == (0,)


def test_neither_address_nor_network_is_stored(desk, scene):
    attempt(desk, scene.clock(), "stored@example.com", "203.0.113.99")

    text = scene.row("SELECT string_agg(encode(key, 'escape'), '') FROM staff_attempts")[0]
    assert "stored" not in text
    assert "203.0.113" not in text


def test_where_nothing_can_be_counted_nothing_is_tried(tmp_path):
    desk = Desk(f"postgresql://nobody@/nothing?host={tmp_path}")

    with pytest.raises(Unavailable):
        attempt(desk, staff_attempts._EPOCH, "a@example.com")
    desk.close()


# --- Passwords --------------------------------------------------------------------------------------------------------


def test_a_password_is_checked_against_something_even_for_nobody():
    stored = passwords.make_hash("a horse that counts")

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$"), "what OWASP recommends"
    assert passwords.is_right(stored, "a horse that counts")
    assert not passwords.is_right(stored, "another horse now")
    assert not passwords.is_right(None, "the password of an account that is not there")
    assert not passwords.is_right("no hash at all", "a horse that counts")
    assert not passwords.is_right(stored, "x" * 100_000)


def test_two_spellings_of_a_letter_are_one():
    assert passwords.is_right(passwords.make_hash("cafe\u0301 au lait, toujours"), "caf\u00e9 au lait, toujours")


@pytest.mark.parametrize("password", ["", "x" * 11, "ab" * 10, "a@b.example" + " " * 0, "x" * 300])
def test_a_password_that_is_easy_to_guess_is_refused(password):
    with pytest.raises(BadInput):
        passwords.check_new(password, email="a@b.example")


# --- Roles and addresses ----------------------------------------------------------------------------------------------


def test_roles_contain_each_other():
    assert [[role.may(needed) for needed in Role] for role in Role] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


@pytest.mark.parametrize("text", ["", "a", "a@", "@b", "a b@c.example", "a@b@c", "a@b,c", "a@-b", "<a@b.example>"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(BadInput):
        staff.parse_email(text)


# --- Whom a provider may speak for ------------------------------------------------------------------------------------


def test_a_provider_does_not_take_over_an_account_that_another_brand_has_made(scene, desk):
    email, now = "shared@example.com", scene.clock()
    with scene.owner_session() as session:
        staff.open_account(session, email, "Made elsewhere", "a horse that counts", now=now, new_id=new_id)
        staff.invite(
            session, scene.halden, email, Role.ADMIN, invited_by="x", now=now, new_id=new_id, random=scene.random
        )
    identity = Identity("https://login.example.com", "u-1", email, "Shared", now)

    with pytest.raises(Conflict, match="by its link and password"), desk.as_auth() as session:
        staff_sso.recognise(session, scene.halden.id, identity, now=now, new_id=new_id)


def test_a_console_transaction_reads_people_of_its_own_brand_alone(scene, desk):
    with scene.owner_session() as session:
        staff.open_account(session, "x@rival.example", "X", "a horse that counts", now=scene.clock(), new_id=new_id)
    with desk.as_brand(scene.halden.id) as session:
        assert staff.list_members(session, scene.halden.id) == staff.list_members(session, scene.rival.id) == []
    assert db.may_serve_console(scene.url)
