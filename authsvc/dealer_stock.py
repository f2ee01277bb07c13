"""
Stock: what a dealer holds of a brand's items, and what becomes of it.

A dealer receives an item by its signed code, or takes a used one over from its owner (``transfers``). It holds the item
without starting its warranty, and hands it to another dealer, sells it, or sends it back. A sale has a day and a
country. It is a fact for the clone rules, and the day from which the warranty of whoever registers the item counts,
where no owner has started it before. Each act is done by the state that it leads to: sent twice, it is one act. The row
of the item is locked first, as everywhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authsvc import handovers, investigations, item_rows, ownership
from authsvc.core.clones import Fact, FactKind, Place
from authsvc.core.verdicts import Disposition
from authsvc.dealers import DealerInfo
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.languages import later
from authsvc.models import Dealer, DealerItem, Item

BY = "dealer"
"""Who says so, of the facts that are recorded here."""
LONGEST_AGO = timedelta(days=400)
"""How late a sale can be entered."""

_CLOSED = {
    Disposition.STOLEN: later("It is reported stolen. Contact the brand."),
    Disposition.LOST: later("It is reported lost. Contact the brand."),
    Disposition.BLOCKED: later("The brand has blocked its code. Contact the brand."),
    Disposition.DESTROYED: later("It is reported destroyed. Contact the brand."),
}

NewId = Callable[[], UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stocked:
    """An item of a dealer as it stands now; ``offered_to`` names the dealer who may take it over."""

    sgtin: str
    state: str
    received_at: datetime
    sold_on: date | None = None
    sold_in: str | None = None
    offered_to: str | None = None
    offered_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A sale that stands: on which day, in which country, by whom."""

    on: date
    country: str
    dealer_id: UUID


def receive(session: Session, subject: Subject, dealer: DealerInfo, *, now: datetime) -> Stocked:
    """
    Take an item into stock; the caller has seen its signed code.

    Raises:
        NotFound: The code was never issued.
        Conflict: It has an owner who may have it back, another dealer holds it, it was sold, or is reported or blocked.
    """
    item = item_rows.lock(session, subject.name)
    last = _last(session, item.sgtin)
    if last is not None and last.state == "held" and last.dealer_id == dealer.id:
        return _stocked(last)
    _check_condition(item)
    if ownership.find_present(session, item.sgtin, now=now) is not None:
        raise Conflict("It has an owner. Ask them to offer it to you on their page.")
    if last is not None and last.state == "held":
        if last.offered_to != dealer.id and not _has_ended(session, last.dealer_id):
            raise Conflict("Another dealer holds it. Ask them to offer it to you.")
        _check_settled(session, item.sgtin, now)
        last.state, last.ended_at, last.offered_to = "handed", now, None
        session.flush()
    if last is not None and last.state == "sold":
        raise Conflict(
            "It was sold on {day}. If it came back, whoever sold it takes the sale back first.", day=last.sold_on
        )
    return _hold(session, item, dealer.id, last, now)


def offer(session: Session, subject: Subject, dealer: DealerInfo, to: UUID | None, *, now: datetime) -> Stocked:
    """
    Offer an item to another dealer of the brand, or to nobody any more where *to* is None.

    Raises:
        NotFound: The dealer does not hold it, or there is no such other dealer.
        Conflict: It is reported or blocked, or its owner may still dispute that they have passed it on.
    """
    item, row = _held(session, subject, dealer)
    if to is not None:
        _check_condition(item)
        _check_settled(session, item.sgtin, now)
        other = session.get(Dealer, to)
        if other is None or other.brand_id != dealer.brand_id or other.ended_at is not None or to == dealer.id:
            raise NotFound("The brand has no other dealer of this name.")
    row.offered_to = to
    session.flush()
    return _stocked(row)


def sell(
    session: Session, subject: Subject, dealer: DealerInfo, *, on: date, country: str, now: datetime, new_id: NewId
) -> Stocked:
    """
    Record that an item was sold to somebody, on a day and in a country (a code that was checked).

    Raises:
        BadInput: The day is in the future, or long ago.
        NotFound: The dealer does not hold it.
        Conflict: It was sold on another day or in another country, or it is reported or blocked.
    """
    if on > (now + timedelta(hours=14)).date() or on < (now - LONGEST_AGO).date():
        raise BadInput(
            "A sale is entered within {most} days and not ahead of it, got {day}.", most=LONGEST_AGO.days, day=on
        )
    item = item_rows.lock(session, subject.name)
    row = _last(session, item.sgtin)
    if row is not None and row.state == "sold" and row.dealer_id == dealer.id:
        if (row.sold_on, row.sold_in) == (on, country):
            return _stocked(row)
        raise Conflict(
            "It was sold on {day} in {country}. Take that sale back first.", day=row.sold_on, country=row.sold_in
        )
    row = _check_held(row, dealer)
    _check_condition(item)
    _check_settled(session, item.sgtin, now)
    fact_id = new_id()
    # The middle of the day in which most people buy; of today it has not come yet in every country.
    at = min(datetime.combine(on, time(12), UTC), now)
    place = Place(country, None, None, None)
    investigations.record_fact(
        session, subject, Fact(kind=FactKind.SOLD, at=at, place=place), id=fact_id, by=BY, now=now
    )
    row.state, row.ended_at, row.offered_to = "sold", now, None
    row.sold_on, row.sold_in, row.fact_id = on, country, fact_id
    session.flush()
    return _stocked(row)


