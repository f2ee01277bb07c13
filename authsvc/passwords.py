"""
Passwords: what may be one, and the slow hash that is kept of it (Argon2id, RFC 9106).

Checking one takes the same time whether or not there is anything to check it against, so that a stranger cannot find
out who has an account.
"""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from authsvc.errors import BadInput

SHORTEST, LONGEST = 12, 256
_FEWEST_CHARACTERS = 5
# 19 MiB, two rounds: what OWASP recommends, and what many people may ask for at once on a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _HASHER.hash("the password of an account that is not there")


def check_new(password: str, *, email: str) -> None:
    """
    Refuse a password that is too easy to guess.

    Raises:
        BadInput: It is short, or made of the address or of a few characters.
    """
    if len(password) < SHORTEST:
        raise BadInput(f"A password has at least {SHORTEST} characters. A sentence of a few words is a good one.")
    if len(password) > LONGEST:
        raise BadInput(f"A password has at most {LONGEST} characters.")
    folded = password.casefold()
    if len(set(folded)) < _FEWEST_CHARACTERS:
        raise BadInput("This password repeats a few characters. Take one that is harder to guess.")
    if folded in {email, email.partition("@")[0] * (len(folded) // max(len(email.partition("@")[0]), 1))}:
        raise BadInput("The password must not be the e-mail address.")


def make_hash(password: str) -> str:
    """Return what is stored of a password."""
    return _HASHER.hash(_plain(password))


def is_right(stored: str | None, password: str) -> bool:
    """Say whether a password fits what is stored; without anything stored it takes as long and says no."""
    if len(password) > LONGEST:
        password = ""
    try:
        _HASHER.verify(stored or _NOBODY, _plain(password))
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


def _plain(password: str) -> str:
    """Two keyboards may spell one letter differently."""
    return unicodedata.normalize("NFKC", password)
