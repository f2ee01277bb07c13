"""``authsvc doctor``: every part of the installation looked at, with a remedy for what is wrong."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import click
from sqlalchemy import text
from sqlalchemy.engine import make_url

from authsvc import catalogue, db, key_files, places, signing_keys
from authsvc.cli.output import counted, json_option, print_json
from authsvc.cli.workplace import Workplace, opened
from authsvc.config import Config
from authsvc.core import codes
from authsvc.core.keyring import KeyState
from authsvc.errors import AuthsvcError
from authsvc.jobs import PARTITIONS_AHEAD

_CLOCK_TOLERANCE = timedelta(seconds=5)
_FREE_BYTES = 1_000_000_000
_RUN_PATIENCE = timedelta(minutes=1)
_SHOWN_RUNS = 5
_JOB_PATIENCE = timedelta(minutes=5)
_OLDEST_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""No machine with this release lives earlier."""


class Mark(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    mark: Mark
    text: str


Findings = Iterator[Finding]


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check the installation; exit 1 if something is wrong."""
    findings = examine()
    if as_json:
        print_json(findings)
    else:
        width = max(len(finding.check) for finding in findings)
        for finding in findings:
            click.echo(f"{finding.mark:<7}  {finding.check:<{width}}  {finding.text}")
    if any(finding.mark is Mark.FAULT for finding in findings):
        raise SystemExit(1)


def examine() -> list[Finding]:
    """Run every check that can still run when others fail."""
    try:
        config = Config.from_env(os.environ)
    except AuthsvcError as error:
        return [Finding("settings", Mark.FAULT, line) for line in str(error).splitlines()]
    findings = [Finding("settings", Mark.OK, f"complete, home is {config.home}")]
    for check in _key_files, _places, _disk, _files:
        findings += check(config)
    try:
        with opened(config) as place:
            findings.append(_server(place))
            for look in _schema, _login, _console_login, _partitions, _jobs, _clock, _active_keys, _runs:
                findings += look(place)
    except AuthsvcError as error:
        findings.append(Finding("database", Mark.FAULT, str(error)))
    return findings


# --- Without the database --------------------------------------------------------------------------------------------


def _key_files(config: Config) -> Findings:
    faults = key_files.check_modes(config.keys_dir)
    try:
        key_files.read_passphrase(config.passphrase_file)
    except AuthsvcError as error:
        faults += str(error).splitlines()
    yield from (Finding("key files", Mark.FAULT, fault) for fault in faults)
    if not faults:
        yield Finding("key files", Mark.OK, f"{config.keys_dir} is readable by this user alone")


def _places(config: Config) -> Findings:
    file = config.places_file or places.COUNTRY_DATABASE
    try:
        places.Locator(file)
    except AuthsvcError as error:
        yield Finding("places", Mark.FAULT, str(error))
    else:
        yield Finding("places", Mark.OK, f"{file.name} opens")
    if config.asn_database is None:
        return
    try:
        places.Systems(config.asn_database)
    except AuthsvcError as error:
        yield Finding("autonomous systems", Mark.FAULT, str(error))
    else:
        yield Finding("autonomous systems", Mark.OK, f"{config.asn_database.name} opens")


def _disk(config: Config) -> Findings:
    free = shutil.disk_usage(_existing(config.home)).free
    mark = Mark.OK if free >= _FREE_BYTES else Mark.FAULT
    yield Finding("disk", mark, f"{free / 1e9:.1f} GB free at {config.home}, {_FREE_BYTES / 1e9:.0f} GB is the least")


def _files(config: Config) -> Findings:
    """Look for half-written codes where they are most often: nothing remembers where a killed issue wrote."""
    left = [
        file
        for folder in dict.fromkeys((Path.cwd(), config.home))
        for file in sorted(folder.glob("*.partial"))
        if _is_cut_off(file)
    ]
    for file in left:
        remedy = "if none is at work, remove it and print nothing of it"
        yield Finding("files", Mark.WARNING, f"{file} is of an issue that is at work or was cut off: {remedy}")
    if not left:
        yield Finding("files", Mark.OK, "no file of codes is left half-written here")


def _is_cut_off(file: Path) -> bool:
    try:
        if not file.is_file():
            return False
        with file.open("rb") as content:
            return content.read(len(codes.HEADER)) in {b"", codes.HEADER.encode()}
    except OSError:
        return False


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


# --- With the database -----------------------------------------------------------------------------------------------


def _server(place: Workplace) -> Finding:
    version = db.check_server(place.url)
    kind = "the embedded one" if place.config.database_url is None else "the one of AUTHSVC_DATABASE_URL"
    return Finding("database", Mark.OK, f"PostgreSQL {version // 10000}.{version % 10000} answers, {kind}")


def _schema(place: Workplace) -> Findings:
    with place.sessions() as session:
        engine = session.get_bind().engine
    current, newest = db.revisions(engine)
    if current == newest:
        yield Finding("schema", Mark.OK, f"at revision {current}")
    else:
        remedy = "run `authsvc db upgrade`"
        yield Finding("schema", Mark.FAULT, f"at revision {current}, this release needs {newest}: {remedy}")


def _console_login(place: Workplace) -> Findings:
    url = db.desk_url(place.config, place.url)
    name = make_url(url).username
    try:
        may_serve = db.may_serve_console(url)
    except AuthsvcError as error:
        yield Finding("console login", Mark.FAULT, str(error))
        return
    if may_serve:
        yield Finding("console login", Mark.OK, f"the console logs in as {name}")
    else:
        roles = f"{db.CONSOLE_ROLE}, {db.AUTH_ROLE}, {db.OWNER_ROLE}"
        remedy = f"set AUTHSVC_CONSOLE_DATABASE_URL, or run `GRANT {roles} TO {name}` as the owner"
        yield Finding("console login", Mark.WARNING, f"{name} may not serve the console: {remedy}")


def _login(place: Workplace) -> Findings:
    try:
        login = db.examine_login(db.web_url(place.config, place.url))
    except AuthsvcError as error:
        yield Finding("web login", Mark.FAULT, str(error))
        return
    who = f"web processes log in as {login.name}"
    if not login.may_scan:
        remedy = f"run `authsvc db upgrade`, or `GRANT {db.SCAN_ROLE} TO {login.name}` as its owner"
        yield Finding("web login", Mark.FAULT, f"{who}, which may not scan: {remedy}")
    elif login.is_confined:
        yield Finding("web login", Mark.OK, f"{who}, which may scan and nothing else")
    else:
        remedy = "give them a login of their own (AUTHSVC_SCAN_DATABASE_URL)"
        yield Finding("web login", Mark.WARNING, f"{who}, act as {db.SCAN_ROLE} and could take more back: {remedy}")


def _partitions(place: Workplace) -> Findings:
    query = text(
        "SELECT parent || '_' || month FROM unnest(ARRAY['scans', 'rejections']) parent, "
        "LATERAL (SELECT to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i), 'YYYYMM') "
        "FROM generate_series(0, :ahead) i) m(month) WHERE to_regclass(parent || '_' || month) IS NULL ORDER BY 1"
    )
    with place.sessions() as session:
        missing = session.scalars(query, {"ahead": PARTITIONS_AHEAD}).all()
    if missing:
        yield Finding("partitions", Mark.FAULT, f"missing: {', '.join(missing)}. Is `authsvc worker` running?")
    else:
        yield Finding("partitions", Mark.OK, f"there for {PARTITIONS_AHEAD} months ahead")


def _jobs(place: Workplace) -> Findings:
    query = text(
        "SELECT count(*) FILTER (WHERE status = 'todo' AND coalesce(scheduled_at, d.at) < now() - :patience), "
        "count(*) FILTER (WHERE status = 'failed') FROM procrastinate_jobs j LEFT JOIN LATERAL "
        "(SELECT max(at) AS at FROM procrastinate_events e WHERE e.job_id = j.id) d ON true"
    )
    with place.sessions() as session:
        waiting, failed = session.execute(query, {"patience": _JOB_PATIENCE}).one()
    if waiting:
        yield Finding("jobs", Mark.WARNING, f"{counted(waiting, 'job')} waited too long. Is `authsvc worker` running?")
    if failed:
        remedy = "the log of the worker says why; they are not run again"
        yield Finding("jobs", Mark.WARNING, f"{counted(failed, 'job')} failed: {remedy}")
    if not waiting and not failed:
        yield Finding("jobs", Mark.OK, "none waits longer than it should")


def _clock(place: Workplace) -> Findings:
    with place.sessions() as session:
        there = session.scalar(text("SELECT clock_timestamp()"))
    here = place.now()
    assert isinstance(there, datetime)  # what the function returns
    apart = abs(here - there)
    if here < _OLDEST_NOW:
        yield Finding("clock", Mark.FAULT, f"says {here:%Y-%m-%d %H:%M} UTC, which is long past")
    elif apart > _CLOCK_TOLERANCE:
        yield Finding("clock", Mark.FAULT, f"is {apart.total_seconds():.0f} s away from the clock of the database")
    else:
        yield Finding("clock", Mark.OK, f"{here:%Y-%m-%d %H:%M} UTC, as the database has it")


def _active_keys(place: Workplace) -> Findings:
    with place.sessions() as session:
        brands = catalogue.list_brands(session)
        for brand in brands:
            keys = [key for key in signing_keys.list_keys(session, brand.id) if key.state is KeyState.ACTIVE]
            needed = {p.token for p in catalogue.list_products(session, brand.id)} - {"none"}
            missing = sorted(needed - {key.format for key in keys})
            if missing:
                remedy = f"`authsvc keys new --brand {brand.slug} --format {missing[0]}`"
                yield Finding(
                    "keys", Mark.FAULT, f"{brand.slug} has products with {missing[0]} tokens and no key: {remedy}"
                )
            for key in keys:
                path = place.config.keys_dir / str(brand.id) / f"{key.key_id}.pem"
                if key.format == "ed25519" and not path.exists():
                    # A host that only answers scans has no private keys, and that is right.
                    yield Finding("keys", Mark.WARNING, f"key {key.key_id} of {brand.slug} cannot sign here: no {path}")
            # What does not open with the secret of this installation raises a sentence of its own.
            signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key)
            if not missing:
                yield Finding("keys", Mark.OK, f"{brand.slug} has an active signing key for all its products")
    if not brands:
        yield Finding("keys", Mark.WARNING, "no brand yet: `authsvc brands add SLUG --name NAME`")


def _runs(place: Workplace) -> Findings:
    query = text(
        "SELECT b.slug, r.number, r.count, r.gtin, r.created_at, count(*) OVER () FROM runs r "
        "JOIN brands b ON b.id = r.brand_id WHERE r.issued_at IS NULL AND r.failure IS NULL AND r.created_at < :before "
        "ORDER BY r.created_at DESC, b.slug, r.number DESC LIMIT :shown"
    )
    with place.sessions() as session:
        rows = session.execute(query, {"before": place.now() - _RUN_PATIENCE, "shown": _SHOWN_RUNS}).all()
    for slug, number, count, gtin, begun, _ in rows:
        yield Finding(
            "runs",
            Mark.WARNING,
            f"run {number} of {slug}, {counted(count, 'code')} of {gtin} begun {begun:%Y-%m-%d %H:%M} UTC: "
            "unless `authsvc issue` is still at it, it was cut off and none of its codes counts; issue again",
        )
    if not rows:
        yield Finding("runs", Mark.OK, "none was cut off")
    elif rows[0][-1] > len(rows):
        yield Finding("runs", Mark.WARNING, f"and {rows[0][-1] - len(rows)} more")
