"""The login of the demo's console: made once with a password of its own, and printed at every start."""

import json
from dataclasses import asdict, dataclass

from authsvc import catalogue, key_files, staff
from authsvc.cli.workplace import Workplace, opened
from authsvc.config import Config
from authsvc.runtime import new_id
from authsvc.staff import Role

FILE = "demo-login.json"
EMAIL, NAME, BRAND = "admin@halden.example", "Demo admin", "halden"
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_LENGTH, _GROUP = 16, 4


@dataclass(frozen=True, slots=True)
class Login:
    """With what to sign in."""

    email: str
    password: str


def get(config: Config) -> Login:
    """Return the login of a demo; one that was made by an earlier release gets it now."""
    file = config.home / FILE
    if not file.exists():
        with opened(config) as place:
            make(place)
    return Login(**json.loads(file.read_text(encoding="utf-8")))


def make(place: Workplace) -> None:
    """Hire an admin for the sample brand, and keep the password for the next start."""
    login = Login(EMAIL, _password(place))
    with place.sessions.begin() as session:
        brand, now = catalogue.get_brand(session, BRAND), place.now()
        invited = staff.invite(
            session, brand, EMAIL, Role.ADMIN, invited_by=place.actor.name, now=now, new_id=new_id,
            random=place.random,
        )  # fmt: skip
        account_id = staff.open_account(session, EMAIL, NAME, login.password, now=now, new_id=new_id)
        staff.accept(session, invited, account_id, now=now)
        place.record(session, brand.id, "staff.invite", EMAIL, {"role": Role.ADMIN.value})
        place.record(session, brand.id, "staff.join", EMAIL, {"role": Role.ADMIN.value})
    file = place.config.home / FILE
    key_files.write_new(file, json.dumps(asdict(login)).encode(), key_files.PRIVATE_MODE)


def _password(place: Workplace) -> str:
    drawn = "".join(_ALPHABET[byte * len(_ALPHABET) // 256] for byte in place.random(_LENGTH))
    return "-".join(drawn[i : i + _GROUP] for i in range(0, _LENGTH, _GROUP))
