"""
Service records: what was done to an item, when and by whom, for whoever owns it then and later.

They are records of the item of the kind ``service`` (``unit_records``), whoever has added one: the brand's desk here, a
partner or a program there. They follow the item to its next owner. One noted in error is withdrawn by a further record,
never rewritten, and its owner sees it no more. They are no place for people: what is written is about the item.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from authsvc import item_rows, languages, unit_records
from authsvc.audit import Actor
from authsvc.core.records import Record
from authsvc.core.unit_data import Audience
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.models import ItemRecord
from authsvc.unit_records import NewRecord

LONGEST_WHAT, LONGEST_BY = 500, 120
OLDEST_YEARS = 30
MOST = 200
KIND: Final = "service"
BY, WITHDRAWN = "done_by", "withdrawn"
"""The values of a record that say who did it, and that the record which it corrects was noted in error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What was done, as somebody wants it noted."""

    done_on: date
    what: str
    done_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord:
    """
    A service that an item had. ``recorded_by`` names who noted it, for the brand alone.

    One that *is_corrected* stays, with the record that corrects it.
    """

    id: UUID
    done_on: date
    what: str
    done_by: str
    recorded_by: str
    recorded_at: datetime
    withdrawn_at: datetime | None = None
    is_corrected: bool = False


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


def add(session: Session, subject: Subject, service: Service, *, id: UUID, by: Actor, now: datetime) -> ServiceRecord:  # noqa: A002  the word of the column
    """
    Note a service of an item; the same *id* twice is one record, so that a program may try again.

    Raises:
        NotFound: The code was never issued.
        Conflict: The id is that of another record.
    """
    given = NewRecord(
        kind=KIND, at=datetime.combine(service.done_on, time(), UTC), values={BY: service.done_by}, text=service.what
    )
    made = unit_records.append(session, subject.name, given, id=id, by=by, permission=unit_records.STAFF, now=now)
    return _read(made, None)


def withdraw(
    session: Session,
    subject: Subject,
    record_id: UUID,
    *,
    id: UUID,  # noqa: A002  the word of the column
    by: Actor,
    now: datetime,
) -> ServiceRecord:
    """
    Take back a record that was noted in error, by a further one.

    Raises:
        NotFound: The item has none of this id.
        Conflict: It was taken back already.
    """
    item = item_rows.lock(session, subject.name)
    found = {each.id: each for each in list_of(session, item.sgtin, with_withdrawn=True)}
    if record_id not in found:
        raise NotFound("This item has no such service record.")
    if found[record_id].withdrawn_at is not None:
        raise Conflict("This record was taken back already.")
    row = session.get_one(ItemRecord, (item.sgtin, record_id))
    given = NewRecord(kind=KIND, at=row.at, values={WITHDRAWN: "yes"}, audience=Audience(row.audience), corrects=row.id)
    unit_records.append(session, subject.name, given, id=id, by=by, permission=unit_records.STAFF, now=now)
    return next(each for each in list_of(session, item.sgtin, with_withdrawn=True) if each.id == record_id)


def list_of(session: Session, sgtin: str, *, with_withdrawn: bool = False) -> list[ServiceRecord]:
    """Return the services of an item, the latest first: as its owner may know them, or with withdrawn ones too."""
    rows = session.scalars(
        select(ItemRecord)
        .where(ItemRecord.sgtin == sgtin, ItemRecord.kind == KIND, ItemRecord.audience.in_(Audience.OWNER.seen))
        .order_by(ItemRecord.at.desc(), ItemRecord.recorded_at.desc(), ItemRecord.id)
        .limit(MOST)
    ).all()
    records = [unit_records.record_of(row) for row in rows]
    withdrawn = {each.corrects: each.recorded_at for each in records if WITHDRAWN in each.values}
    corrected = {each.corrects for each in records}
    services = [
        _read(each, withdrawn.get(each.id), is_corrected=each.id in corrected and each.id not in withdrawn)
        for each in records
        if WITHDRAWN not in each.values
    ]
    return [each for each in services if with_withdrawn or each.withdrawn_at is None]


# --- Private ---------------------------------------------------------------------------------------------------------


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _read(record: Record, withdrawn_at: datetime | None, *, is_corrected: bool = False) -> ServiceRecord:
    measured = [f"{languages.gettext(name)}: {value}" for name, value in record.worded(without=BY)]
    return ServiceRecord(
        id=record.id, done_on=record.at.astimezone(UTC).date(), what=". ".join(filter(None, [*measured, record.text])),
        done_by=str(record.values.get(BY, "")), recorded_by=record.by, recorded_at=record.recorded_at,
        withdrawn_at=withdrawn_at, is_corrected=is_corrected,
    )  # fmt: skip
