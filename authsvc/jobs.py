"""
Jobs: what is done outside a request, queued in PostgreSQL by procrastinate.

A job that is deferred in a transaction exists only if that transaction commits. Names of tasks are stored with the
jobs: never rename one while jobs of that name may wait. A new task is a function and its line in ``make_app``;
``authsvc worker`` runs them.

A job may be run twice: one of a worker that died is taken up by another, and so is one of a worker that was only
asleep. Mails and webhooks wait in tables of their own, whose triggers queue the jobs; see ``deliveries``.
"""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import procrastinate
import psycopg
import structlog

from authsvc import daily_counts, db, deliveries, errand_work, holdings, lot_watch, retention, traffic
from authsvc.connections import Connections
from authsvc.deliveries import Courier
from authsvc.errands import MOST_TURNS
from authsvc.holdings import LOADING_S

log = structlog.get_logger()

PARTITIONS_AHEAD = 3
"""Months of scan tables that are there before they are needed: time to notice that no worker runs."""

MAKE_PARTITIONS = "make_partitions"
LEARN_TRAFFIC = "learn_traffic"
WATCH_LOTS = "watch_lots"
COUNT_DAYS = "count_days"
TELL_FOLLOWERS = "tell_followers"
RETAIN = "retain"
RECOUNT_DAYS = "recount_days"

CONCURRENCY = 16
"""Jobs of one worker at a time. They wait for the network, most of the time, each in a thread."""

POLL_S = 1.0
"""How often jobs are looked for whose time has come; a new one tells of itself."""

# For what is not the fault of a receiver, such as a database that is being restarted: the job itself is run again.
_ANEW = procrastinate.RetryStrategy(max_attempts=30, wait=2, linear_wait=5)
# An errand counts its turns itself: one more than it has, so that the last finds that it has had them.
_IN_TURNS = procrastinate.RetryStrategy(max_attempts=MOST_TURNS + 1, wait=5)


def make_app(url: str, courier: Courier) -> procrastinate.App:
    """Make the job queue on a database; open it before use."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=db.driver_url(url)))
    partitions = app.task(name=MAKE_PARTITIONS, queueing_lock=MAKE_PARTITIONS, pass_context=True)(make_partitions)
    app.periodic(cron="17 3 * * *")(partitions)

    @app.periodic(cron="47 3 * * *")
    @app.task(name=LEARN_TRAFFIC, queueing_lock=LEARN_TRAFFIC, lock=LEARN_TRAFFIC)
    def learn_traffic(timestamp: int) -> None:
        now = datetime.fromtimestamp(timestamp, UTC)
        with courier.sessions.begin() as session:
            traffic.learn(session, now=now)
        # What has just been learned decides how the items score.
        with contextlib.closing(Connections(db.driver_url(url), wait_s=LOADING_S)) as connections:
            held = holdings.load(connections, courier.wrapping_key)
        traffic.weigh(db.driver_url(url), held, now=now)

    _add_deliveries(app, courier)
    _add_watches(app, url, courier)
    _add_errands(app, url, courier)
    _add_promises(app, url, courier)
    return app


def _add_promises(app: procrastinate.App, url: str, courier: Courier) -> None:
    """Add the tasks that keep what people were promised: to be told of news, and to be forgotten in time."""

    @app.periodic(cron="*/5 * * * *")
    @app.task(name=TELL_FOLLOWERS, queueing_lock=TELL_FOLLOWERS, lock=TELL_FOLLOWERS)
    def tell_followers(timestamp: int) -> None:  # noqa: ARG001  when it was due
        deliveries.tell_followers(courier)

    @app.periodic(cron="7 4 * * *")
    @app.task(name=RETAIN, queueing_lock=RETAIN, lock=RETAIN)
    def retain(timestamp: int) -> None:
        with psycopg.connect(db.driver_url(url), autocommit=True) as connection:
            retention.run(connection, courier.config, now=datetime.fromtimestamp(timestamp, UTC), random=courier.random)


async def make_partitions(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001  when it was due
    """Make the scan tables of the coming months."""
    connector = context.app.connector
    await connector.execute_query_async("SELECT authsvc_make_partitions(%(ahead)s)", ahead=PARTITIONS_AHEAD)


async def work(app: procrastinate.App, *, now: int, stalled_after_s: float) -> None:
    """
    Run jobs until SIGTERM or SIGINT; what runs then is finished first.

    The partitions are seen to at once: a worker that starts once a week would miss the hour of the daily job. What
    succeeded is deleted, what failed stays to be looked at. A worker whose last sign is older than *stalled_after_s* is
    taken for dead, and its jobs are run again.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(CONCURRENCY, "authsvc-job"))
    async with app.open_async():
        with contextlib.suppress(procrastinate.exceptions.AlreadyEnqueued):
            await app.configure_task(MAKE_PARTITIONS, queueing_lock=MAKE_PARTITIONS).defer_async(timestamp=now)
        taking_up = asyncio.create_task(_take_up_stalled(app, stalled_after_s))
        try:
            await app.run_worker_async(
                concurrency=CONCURRENCY,
                fetch_job_polling_interval=POLL_S,
                delete_jobs="successful",
                update_heartbeat_interval=stalled_after_s / 3,
                stalled_worker_timeout=stalled_after_s,
            )
        finally:
            taking_up.cancel()


