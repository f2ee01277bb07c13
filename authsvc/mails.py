"""
Mails: queued in the transaction of the act that they tell of, written and sent by the worker.

A mail is a template and values. Each template is one file in ``authsvc/data/mails``: a line ``Subject: …``, an empty
line, and paragraphs, between which stand empty lines. The HTML part is made from the same text: a paragraph that is the
value ``link`` alone becomes a link, lines that begin with ``- `` become a list. A new mail is a new file.

What must stay true: recipient and values are encrypted at rest and dropped once the mail has gone, for they hold
addresses and links that sign somebody in. No value reaches a header or a line of its own but by being put on one line
first. The ``Message-ID`` is that of the mail for every try, so that a receiver who got it twice shows it once.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from functools import cache
from html import escape
from importlib import resources
from typing import Any
from uuid import UUID

import psycopg
from jinja2 import DictLoader, Environment, StrictUndefined, TemplateNotFound, UndefinedError
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from authsvc import languages
from authsvc.core.wrapping import unwrap, wrap
from authsvc.errors import BadInput
from authsvc.languages import Language
from authsvc.models import Brand, Mail

PURPOSE = "mails"
"""The name under which the key that seals mails is derived from the root secret."""
NOWHERE = "@sandbox.invalid"
"""How the addresses of people end whom a sandbox has invented."""

Values = Mapping[str, Any]

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<domain>[A-Za-z0-9.-]{1,190})")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST_VALUE = 500

# Without an arbiter, so that who may only insert can do it; a mail that is queued twice under one id is one mail.
_INSERT = """
INSERT INTO mails (id, brand_id, template, sealed, next_at, created_at)
VALUES (%(id)s, %(brand_id)s, %(template)s, %(sealed)s, %(now)s, %(now)s)
ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail to queue. Its *id* decides the ``Message-ID``; the same id queued twice is one mail."""

    id: UUID
    brand_id: UUID
    template: str
    to: str = field(repr=False)
    values: Values = field(repr=False)
    language: str = languages.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A mail that is due: what is needed to write it."""

    id: UUID
    version: int
    brand: str
    created_at: datetime
    draft: Draft


def parse_address(given: str) -> str:
    """
    Read one mail address as people type it; a domain of other letters becomes its ASCII form.

    Raises:
        BadInput: It is not one address, or one that mail servers in general do not take.
    """
    local, at, domain = given.strip().rpartition("@")
    try:
        address = f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        address = ""
    found = _ADDRESS.fullmatch(address)
    labels = found["domain"].split(".") if found else []
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or ".." in local:
        raise BadInput("Write one e-mail address, such as name@example.com.")
    return address


def enqueue(session: Session, draft: Draft, *, seal_key: bytes, nonce: bytes, now: datetime) -> None:
    """
    Queue a mail in the transaction of *session*: it is sent if that commits, and never otherwise.

    *nonce* is 12 random bytes. The role of the session needs to insert into ``mails`` and nothing else. Whom a sandbox
    has invented is written nothing.

    Raises:
        BadInput: There is no such template, a value of it is missing, or *to* is no address.
    """
    if draft.to.endswith(NOWHERE):
        return
    session.connection().exec_driver_sql(_INSERT, _row(draft, seal_key, nonce, now))


def enqueue_raw(
    connection: psycopg.Connection[Any], draft: Draft, *, seal_key: bytes, nonce: bytes, now: datetime
) -> None:
    """Queue a mail as ``enqueue`` does, in the transaction of a connection of the driver."""
    connection.execute(_INSERT, _row(draft, seal_key, nonce, now))


def find_waiting(session: Session, mail_id: UUID, version: int, *, seal_key: bytes) -> Waiting | None:
    """Return a mail that is to be sent now, or None when that was done or is for another job."""
    row = session.execute(
        select(Mail, Brand.name)
        .join(Brand, Brand.id == Mail.brand_id)
        .where(Mail.id == mail_id, Mail.version == version, Mail.state == "waiting")
    ).one_or_none()
    if row is None or row.Mail.sealed is None:
        return None
    mail = row.Mail
    content = json.loads(unwrap(seal_key, mail.sealed, brand_id=mail.brand_id, purpose="mail", number=str(mail.id)))
    draft = Draft(
        id=mail.id, brand_id=mail.brand_id, template=mail.template, to=content["to"], values=content["values"],
        language=content.get("language", languages.DEFAULT),
    )  # fmt: skip
    return Waiting(id=mail.id, version=version, brand=row.name, created_at=mail.created_at, draft=draft)


def record_sent(session: Session, waiting: Waiting, *, now: datetime) -> None:
    """Note that a mail has gone, and forget to whom and what."""
    session.execute(
        update(Mail)
        .where(Mail.id == waiting.id, Mail.version == waiting.version)
        .values(state="sent", ended_at=now, sealed=None, tries=Mail.tries + 1, fault=None)
    )


