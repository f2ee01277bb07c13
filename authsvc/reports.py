"""
Reports: what consumers tell a brand of a code and of who sold it.

``admit`` counts in PostgreSQL, in a transaction of its own that commits before anything that costs is done with what
came: where nothing can be counted nothing is taken. ``file_report`` stores the report and, when three people from three
networks name one shop within 30 days, opens one alert for that shop. What people write is shown as text, and a contact
is stored wrapped.
"""

import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc.core import shops
from authsvc.core.amounts import amount, begin
from authsvc.core.wrapping import wrap
from authsvc.errors import BadInput, TooManyRequests
from authsvc.models import Alert, ConsumerReport, ReportCount, ReportPhoto
from authsvc.uploads import Upload

RULE = "shop-reported"
ENOUGH = 3
"""Different people, by browser and by network, that make a shop worth a look."""
WINDOW = timedelta(days=30)
PER_REPORTER, PER_NETWORK, PER_BRAND = 5, 25, 5_000
"""Reports that are taken in 24 hours."""
MOST_PHOTOS = 5
CONTACT = "report-contact"
"""The purpose under which a contact is wrapped."""
_LONGEST_TEXT, _LONGEST_LINE = 4_000, 300
_NONCE_BYTES = 12
_HOUR, _DAY = timedelta(hours=1), timedelta(hours=24)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER_LENGTH = 9
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_OPEN_ALERT = text("""
INSERT INTO alerts (sgtin, id, brand_id, subject, rule, score, evidence, opened_at)
VALUES (:key, :id, :brand_id, 'shop', :rule, :score, CAST(:evidence AS jsonb), :at)
ON CONFLICT (sgtin, rule) WHERE closed_at IS NULL DO NOTHING""")


@dataclass(frozen=True, slots=True)
class Admitted:
    """The leave to file one report: who reports, from where, as pseudonyms."""

    brand_id: UUID
    reporter: bytes
    prefix: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a consumer wrote. Everything but ``text`` may be missing; ``sgtin`` is there when the code was scanned."""

    text: str
    sgtin: str | None = None
    typed_code: str | None = None
    receipt: UUID | None = None
    shop_name: str | None = None
    shop_address: str | None = None
    listing_url: str | None = None
    price: str | None = None
    seller: str | None = None
    bought_on: date | None = None
    contact: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Filed:
    """A report that was stored: its id, and the number that the person may quote."""

    id: UUID
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What a reporter is shown again of a report: neither the words nor the contact. ``reporter`` tells whose it is."""

    number: str
    receipt: UUID | None
    shop_name: str | None
    shop_address: str | None
    listing_url: str | None
    price: str | None
    seller: str | None
    bought_on: date | None
    reporter: bytes
    created_at: datetime


def is_number(text: str) -> bool:
    """Say whether a text has the form of the number of a report."""
    return len(text) == _NUMBER_LENGTH and set(text) <= set(_ALPHABET)


def grouped(number: str) -> str:
    """Write the number of a report as people read it: in groups of three."""
    return "-".join(number[start : start + 3] for start in range(0, len(number), 3))


def find_filing(session: Session, brand_id: UUID, report_id: UUID) -> Filing | None:
    """Return what a reporter is shown again of a report."""
    row = session.execute(
        select(*(getattr(ConsumerReport, column.name) for column in fields(Filing))).where(
            ConsumerReport.brand_id == brand_id, ConsumerReport.id == report_id
        )
    ).one_or_none()
    return None if row is None else Filing(**row._mapping)  # noqa: SLF001  the public name of a row as a mapping


def admit(
    session: Session, brand_id: UUID, *, reporter: bytes, prefix: bytes, key: bytes, now: datetime
) -> Admitted:  # fmt: skip
    """
    Count a report that somebody wants to file; *key* hides what is counted. Commit before the report is looked at.

    *reporter* and *prefix* are pseudonyms of the browser and of its network, the same for all reports to the brand.

    Raises:
        TooManyRequests: As many as are taken came within 24 hours. The caller commits all the same.
    """
    window = _EPOCH + (now - _EPOCH) // _HOUR * _HOUR
    limits = {
        hmac.digest(key, b"reporter|" + reporter, "sha256"): PER_REPORTER,
        hmac.digest(key, b"network|" + prefix, "sha256"): PER_NETWORK,
        hmac.digest(key, b"brand", "sha256"): PER_BRAND,
    }
    session.execute(delete(ReportCount).where(ReportCount.window_start < window - _DAY))
    for hidden, limit in sorted(limits.items()):  # Rows are locked in one order by everybody.
        row = insert(ReportCount).values(brand_id=brand_id, key=hidden, window_start=window, count=1)
        session.execute(
            row.on_conflict_do_update(
                index_elements=["brand_id", "key", "window_start"], set_={"count": ReportCount.count + 1}
            )
        )
        seen = session.scalar(
            select(func.sum(ReportCount.count)).where(
                ReportCount.brand_id == brand_id, ReportCount.key == hidden, ReportCount.window_start > window - _DAY
            )
        )
        if int(seen or 0) > limit:
            raise TooManyRequests(
                "Many reports came from here today. They are kept; please send the next one tomorrow."
            )
    return Admitted(brand_id, reporter, prefix)


