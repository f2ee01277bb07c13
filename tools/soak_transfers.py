"""
Let people race for items, 64 at a time, and kill the database in the middle: ``python -m tools.soak_transfers``.

A private PostgreSQL runs in a temporary folder, and every act is the use case that the owner pages call, in their role.
Each race is about an item of its own and begins for all at one moment: four who accept one offer; two who confirm
against one who withdraws and one who steps back; two who confirm in the last moment against an offer made anew in the
first moment after it has expired; four forms of one offer. Whoever is cut off by a kill sends the act again.

At the end every race must have one winner, by what people were told and by what is stored alike: one owner of each
item, versions without a gap, a fact for each move. Only processes that this program has started are killed.
"""

import contextlib
import dataclasses
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import click
import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from authsvc import catalogue, db, owners, transfers
from authsvc.core.gs1 import check_digit
from authsvc.core.register import Brand
from authsvc.errors import AuthsvcError, Conflict
from authsvc.handovers import Handover
from authsvc.investigations import Subject
from authsvc.item_rows import ItemName
from authsvc.owners import Person
from tools.killable import Server

THREADS, CONTENDERS = 64, 4
START = datetime(2026, 5, 1, tzinfo=UTC)
_PATIENCE_S = 90.0
_DIGITS = "095060000000"
GTIN = f"{_DIGITS}9{check_digit(_DIGITS + '9')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came out. Every race had one winner when ``is_good``."""

    races: int
    kinds: dict[str, int]
    threads: int
    database_kills: int
    seconds: float
    acts: int
    sent_again: int
    outcomes: dict[str, int]
    without_one_winner: int
    items_without_one_owner: int
    gaps_in_versions: int
    moves_without_one_fact: int
    told_otherwise: int

    @property
    def is_good(self) -> bool:
        """Whether each race had one winner, in what people were told and in what is stored."""
        wrong = self.without_one_winner + self.items_without_one_owner + self.gaps_in_versions
        return self.races > 0 and not wrong + self.moves_without_one_fact + self.told_otherwise


@dataclass(slots=True)
class Race:
    """One race: its acts, and what each contender was told."""

    kind: str
    serial: str
    acts: list[Callable[[Session], Handover]]
    told: list[Handover | str | None] = field(default_factory=lambda: [None] * CONTENDERS)


@dataclass(slots=True)
class Ground:
    """Where the races are run, and by whom."""

    sessions: sessionmaker[Session]
    brand: Brand
    seller: Person
    buyers: list[Person]
    sent_again: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def subject(self, serial: str) -> Subject:
        """Return an item."""
        return Subject(ItemName(brand=self.brand, key=GTIN, serial=serial, serial_keys={}), None)

    @contextlib.contextmanager
    def acting(self) -> Iterator[Session]:
        """Open a transaction as the owner pages do."""
        with self.sessions.begin() as session:
            session.execute(
                text("SELECT set_config('role', :role, true), set_config('authsvc.brand', :brand, true)"),
                {"role": db.OWNER_ROLE, "brand": str(self.brand.id)},
            )
            yield session

    def send(self, act: Callable[[Session], Handover]) -> Handover | str:
        """Do an act, again and again while the database is away; return its end, or why it was refused."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                with self.acting() as session:
                    return act(session)
            except AuthsvcError as error:
                return error.code
            except DBAPIError as error:
                if not isinstance(error.orig, psycopg.OperationalError) or time.monotonic() > until:
                    raise
                with self.lock:
                    self.sent_again += 1
                time.sleep(0.2)


def soak(races: int, *, kills: int, seed: int = 1) -> Report:
    """Run the races, with that many kills of the database spread over them."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="authsvc-transfers-") as folder:
        Path(folder).chmod(0o755)  # The embedded database gives up the rights of root and must still reach its data.
        server = Server(Path(folder).resolve())
        try:
            url = server.start()
            db.upgrade(url)
            engine = db.make_engine(url, size=THREADS, settings={"lock_timeout": 30_000})
            ground = _prepare(db.make_sessions(engine))
            run = _make_races(ground, races, random.Random(seed))  # noqa: S311  a workload, not a secret
            _run(ground, run, server, kills)
            found = _judge(ground, run)
            engine.dispose()
        finally:
            server.stop()
    return Report(
        races=races,
        kinds=dict(Counter(race.kind for race in run)),
        threads=THREADS,
        database_kills=server.kills,
        seconds=round(time.monotonic() - began, 1),
        acts=races * CONTENDERS,
        sent_again=ground.sent_again,
        **found,
    )


