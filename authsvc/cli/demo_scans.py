"""
What other people did to the codes of the demo: scans by the service's own functions, over the last weeks.

Some of it raises alerts, as it would in life, so that the console has something to show. Nothing is written past the
service: what an alert rests on was scanned and confirmed, with the time at which it happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from authsvc import daily_counts, investigations, lot_watch, receipts, scanning
from authsvc.cli.workplace import Workplace
from authsvc.connections import Connections
from authsvc.core.clones import Fact, FactKind, Network, Place
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Brand
from authsvc.db import SCAN_ROLE
from authsvc.holdings import Holdings, load
from authsvc.investigations import Subject
from authsvc.places import read_countries
from authsvc.runtime import new_id
from authsvc.scan_rows import Presentation

CODES_TRIED = 40
READERS = receipts.VISITORS_OF_A_COPIED_RECEIPT + 1

Steps = Sequence[tuple[str, float, Network]]
"""Country, days ago, kind of network: one new person each."""

MOBILE, FIXED, RELAY = Network.MOBILE, Network.FIXED, Network.RELAY

COPIED: Steps = tuple(
    (country, days, network)
    for country, days, network in (
        ("IT", 9.0, FIXED), ("VN", 8.2, MOBILE), ("PL", 7.6, MOBILE), ("BR", 6.9, MOBILE), ("TR", 6.1, FIXED),
        ("MX", 5.5, MOBILE), ("TH", 4.4, MOBILE), ("US", 3.7, FIXED), ("NG", 2.6, MOBILE), ("ID", 1.9, MOBILE),
        ("ES", 0.8, FIXED), ("IN", 0.3, MOBILE),
    )
)  # fmt: skip
"""One watch is never checked in so many countries."""

TWO_PLACES: Steps = (
    ("IT", 12.0, FIXED), ("IT", 8.3, MOBILE), ("VN", 8.3 - 3.2 / 24, MOBILE), ("VN", 6.8, MOBILE), ("IT", 5.1, FIXED),
    ("VN", 4.6, FIXED), ("TH", 3.9, MOBILE), ("VN", 2.8, MOBILE), ("KH", 1.7, MOBILE), ("VN", 0.9, MOBILE),
    ("PH", 0.4, MOBILE), ("VN", 0.2, MOBILE),
)  # fmt: skip
OWNER_AND_OTHERS: Steps = (
    ("FR", 20.0, FIXED), ("MA", 12.5, MOBILE), ("FR", 11.0, FIXED), ("ES", 9.0, MOBILE), ("MA", 6.0, MOBILE),
    ("DE", 4.0, FIXED), ("MA", 2.5, MOBILE), ("DZ", 1.6, MOBILE), ("TN", 0.7, MOBILE), ("MA", 0.1, MOBILE),
)  # fmt: skip
SEEN_AGAIN: Steps = (("DE", 6.0, FIXED), ("CZ", 4.0, MOBILE), ("PL", 2.0, MOBILE), ("UA", 1.0, MOBILE),
                     ("RO", 0.5, MOBILE), ("PL", 0.2, MOBILE))  # fmt: skip
SHOP_WINDOW: Steps = tuple(("CH", 14.0 - n * 0.55, MOBILE if n % 3 else FIXED) for n in range(24))


@dataclass(frozen=True, slots=True)
class _Stage:
    """The service as a scan reaches it, and the places of the world."""

    place: Workplace
    held: Holdings
    connections: Connections
    world: Mapping[str, Place]
    now: datetime


def play(place: Workplace, halden: Brand, uris: Mapping[str, str], *, signed_never: str, forged: Sequence[str]) -> None:
    """
    Let people scan, over the last weeks.

    *uris* names codes by their part in a story; *signed_never* was never issued, *forged* were changed.
    """
    connections = Connections(place.url, role=SCAN_ROLE, wait_s=10.0)
    try:
        held = load(connections, place.wrapping_key)
        stage = _Stage(place, held, connections, read_countries(), place.now())
        _scan(stage, uris["checked-before"], (("IT", 0.1, FIXED),))
        _scan(stage, uris["possible-copy"], COPIED)
        _scan(stage, uris["two-places"], TWO_PLACES)
        _register(stage, halden, uris["owner"], "FR", days=20.2)
        _scan(stage, uris["owner"], OWNER_AND_OTHERS)
        _scan(stage, uris["stolen"], SEEN_AGAIN)
        _scan(stage, uris["window"], SHOP_WINDOW)
        _scan(stage, signed_never, (("LT", 0.05, MOBILE),), confirms=False)
        _copy_a_result(stage, uris["shared"])
        _guess(stage, forged)
        with place.sessions.begin() as session:
            driver = session.connection().connection.driver_connection
            assert driver is not None
            lot_watch.judge_networks(driver, now=place.now(), new_id=new_id)
    finally:
        connections.close()


def count(place: Workplace) -> None:
    """Count by day what has happened, once all of it is there."""
    with place.sessions.begin() as session:
        driver = session.connection().connection.driver_connection
        assert driver is not None
        # A new database has nothing to count before it was made. What happened here is older.
        driver.execute("DELETE FROM job_marks WHERE job = %s", (daily_counts.COUNTED,))
        daily_counts.count(driver, now=place.now())


# --- Private ---------------------------------------------------------------------------------------------------------


def _seen(stage: _Stage, country: str, at: datetime, network: Network, prefix: bytes | None) -> Presentation:
    place = stage.place
    return Presentation(
        id=new_id(), at=at, visitor=place.random(16), prefix=prefix or place.random(8), is_known=False,
        place=stage.world[country], network=network,
    )  # fmt: skip


def _scan(
    stage: _Stage, uri: str, steps: Steps, *, confirms: bool = True, prefix: bytes | None = None
) -> scanning.Checked:
    """Let somebody new scan at each step, and say that they hold the item; return the last answer."""
    link = DigitalLink.parse(uri)
    token, checked = link.extension("s"), None
    for country, days, network in steps:
        at = stage.now - timedelta(days=days)
        seen = _seen(stage, country, at, network, prefix)
        checked = scanning.scan(stage.held, stage.connections, link, token, seen, at=at, new_id=new_id)
        if confirms:
            assert checked.receipt is not None
            receipts.confirm(
                stage.held, stage.connections, checked.receipt, at=at + timedelta(seconds=3), new_id=new_id
            )
    assert checked is not None
    return checked


def _register(stage: _Stage, brand: Brand, uri: str, country: str, *, days: float) -> None:
    """Let an owner register the item."""
    link = DigitalLink.parse(uri)
    at = stage.now - timedelta(days=days)
    fact = Fact(kind=FactKind.REGISTERED, at=at, visitor=stage.place.random(16), place=stage.world[country])
    with stage.place.sessions.begin() as session:
        about = Subject.of_stored(stage.held, brand, f"{link.gtin}.{link.serial}")
        investigations.record_fact(session, about, fact, id=new_id(), by="registration", now=stage.now)


def _copy_a_result(stage: _Stage, uri: str) -> None:
    """Let somebody print the address of a good result, and a crowd open it."""
    checked = _scan(stage, uri, (("DE", 2.0, FIXED),))
    assert checked.receipt is not None
    at = stage.now - timedelta(days=1)
    receipt = receipts.get(stage.held, stage.connections, checked.receipt, at=at)
    for _ in range(READERS):
        receipts.record_open(stage.connections, receipt, stage.place.random(16), at=at, new_id=new_id)


def _guess(stage: _Stage, forged: Sequence[str]) -> None:
    """Let somebody try one invented code after the other, from one network."""
    prefix = stage.place.random(8)
    for n, uri in enumerate(forged):
        _scan(stage, uri, (("RU", 0.2 - n / 1000, FIXED),), confirms=False, prefix=prefix)
