"""
Where mail goes: to an SMTP relay by the settings, or into a folder where there is none.

A relay signs for the domain (DKIM) and knows its neighbours; we hand over and remember. A ``Deferred`` mail is tried
again, a ``Refused`` one is not. A relay that asks for a login is given it over TLS alone, and its certificate must be
good.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Protocol

from authsvc.config import Config

FOLDER = "outbox"
KEPT = 200
"""Mails that the folder holds; an older one goes when a new one comes."""

_WAIT_S = 20.0


class Deferred(Exception):
    """The mail did not go now and may go later."""


class Refused(Exception):
    """The mail will never go: its recipient or its content is not taken."""


class Postbox(Protocol):
    """Something that takes a mail."""

    def send(self, message: EmailMessage) -> None:
        """
        Hand a mail over; it is theirs when this returns.

        Raises:
            Deferred: Not now.
            Refused: Never.
        """


@dataclass(frozen=True, slots=True)
class Relay:
    """An SMTP server. ``tls`` is starttls, tls (from the first byte) or none."""

    host: str
    port: int
    tls: str = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def send(self, message: EmailMessage) -> None:
        """Hand a mail to the relay."""
        try:
            client = self._open(str(message["From"].addresses[0].domain))
            try:
                client.send_message(message)
            finally:
                # The relay has it or has refused it: how the conversation ends changes nothing of that.
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    client.quit()
                client.close()
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _fault(code, said) from error
        except smtplib.SMTPAuthenticationError as error:
            # Our login is wrong, not the mail.
            raise Deferred(f"the relay refused our login: {error.smtp_code}") from error
        except smtplib.SMTPResponseException as error:
            raise _fault(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Deferred(f"the relay does not answer: {error}") from error

    def _open(self, name: str) -> smtplib.SMTP:
        trusted = ssl.create_default_context()
        client: smtplib.SMTP
        if self.tls == "tls":
            client = smtplib.SMTP_SSL(self.host, self.port, local_hostname=name, timeout=_WAIT_S, context=trusted)
        else:
            client = smtplib.SMTP(self.host, self.port, local_hostname=name, timeout=_WAIT_S)
        try:
            if self.tls == "starttls":
                client.starttls(context=trusted)
            if self.user is not None:
                client.login(self.user, self.password or "")
        except (OSError, smtplib.SMTPException):
            client.close()
            raise
        return client


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of mails as files: what the demo shows, and what an installation without a relay has."""

    path: Path

    def send(self, message: EmailMessage) -> None:
        """Write a mail into the folder; one with the same ``Message-ID`` takes the place of the other."""
        sent = parsedate_to_datetime(message["Date"])
        name = f"{sent:%Y%m%dT%H%M%S}-{message['Message-ID'].strip('<>').partition('@')[0]}.eml"
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = self.path / f".{name}"
            partial.touch(mode=0o600)
            partial.write_bytes(message.as_bytes())
            partial.replace(self.path / name)
            for old in sorted(self.path.glob("*.eml"))[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise Deferred(f"the outbox cannot be written: {error.strerror}") from error

    def read(self) -> Iterator[EmailMessage]:
        """Yield the mails, the latest first."""
        for file in sorted(self.path.glob("*.eml"), reverse=True):
            with contextlib.suppress(FileNotFoundError):
                message = message_from_bytes(file.read_bytes(), policy=default)
                assert isinstance(message, EmailMessage)  # the policy makes this class
                yield message


def postbox(config: Config) -> Postbox:
    """Return where the mail of an installation goes."""
    if config.smtp_host is None:
        return Folder(config.home / FOLDER)
    return Relay(config.smtp_host, config.smtp_port, config.smtp_tls, config.smtp_user, config.smtp_password)


def _fault(code: int, said: bytes | str) -> Deferred | Refused:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    kind = Refused if 500 <= code < 600 else Deferred
    return kind(f"the relay said {code} {words}")
