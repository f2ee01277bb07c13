"""``authsvc worker``: runs the jobs until it is told to stop."""

import asyncio
import contextlib
import os
import signal
import time
from types import FrameType

import click

from authsvc import db, jobs
from authsvc.cli.output import note
from authsvc.config import Config


@click.command()
def worker() -> None:
    """Run the jobs until Ctrl-C or SIGTERM: scan tables made ahead, and later mail and reports."""
    signal.signal(signal.SIGTERM, _end)
    # Before the worker listens to signals itself, and after, this is the way out that also stops the database.
    with contextlib.suppress(KeyboardInterrupt), db.server(Config.from_env(os.environ)) as url:
        db.check_server(url)
        note("The worker is running. Stop it with Ctrl-C.")
        asyncio.run(jobs.work(jobs.make_app(url), now=int(time.time())))
    note("The worker has stopped.")


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
