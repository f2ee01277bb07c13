"""
What a scan costs as the tables grow: one connection, the very scan of the service, no web server around it.

Each size is a database of its own, filled by SQL with items, sightings and scans that look like real ones, in an order
that has nothing to do with their keys. The sizes take turns, so that a slow moment of the machine meets all of them.
Half of the scans find a new item, half one that was scanned before the tables were filled.
"""

import csv
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from authsvc import db, holdings, runtime, scanning
from authsvc.connections import Connections, Row
from authsvc.core.clones import Network, Place
from authsvc.core.gs1 import DigitalLink
from authsvc.core.wrapping import derive_key
from authsvc.holdings import Holdings
from benchmarks.figures import Figure, Report, median
from benchmarks.stand import Stand

ROUNDS = 30
EACH = 25  # new items a round, and as many old ones
WARM_UP = 5 * EACH
OLD = WARM_UP + ROUNDS * EACH

_PLACE = Place("DE", 51.0, 10.0, 300.0)

# Sixteen hexadecimal digits are spread over the 32 characters of a serial, so that these keys lie among the real ones.
_SERIAL = "'0' || translate(substr(md5(n::text), 1, 15), '0123456789abcdef', '02468ACEGJMPRTWY')"
_FROM = "FROM generate_series(1, {count}) n, runs r WHERE r.issued_at IS NOT NULL AND r.number = 1"
_AT = "now() - (n % 20) * interval '1 day'"
_FILL = (
    f"""
INSERT INTO items (sgtin, brand_id, gtin, run, lot, seq, counted, first_at, last_at, first_valid_at)
SELECT r.gtin || '.' || {_SERIAL}, r.brand_id, r.gtin, r.number, r.lot, 1, 1, {_AT}, {_AT}, {_AT} {_FROM}""",
    f"""
INSERT INTO sightings (sgtin, visitor, brand_id, prefix, first_at, counted_at, counted_id, is_evidence, is_weak,
  country, latitude, longitude, radius_km, network)
SELECT r.gtin || '.' || {_SERIAL}, decode(md5('v' || n), 'hex'), r.brand_id,
  decode(substr(md5('p' || n), 1, 16), 'hex'), {_AT}, {_AT}, md5('i' || n)::uuid, true, true, 'DE', 51, 10, 300,
  'unknown' {_FROM}""",
    f"""
INSERT INTO scans (sgtin, at, id, brand_id, gtin, visitor, prefix, country, latitude, longitude, radius_km, network,
  channel, is_weak, is_counted, key_id, format, run, lot, scan_number, first_at, disposition, is_released, is_flagged)
SELECT r.gtin || '.' || {_SERIAL}, {_AT}, md5('i' || n)::uuid, r.brand_id, r.gtin, decode(md5('v' || n), 'hex'),
  decode(substr(md5('p' || n), 1, 16), 'hex'), 'DE', 51, 10, 300, 'unknown', 'camera', true, true, 1, 'ed25519',
  r.number, r.lot, 1, {_AT}, 'active', true, false {_FROM}""",
)


def measure(at: Stand, codes: Path, report: Report, *, sizes: tuple[int, ...]) -> None:
    """Compare the cost of a scan over tables of *sizes* items, with as many sightings and scans."""
    links = list(_links(codes, OLD + WARM_UP + ROUNDS * EACH))
    sides = [_fill(at, size, links[:OLD]) for size in sizes]
    at.ask("CHECKPOINT")
    for side in sides:
        side.run(links[OLD : OLD + WARM_UP])
        side.run(links[:WARM_UP])
    for turn in range(ROUNDS):
        first = WARM_UP + turn * EACH
        for side in sides:
            whole, statement = side.run([*links[OLD + first : OLD + first + EACH], *links[first : first + EACH]])
            side.whole_us.append(whole)
            side.statement_us.append(statement)
    for side in sides:
        side.connections.close()
    report.raw["tables"] = {
        side.size: {"scan_us": median(side.whole_us), "statement_us": median(side.statement_us)} for side in sides
    }
    smallest = sides[0]
    for side in sides:
        whole, statement = median(side.whole_us), median(side.statement_us)
        is_first = side is smallest
        report.add(
            Figure(
                f"one scan, {side.size:,} items in the tables",
                whole,
                "us",
                reference=None if is_first else f"{median(smallest.whole_us):,.0f} us",
                ratio=None if is_first else whole / median(smallest.whole_us),
                target=None if is_first else 1.3,
                is_ceiling=True,
                detail=f"the statement {statement:,.0f} us"
                + ("" if is_first else f", {statement / median(smallest.statement_us):.2f} of the smallest"),
            )
        )


class _Timed(Connections):
    """Connections that add up how long their statements take."""

    spent_s = 0.0

    def fetch_all(self, statement: str, params: Mapping[str, Any]) -> list[Row]:
        start = time.perf_counter()
        try:
            return super().fetch_all(statement, params)
        finally:
            self.spent_s += time.perf_counter() - start


@dataclass(slots=True)
class _Side:
    size: int
    connections: _Timed
    held: Holdings
    whole_us: list[float] = field(default_factory=list)
    statement_us: list[float] = field(default_factory=list)

    def run(self, links: list[DigitalLink]) -> tuple[float, float]:
        """Scan each link once, as another visitor each time; return microseconds a scan: in all, and the statement."""
        self.connections.spent_s = 0.0
        start = time.perf_counter()
        for link in links:
            now = datetime.now(UTC)
            seen = scanning.Presentation(
                id=runtime.new_id(),
                at=now,
                visitor=secrets.token_bytes(16),
                prefix=secrets.token_bytes(8),
                is_known=False,
                place=_PLACE,
                network=Network.UNKNOWN,
            )
            checked = scanning.scan(
                self.held, self.connections, link, link.extension("s"), seen, at=now, new_id=runtime.new_id
            )
            if checked.receipt is None:
                raise RuntimeError(f"A scan was not stored: {checked.verdict.reason}.")
        whole = time.perf_counter() - start
        return whole / len(links) * 1e6, self.connections.spent_s / len(links) * 1e6


def _fill(at: Stand, size: int, old: list[DigitalLink]) -> _Side:
    """Make a database with *size* items, those of *old* links among them."""
    name = f"tables_{size}"
    # A copy of what was registered; nobody is connected to the original at this point.
    at.ask(f"CREATE DATABASE {name} TEMPLATE postgres", database="template1")
    connections = _Timed(at.in_database(name), role=db.SCAN_ROLE, wait_s=10.0)
    with closing(Connections(at.in_database(name))) as reader:
        held = holdings.load(reader, derive_key(at.config.secret, "wrapping"))
    side = _Side(size, connections, held)
    side.run(old)
    for statement in _FILL:
        at.ask(statement.format(count=max(size - len(old), 0)), database=name)
    for table in "items", "sightings", "scans":
        at.ask(f"VACUUM ANALYZE {table}", database=name)
    return side


def _links(codes: Path, count: int) -> Iterator[DigitalLink]:
    with codes.open(encoding="ascii", newline="") as file:
        for row in islice(csv.DictReader(file), count):
            yield DigitalLink.parse(row["uri"])
