from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc.core.keyring import ED25519, KeyState, Revocation, RevocationMode, VerificationKey, is_spared
from authsvc.core.revocations import made_good, widen

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STOP, ALL = Revocation(RevocationMode.STOP), Revocation(RevocationMode.ALL)


def since(moment):
    return Revocation(RevocationMode.FROM, moment)


def runs(*numbers):
    return Revocation(RevocationMode.RUN, runs=frozenset(numbers))


EVERY = (STOP, ALL, since(NOON), since(NOON - HOUR), since(NOON + HOUR), runs(2), runs(3), runs(2, 3))
ITEMS = tuple(product((None, *(NOON + hours * HOUR for hours in (-2, -1, 0, 1))), (None, 1, 2, 3)))
PUBLIC = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()


def spared(revocation):
    """Return the codes that stay good, of all kinds that a revocation can tell apart."""
    state = KeyState.ACTIVE if revocation is None else KeyState.REVOKED
    key = VerificationKey(UUID(int=1), 1, ED25519, state, PUBLIC, revocation=revocation)
    return {(first, run) for first, run in ITEMS if is_spared(key, first_valid_at=first, run=run)}


@pytest.mark.parametrize(("old", "new"), tuple(product((None, *EVERY), EVERY)))
def test_codes_are_made_good_exactly_where_it_is_said(old, new):
    assert (made_good(old, new) is not None) == bool(spared(new) - spared(old))


@pytest.mark.parametrize(("old", "new"), tuple(product((runs(2), runs(2, 3)), (runs(3), runs(1), runs(2)))))
def test_runs_add_up(old, new):
    assert widen(old, new) == runs(*old.runs, *new.runs)
    assert made_good(old, widen(old, new)) is None


@pytest.mark.parametrize(("old", "new"), [(None, runs(2)), (ALL, STOP), (ALL, runs(2)), (runs(2), ALL)])
def test_anything_else_takes_the_place_of_what_was(old, new):
    assert widen(old, new) == new


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        (ALL, STOP, "all its codes"),
        (ALL, runs(2, 3), "all its codes, but for those of runs 2, 3"),
        (ALL, since(NOON), "all its codes, but for items not checked before 2026-05-01 12:00"),
        (runs(2, 3), runs(3), "the codes of run 2"),
        (runs(2, 3), STOP, "the codes of runs 2, 3"),
        (since(NOON), STOP, "the codes of items not checked before 2026-05-01 12:00"),
        (since(NOON), since(NOON + HOUR),
         "the codes of items first checked between 2026-05-01 12:00 and 2026-05-01 13:00"),
    ],
)  # fmt: skip
def test_what_becomes_good_is_named(old, new, codes):
    assert made_good(old, new) == codes
