"""
The story of one item: everything that is stored of it, for whoever has to decide about it.

An item that nobody has scanned has no row, and its serial alone says of which run it is. A number that was never issued
has a story too when somebody has shown it. Lists are bounded; its scans are in ``item_scans``.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from authsvc import audit, ownership, recalls
from authsvc.core.alerts import by_strength
from authsvc.core.register import Product
from authsvc.core.verdicts import Disposition
from authsvc.errors import NotFound
from authsvc.item_rows import ItemName
from authsvc.models import (
    Alert,
    Commission,
    Item,
    ItemFact,
    Recall,
    RecallItem,
    Registration,
    Rejection,
    Resolution,
    Run,
)
from authsvc.recall_targets import Scope

MOST = 50
"""How much of each list is shown."""
MOST_REFUSALS = 15
_BY_TEXT = frozenset({"imported", "random"})  # Modes of runs whose recalls are ranges of text.


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is true of an item now."""

    is_issued: bool
    disposition: Disposition = Disposition.ACTIVE
    reason: str | None = None
    disposition_at: datetime | None = None
    run: int | None = None
    index: int | None = None
    lot: str | None = None
    issued_at: datetime | None = None
    key_id: int | None = None
    expires_on: date | None = None
    is_commissioned: bool = False
    commissioned_at: datetime | None = None
    counted: int = 0
    confirmed: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    flagged_at: datetime | None = None
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody made of an alert, and whether it was taken back."""

    kind: str
    reason: str
    by: str
    at: datetime
    undone_at: datetime | None
    undone_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedAlert:
    """An alert on the item, with every decision about it."""

    id: UUID
    rule: str
    score: float
    opened_at: datetime
    closed_at: datetime | None
    sentences: tuple[str, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFact:
    """Something that happened to the item beside scans."""

    kind: str
    at: datetime
    country: str | None
    by: str
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """
    One owner of the item, by the number of owners so far, and nothing of who they are.

    ``certificate`` is the number that stands on their certificate, which they may quote.
    """

    version: int
    state: str
    has_claim: bool
    registered_at: datetime
    confirmed_at: datetime | None
    pending_until: datetime | None
    ended_at: datetime | None
    warranty_until: date | None
    certificate: str
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A presentation of this number that proved nothing."""

    at: datetime
    reason: str
    detail: str | None
    country: str | None
    network: str
    channel: str
    automated: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A recall that covers the item, in force or lifted."""

    id: int
    reason: str
    remedy: str | None
    recalled_at: datetime
    lifted_at: datetime | None
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything but the scans."""

    state: State
    alerts: tuple[RaisedAlert, ...]
    facts: tuple[KnownFact, ...]
    owners: tuple[Ownership, ...]
    refusals: tuple[Refusal, ...]
    recalls: tuple[Hit, ...]
    events: tuple[audit.Event, ...]


def get_state(session: Session, name: ItemName) -> State:
    """Return what is true of an item; of a number that was never issued, that it was not."""
    item = session.scalar(select(Item).where(Item.sgtin == name.sgtin, Item.brand_id == name.brand.id))
    run, index = _find_run(session, name, item)
    if item is None and run is None:
        return State(is_issued=False)
    state = State(is_issued=True, index=index)
    if run is not None:
        state = replace(
            state, run=run.number, lot=run.lot, issued_at=run.issued_at, key_id=run.key_id, expires_on=run.expires_on
        )
    released = _commissioned_at(session, name, item, run, index)
    state = replace(state, is_commissioned=released is not None, commissioned_at=released)
    if run is not None and index is not None and _is_voided(session, run, index):
        state = replace(state, disposition=Disposition.INACTIVE, reason="The code was voided unused.")
    if item is None:
        return state
    if item.disposition != Disposition.ACTIVE:
        state = replace(state, disposition=Disposition(item.disposition), reason=item.disposition_reason)
    return replace(
        state,
        disposition_at=item.disposition_at,
        run=state.run or item.run,
        lot=item.lot or state.lot,
        expires_on=item.expires_on or state.expires_on,
        counted=item.counted,
        confirmed=item.confirmed,
        first_at=item.first_at,
        last_at=item.last_at,
        flagged_at=item.flagged_at,
        score=item.score,
    )


