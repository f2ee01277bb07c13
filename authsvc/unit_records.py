"""
Records of an item: test results, the health of a battery, maintenance, software, service, warranty; only ever added.

Whoever has only the permission of a partner adds records of the kinds that it names, and neither changes nor hides what
others wrote; a record that was wrong is corrected by a further one, of its author or of the brand, and both stay.
Whoever sees the one sees the other. The row of the item counts its records, so that a scan of an item without any reads
nothing more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from authsvc import authors, item_rows
from authsvc.audit import Actor
from authsvc.core import moments
from authsvc.core.records import KINDS, LONGEST_TEXT, Record, check_values
from authsvc.core.unit_data import Audience
from authsvc.errors import BadInput, Conflict, Forbidden, NotFound
from authsvc.item_rows import ItemName
from authsvc.models import Item, ItemRecord

READ = 500
"""Records that are read of one item at most, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """
    What somebody may do with the records of items: the kinds they may add, and the circle that they read as.

    ``kinds`` None is every kind. ``may_widen`` lets them show a record to more people than its kind says, and
    ``corrects_others`` correct what somebody else has written.
    """

    kinds: Collection[str] | None = None
    reads: Audience = Audience.PARTNER
    may_widen: bool = False
    corrects_others: bool = False


PARTNER = Permission()
"""Whoever services or tests items for the brand: adds, corrects what it has added itself, and changes nothing."""
STAFF = Permission(reads=Audience.AUTHORITY, may_widen=True, corrects_others=True)
"""The brand's own people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """What somebody wants to write down; without an *audience* the kind says who sees it, or what it corrects."""

    kind: str
    at: datetime
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    audience: Audience | None = None
    corrects: UUID | None = None


def append(
    session: Session,
    name: ItemName,
    given: NewRecord,
    *,
    id: UUID,  # noqa: A002  the column
    by: Actor,
    permission: Permission,
    now: datetime,
) -> Record:
    """
    Add a record to an item, also to one that nobody has scanned; the same *id* twice is one record.

    Raises:
        NotFound: The code was never issued, or the record that is corrected is not of this item.
        Forbidden: The permission does not cover the kind or the audience, or somebody else wrote what is corrected.
        BadInput: A value is not of the kind, or the time lies ahead or in another age.
        Conflict: The *id* is that of another record of this item.
    """
    audience = _check(given, permission, now)
    values = check_values(given.kind, given.values)
    if not values and not given.text.strip():
        raise BadInput("A record says something: give a value or a text.")
    row = item_rows.lock(session, name)
    if given.corrects is not None:
        audience = _check_corrected(session, row.sgtin, given, permission, by)
    made = session.scalar(
        insert(ItemRecord)
        .values(
            sgtin=row.sgtin, id=id, brand_id=row.brand_id, kind=given.kind, at=given.at, values=values,
            text=given.text.strip(), audience=audience.value, by_name=by.name, by_id=by.id, corrects=given.corrects,
            recorded_at=now,
        )
        .on_conflict_do_nothing()
        .returning(ItemRecord.id)
    )  # fmt: skip
    stored = session.get_one(ItemRecord, (row.sgtin, id))
    if made is not None:
        session.execute(update(Item).where(Item.sgtin == row.sgtin).values(records=Item.records + 1))
    elif (stored.kind, stored.at, stored.values, stored.text) != (given.kind, given.at, values, given.text.strip()):
        raise Conflict("There is another record with this id. Give each record an id of its own.")
    return _read(stored, frozenset())


def read(session: Session, name: ItemName, *, viewer: Audience, kinds: Collection[str] | None = None) -> list[Record]:
    """Return what *viewer* sees of the records of an item, the newest first; what was corrected says so."""
    query = select(ItemRecord).where(
        ItemRecord.sgtin == name.sgtin, ItemRecord.brand_id == name.brand.id, ItemRecord.audience.in_(viewer.seen)
    )
    if kinds is not None:
        query = query.where(ItemRecord.kind.in_(kinds))
    order = (ItemRecord.at.desc(), ItemRecord.recorded_at.desc(), ItemRecord.id)
    rows: Sequence[ItemRecord] = session.scalars(query.order_by(*order).limit(READ)).all()
    corrected = frozenset(row.corrects for row in rows if row.corrects is not None)
    return [_read(row, corrected) for row in rows]


def read_page(
    session: Session, name: ItemName, *, viewer: Audience, after: tuple[datetime, UUID] | None, limit: int
) -> list[Record]:
    """Return what *viewer* sees of the records of an item, the newest first: those *after* one, page by page."""
    query = select(ItemRecord).where(
        ItemRecord.sgtin == name.sgtin, ItemRecord.brand_id == name.brand.id, ItemRecord.audience.in_(viewer.seen)
    )
    if after is not None:
        query = query.where(tuple_(ItemRecord.at, ItemRecord.id) < after)
    rows = session.scalars(query.order_by(ItemRecord.at.desc(), ItemRecord.id.desc()).limit(limit)).all()
    wrong = select(ItemRecord.corrects).where(
        ItemRecord.sgtin == name.sgtin, ItemRecord.corrects.in_([row.id for row in rows])
    )
    corrected = frozenset(each for each in session.scalars(wrong) if each is not None) if rows else frozenset[UUID]()
    return [_read(row, corrected) for row in rows]


def record_of(row: ItemRecord) -> Record:
    """Return a row as a record; whether a further one corrects it is not known here."""
    return _read(row, frozenset())


# --- Private ---------------------------------------------------------------------------------------------------------


def _check(given: NewRecord, permission: Permission, now: datetime) -> Audience:
    kind = KINDS.get(given.kind)
    if kind is None:
        raise BadInput(f"A record is one of {', '.join(KINDS)}, got {given.kind!r}.")
    if permission.kinds is not None and given.kind not in permission.kinds:
        raise Forbidden(f"This permission adds records of {', '.join(sorted(permission.kinds))} only.")
    moments.check(given.at, "The time of a record")
    if given.at > now:
        raise BadInput(f"A record tells what was; {given.at.isoformat()} is in the future.")
    if len(given.text) > LONGEST_TEXT or "\0" in given.text:
        raise BadInput(f"The text of a record has at most {LONGEST_TEXT} characters.")
    audience = given.audience or kind.audience
    if not permission.may_widen and not audience.sees(kind.audience):
        raise Forbidden(f"A record of this kind is for {kind.audience} and narrower circles; only the brand widens it.")
    return audience


def _check_corrected(session: Session, sgtin: str, given: NewRecord, permission: Permission, by: Actor) -> Audience:
    """Return who sees a correction: everybody who sees what was wrong, or they would go on taking it for true."""
    old = session.get(ItemRecord, (sgtin, given.corrects))
    if old is None or not permission.reads.sees(Audience(old.audience)):
        raise NotFound("The record that this one corrects is not a record of this item.")
    if not authors.may_correct(old.by_id, by, is_brand=permission.corrects_others):
        raise Forbidden("Somebody else wrote this record. Only they or the brand correct it; ask the brand.")
    if old.kind != given.kind:
        raise BadInput(f"A record of {old.kind} is corrected by one of the same kind.")
    misled = Audience(old.audience)
    if given.audience is not None and not misled.sees(given.audience):
        raise BadInput(f"A correction is for everybody who sees what was wrong: for {misled}, or a wider circle.")
    return given.audience or misled


def _read(row: ItemRecord, corrected: frozenset[UUID]) -> Record:
    return Record(
        id=row.id,
        kind=row.kind,
        at=row.at,
        values=row.values,
        text=row.text,
        audience=Audience(row.audience),
        by=row.by_name,
        recorded_at=row.recorded_at,
        corrects=row.corrects,
        is_corrected=row.id in corrected,
    )
