"""
Settings: complete or the process does not start.

``authsvc init`` writes ``settings.env`` and the secret files into ``AUTHSVC_HOME``; variables named ``AUTHSVC_*``
override them, and ``AUTHSVC_X_FILE`` names a file that holds ``X``. No secret has a default. Every fault is reported
at once. Nobody else reads the environment.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from authsvc.errors import BadConfig

SETTINGS_FILE = "settings.env"
DEMO_FILE = "demo.json"
SECRET_BYTES = 32

MAIL_SCHEDULE = (60.0, 300.0, 900.0, 3600.0, 10800.0, 21600.0, 43200.0)
WEBHOOK_SCHEDULE = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
"""The waits that Standard Webhooks 1.0 recommends: ten tries in a little more than three days."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """
    Everything that an operator may set.

    ``database_url`` None means the embedded server under ``home``; ``scan_database_url`` is the same database by a
    login that web processes use in its place, ``console_database_url`` by the login of the console. ``secret`` is the
    root of the keys that a web process holds (visitors, nonces, forms, wrapping of brand secrets).
    ``passphrase_file`` opens the private signing keys and is read by issuing alone. ``breaker_wait_s`` is how long a
    scan may wait for the database. Without ``smtp_host`` mail goes into a folder. The two schedules are the seconds
    before the second try and each later one. ``webhook_allow`` names networks that webhooks may reach although they are
    not public. A worker that gave no sign for ``stalled_after_s`` is taken for dead. What is kept of people ends after
    ``keep_visitors_days`` and ``keep_reports_days`` (``retention``); a sandbox that nobody has used for
    ``keep_sandbox_days`` is wiped.
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
    asn_database: Path | None = None
    workers: int = 2
    poll_s: float = 1.0
    breaker_wait_s: float = 1.0
    log_level: str = "info"
    is_demo: bool = False
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_tls: str = "starttls"
    smtp_user: str | None = None
    smtp_password: str | None = field(default=None, repr=False)
    mail_from: str = "no-reply@localhost"
    mail_schedule: tuple[float, ...] = MAIL_SCHEDULE
    webhook_schedule: tuple[float, ...] = WEBHOOK_SCHEDULE
    webhook_allow: tuple[Network, ...] = ()
    stalled_after_s: int = 30
    keep_visitors_days: int = 90
    keep_reports_days: int = 180
    keep_sandbox_days: int = 90

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
            "asn_database": reader.path("ASN_DATABASE"),
            "workers": reader.number("WORKERS", 2, 1, 256),
            "log_level": reader.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
            "is_demo": reader.choice("DEMO", "0", ("0", "1")) == "1",
            "smtp_host": reader.text("SMTP_HOST"),
            "smtp_port": reader.number("SMTP_PORT", 587, 1, 65535),
            "smtp_tls": reader.choice("SMTP_TLS", "starttls", ("starttls", "tls", "none")),
            "smtp_user": reader.text("SMTP_USER"),
            "smtp_password": reader.text("SMTP_PASSWORD"),
            "mail_from": reader.sender("MAIL_FROM"),
            "mail_schedule": reader.schedule("MAIL_SCHEDULE", MAIL_SCHEDULE),
            "webhook_schedule": reader.schedule("WEBHOOK_SCHEDULE", WEBHOOK_SCHEDULE),
            "webhook_allow": reader.networks("WEBHOOK_ALLOW"),
            "keep_visitors_days": reader.number("KEEP_VISITORS_DAYS", 90, 30, 3650),
            "keep_reports_days": reader.number("KEEP_REPORTS_DAYS", 180, 30, 3650),
            "keep_sandbox_days": reader.number("KEEP_SANDBOX_DAYS", 90, 1, 3650),
            "stalled_after_s": reader.number("STALLED_AFTER", 30, 1, 3600),
        }
        if config["smtp_user"] and config["smtp_tls"] == "none":
            reader.faults.append("AUTHSVC_SMTP_USER needs AUTHSVC_SMTP_TLS: a password goes over TLS or not at all.")
        reader.refuse_unknown()
        if reader.faults:
            raise BadConfig("\n".join(reader.faults))
        return cls(home=home, secret=secret, **config)  # type: ignore[arg-type]  # each reader method returns its type


KNOWN = {
    "HOME", "SECRET", "BASE_URL", "DATABASE_URL", "SCAN_DATABASE_URL", "CONSOLE_DATABASE_URL", "KEYS_DIR",
    "PASSPHRASE_FILE", "PROXY_HOPS", "RATELIMIT_URL", "PLACES_FILE", "ASN_DATABASE", "WORKERS", "LOG_LEVEL", "DEMO",
    "SMTP_HOST", "SMTP_PORT", "SMTP_TLS", "SMTP_USER", "SMTP_PASSWORD", "MAIL_FROM", "MAIL_SCHEDULE",
    "WEBHOOK_SCHEDULE", "WEBHOOK_ALLOW", "STALLED_AFTER", "KEEP_VISITORS_DAYS", "KEEP_REPORTS_DAYS",
    "KEEP_SANDBOX_DAYS",
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

    def sender(self, name: str) -> str:
        """Read the address that mail comes from; without one it is that of the host of the service."""
        value = self.text(name) or f"no-reply@{urlsplit(self.text('BASE_URL') or '').hostname or 'localhost'}"
        if not re.fullmatch(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+", value):
            self.faults.append(f"AUTHSVC_{name} must be a bare address such as no-reply@example.com, got {value!r}.")
        return value

    def schedule(self, name: str, default: tuple[float, ...]) -> tuple[float, ...]:
        value = self.text(name)
        if value is None:
            return default
        waits = [part.strip() for part in value.split(",")]
        if len(waits) > 20 or not all(re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", wait) for wait in waits):
            self.faults.append(f"AUTHSVC_{name} must be up to 20 waits in seconds, such as 5,300,1800, got {value!r}.")
            return default
        return tuple(map(float, waits))

    def networks(self, name: str) -> tuple[Network, ...]:
        found = []
        for part in (self.text(name) or "").replace(",", " ").split():
            try:
                found.append(ipaddress.ip_network(part))
            except ValueError as error:
                self.faults.append(f"AUTHSVC_{name} must be networks such as 10.1.0.0/16: {error}.")
        return tuple(found)

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