def get(session: Session, name: ItemName, product: Product | None) -> Story:
    """
    Return all that is stored of an item.

    Raises:
        NotFound: It was never issued, and nobody has ever shown it.
    """
    state = get_state(session, name)
    story = Story(
        state=state,
        alerts=_find_alerts(session, name),
        facts=_find_facts(session, name),
        owners=_find_owners(session, name),
        refusals=_find_refusals(session, name),
        recalls=_find_recalls(session, name, product, state),
        events=tuple(audit.find_events(session, name.brand.id, about=name.sgtin, limit=MOST)),
    )
    if not (state.is_issued or story.alerts or story.refusals):
        raise NotFound("The brand has no such item. Look for a typing error; upper and lower case are not the same.")
    return story


def find_recalls(session: Session, name: ItemName, product: Product | None) -> tuple[Hit, ...]:
    """Return the recalls that cover an item, in force or lifted."""
    return _find_recalls(session, name, product, get_state(session, name))


# --- Private ---------------------------------------------------------------------------------------------------------


def _find_run(session: Session, name: ItemName, item: Item | None) -> tuple[Run | None, int | None]:
    """Return the run that issued the item, and its index there where the serial tells it."""
    brand_id = name.brand.id
    number, index = name.decode()
    if item is not None and item.run is not None:
        # Of an item's own row and what its serial looks like, the row is right.
        return session.get(Run, (brand_id, item.run)), index if item.run == number else None
    if name.serial is None:
        body = int(name.key[:-1])
        run = session.scalar(
            select(Run).where(Run.brand_id == brand_id, Run.sscc_first <= body, body < Run.sscc_first + Run.count)
        )
        index = None if run is None or run.sscc_first is None else body - run.sscc_first
    else:
        run = None if number is None else session.get(Run, (brand_id, number))
        if run is not None and index is not None and not (run.gtin == name.key and index < run.count):
            run = None
    return (run, index) if run is not None and run.issued_at is not None else (None, None)


def _is_voided(session: Session, run: Run, index: int) -> bool:
    found = select(Run.number).where(
        Run.brand_id == run.brand_id, Run.number == run.number, Run.voided.op("@>")(cast(index, BigInteger))
    )
    return session.scalar(found) is not None


def _commissioned_at(
    session: Session, name: ItemName, item: Item | None, run: Run | None, index: int | None
) -> datetime | None:
    if item is not None and item.commissioned_at is not None:
        return item.commissioned_at
    if run is None or index is None:
        return None
    return session.scalar(
        select(func.min(Commission.at)).where(
            Commission.brand_id == name.brand.id,
            Commission.run == run.number,
            Commission.index_from <= index,
            Commission.index_to >= index,
        )
    )


def _find_alerts(session: Session, name: ItemName) -> tuple[RaisedAlert, ...]:
    alerts = session.scalars(
        select(Alert)
        .where(Alert.sgtin == name.sgtin, Alert.brand_id == name.brand.id)
        .order_by(Alert.opened_at.desc(), Alert.id)
        .limit(MOST)
    ).all()
    decisions: dict[UUID, list[Decision]] = {}
    for row in session.scalars(
        select(Resolution)
        .where(Resolution.sgtin == name.sgtin, Resolution.brand_id == name.brand.id)
        .order_by(Resolution.at.desc(), Resolution.id)
    ):
        decisions.setdefault(row.alert_id, []).append(
            Decision(
                kind=row.kind, reason=row.reason, by=row.resolved_by, at=row.at, undone_at=row.undone_at,
                undone_by=row.undone_by,
            )
        )  # fmt: skip
    return tuple(
        RaisedAlert(
            id=row.id,
            rule=row.rule,
            score=row.score,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            sentences=tuple(str(part["text"]) for part in by_strength(row.evidence) if part.get("text")),
            decisions=tuple(decisions.get(row.id, ())),
        )
        for row in alerts
    )


