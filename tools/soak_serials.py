"""
Import serials and time it: ``python -m tools.soak_serials --serials 1000000``.

A new installation in a temporary folder, on the embedded database, takes a file of IMEIs by the very command that a
brand uses: checked, loaded, signed, written. Then codes of the import and derived codes are scanned in turn, so that
whatever else the machine does bears on both, and their medians are compared. Beside the time on the clock stands the
time of the processors, which a busy machine does not stretch.
"""

import csv
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

from authsvc import db, scanning
from authsvc.config import Config
from authsvc.connections import Connections
from authsvc.core.clones import UNKNOWN_PLACE, Network
from authsvc.core.gs1 import DigitalLink
from authsvc.core.number_formats import luhn
from authsvc.runtime import Runtime, new_id, utc_now

GTIN = "09506000134352"
LIMIT_S = 60.0
MOST_SLOWER = 1.1
"""How much slower a scan of an imported code may be than one of a derived code."""
_WARM_UP = 200


@dataclass
class Home:
    """An installation in a folder, used by its commands."""

    folder: Path

    def run(self, *arguments: object) -> str:
        """Run a command and return what it prints."""
        environment = {**os.environ, "AUTHSVC_HOME": str(self.folder / "home")}
        command = [str(Path(sys.executable).with_name("authsvc")), *map(str, arguments)]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    def prepare(self) -> None:
        """Make the installation, with a brand that signs and a product."""
        self.run("init")
        self.run("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")
        self.run("keys", "new", "--brand", "halden")
        products = self.folder / "products.csv"
        products.write_text(f"gtin,brand,name,granularity,claim\n{GTIN},halden,Phone,serial,required\n")
        self.run("products", "import", products)

    def write_serials(self, count: int) -> Path:
        """Write a file of IMEIs."""
        file = self.folder / "serials.csv"
        with file.open("w", encoding="ascii") as lines:
            lines.write("serial\n")
            lines.writelines(f"{body}{luhn(body)}\n" for body in (f"35{number:012}" for number in range(count)))
        return file


def read_links(file: Path, count: int, *, seed: int) -> list[DigitalLink]:
    """Return some codes of a file, from all over it."""
    with file.open(encoding="ascii", newline="") as lines:
        uris = [row["uri"] for row in csv.DictReader(lines)]
    return [DigitalLink.parse(uri) for uri in random.Random(seed).sample(uris, count)]  # noqa: S311  a workload


def time_scans(rt: Runtime, kinds: list[list[DigitalLink]], *, counts: bool) -> list[float]:
    """Scan the codes of each kind in turn; return the median of each in microseconds."""
    times: list[list[float]] = [[] for _ in kinds]
    for links in zip(*kinds, strict=True):
        for taken, link in zip(times, links, strict=True):
            at = utc_now()
            seen = scanning.Presentation(
                id=new_id(), at=at, visitor=os.urandom(16), prefix=os.urandom(8), is_known=False, place=UNKNOWN_PLACE,
                network=Network.FIXED,
            ) if counts else None  # fmt: skip
            started = time.perf_counter()
            checked = scanning.scan(rt.held, rt.connections, link, link.extension("s"), seen, at=at, new_id=new_id)
            taken.append(time.perf_counter() - started)
            assert checked.verdict.outcome == "authentic", checked.verdict
    return [statistics.median(each[_WARM_UP:]) * 1e6 for each in times]


def compare(home: Home, imported: Path, derived: Path, scans: int) -> dict[str, list[float]]:
    """Look both kinds of codes up, then scan them."""
    os.environ["AUTHSVC_HOME"] = str(home.folder / "home")
    config = Config.from_env(os.environ)
    with db.server(config) as url:
        rt = Runtime.make(config, Connections(url, role=db.SCAN_ROLE), lambda _: (UNKNOWN_PLACE, Network.FIXED))
        rt.keeper.refresh()
        found = {}
        for name, counts in (("looked up", False), ("scanned and counted", True)):
            kinds = [read_links(file, scans + _WARM_UP, seed=counts) for file in (imported, derived)]
            found[name] = time_scans(rt, kinds, counts=counts)
        rt.connections.close()
    return found


@click.command()
@click.option("--serials", "count", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--scans", type=click.IntRange(1), default=3_000, show_default=True)
def main(count: int, scans: int) -> None:
    """Import serials, then compare scans of them with scans of derived codes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.prepare()
        serials = home.write_serials(count)
        imported, derived = home.folder / "imported.csv", home.folder / "derived.csv"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        issued = json.loads(
            home.run("issue", "--gtin", GTIN, "--lot", "L1", "--import", serials, "--out", imported, "--json")
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        home.run("issue", "--gtin", GTIN, "--lot", "L2", "--count", min(count, 50_000), "--out", derived)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            f"{count:,} serials imported, signed and written in {issued['seconds']:.1f} s "
            f"({busy:.1f} s of the processors, without the database; load {os.getloadavg()[0]:.1f})"
        )
        slower = []
        for name, (of_import, of_derived) in compare(home, imported, derived, scans).items():
            slower.append(of_import / of_derived)
            print(f"{name}: imported {of_import:.0f} us, derived {of_derived:.0f} us, ratio {slower[-1]:.2f}")
    faults = [f"the import took longer than {LIMIT_S:g} s"] * (issued["seconds"] > LIMIT_S)
    faults += ["scans of imported serials are slower"] * (max(slower) > MOST_SLOWER)
    if faults:
        sys.exit("; ".join(faults))


if __name__ == "__main__":
    main()