def record_fault(
    session: Session, waiting: Waiting, fault: str, *, may_retry: bool, schedule: Sequence[float], now: datetime
) -> str:
    """Note that a mail did not go; return whether it is waiting for its next try or dead."""
    mail = session.get(Mail, waiting.id, with_for_update=True)
    if mail is None or mail.version != waiting.version or mail.state != "waiting":
        return "gone"
    mail.fault = fault[:_LONGEST_VALUE]
    if may_retry and mail.tries < len(schedule):
        mail.next_at = now + timedelta(seconds=schedule[mail.tries])
        mail.version += 1
    else:
        mail.state, mail.ended_at, mail.sealed = "dead", now, None
    mail.tries += 1
    session.flush()
    return mail.state


def remove_old(session: Session, *, before: datetime) -> None:
    """Forget mails that ended before a time; their recipients were forgotten when they ended."""
    session.execute(text("DELETE FROM mails WHERE ended_at < :before"), {"before": before})


def write(waiting: Waiting, *, sender: str) -> EmailMessage:
    """Write a mail as it goes out: plain text, and HTML that says the same. It is the same for every try."""
    language = languages.get(waiting.draft.language)
    subject, body = _render(waiting.draft.template, {"brand": waiting.brand, **waiting.draft.values}, language)
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((_one_line(waiting.brand), sender))
    message["To"] = parse_address(waiting.draft.to)
    message["Subject"] = subject
    message["Date"] = format_datetime(waiting.created_at)
    message["Message-ID"] = f"<{waiting.id.hex}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = language.code
    message.set_content(body)
    message.add_alternative(_html(subject, body, waiting.draft.values.get("link"), language), subtype="html")
    return message


# --- Private ---------------------------------------------------------------------------------------------------------


def _row(draft: Draft, seal_key: bytes, nonce: bytes, now: datetime) -> dict[str, Any]:
    # Written once before it is queued: what is wrong with it is the fault of this caller and not of the worker.
    _render(draft.template, {"brand": "", **draft.values}, languages.get(draft.language))
    content = json.dumps({"to": parse_address(draft.to), "values": dict(draft.values), "language": draft.language})
    sealed = wrap(seal_key, content.encode(), nonce, brand_id=draft.brand_id, purpose="mail", number=str(draft.id))
    return {"id": draft.id, "brand_id": draft.brand_id, "template": draft.template, "sealed": sealed, "now": now}


def _render(template: str, values: Values, language: Language) -> tuple[str, str]:
    try:
        with languages.speaking(language):
            rendered = _environment().get_template(template).render(_cleaned(values))
    except TemplateNotFound:
        raise BadInput(f"There is no mail {template!r}.") from None
    except UndefinedError as error:
        raise BadInput(f"The mail {template!r} lacks a value: {error}.") from None
    first, _, body = rendered.partition("\n")
    return _one_line(first.removeprefix("Subject:")), body.strip() + "\n"


@cache
def _environment() -> Environment:
    folder = resources.files("authsvc") / "data" / "mails"
    files = {file.name.removesuffix(".txt"): file.read_text(encoding="utf-8") for file in folder.iterdir()}
    environment = Environment(
        loader=DictLoader(files),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
        autoescape=False,  # noqa: S701  plain text; _html escapes every line of it
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        languages.gettext, languages.ngettext, newstyle=True
    )
    return environment


def _one_line(value: Any) -> str:
    """Put a value on one line, without the characters that no reader sees, and no longer than a sentence."""
    return _visible(value)[:_LONGEST_VALUE]


def _visible(value: Any) -> str:
    """Put text on one line, without the characters that no reader sees."""
    visible = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in str(value))
    return " ".join(visible.split())


def _cleaned(value: Any) -> Any:
    """Put every text of a value on one line: inside of a translated sentence the template engine asks no more."""
    if isinstance(value, str):
        return _one_line(value)
    if isinstance(value, Mapping):
        return {name: _cleaned(each) for name, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list | tuple) else value


def _html(title: str, body: str, link: object, language: Language) -> str:
    parts = []
    for paragraph in body.strip().split("\n\n"):
        lines = [escape(line.strip()) for line in paragraph.strip().splitlines()]
        if link is not None and paragraph.strip() == link:
            parts.append(f'<p><a href="{lines[0]}">{lines[0]}</a></p>')
        elif all(line.startswith("- ") for line in lines):
            parts.append("<ul>" + "".join(f"<li>{line[2:]}</li>" for line in lines) + "</ul>")
        else:
            parts.append(f"<p>{'<br>'.join(lines)}</p>")
    return (
        f'<!doctype html><html lang="{language.code}" dir="{language.direction}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head>"
        '<body style="font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:2em auto;padding:0 1em">'
        f"{''.join(parts)}</body></html>\n"
    )
