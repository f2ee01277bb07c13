"""
How somebody proves who they are: a password, a code of an authenticator app (TOTP, RFC 6238), a recovery code.

Each code is good once. The secret of an app is kept wrapped, recovery codes as keyed hashes: a copy of the database
alone signs nobody in.
"""

import hmac
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from authsvc import passwords
from authsvc.core.wrapping import unwrap, wrap
from authsvc.errors import BadInput, NotFound
from authsvc.models import StaffAccount, StaffPasskey, StaffRecoveryCode, StaffSession
from authsvc.staff import Random

TOTP_STEP_S = 30
RECOVERY_CODES = 10
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 16
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an account has to prove itself with."""

    account_id: UUID
    email: str
    name: str
    password_hash: str | None = field(repr=False)
    has_totp: bool
    passkeys: int
    recovery_codes: int

    @property
    def has_own_proof(self) -> bool:
        """Whether somebody can sign in to this account without the provider of a brand."""
        return self.password_hash is not None or self.passkeys > 0

    @property
    def has_second_factor(self) -> bool:
        """Whether a password alone does not do."""
        return self.has_totp or self.passkeys > 0


def find(session: Session, email: str) -> Credentials | None:
    """Return the credentials of the account with this address; one statement, whether or not there is one."""
    return _read(session, StaffAccount.email == email.strip().lower())


def get(session: Session, account_id: UUID) -> Credentials:
    """
    Return the credentials of an account.

    Raises:
        NotFound: There is no such account.
    """
    found = _read(session, StaffAccount.id == account_id)
    if found is None:
        raise NotFound("There is no such account.")
    return found


def set_password(session: Session, account_id: UUID, password: str) -> None:
    """
    Give an account another password.

    Raises:
        BadInput: It is too easy to guess.
    """
    row = session.get_one(StaffAccount, account_id)
    passwords.check_new(password, email=row.email)
    row.password_hash = passwords.make_hash(password)


def reset(session: Session, account_id: UUID, *, now: datetime) -> None:
    """Take every proof from an account and end its sessions, for whoever has lost them all."""
    turn_off_totp(session, account_id)
    session.execute(delete(StaffPasskey).where(StaffPasskey.account_id == account_id))
    session.execute(update(StaffAccount).where(StaffAccount.id == account_id).values(password_hash=None))
    session.execute(
        update(StaffSession)
        .where(StaffSession.account_id == account_id, StaffSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def has_shortcuts(session: Session, account_id: UUID) -> bool:
    """Whether single keys act on the pages of alerts."""
    return session.get_one(StaffAccount, account_id).has_shortcuts


def set_shortcuts(session: Session, account_id: UUID, *, is_on: bool) -> None:
    """Let single keys act on the pages of alerts, or not: they get in the way of speech input."""
    session.get_one(StaffAccount, account_id).has_shortcuts = is_on


# --- Codes of an app -------------------------------------------------------------------------------------------------


def new_totp_secret(random: Random) -> str:
    """Return a new secret for an authenticator app: 160 random bits in base 32."""
    return b32encode(random(20)).decode("ascii")


def totp_uri(secret: str, email: str, brand: str) -> str:
    """Return what the QR code of a new secret says to the app."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"authsvc {brand}".strip())


def turn_on_totp(
    session: Session, account_id: UUID, secret: str, code: str, *, key: bytes, now: datetime, random: Random
) -> list[str]:
    """
    Ask for codes of an app from now on, once it has shown a right one. Return fresh recovery codes.

    Raises:
        BadInput: The code is not the app's.
    """
    step = _find_step(secret, code, after=0, now=now)
    if step is None:
        raise BadInput("This code is not right. Check the clock of the phone, and type the newest code.")
    wrapped = wrap(key, secret.encode(), random(_NONCE_BYTES), brand_id=account_id, purpose="totp", number="1")
    session.execute(
        update(StaffAccount)
        .where(StaffAccount.id == account_id)
        .values(totp_wrapped=wrapped, totp_at=now, totp_step=step)
    )
    return renew_recovery_codes(session, account_id, key=key, random=random)