def file_report(
    session: Session,
    admitted: Admitted,
    told: Told,
    *,
    photos: Sequence[Upload] = (),
    wrapping_key: bytes,
    random: Callable[[int], bytes],
    new_id: Callable[[], UUID],
    now: datetime,
) -> Filed:
    """
    Store a report; when it is the third of one shop, open the alert.

    Raises:
        BadInput: It says nothing, a field is too long, or the listing is no address.
    """
    values = check(told)
    if len(photos) > MOST_PHOTOS:
        raise BadInput("A report has {most} photos at most.", most=MOST_PHOTOS)
    brand_id, report_id = admitted.brand_id, new_id()
    contact = _line(told.contact, "The contact")
    number = "".join(_ALPHABET[byte & 31] for byte in random(_NUMBER_LENGTH))
    values |= {
        "brand_id": brand_id, "id": report_id, "number": number, "receipt": told.receipt,
        "reporter": admitted.reporter, "prefix": admitted.prefix, "created_at": now,
        "contact": None if contact is None else wrap(
            wrapping_key, contact.encode(), random(_NONCE_BYTES), brand_id=brand_id, purpose=CONTACT,
            number=report_id.hex,
        ),
    }  # fmt: skip
    if values["shop"] is not None:
        # Reports of one shop come one after the other, or the third of three that race would see none of them.
        lock = {"subject": f"authsvc/report/{brand_id}/{values['shop']}"}
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))"), lock)
    session.execute(insert(ConsumerReport).values(values))
    for position, photo in enumerate(photos, 1):
        session.execute(
            insert(ReportPhoto).values(
                brand_id=brand_id, report_id=report_id, position=position, media_type=photo.media_type,
                sha256=photo.sha256, content=photo.content,
            )
        )  # fmt: skip
    if values["shop"] is not None:
        _look_at_shop(session, brand_id, values, new_id=new_id, now=now)
    return Filed(report_id, number)


def check(told: Told) -> dict[str, object]:
    """
    Read what somebody wrote into what is stored of it.

    Raises:
        BadInput: It says nothing, a field is too long, or the listing is no address.
    """
    said = told.text.replace("\r\n", "\n").replace("\0", "").strip()
    if len(said) > _LONGEST_TEXT:
        raise BadInput("The text has {most} characters at most.", most=f"{_LONGEST_TEXT:,}")
    values: dict[str, object] = {
        "text": said,
        "sgtin": _line(told.sgtin, "The code"),
        "typed_code": _line(told.typed_code, "The code"),
        "shop_name": _line(told.shop_name, "The name of the shop"),
        "shop_address": _line(told.shop_address, "The address of the shop"),
        "price": _line(told.price, "The price"),
        "seller": _line(told.seller, "The name of the seller"),
        "bought_on": told.bought_on,
    }
    listing = shops.Listing.parse(told.listing_url) if told.listing_url and told.listing_url.strip() else None
    values["listing_url"] = None if listing is None else listing.url
    if not any(values.values()):
        raise BadInput("Say what happened, or where you bought it.")
    name = values["shop_name"]
    values["shop"] = listing.key if listing else shops.name_key(name) if isinstance(name, str) else None
    return values


# --- Private ---------------------------------------------------------------------------------------------------------


def _line(given: str | None, what: str) -> str | None:
    words = " ".join((given or "").replace("\0", "").split())
    if len(words) > _LONGEST_LINE:
        raise BadInput(f"{what} has {_LONGEST_LINE} characters at most.")
    return words or None


def _look_at_shop(
    session: Session, brand_id: UUID, values: dict[str, object], *, new_id: Callable[[], UUID], now: datetime
) -> None:
    """Open the alert of a shop, once, when enough people have named it since somebody last looked into it."""
    shop = str(values["shop"])
    key = shops.subject_key(brand_id, shop)
    closed_at = session.scalar(select(func.max(Alert.closed_at)).where(Alert.sgtin == key, Alert.rule == RULE))
    since = max(now - WINDOW, closed_at or now - WINDOW)
    # No end: of reports that race, the last to be stored may have come first, and all of them count.
    found = (ConsumerReport.brand_id == brand_id, ConsumerReport.shop == shop, ConsumerReport.created_at > since)
    people, networks = session.execute(
        select(
            func.count(func.distinct(ConsumerReport.reporter)), func.count(func.distinct(ConsumerReport.prefix))
        ).where(*found)
    ).one()
    if min(people, networks) < ENOUGH:
        return
    numbers = session.scalars(
        select(ConsumerReport.number).where(*found).order_by(ConsumerReport.created_at).limit(50)
    ).all()
    named = (
        f"an offer on {urlsplit(url).hostname}"
        if (url := str(values["listing_url"] or ""))
        else f"“{values['shop_name']}”"
    )
    said = f"{begin(amount(min(people, networks), 'person', 'people'))} reported {named} within {WINDOW.days} days"
    evidence = {
        "shop": shop, "shop_name": values["shop_name"], "listing_url": values["listing_url"], "reports": list(numbers),
        "parts": [{"rule": RULE, "weight": float(min(people, networks)), "text": said}],
    }  # fmt: skip
    session.execute(
        _OPEN_ALERT,
        {"key": key, "id": new_id(), "brand_id": brand_id, "rule": RULE, "score": float(min(people, networks)),
         "evidence": json.dumps(evidence), "at": now},
    )  # fmt: skip
