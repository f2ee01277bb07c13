import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from authsvc import db, issuing, signing_keys
from authsvc.core.keyring import ED25519, MAX_KEY_ID, KeyState, Revocation, RevocationMode
from authsvc.errors import BadInput, BadKey, Conflict, KeyNotUsable, NotFound
from authsvc.models import BrandCounter, SigningKey


@pytest.fixture
def new_key(session, brand, now, wrapping_key, rand):
    def make(form="ed25519", state=None, owner=brand):
        key_id = signing_keys.reserve_key_id(session, owner.id)
        return signing_keys.new_key(
            session, owner.id, key_id, format=form, state=state, now=now, wrapping_key=wrapping_key, random=rand
        ).info

    return make


def states(session, brand):
    return {key.key_id: key.state.value for key in signing_keys.list_keys(session, brand.id)}


def test_the_first_key_of_a_format_is_active_and_the_next_one_waits(session, brand, new_key):
    made = [new_key(form) for form in ("ed25519", "ed25519", "compact", "compact")]

    assert [key.key_id for key in made] == [1, 2, 3, 4]
    assert states(session, brand) == {1: "active", 2: "pending", 3: "active", 4: "pending"}


def test_a_key_made_active_takes_the_place_of_the_active_one(session, brand, new_key, now):
    new_key()
    new_key(state=KeyState.ACTIVE)

    assert states(session, brand) == {1: "retired", 2: "active"}
    assert signing_keys.list_keys(session, brand.id)[0].retired_at == now


def test_activate_lets_a_pending_key_sign_and_retires_the_active_one(session, brand, new_key, now):
    new_key("compact")
    new_key()
    new_key()
    signing_keys.activate(session, brand.id, 3, now=now)

    assert states(session, brand) == {1: "active", 2: "retired", 3: "active"}


def test_two_brands_have_the_same_numbers_and_different_keys(session, brand, rival_brand, new_key, wrapping_key):
    new_key()
    new_key(owner=rival_brand)

    ours, theirs = (
        signing_keys.get_active_key(session, owner.id, "ed25519", wrapping_key=wrapping_key)
        for owner in (brand, rival_brand)
    )
    assert (ours.key_id, theirs.key_id) == (1, 1)
    assert ours.public != theirs.public


def test_the_private_key_fits_the_public_one(session, brand, now, wrapping_key, rand):
    new = signing_keys.new_key(
        session, brand.id, 9, format="ed25519", state=None, now=now, wrapping_key=wrapping_key, random=rand
    )

    key = signing_keys.get_active_key(session, brand.id, "ed25519", wrapping_key=wrapping_key)
    assert new.private is not None
    assert key.public == new.private.public_key()
    assert (key.key_id, key.format, key.state, key.mac) == (9, ED25519, KeyState.ACTIVE, None)


def test_a_mac_key_is_stored_wrapped(session, brand, new_key, wrapping_key):
    new_key("compact")

    key = signing_keys.get_active_key(session, brand.id, "compact", wrapping_key=wrapping_key)
    stored = session.get_one(SigningKey, (brand.id, 1)).wrapped_mac
    assert len(key.mac) == 32
    assert key.mac not in stored
    with pytest.raises(BadKey, match="does not open with AUTHSVC_SECRET"):
        signing_keys.get_active_key(session, brand.id, "compact", wrapping_key=bytes(32))


@pytest.mark.parametrize("leave", ["retire", "revoke"])
def test_a_key_that_stopped_does_not_come_back(session, brand, new_key, now, leave):
    new_key()
    if leave == "retire":
        signing_keys.retire(session, brand.id, 1, now=now)
    else:
        signing_keys.revoke(session, brand.id, 1, Revocation(RevocationMode.STOP), reason="lost", now=now)

    with pytest.raises(Conflict, match="does not sign again"):
        signing_keys.activate(session, brand.id, 1, now=now)
    with pytest.raises(KeyNotUsable, match="no active ed25519 key"):
        signing_keys.get_active_key(session, brand.id, "ed25519", wrapping_key=bytes(32))


def test_a_revoked_key_is_not_retired_into_honour(session, brand, new_key, now):
    new_key()
    signing_keys.revoke(session, brand.id, 1, Revocation(RevocationMode.ALL), reason="stolen", now=now)

    with pytest.raises(Conflict, match="would make its codes"):
        signing_keys.retire(session, brand.id, 1, now=now)


@pytest.fixture
def revoke(session, brand, new_key, now, make_product, wrapping_key):
    """Return a function that revokes key 1, which has signed the runs 1 to 3."""
    new_key()
    key = signing_keys.get_active_key(session, brand.id, "ed25519", wrapping_key=wrapping_key)
    product = make_product(session, brand)
    for _ in range(3):
        issuing.open_run(session, brand, product, issuing.Order(count=1), key=key, now=now)

    def revoke(mode, since=None, runs=(), **options):
        revocation = Revocation(RevocationMode(mode), since, frozenset(runs))
        return signing_keys.revoke(session, brand.id, 1, revocation, **{"reason": "stolen", "now": now, **options})

    return revoke


def test_a_later_revocation_reaches_further_and_keeps_the_time_of_the_first(revoke, now):
    revoke("from-time", now - timedelta(days=9))
    info = revoke("all", reason="worse", now=now + timedelta(hours=1))

    assert (info.revocation, info.reason, info.revoked_at) == (Revocation(RevocationMode.ALL), "worse", now)


def test_runs_that_are_revoked_one_after_the_other_stay_revoked(revoke):
    revoke("run", runs=(2,))

    assert revoke("run", runs=(3,)).revocation.runs == {2, 3}