def turn_off_totp(session: Session, account_id: UUID) -> None:
    """Ask for no codes any more."""
    session.execute(update(StaffAccount).where(StaffAccount.id == account_id).values(totp_wrapped=None, totp_at=None))
    session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.account_id == account_id))


def use_code(session: Session, account_id: UUID, code: str, *, key: bytes, now: datetime) -> bool:
    """Use up a code of the app, or a recovery code, and say whether it was right."""
    typed = "".join(code.split()).replace("-", "").upper()
    if typed.isascii() and typed.isdigit() and len(typed) == pyotp.TOTP("A" * 32).digits:
        return _use_totp(session, account_id, typed, key=key, now=now)
    return _use_recovery_code(session, account_id, typed, key=key, now=now)


def renew_recovery_codes(session: Session, account_id: UUID, *, key: bytes, random: Random) -> list[str]:
    """Replace all recovery codes of an account and return the new ones; they are shown once."""
    session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.account_id == account_id))
    codes = ["".join(_ALPHABET[byte & 31] for byte in random(_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
    session.add_all(
        StaffRecoveryCode(account_id=account_id, code_hash=_hidden(key, account_id, code)) for code in codes
    )
    session.flush()
    return ["-".join(code[i : i + 4] for i in range(0, _CODE_LENGTH, 4)) for code in codes]


# --- Private ---------------------------------------------------------------------------------------------------------


def _read(session: Session, which: ColumnElement[bool]) -> Credentials | None:
    keys = select(func.count()).where(StaffPasskey.account_id == StaffAccount.id).scalar_subquery()
    unused = (
        select(func.count())
        .where(StaffRecoveryCode.account_id == StaffAccount.id, StaffRecoveryCode.used_at.is_(None))
        .scalar_subquery()
    )
    columns = StaffAccount.id, StaffAccount.email, StaffAccount.name, StaffAccount.password_hash, StaffAccount.totp_at
    row = session.execute(select(*columns, keys.label("passkeys"), unused.label("unused")).where(which)).one_or_none()
    if row is None:
        return None
    return Credentials(
        account_id=row.id, email=row.email, name=row.name, password_hash=row.password_hash,
        has_totp=row.totp_at is not None, passkeys=row.passkeys, recovery_codes=row.unused,
    )  # fmt: skip


def _use_totp(session: Session, account_id: UUID, code: str, *, key: bytes, now: datetime) -> bool:
    # Locked: the same code sent twice at once is right once.
    row = session.get(StaffAccount, account_id, with_for_update=True, populate_existing=True)
    if row is None or row.totp_wrapped is None or row.totp_at is None:
        return False
    secret = unwrap(key, row.totp_wrapped, brand_id=account_id, purpose="totp", number="1").decode()
    step = _find_step(secret, code, after=row.totp_step, now=now)
    if step is None:
        return False
    row.totp_step = step
    session.flush()
    return True


def _find_step(secret: str, code: str, *, after: int, now: datetime) -> int | None:
    """Return the time step of a code: the present one or a neighbour, but none that was used or is older than one."""
    present = int(now.timestamp()) // TOTP_STEP_S
    totp = pyotp.TOTP(secret)
    found = None
    for step in (present - 1, present, present + 1):
        is_it = code.isascii() and hmac.compare_digest(totp.generate_otp(step), code.strip())
        if is_it and step > after:
            found = step
    return found


def _use_recovery_code(session: Session, account_id: UUID, code: str, *, key: bytes, now: datetime) -> bool:
    used = session.scalar(
        update(StaffRecoveryCode)
        .where(
            StaffRecoveryCode.account_id == account_id,
            StaffRecoveryCode.code_hash == _hidden(key, account_id, code),
            StaffRecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .returning(StaffRecoveryCode.account_id)
    )
    return used is not None


def _hidden(key: bytes, account_id: UUID, code: str) -> bytes:
    # 80 random bits under a key that the database does not have: nothing to gain by a slow hash.
    return hmac.digest(key, b"authsvc/recovery/1" + account_id.bytes + code.encode(), "sha256")
