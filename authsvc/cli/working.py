"""``authsvc worker``: runs the jobs until it is told to stop."""

import asyncio
import contextlib
import os
import signal
import time
from types import FrameType

import click

from authsvc import db, jobs, logs
from authsvc.cli.output import note
from authsvc.config import Config
from authsvc.deliveries import Courier


@click.command()
def worker() -> None:
    """Run the jobs until Ctrl-C or SIGTERM: mail, webhooks, the watch over lots, scan tables made ahead."""
    signal.signal(signal.SIGTERM, _end)
    config = Config.from_env(os.environ)
    logs.configure()
    # Before the worker listens to signals itself, and after, this is the way out that also stops the database.
    with contextlib.suppress(KeyboardInterrupt), db.server(config) as url:
        db.check_server(url)
        engine = db.make_engine(url, size=jobs.CONCURRENCY)
        courier = Courier.make(config, db.make_sessions(engine))
        note("The worker is running. Stop it with Ctrl-C.")
        try:
            app = jobs.make_app(url, courier)
            asyncio.run(jobs.work(app, now=int(time.time()), stalled_after_s=config.stalled_after_s))
        finally:
            courier.client.close()
            engine.dispose()
    note("The worker has stopped.")


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