def _find_facts(session: Session, name: ItemName) -> tuple[KnownFact, ...]:
    rows = session.scalars(
        select(ItemFact)
        .where(ItemFact.sgtin == name.sgtin, ItemFact.brand_id == name.brand.id)
        .order_by(ItemFact.at.desc(), ItemFact.id)
        .limit(MOST)
    )
    return tuple(
        KnownFact(kind=row.kind, at=row.at, country=row.country, by=row.recorded_by, withdrawn_at=row.withdrawn_at)
        for row in rows
    )


def _find_owners(session: Session, name: ItemName) -> tuple[Ownership, ...]:
    # Column by column: what is sealed of a person is not for the console.
    rows = session.execute(
        select(
            Registration.id, Registration.version, Registration.state, Registration.has_claim,
            Registration.registered_at, Registration.confirmed_at, Registration.pending_until, Registration.ended_at,
            Registration.warranty_until,
        )
        .where(Registration.sgtin == name.sgtin, Registration.brand_id == name.brand.id)
        .order_by(Registration.version.desc())
        .limit(MOST)
    )  # fmt: skip
    return tuple(
        Ownership(
            version=row.version, state=row.state, has_claim=row.has_claim, registered_at=row.registered_at,
            confirmed_at=row.confirmed_at, pending_until=row.pending_until, ended_at=row.ended_at,
            warranty_until=row.warranty_until, certificate=ownership.number_of(row.id), id=row.id,
        )
        for row in rows
    )  # fmt: skip


def _find_refusals(session: Session, name: ItemName) -> tuple[Refusal, ...]:
    query = select(Rejection).where(Rejection.brand_id == name.brand.id)
    if name.serial is None:
        query = query.where(Rejection.sscc == name.key)
    else:
        query = query.where(Rejection.gtin == name.key, Rejection.serial == name.serial)
    rows = session.scalars(query.order_by(Rejection.at.desc(), Rejection.id).limit(MOST_REFUSALS))
    return tuple(
        Refusal(
            at=row.at, reason=row.reason, detail=row.detail, country=row.country, network=row.network,
            channel=row.channel, automated=row.automated,
        )
        for row in rows
    )  # fmt: skip


def _find_recalls(session: Session, name: ItemName, product: Product | None, state: State) -> tuple[Hit, ...]:
    if product is None or name.serial is None:
        return ()
    run = None if state.run is None else session.get(Run, (name.brand.id, state.run))
    rows = session.scalars(
        select(Recall)
        .where(Recall.gtin == name.key, Recall.brand_id == name.brand.id)
        .order_by(Recall.recalled_at.desc(), Recall.id.desc())
    ).all()
    return tuple(
        Hit(
            id=row.id, reason=row.reason, remedy=row.remedy, recalled_at=row.recalled_at, lifted_at=row.lifted_at,
            scope=recalls.describe(Scope.of(row)),
        )
        for row in rows
        if _covers(session, row, name, state, run)
    )  # fmt: skip


def _covers(session: Session, recall: Recall, name: ItemName, state: State, run: Run | None) -> bool:
    """Decide as the statement of a scan does."""
    serial = name.serial or ""
    if recall.index_from is not None and recall.index_to is not None:
        return (
            recall.run == state.run and state.index is not None and recall.index_from <= state.index <= recall.index_to
        )
    if recall.serial_from is not None and recall.serial_to is not None:
        return (
            run is not None
            and run.mode in _BY_TEXT
            and recall.lot in {None, state.lot}
            and len(serial) == len(recall.serial_from)
            and recall.serial_from <= serial <= recall.serial_to
        )
    if recall.listed is not None:
        return session.get(RecallItem, (name.sgtin, recall.id)) is not None
    if recall.made_from is not None and recall.made_until is not None:
        return run is not None and run.issued_at is not None and recall.made_from <= run.issued_at < recall.made_until
    return recall.lot in {None, state.lot}
