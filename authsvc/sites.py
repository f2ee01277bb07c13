"""
Sites: printers and places that codes are issued for, and how many codes each may have.

A quota is counted under a lock on the site's row, over the runs that have begun: of two issues that together go over
it, the second is refused. A run that failed issued nothing and counts for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import Run
from authsvc.models import Site as Row

PERIODS = {"day": "a day", "month": "a month", "all": "in all"}
LONGEST_NAME = 60
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A printer or site; *used* is how many codes were issued for it in the period that runs. None is no quota."""

    name: str
    quota: int | None
    per: str
    used: int
    is_closed: bool

    @property
    def left(self) -> int | None:
        """How many codes it may still have in this period."""
        return None if self.quota is None else max(self.quota - self.used, 0)


def save(session: Session, brand_id: UUID, name: str, quota: int | None, per: str, *, now: datetime) -> None:
    """
    Add a site, or set its quota; a closed one opens again.

    Raises:
        BadInput: The name is none, or the period is unknown.
        Conflict: The brand has very many sites.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInput(f"A site has a name of 1 to {LONGEST_NAME} printable characters.")
    if per not in PERIODS:
        raise BadInput(f"A quota counts per {', '.join(PERIODS)}, got {per!r}.")
    if quota is not None and not 0 <= quota < 2**40:
        raise BadInput("A quota is a number of codes.")
    row = session.get(Row, (brand_id, name), with_for_update=True)
    if row is None:
        if (session.scalar(select(func.count()).where(Row.brand_id == brand_id)) or 0) >= MOST:
            raise Conflict(f"A brand has {MOST} sites at most.")
        row = Row(brand_id=brand_id, name=name, created_at=now)
        session.add(row)
    row.quota, row.per, row.closed_at = quota, per, None
    session.flush()


def close(session: Session, brand_id: UUID, name: str, *, now: datetime) -> None:
    """
    Let no more codes be issued for a site; what was issued keeps its name.

    Raises:
        NotFound: The brand has no such site.
    """
    _get(session, brand_id, name).closed_at = now
    session.flush()


def list_sites(session: Session, brand_id: UUID, *, now: datetime) -> Sequence[Site]:
    """Return the sites of a brand by name, and what each has used."""
    rows = session.scalars(select(Row).where(Row.brand_id == brand_id).order_by(Row.closed_at.is_not(None), Row.name))
    return [_read(session, row, now) for row in rows]


def check(session: Session, brand_id: UUID, name: str | None, count: int, *, now: datetime) -> None:
    """
    Refuse codes beyond the quota of a site; its row stays locked until the transaction ends.

    Raises:
        BadInput: The brand has sites, and none is named.
        NotFound: The brand has no such site.
        Conflict: The site is closed, or *count* is more than is left.
    """
    if name is None:
        if session.scalar(select(Row.name).where(Row.brand_id == brand_id, Row.closed_at.is_(None)).limit(1)):
            raise BadInput("The brand counts codes by printer or site. Name the one that these are for.")
        return
    site = _read(session, _get(session, brand_id, name), now)
    if site.is_closed:
        raise Conflict(f"The site {name} is closed.")
    if site.left is not None and count > site.left:
        raise Conflict(
            f"{name} may have {site.quota:,} codes {PERIODS[site.per]}, and {site.left:,} are left; "
            f"{count:,} are too many."
        )


# --- Private ---------------------------------------------------------------------------------------------------------


def _get(session: Session, brand_id: UUID, name: str) -> Row:
    row = session.get(Row, (brand_id, name), with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"The brand has no site {name!r}.")
    return row


def _read(session: Session, row: Row, now: datetime) -> Site:
    query = select(func.coalesce(func.sum(Run.count), 0)).where(
        Run.brand_id == row.brand_id, Run.site == row.name, Run.failure.is_(None)
    )
    if row.per != "all":
        query = query.where(Run.created_at >= _begin(row.per, now))
    used = session.scalar(query) or 0
    return Site(name=row.name, quota=row.quota, per=row.per, used=int(used), is_closed=row.closed_at is not None)


def _begin(per: str, now: datetime) -> datetime:
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if per == "day" else day.replace(day=1)
