"""
Errands at work: what the worker does of them.

A job may be run again at any point. What people can mend is told to them as the fault of the errand; what they cannot
goes to the log, and the errand is begun anew until it has had its turns.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import text

from authsvc import (
    audit,
    clone_previews,
    db,
    errands,
    export_files,
    exports,
    label_work,
    product_work,
    run_work,
    sandbox_work,
    serial_work,
)
from authsvc.clone_previews import Asked
from authsvc.deliveries import Courier
from authsvc.errands import Errand, Stopped
from authsvc.errors import AuthsvcError

log = structlog.get_logger()

Connection = psycopg.Connection[Any]

TELL_EVERY = timedelta(seconds=1)
_LEFT_OVER = timedelta(minutes=10)


class Teller:
    """Says how far an errand is, once a second, in transactions of its own."""

    def __init__(self, courier: Courier, errand: Errand) -> None:
        self._courier = courier
        self._errand = errand
        self._told_at = datetime.min.replace(tzinfo=UTC)

    def __call__(self, done: int, total: int | None) -> None:
        """Tell it, unless that was done just now; raises ``Stopped`` where there is no reason to go on."""
        now = datetime.now(UTC)
        if now - self._told_at < TELL_EVERY:
            return
        self._told_at = now
        with self._courier.sessions.begin() as session:
            errands.tell(session, self._errand, done=done, total=total)


def do_errand(courier: Courier, url: str, errand_id: UUID) -> None:
    """Do one errand to its end, unless it is done, cancelled or gone; it reads *url* by a line of its own."""
    with courier.sessions.begin() as session:
        errand = errands.take_up(session, errand_id, now=courier.now())
    if errand is None:
        return
    try:
        with psycopg.connect(db.driver_url(url)) as connection:
            result = _DO[errand.kind](courier, connection, errand)
        if result is not None:
            with courier.sessions.begin() as session:
                errands.finish(session, errand, result, now=courier.now())
    except Stopped:
        log.info("errand-stopped", errand=str(errand_id))
    except (AuthsvcError, OSError) as error:
        log.warning("errand-failed", errand=str(errand_id), kind=errand.kind, detail=str(error))
        with contextlib.suppress(Stopped), courier.sessions.begin() as session:
            errands.fail(session, errand, _told(error), now=courier.now())


def sweep(courier: Courier) -> int:
    """Queue a new job for what has lost its own, and remove what was kept for its time; return how many were queued."""
    now = courier.now()
    with courier.sessions.begin() as session:
        errands.remove_old(session, now=now)
        session.execute(text(_REMOVE_PARTS))
        return len(session.execute(text(_SWEEP), {"before": now - _LEFT_OVER}).all())


# --- Private ---------------------------------------------------------------------------------------------------------


def _told(error: AuthsvcError | OSError) -> str:
    """Word a fault for the page; what an operating system says may name a path, which is nobody's to read."""
    if isinstance(error, OSError):
        return f"The worker cannot write the file: {os.strerror(error.errno or 0)}."
    return str(error)


# As the trigger does it; whoever has a job keeps it, and its place in the queue.
_SWEEP = """
SELECT procrastinate_defer_jobs_v1(ARRAY[
  ROW('errands', 'do_errand', 0, 'errands/' || e.brand_id, NULL, jsonb_build_object('id', e.id), NULL)
]::procrastinate_job_to_defer_v1[])
FROM errands e
WHERE e.state IN ('waiting', 'running') AND e.created_at < :before AND NOT EXISTS (
  SELECT FROM procrastinate_jobs j WHERE j.task_name = 'do_errand' AND j.status IN ('todo', 'doing')
    AND j.args->>'id' = e.id::text)"""


# Of what was cancelled, removed or given up, nothing is kept.
_REMOVE_PARTS = """
DELETE FROM errand_parts p USING errands e
WHERE e.id = p.errand_id AND e.state IN ('cancelled', 'failed')"""


def _preview(courier: Courier, connection: Connection, errand: Errand) -> Mapping[str, Any]:
    asked = Asked(brand_id=errand.brand_id, gtin=errand.asked.get("gtin"), rates=tuple(errand.asked.get("rates") or ()))
    return clone_previews.preview(
        connection, asked, wrapping_key=courier.wrapping_key, now=courier.now(), tell=Teller(courier, errand)
    )


def _export(courier: Courier, connection: Connection, errand: Errand) -> Mapping[str, Any]:
    now = courier.now()
    asked = exports.Asked.read(errand.asked, today=now.date())
    reading, teller = exports.Reading(connection, errand.brand_id, asked, now=now), Teller(courier, errand)
    total = reading.total
    teller(0, total)
    told = _Counted(reading.rows(), lambda done: teller(done, total))
    with courier.sessions.begin() as session:
        export_files.remove(session, errand.id)
    parts, size, digest = 0, 0, hashlib.sha256()
    for piece in export_files.write(asked.format, asked.columns, told, title=asked.kind.value, made_at=now):
        with courier.sessions.begin() as session:
            # First the row of the errand: whoever has taken it up meanwhile removes what was written before.
            errands.tell(session, errand, done=told.done, total=total)
            export_files.store(
                session, errand.id, errand.brand_id, parts + 1, piece, key=courier.wrapping_key, random=courier.random
            )
        parts, size = parts + 1, size + len(piece)
        digest.update(piece)
    return {"rows": told.done, "bytes": size, "parts": parts, "sha256": digest.hexdigest()}


def _issue(courier: Courier, _connection: Connection, errand: Errand) -> Mapping[str, Any] | None:
    return run_work.issue(courier, errand, Teller(courier, errand))


def _products(courier: Courier, _connection: Connection, errand: Errand) -> Mapping[str, Any]:
    return product_work.register(courier, errand)


def _serials(courier: Courier, _connection: Connection, errand: Errand) -> Mapping[str, Any]:
    return serial_work.check(courier, errand)


def _labels(courier: Courier, _connection: Connection, errand: Errand) -> Mapping[str, Any]:
    return label_work.draw(courier, errand, Teller(courier, errand))


def _sandbox(courier: Courier, _connection: Connection, errand: Errand) -> Mapping[str, Any]:
    by = audit.Actor("staff", errand.asked_by, errand.asked_name) if errand.asked_by else run_work.WORKER
    return sandbox_work.perform(courier, str(errand.asked.get("act")), errand.brand_id, by)


class _Counted:
    """Rows that are counted as they go by."""

    def __init__(self, rows: Iterable[exports.Row], hear: Callable[[int], None]) -> None:
        self._rows = rows
        self._hear = hear
        self.done = 0

    def __iter__(self) -> Iterator[exports.Row]:
        for row in self._rows:
            yield row
            self.done += 1
            if self.done % _HEARD == 0:
                self._hear(self.done)


_HEARD = 1_000
_DO: Mapping[str, Callable[[Courier, Connection, Errand], Mapping[str, Any] | None]] = {
    errands.PREVIEW: _preview,
    errands.EXPORT: _export,
    errands.ISSUE: _issue,
    errands.PRODUCTS: _products,
    errands.SERIALS: _serials,
    errands.LABELS: _labels,
    errands.SANDBOX: _sandbox,
}
