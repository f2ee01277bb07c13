"""
Service records: what was done to an item, when and by whom, for whoever owns it then and later.

They belong to the item and follow it to its next owner. The brand's desk notes them, or a partner of the brand through
the same use case; one noted in error is withdrawn, never rewritten, and its owner sees it no more. They are no place
for people: what is written is about the item.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc import item_rows
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.models import ServiceRecord as Row

LONGEST_WHAT, LONGEST_BY = 500, 120
OLDEST_YEARS = 30
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What was done, as somebody wants it noted."""

    done_on: date
    what: str
    done_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """A service that an item had. ``recorded_by`` names who noted it, for the brand alone."""

    id: UUID
    done_on: date
    what: str
    done_by: str
    recorded_by: str
    recorded_at: datetime
    withdrawn_at: datetime | None = None


def parse(done_on: str, what: str, done_by: str, *, today: date) -> Service:
    """
    Read a service as a form or a program sends it.

    Raises:
        BadInput: The day is none or lies ahead, nothing was done, by nobody, or a text is too long.
    """
    try:
        day = date.fromisoformat(done_on.strip())
    except ValueError:
        raise BadInput("Write the day of the service as year, month and day, such as 2026-05-31.") from None
    if day > today:
        raise BadInput("The day of the service lies in the future.")
    if day.year < today.year - OLDEST_YEARS:
        raise BadInput(f"The day of the service lies more than {OLDEST_YEARS} years back.")
    said, by = _line(what), _line(done_by)
    if not said or len(said) > LONGEST_WHAT:
        raise BadInput(f"Say what was done, in at most {LONGEST_WHAT} characters.")
    if not by or len(by) > LONGEST_BY:
        raise BadInput(f"Say who did it, in at most {LONGEST_BY} characters: a workshop or a service partner.")
    return Service(done_on=day, what=said, done_by=by)


def add(session: Session, subject: Subject, service: Service, *, id: UUID, by: str, now: datetime) -> ServiceRecord:  # noqa: A002  the word of the column
    """
    Note a service of an item; the same *id* twice is one record, so that a program may try again.

    Raises:
        NotFound: The code was never issued.
        Conflict: The id is that of another record.
    """
    item = item_rows.lock(session, subject.name)
    row = session.get(Row, (item.sgtin, id))
    if row is None:
        row = Row(
            sgtin=item.sgtin, id=id, brand_id=item.brand_id, done_on=service.done_on, what=service.what,
            done_by=service.done_by, recorded_by=by, recorded_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
    elif (row.done_on, row.what, row.done_by) != (service.done_on, service.what, service.done_by):
        raise Conflict("Another service was noted under this id.")
    return _read(row)


def withdraw(session: Session, subject: Subject, record_id: UUID, *, by: str, now: datetime) -> ServiceRecord:
    """
    Take back a record that was noted in error.

    Raises:
        NotFound: The item has none of this id.
        Conflict: It was taken back already.
    """
    row = session.get(Row, (subject.name.sgtin, record_id))
    if row is None or row.brand_id != subject.name.brand.id:
        raise NotFound("This item has no such service record.")
    if row.withdrawn_at is not None:
        raise Conflict("This record was taken back already.")
    row.withdrawn_by, row.withdrawn_at = by, now
    session.flush()
    return _read(row)


def list_of(session: Session, sgtin: str, *, with_withdrawn: bool = False) -> list[ServiceRecord]:
    """Return the services of an item, the latest first."""
    query = select(Row).where(Row.sgtin == sgtin).order_by(Row.done_on.desc(), Row.recorded_at.desc()).limit(MOST)
    if not with_withdrawn:
        query = query.where(Row.withdrawn_at.is_(None))
    return [_read(row) for row in session.scalars(query)]


# --- Private ---------------------------------------------------------------------------------------------------------


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _read(row: Row) -> ServiceRecord:
    return ServiceRecord(
        id=row.id, done_on=row.done_on, what=row.what, done_by=row.done_by, recorded_by=row.recorded_by,
        recorded_at=row.recorded_at, withdrawn_at=row.withdrawn_at,
    )  # fmt: skip