@click.command()
@click.option("--races", type=click.IntRange(4), default=10_000, show_default=True, help="How many races.")
@click.option("--kills", type=click.IntRange(0), default=10, show_default=True, help="Kills of the database.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
def main(races: int, kills: int, as_json: bool) -> None:
    """Let people race for items, kill the database meanwhile, and check that each has one owner."""
    report = soak(races, kills=kills)
    figures = dataclasses.asdict(report)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        for name, figure in figures.items():
            click.echo(f"{name.replace('_', ' '):<26}{figure}")
        click.echo("Every race had one winner." if report.is_good else "This is a fault.")
    raise SystemExit(0 if report.is_good else 1)


# --- The ground ------------------------------------------------------------------------------------------------------


def _prepare(sessions: sessionmaker[Session]) -> Ground:
    brand = Brand(id=uuid4(), slug="halden", name="Halden", prefixes=("9506000",))
    with sessions.begin() as session:
        catalogue.add_brand(session, brand, now=START)
        row = {"gtin": GTIN, "brand": "halden", "name": "Halden Watch", "granularity": "serial"}
        catalogue.import_products(session, [(2, row)], read_image=lambda _: b"", now=START)
        people = [
            owners.get_or_add(
                session, brand.id, f"racer{n}@example.com", key=bytes(32), now=START, new_id=uuid4,
                random=random.Random(n).randbytes,  # noqa: S311  nobody real is behind these addresses
            )
            for n in range(CONTENDERS + 1)
        ]  # fmt: skip
    return Ground(sessions, brand, people[0], people[1:])


_ITEM = "INSERT INTO items (sgtin, brand_id, gtin) VALUES (:sgtin, :brand, :gtin)"
_OWNED = (
    "INSERT INTO registrations (sgtin, version, id, brand_id, owner_id, state, has_claim, registered_at, confirmed_at, "
    "warranty_from, warranty_until) "
    "VALUES (:sgtin, 1, :id, :brand, :owner, 'confirmed', true, :at, :at, '2026-05-01', '2028-05-01')"
)


def _make_races(ground: Ground, races: int, rand: random.Random) -> list[Race]:
    """Make an item for each race, which the seller owns, and bring it to where the race begins."""
    kinds = (_accepts, _confirm_against_ends, _confirm_against_expiry, _one_form)
    made = []
    with ground.sessions.begin() as session:
        for number in range(races):
            serial = f"R{number:07}"
            names = {"sgtin": f"{GTIN}.{serial}", "brand": ground.brand.id}
            session.execute(text(_ITEM), {**names, "gtin": GTIN})
            session.execute(
                text(_OWNED), {**names, "id": _registration(serial), "owner": ground.seller.id, "at": START}
            )
            made.append(kinds[number % len(kinds)](ground, session, serial, rand))
    rand.shuffle(made)
    return made


def _registration(serial: str) -> UUID:
    return UUID(bytes=serial.encode().rjust(16, b"r"), version=4)


def _offer(ground: Ground, session: Session, serial: str, *, is_present: bool = False) -> Handover:
    return transfers.offer(
        session, ground.subject(serial), ground.seller, _registration(serial), id=uuid4(), is_present=is_present,
        now=START, new_id=uuid4,
    )  # fmt: skip


def _accepting(ground: Ground, offer: Handover, serial: str, buyer: Person) -> Callable[[Session], Handover]:
    return lambda session: transfers.accept(
        session, ground.subject(serial), offer.id, buyer, seen=transfers.Seen(), now=START + timedelta(minutes=1),
        new_id=uuid4,
    )  # fmt: skip


def _confirming(
    ground: Ground, offer: Handover, serial: str, buyer: Person, at: datetime
) -> Callable[[Session], Handover]:
    return lambda session: transfers.confirm(
        session, ground.subject(serial), offer.id, ground.seller, buyer_id=buyer.id, now=at, new_id=uuid4
    )


def _accepts(ground: Ground, session: Session, serial: str, rand: random.Random) -> Race:
    """Let four people accept one offer; every second was made in the presence of the buyer."""
    offer = _offer(ground, session, serial, is_present=rand.random() < 0.5)
    return Race("accept-accept", serial, [_accepting(ground, offer, serial, buyer) for buyer in ground.buyers])


def _confirm_against_ends(ground: Ground, session: Session, serial: str, rand: random.Random) -> Race:
    """Let the seller confirm with a double click and withdraw elsewhere, while the buyer steps back."""
    buyer, subject, at = ground.buyers[0], ground.subject(serial), START + timedelta(minutes=2)
    offer = _offer(ground, session, serial)
    _accepting(ground, offer, serial, buyer)(session)
    acts = [
        *(_confirming(ground, offer, serial, buyer, at) for _ in range(2)),
        lambda session: transfers.cancel(session, subject, offer.id, ground.seller, now=at),
        lambda session: transfers.decline(session, subject, offer.id, buyer, now=at),
    ]
    rand.shuffle(acts)
    return Race("confirm-cancel", serial, acts)


def _confirm_against_expiry(ground: Ground, session: Session, serial: str, rand: random.Random) -> Race:
    """Let the seller confirm in the last moment, and others meet the offer just expired, one of whom makes it anew."""
    buyer = ground.buyers[0]
    offer = _offer(ground, session, serial)
    accepted = _accepting(ground, offer, serial, buyer)(session)
    late = accepted.expires_at
    acts = [
        _confirming(ground, offer, serial, buyer, late - timedelta(microseconds=1)),
        _confirming(ground, offer, serial, buyer, late),
        lambda session: transfers.offer(
            session, ground.subject(serial), ground.seller, _registration(serial), id=offer.registration_id,
            is_present=False, now=late, new_id=uuid4,
        ),
        lambda session: transfers.cancel(session, ground.subject(serial), offer.id, ground.seller, now=late),
    ]  # fmt: skip
    rand.shuffle(acts)
    return Race("confirm-expiry", serial, acts)


def _one_form(ground: Ground, _session: Session, serial: str, _rand: random.Random) -> Race:
    """Send one form four times."""
    offer_id = uuid4()
    return Race(
        "one-form",
        serial,
        [
            lambda session: transfers.offer(
                session, ground.subject(serial), ground.seller, _registration(serial), id=offer_id, is_present=False,
                now=START, new_id=uuid4,
            )
        ]
        * CONTENDERS,
    )  # fmt: skip


# --- The races and their end -----------------------------------------------------------------------------------------


def _run(ground: Ground, races: list[Race], server: Server, kills: int) -> None:
    done = threading.Semaphore(0)

    def contend(race: Race, place: int, barrier: threading.Barrier) -> None:
        barrier.wait(_PATIENCE_S)
        race.told[place] = ground.send(race.acts[place])
        done.release()

    with ThreadPoolExecutor(THREADS) as pool:
        waits = [
            pool.submit(contend, race, place, barrier)
            for race in races
            for barrier in (threading.Barrier(CONTENDERS),)
            for place in range(CONTENDERS)
        ]
        for _ in range(kills):
            _wait(done, len(races) * CONTENDERS // (kills + 1))
            server.kill()
        for wait in waits:
            wait.result()


def _wait(done: threading.Semaphore, number: int) -> None:
    for _ in range(number):
        done.acquire(timeout=_PATIENCE_S)


_STORED = """
SELECT i.sgtin, array_agg(r.version ORDER BY r.version) AS versions,
  count(*) FILTER (WHERE r.ended_at IS NULL) AS holders,
  (SELECT o.owner_id FROM registrations o WHERE o.sgtin = i.sgtin AND o.ended_at IS NULL) AS owner,
  (SELECT count(*) FROM item_facts f WHERE f.sgtin = i.sgtin AND f.kind = 'transferred') AS facts,
  (SELECT array_agg(t.state) FROM transfers t WHERE t.sgtin = i.sgtin) AS states,
  (SELECT count(*) FROM transfers t WHERE t.sgtin = i.sgtin AND t.state IN ('offered', 'accepted')) AS open
FROM items i JOIN registrations r ON r.sgtin = i.sgtin GROUP BY i.sgtin
"""


def _judge(ground: Ground, races: list[Race]) -> dict[str, object]:
    with ground.sessions() as session:
        stored = {row.sgtin: row for row in session.execute(text(_STORED))}
    wrong: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for race in races:
        row = stored[f"{GTIN}.{race.serial}"]
        for told in race.told:
            outcomes[told.state.value if isinstance(told, Handover) else str(told)] += 1
        wrong["without_one_winner"] += not _has_one_winner(race)
        wrong["items_without_one_owner"] += row.holders != 1 or row.open > 1
        wrong["gaps_in_versions"] += row.versions != list(range(1, len(row.versions) + 1))
        wrong["moves_without_one_fact"] += row.facts != len(row.versions) - 1
        moved = [told for told in race.told if isinstance(told, Handover) and told.completed_at is not None]
        owner = moved[0].buyer_id if moved else ground.seller.id
        wrong["told_otherwise"] += row.owner != owner or len(row.versions) != (2 if moved else 1)
    names = ("without_one_winner", "items_without_one_owner", "gaps_in_versions", "moves_without_one_fact",
             "told_otherwise")  # fmt: skip
    return {"outcomes": dict(outcomes), **{name: wrong[name] for name in names}}


def _has_one_winner(race: Race) -> bool:
    """Say whether those who were told of success were told of one and the same."""
    won = {(told.id, told.buyer_id, told.state) for told in race.told if isinstance(told, Handover)}
    refused = {told for told in race.told if isinstance(told, str)} - {"transfer-over", Conflict.code, "not-found"}
    return len(won) == 1 and not refused


if __name__ == "__main__":
    main()