async def _take_up_stalled(app: procrastinate.App, stalled_after_s: float) -> None:
    while True:
        try:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_after_s):
                # Another worker may have been quicker, or the job was finished after all.
                with contextlib.suppress(procrastinate.exceptions.ConnectorException):
                    await app.job_manager.retry_job(job)
                    log.warning("job-taken-up", job=job.id, task=job.task_name)
        except procrastinate.exceptions.ConnectorException as error:
            log.warning("stalled-jobs-not-read", detail=str(error))
        await asyncio.sleep(stalled_after_s / 2)


def _add_errands(app: procrastinate.App, url: str, courier: Courier) -> None:
    @app.task(name="do_errand", retry=_IN_TURNS)
    def do_errand(id: str) -> None:  # noqa: A002  stored with the jobs
        errand_work.do_errand(courier, url, UUID(id))

    @app.periodic(cron="*/10 * * * *")
    @app.task(name="sweep_errands", queueing_lock="sweep_errands", retry=_ANEW)
    def sweep_errands(timestamp: int) -> None:  # noqa: ARG001  when it was due
        errand_work.sweep(courier)


def _add_deliveries(app: procrastinate.App, courier: Courier) -> None:
    @app.task(name="send_mail", retry=_ANEW)
    def send_mail(id: str, version: int) -> None:  # noqa: A002  stored with the jobs
        deliveries.send_mail(courier, UUID(id), version)

    @app.task(name="spread_event", retry=_ANEW)
    def spread_event(id: str) -> None:  # noqa: A002  stored with the jobs
        deliveries.spread_event(courier, UUID(id))

    @app.task(name="deliver_webhook", retry=_ANEW)
    def deliver_webhook(id: str, version: int) -> None:  # noqa: A002  stored with the jobs
        deliveries.deliver_webhook(courier, UUID(id), version)

    @app.task(name="mail_alerts", retry=_ANEW)
    def mail_alerts(brand_id: str) -> None:
        deliveries.mail_alerts(courier, UUID(brand_id))

    @app.task(name="tell_owners", retry=_ANEW)
    def tell_owners(recall: int) -> None:
        deliveries.tell_owners(courier, recall)

    @app.periodic(cron="*/10 * * * *")
    @app.task(name="sweep_deliveries", queueing_lock="sweep_deliveries", retry=_ANEW)
    def sweep_deliveries(timestamp: int) -> None:  # noqa: ARG001  when it was due
        deliveries.sweep(courier)

    @app.periodic(cron="41 3 * * *")
    @app.task(name="remove_old_deliveries", queueing_lock="remove_old_deliveries", retry=_ANEW)
    def remove_old_deliveries(timestamp: int) -> None:  # noqa: ARG001  when it was due
        deliveries.remove_old(courier)


def _add_watches(app: procrastinate.App, url: str, courier: Courier) -> None:
    @app.periodic(cron="*/15 * * * *")
    @app.task(name=WATCH_LOTS, queueing_lock=WATCH_LOTS, lock=WATCH_LOTS)
    def watch_lots(timestamp: int) -> None:
        with psycopg.connect(db.driver_url(url), autocommit=True) as connection:
            lot_watch.watch(
                connection,
                now=datetime.fromtimestamp(timestamp, UTC),
                new_id=lambda: UUID(bytes=courier.random(16)),
                wrapping_key=courier.wrapping_key,
            )

    @app.periodic(cron="*/5 * * * *")
    @app.task(name=COUNT_DAYS, queueing_lock=COUNT_DAYS, lock=COUNT_DAYS)
    def count_days(timestamp: int) -> None:
        with psycopg.connect(db.driver_url(url), autocommit=True) as connection:
            daily_counts.count(connection, now=datetime.fromtimestamp(timestamp, UTC))

    @app.periodic(cron="23 2 * * *")
    @app.task(name=RECOUNT_DAYS, queueing_lock=RECOUNT_DAYS, lock=COUNT_DAYS)
    def recount_days(timestamp: int) -> None:
        with psycopg.connect(db.driver_url(url), autocommit=True) as connection:
            daily_counts.recount(connection, now=datetime.fromtimestamp(timestamp, UTC))