def take_back(session: Session, subject: Subject, dealer: DealerInfo, *, now: datetime) -> Stocked:
    """
    Take a sale back: it was entered in error, or the item was returned before anybody registered it.

    Raises:
        NotFound: The dealer has not sold it.
        Conflict: Somebody has registered it since.
    """
    item = item_rows.lock(session, subject.name)
    row = _last(session, item.sgtin)
    if row is not None and row.state == "held" and row.dealer_id == dealer.id:
        return _stocked(row)
    if row is None or row.state != "sold" or row.dealer_id != dealer.id or row.fact_id is None:
        raise NotFound("You have not sold it.")
    if ownership.find_present(session, item.sgtin, now=now) is not None:
        raise Conflict("Somebody has registered it since. Ask them to offer it to you on their page.")
    investigations.withdraw_fact(session, subject, row.fact_id, by=BY, now=now)
    row.state = "undone"
    session.flush()
    return _hold(session, item, dealer.id, row, now)


def send_back(session: Session, subject: Subject, dealer: DealerInfo, *, now: datetime) -> Stocked:
    """
    Take an item out of stock unsold: it went back to the brand, or was entered in error.

    Raises:
        NotFound: The dealer does not hold it.
    """
    item = item_rows.lock(session, subject.name)
    row = _last(session, item.sgtin)
    if row is not None and row.state == "returned" and row.dealer_id == dealer.id:
        return _stocked(row)
    row = _check_held(row, dealer)
    _check_settled(session, item.sgtin, now)
    row.state, row.ended_at, row.offered_to = "returned", now, None
    session.flush()
    return _stocked(row)


def check_not_held(session: Session, sgtin: str) -> None:
    """
    Keep a used item in stock for whoever buys it: its claim code is spent, and protects the buyer no more.

    Raises:
        Conflict: A dealer holds it who can still mark it as sold.
    """
    row = _last(session, sgtin)
    if row is not None and row.state == "held" and not _has_ended(session, row.dealer_id):
        raise Conflict("A dealer holds this item. It can be registered once they have marked it as sold.")


def take_in(session: Session, item: Item, dealer_id: UUID, *, now: datetime) -> Dealer:
    """
    Hold an item that its owner has passed on, whose row is locked, and return the dealer.

    A row of a dealer from whom it was bought unsold ends by it.

    Raises:
        Conflict: The dealer has ended, and nobody could let the item go again.
    """
    if _has_ended(session, dealer_id):
        raise Conflict(later("This dealer is not known any more. Ask the brand."))
    last = _last(session, item.sgtin)
    if last is not None and last.state == "held":
        last.state, last.ended_at, last.offered_to = "returned", now, None
        session.flush()
    _hold(session, item, dealer_id, last, now)
    return session.get_one(Dealer, dealer_id)


def hand_back(session: Session, sgtin: str, dealer_id: UUID, *, now: datetime) -> None:
    """
    Take an item out of stock for the owner who has passed it on; its row is locked.

    Raises:
        Conflict: The dealer does not hold it any more.
    """
    row = _last(session, sgtin)
    if row is None or row.state != "held" or row.dealer_id != dealer_id:
        raise Conflict("The item has another owner by now, so it cannot go back. Decide otherwise.")
    row.state, row.ended_at, row.offered_to = "returned", now, None
    session.flush()


def find_sale(session: Session, sgtin: str) -> Sale | None:
    """Return the sale of an item that stands: the day from which its warranty counts."""
    row = _last(session, sgtin)
    if row is None or row.state != "sold" or row.sold_on is None or row.sold_in is None:
        return None
    return Sale(on=row.sold_on, country=row.sold_in, dealer_id=row.dealer_id)


