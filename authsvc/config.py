"""
Settings: complete or the process does not start.

``authsvc init`` writes ``settings.env`` and the secret files into ``AUTHSVC_HOME``; variables named ``AUTHSVC_*``
override them, and ``AUTHSVC_X_FILE`` names a file that holds ``X``. No secret has a default. Every fault is reported
at once. Nobody else reads the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from authsvc.errors import BadConfig

SETTINGS_FILE = "settings.env"
DEMO_FILE = "demo.json"
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """
    Everything that an operator may set.

    ``database_url`` None means the embedded server under ``home``; ``scan_database_url`` is the same database by a
    login that web processes use in its place, ``console_database_url`` by the login of the console. ``secret`` is the
    root of the keys that a web process holds (visitors, nonces, forms, wrapping of brand secrets).
    ``passphrase_file`` opens the private signing keys and is read by issuing alone. ``breaker_wait_s`` is how long a
    scan may wait for the database.
    """

    home: Path
    secret: bytes = field(repr=False)
    base_url: str = "http://127.0.0.1:8000"
    database_url: str | None = field(default=None, repr=False)
    scan_database_url: str | None = field(default=None, repr=False)
    console_database_url: str | None = field(default=None, repr=False)
    keys_dir: Path
    passphrase_file: Path
    proxy_hops: int = 0
    ratelimit_url: str = "memory://"
    places_file: Path | None = None
    workers: int = 2
    poll_s: float = 1.0
    breaker_wait_s: float = 1.0
    log_level: str = "info"
    is_demo: bool = False

    @property
    def is_secure(self) -> bool:
        """Whether people reach the service by HTTPS, which ``__Host-`` cookies need."""
        return self.base_url.startswith("https://")

    @property
    def settings_file(self) -> Path:
        """Where ``init`` keeps the settings."""
        return self.home / SETTINGS_FILE

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Config":
        """
        Read ``AUTHSVC_*`` over the settings that ``init`` wrote.

        Raises:
            BadConfig: With every fault found, one a line.
        """
        home = Path(env.get("AUTHSVC_HOME", "var")).absolute()
        reader = _Reader({**_read_settings(home / SETTINGS_FILE), **env})
        secret = reader.secret("SECRET", "run `authsvc init`, or set AUTHSVC_SECRET_FILE to a file of 64 hex digits")
        config = {
            "base_url": reader.base_url("BASE_URL"),
            "database_url": reader.database_url("DATABASE_URL"),
            "scan_database_url": reader.database_url("SCAN_DATABASE_URL"),
            "console_database_url": reader.database_url("CONSOLE_DATABASE_URL"),
            "keys_dir": Path(reader.text("KEYS_DIR") or home / "keys"),
            "passphrase_file": Path(reader.text("PASSPHRASE_FILE") or home / "secrets" / "passphrase"),
            "proxy_hops": reader.number("PROXY_HOPS", 0, 0, 8),
            "ratelimit_url": reader.text("RATELIMIT_URL") or "memory://",
            "places_file": reader.path("PLACES_FILE"),
            "workers": reader.number("WORKERS", 2, 1, 256),
            "log_level": reader.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
            "is_demo": reader.choice("DEMO", "0", ("0", "1")) == "1",
        }
        reader.refuse_unknown()
        if reader.faults:
            raise BadConfig("\n".join(reader.faults))
        return cls(home=home, secret=secret, **config)  # type: ignore[arg-type]  # each reader method returns its type


KNOWN = {
    "HOME", "SECRET", "BASE_URL", "DATABASE_URL", "SCAN_DATABASE_URL", "CONSOLE_DATABASE_URL", "KEYS_DIR",
    "PASSPHRASE_FILE", "PROXY_HOPS", "RATELIMIT_URL", "PLACES_FILE", "WORKERS", "LOG_LEVEL", "DEMO",
}  # fmt: skip


class _Reader:
    """Reads settings one by one and collects what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.faults: list[str] = []

    def text(self, name: str) -> str | None:
        value, file = self.env.get(f"AUTHSVC_{name}"), self.env.get(f"AUTHSVC_{name}_FILE")
        if value or not file or f"{name}_FILE" in KNOWN:
            return value or None
        try:
            return Path(file).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            self.faults.append(f"AUTHSVC_{name}_FILE names {file!r}, which cannot be read: {error}.")
            return None

    def secret(self, name: str, remedy: str) -> bytes:
        value = self.text(name)
        if value is None:
            self.faults.append(f"AUTHSVC_{name} is missing: {remedy}.")
            return b""
        try:
            raw = bytes.fromhex(value)
        except ValueError:
            raw = b""
        if len(raw) != SECRET_BYTES:
            self.faults.append(f"AUTHSVC_{name} must be {2 * SECRET_BYTES} hex digits; this value is not.")
        return raw

    def base_url(self, name: str) -> str:
        value = self.text(name) or "http://127.0.0.1:8000"
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            self.faults.append(f"AUTHSVC_{name} must look like https://id.example.com, got {value!r}.")
        return value.rstrip("/")

    def database_url(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not value.startswith(("postgresql://", "postgres://")):
            self.faults.append(
                f"AUTHSVC_{name} must start with postgresql:// (PostgreSQL 15 or newer is the database)."
            )
        return value

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        if value is not None and not Path(value).is_file():
            self.faults.append(f"AUTHSVC_{name} names {value!r}, and there is no such file.")
        return Path(value) if value else None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            self.faults.append(f"AUTHSVC_{name} must be a whole number from {low} to {high}, got {value!r}.")
            return default
        return int(value)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.text(name) or default
        if value not in choices:
            self.faults.append(f"AUTHSVC_{name} must be one of {', '.join(choices)}, got {value!r}.")
        return value

    def refuse_unknown(self) -> None:
        """Report misspelt settings: silence would be a default that nobody chose."""
        for key in sorted(self.env):
            name = key.removeprefix("AUTHSVC_")
            if name != key and name.removesuffix("_FILE") not in KNOWN and name not in KNOWN:
                self.faults.append(f"{key} is not a setting of authsvc. Known: {', '.join(sorted(KNOWN))}.")


def _read_settings(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {key.strip(): value.strip() for key, value in pairs}
