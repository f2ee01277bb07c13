"""
Jobs: what is done outside a request, queued in PostgreSQL by procrastinate.

A job that is deferred in a transaction exists only if that transaction commits. Names of tasks are stored with the
jobs: never rename one while jobs of that name may wait. A new task is a function and its line in ``make_app``;
``authsvc worker`` runs them.
"""

import contextlib

import procrastinate

from authsvc import db

PARTITIONS_AHEAD = 3
"""Months of scan tables that are there before they are needed: time to notice that no worker runs."""

MAKE_PARTITIONS = "make_partitions"


def make_app(url: str) -> procrastinate.App:
    """Make the job queue on a database; open it before use."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=db.driver_url(url)))
    partitions = app.task(name=MAKE_PARTITIONS, queueing_lock=MAKE_PARTITIONS, pass_context=True)(make_partitions)
    app.periodic(cron="17 3 * * *")(partitions)
    return app


async def make_partitions(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001  when it was due
    """Make the scan tables of the coming months."""
    connector = context.app.connector
    await connector.execute_query_async("SELECT authsvc_make_partitions(%(ahead)s)", ahead=PARTITIONS_AHEAD)


async def work(app: procrastinate.App, *, now: int) -> None:
    """
    Run jobs until SIGTERM or SIGINT; what runs then is finished first.

    The partitions are seen to at once: a worker that starts once a week would miss the hour of the daily job.
    """
    async with app.open_async():
        with contextlib.suppress(procrastinate.exceptions.AlreadyEnqueued):
            await app.configure_task(MAKE_PARTITIONS, queueing_lock=MAKE_PARTITIONS).defer_async(timestamp=now)
        await app.run_worker_async()
