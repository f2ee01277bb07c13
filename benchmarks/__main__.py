"""
``make bench``: one command, one run, a table and JSON.

Every figure is a ratio within the run, so that it means the same on another machine. ``docs/benchmarks.md`` says how
each one is measured.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from benchmarks import cores, examining, issuing, serving, symbols, tables
from benchmarks.figures import Report, look_at_machine
from benchmarks.stand import ROOT, stand

DOCUMENTS = (ROOT / "docs" / "benchmarks.md", ROOT / "README.md")
RECORD = ROOT / "benchmarks" / "results.json"
LATEST = ROOT / "artefacts" / "benchmarks.json"
PARTS = ("issuing", "serving", "tables", "cores", "examining", "symbols")


def main() -> int:
    """Run the benchmarks; the exit status says whether every target was met, with --strict."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the service in one run.")
    parser.add_argument("--quick", action="store_true", help="Small and short: shows that everything runs.")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), help="Run these parts.")
    parser.add_argument("--record", action="store_true", help=f"Keep the results: {RECORD.name} and the documents.")
    parser.add_argument("--strict", action="store_true", help="End with 1 when a target is missed.")
    asked = parser.parse_args()
    if "serving" in asked.only and shutil.which("wrk") is None:
        sys.exit("The load comes from wrk, which is not installed. Run: bash tools/setup.sh debian wrk")
    if asked.record and (asked.quick or set(asked.only) != set(PARTS)):
        parser.error("--record needs a whole run.")
    for end in signal.SIGINT, signal.SIGTERM:
        signal.signal(end, _end)
    start = time.monotonic()
    report = Report(asked.quick, look_at_machine())
    run(report, asked.only)
    report.seconds = time.monotonic() - start
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(report.as_json(), encoding="utf-8")
    if asked.record:
        RECORD.write_text(report.as_json(), encoding="utf-8")
        for document in DOCUMENTS:
            report.write_into(document)
    print(f"\n{report.as_markdown()}\n{report.seconds:.0f} s; as JSON: {LATEST.relative_to(ROOT)}")
    missed = [figure.name for figure in report.figures if figure.is_met is False]
    if missed:
        print("Missed: " + "; ".join(missed))
    return 1 if asked.strict and missed else 0


def run(report: Report, only: list[str]) -> None:
    """Run the parts in the order in which they need each other: codes first, and the database's end last."""
    quick = report.is_quick
    with tempfile.TemporaryDirectory(prefix="authsvc-bench-") as folder, stand() as at:
        codes = Path(folder) / "codes.csv"
        count = 20_000 if quick else 100_000
        if "issuing" in only:
            _say("issuing")
            issuing.measure(at, codes, report, count=count, rounds=1 if quick else 3)
        elif "tables" in only:
            issuing.issue(at, codes, count)
        if "cores" in only:
            _say("one core, no I/O")
            cores.measure(report, seconds=0.5 if quick else 2.0)
        if "examining" in only:
            _say("examining")
            examining.measure(report, seconds=0.5 if quick else 2.0)
        if "symbols" in only:
            _say("symbols")
            symbols.measure(report, seconds=0.5 if quick else 2.0)
        if "tables" in only:
            _say("size of the tables")
            tables.measure(at, codes, report, sizes=(1_000, 20_000) if quick else (1_000, 100_000, 1_000_000))
        if "serving" in only:
            _say("serving")
            # One for each scan: the second of an item has a history to examine, and is not what is measured.
            scanned = Path(folder) / "scanned.csv"
            issuing.issue(at, scanned, 60_000 if quick else 400_000)
            serving.measure(at, scanned, report, rounds=1 if quick else 3, seconds=2.0 if quick else 6.0)


def _say(part: str) -> None:
    print(part, flush=True)


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Leave by the way that stops everything which was started."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