@pytest.mark.parametrize(
    ("mode", "days", "runs", "codes"),
    [
        ("stop-issuing", None, (), "good again: all its codes[.]"),
        ("run", None, (1,), "all its codes, but for those of run 1"),
        ("from-time", 9, (), "all its codes, but for items not checked before 2026-04-22 12:00"),
    ],
)
def test_a_milder_revocation_is_refused_and_says_what_it_would_do(revoke, session, brand, now, mode, days, runs, codes):
    revoke("all")
    since = None if days is None else now - timedelta(days=days)

    with pytest.raises(Conflict, match=codes):
        revoke(mode, since, runs)
    assert signing_keys.get_key(session, brand.id, 1).revocation.mode is RevocationMode.ALL


def test_a_later_time_is_milder(revoke, now):
    revoke("from-time", now - timedelta(days=2))

    assert revoke("from-time", now - timedelta(days=3)).revocation.since == now - timedelta(days=3)
    with pytest.raises(Conflict, match="between 2026-04-28 12:00 and 2026-04-30 12:00"):
        revoke("from-time", now - timedelta(days=1))


def test_whoever_means_it_can_weaken_a_revocation(revoke):
    revoke("run", runs=(1, 2))

    assert revoke("run", runs=(2,), weaken=True).revocation.runs == {2}
    assert revoke("stop-issuing", weaken=True).revocation == Revocation(RevocationMode.STOP)


def test_a_key_is_not_withdrawn_from_a_time_to_come(revoke, now):
    assert revoke("from-time", now).revocation.since == now
    with pytest.raises(BadInput, match="2062-05-01 12:00 is yet to come"):
        revoke("from-time", now.replace(year=2062), weaken=True)


@pytest.mark.parametrize(
    ("mode", "has_time", "runs"),
    [("from-time", False, ()), ("all", True, ()), ("run", False, ()), ("all", False, (1,)), ("run", True, (1,))],
)
def test_a_revocation_has_what_its_mode_needs_and_no_more(session, brand, new_key, now, mode, has_time, runs):
    new_key()
    revocation = Revocation(RevocationMode(mode), now if has_time else None, frozenset(runs))

    with pytest.raises(BadInput, match="no other mode takes one"):
        signing_keys.revoke(session, brand.id, 1, revocation, reason="x", now=now)


def test_only_runs_that_the_key_signed_are_revoked_by_number(session, brand, new_key, make_product, now, wrapping_key):
    new_key()
    key = signing_keys.get_active_key(session, brand.id, "ed25519", wrapping_key=wrapping_key)
    product = make_product(session, brand)
    issuing.open_run(session, brand, product, issuing.Order(count=1), key=key, now=now)

    runs = Revocation(RevocationMode.RUN, runs=frozenset({1, 2}))
    with pytest.raises(BadInput, match="Key 1 signed no run 2"):
        signing_keys.revoke(session, brand.id, 1, runs, reason="x", now=now)
    info = signing_keys.revoke(
        session, brand.id, 1, Revocation(RevocationMode.RUN, runs=frozenset({1})), reason="x", now=now
    )
    assert info.revocation.runs == {1}


def test_a_revocation_has_a_reason(session, brand, new_key, now):
    new_key()

    with pytest.raises(BadInput, match="reason"):
        signing_keys.revoke(session, brand.id, 1, Revocation(RevocationMode.ALL), reason=" ", now=now)


def test_a_key_of_another_brand_is_not_found(session, brand, rival_brand, new_key, now):
    new_key()

    with pytest.raises(NotFound, match="no key 1"):
        signing_keys.retire(session, rival_brand.id, 1, now=now)


def test_key_numbers_end(session, brand):
    session.execute(update(BrandCounter).values(next_key_id=MAX_KEY_ID))

    assert signing_keys.reserve_key_id(session, brand.id) == MAX_KEY_ID
    with pytest.raises(Conflict, match="all its 65535 key numbers"):
        signing_keys.reserve_key_id(session, brand.id)


def test_a_new_epoch_keeps_the_old_serials_readable(session, brand, wrapping_key, rand):
    epoch = signing_keys.add_serial_key(session, brand.id, wrapping_key=wrapping_key, random=rand)

    keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=wrapping_key)
    assert epoch == "1"
    assert sorted(keys) == ["0", "1"]
    assert keys["0"].key != keys["1"].key
    active = text("SELECT epoch FROM serial_keys WHERE is_active AND brand_id = :brand")
    assert session.scalars(active, {"brand": brand.id}).all() == ["1"]


def test_claim_keys_are_numbered_from_one(session, brand, wrapping_key, rand):
    assert signing_keys.add_claim_key(session, brand.id, wrapping_key=wrapping_key, random=rand) == 2
    first, second = (signing_keys.load_claim_key(session, brand.id, n, wrapping_key=wrapping_key) for n in (1, 2))
    assert first != second
    with pytest.raises(NotFound, match="no claim key 3"):
        signing_keys.load_claim_key(session, brand.id, 3, wrapping_key=wrapping_key)


def test_two_at_once_leave_one_active_key(database, make_brand, now, wrapping_key, rand):
    engine = db.make_engine(database)
    sessions = db.make_sessions(engine)
    with sessions.begin() as session:
        brand = make_brand(session)

    def make():
        with sessions.begin() as session:
            key_id = signing_keys.reserve_key_id(session, brand.id)
        with sessions.begin() as session:
            signing_keys.new_key(
                session, brand.id, key_id, format="ed25519", state=KeyState.ACTIVE, now=now,
                wrapping_key=wrapping_key, random=rand,
            )  # fmt: skip

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with sessions() as session:
        found = sorted(session.scalars(select(SigningKey.state)))
    engine.dispose()
    assert found == ["active", "retired", "retired", "retired"]