def find(
    session: Session, dealer: DealerInfo, state: str, *, begins: str = "", after: str = "", limit: int
) -> list[Stocked]:
    """Return items of a dealer in one state by their keys, which begin with *begins*, behind the key *after*."""
    query = select(DealerItem).where(
        DealerItem.dealer_id == dealer.id, DealerItem.state == state, DealerItem.sgtin > after
    )
    if begins:
        query = query.where(DealerItem.sgtin.startswith(begins, autoescape=True))
    rows = list(session.scalars(query.order_by(DealerItem.sgtin).limit(limit)))
    names = _names(session, [row.offered_to for row in rows if row.offered_to is not None])
    return [_stocked(row, to=names.get(row.offered_to) if row.offered_to else None) for row in rows]


def offered_to(session: Session, dealer: DealerInfo, *, limit: int) -> list[Stocked]:
    """Return what other dealers offer to this one."""
    query = select(DealerItem).where(DealerItem.offered_to == dealer.id).order_by(DealerItem.sgtin).limit(limit)
    rows = list(session.scalars(query))
    names = _names(session, [row.dealer_id for row in rows])
    return [_stocked(row, by=names.get(row.dealer_id)) for row in rows]


def count(session: Session, dealer: DealerInfo) -> dict[str, int]:
    """Return how many items of a dealer are in each state, and under ``offered`` what others offer to it."""
    rows = session.execute(
        select(DealerItem.state, func.count()).where(DealerItem.dealer_id == dealer.id).group_by(DealerItem.state)
    )
    found = {state: int(number) for state, number in rows}
    waiting = select(func.count()).where(DealerItem.offered_to == dealer.id)
    return {"held": 0, "sold": 0} | found | {"offered": session.scalar(waiting) or 0}


def everything(session: Session, dealer: DealerInfo) -> Iterator[Stocked]:
    """Yield all that a dealer holds or has sold, for a file."""
    query = (
        select(DealerItem)
        .where(DealerItem.dealer_id == dealer.id, DealerItem.state.in_(("held", "sold")))
        .order_by(DealerItem.sgtin, DealerItem.version)
        .execution_options(yield_per=1000)
    )
    for row in session.scalars(query):
        yield _stocked(row)


# --- Private ---------------------------------------------------------------------------------------------------------


def _last(session: Session, sgtin: str) -> DealerItem | None:
    """Return the newest row of an item, whose own row is locked."""
    return session.scalar(
        select(DealerItem)
        .where(DealerItem.sgtin == sgtin)
        .order_by(DealerItem.version.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def _held(session: Session, subject: Subject, dealer: DealerInfo) -> tuple[Item, DealerItem]:
    item = item_rows.lock(session, subject.name)
    return item, _check_held(_last(session, item.sgtin), dealer)


def _check_settled(session: Session, sgtin: str, now: datetime) -> None:
    """
    Refuse to let an item go on whose last owner may still dispute that they have passed it on.

    Raises:
        Conflict: They may.
    """
    latest = handovers.find_latest(session, sgtin, now=now)
    if latest is not None and latest.dealer_id is not None and latest.is_unsettled(now):
        raise Conflict("Its owner may still dispute that they have passed it on. Keep it until that time is over.")


def _has_ended(session: Session, dealer_id: UUID) -> bool:
    """Say whether nobody acts for a dealer any more: what it holds is for whoever has it in hand."""
    return session.scalars(select(Dealer.ended_at).where(Dealer.id == dealer_id)).one() is not None


def _check_held(row: DealerItem | None, dealer: DealerInfo) -> DealerItem:
    if row is None or row.state != "held" or row.dealer_id != dealer.id:
        raise NotFound("It is not in your stock.")
    return row


def _check_condition(item: Item) -> None:
    if (said := _CLOSED.get(Disposition(item.disposition))) is not None:
        raise Conflict(said)


def _hold(session: Session, item: Item, dealer_id: UUID, last: DealerItem | None, now: datetime) -> Stocked:
    row = DealerItem(
        sgtin=item.sgtin, version=1 if last is None else last.version + 1, brand_id=item.brand_id,
        dealer_id=dealer_id, state="held", received_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _stocked(row)


def _names(session: Session, ids: list[UUID]) -> dict[UUID, str]:
    rows = session.execute(select(Dealer.id, Dealer.name).where(Dealer.id.in_(ids)))
    return {row.id: row.name for row in rows}


def _stocked(row: DealerItem, *, to: str | None = None, by: str | None = None) -> Stocked:
    return Stocked(
        sgtin=row.sgtin, state=row.state, received_at=row.received_at, sold_on=row.sold_on, sold_in=row.sold_in,
        offered_to=to, offered_by=by,
    )  # fmt: skip
