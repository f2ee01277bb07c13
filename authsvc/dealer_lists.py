"""
Lists of acts on a dealer's stock: all of a list is done, or nothing and each line says why not.

A dry run says the same and changes nothing. Sent twice, a list is one act, because each act is.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from authsvc import dealer_stock
from authsvc.core import stock_lists
from authsvc.core.stock_lists import Line
from authsvc.dealer_stock import Stocked
from authsvc.dealers import DealerInfo, check_country
from authsvc.errors import AuthsvcError
from authsvc.investigations import Subject


class Act(StrEnum):
    """What a dealer does with the items of a list."""

    RECEIVE = "receive"
    OFFER = "offer"
    SELL = "sell"
    TAKE_BACK = "take-back"
    SEND_BACK = "send-back"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line and the item that it names, or why it names none."""

    line: Line
    subject: Subject | None
    fault: AuthsvcError | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a line, or would: the item as it is then, or the fault."""

    line: Line
    stocked: Stocked | None
    fault: AuthsvcError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a list."""

    act: Act
    rows: tuple[Row, ...] = field(repr=False)
    is_done: bool

    @property
    def faults(self) -> int:
        """How many lines stand in the way."""
        return sum(row.fault is not None for row in self.rows)


def apply(
    session: Session, dealer: DealerInfo, act: Act, entries: Sequence[Entry], *, is_dry: bool, to: UUID | None,
    countries: Collection[str], now: datetime, new_id: Callable[[], UUID],
) -> Report:  # fmt: skip
    """Do *act* with every item of a list, or with none; *to* is the dealer to whom items are offered."""
    rows: dict[int, Row] = {}
    within = session.begin_nested()
    # Rows of items are locked in one order by everybody.
    for entry in sorted(entries, key=lambda entry: entry.subject.sgtin if entry.subject else ""):
        line = entry.line
        if entry.subject is None:
            rows[line.place] = Row(line, None, entry.fault)
            continue
        try:
            done = _do(session, dealer, act, entry.subject, line, to=to, countries=countries, now=now, new_id=new_id)
            rows[line.place] = Row(line, done)
        except AuthsvcError as error:
            rows[line.place] = Row(line, None, error)
    is_done = not is_dry and not any(row.fault for row in rows.values())
    if is_done:
        within.commit()
    else:
        within.rollback()
        session.expire_all()
    return Report(act=act, rows=tuple(rows[place] for place in sorted(rows)), is_done=is_done)


def _do(
    session: Session, dealer: DealerInfo, act: Act, subject: Subject, line: Line, *, to: UUID | None,
    countries: Collection[str], now: datetime, new_id: Callable[[], UUID],
) -> Stocked:  # fmt: skip
    if act is Act.RECEIVE:
        return dealer_stock.receive(session, subject, dealer, now=now)
    if act is Act.OFFER:
        return dealer_stock.offer(session, subject, dealer, to, now=now)
    if act is Act.SELL:
        on, country = stock_lists.day(line.sold_on), check_country(line.country or dealer.country, countries)
        return dealer_stock.sell(session, subject, dealer, on=on, country=country, now=now, new_id=new_id)
    if act is Act.TAKE_BACK:
        return dealer_stock.take_back(session, subject, dealer, now=now)
    return dealer_stock.send_back(session, subject, dealer, now=now)
