"""
The front of a worker: an event loop that answers Digital Links itself, and threads for everything else.

A scan is a story (``steps``): the loop tells it up to where it waits for the database, tells others meanwhile, and goes
on when the row is there. So a scan waits for no thread, those of one flight are finished one after another, and a page
that takes long holds no scan up. Nothing that waits may run on the loop: such a step of a story goes to a thread.
"""

import asyncio
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from authsvc import scan_statements as sql
from authsvc.flights import Flights
from authsvc.lines import Lines
from authsvc.prepared import Parcel
from authsvc.runtime import Runtime
from authsvc.steps import Recording
from authsvc.web import bridge, consumer
from authsvc.web.bridge import Application, Exchange
from authsvc.web.limits import Limits
from authsvc.web.wire import Answer, Environ

WAITERS = 4
"""Threads for the steps of scans that wait: forgeries, alerts, limits that hosts share."""


class Front:
    """An RSGI application: scans on the loop, *app* in as many *threads*; *on_stop* ends what waits in them."""

    def __init__(
        self, app: Application, rt: Runtime, counted: Limits, *, threads: int, on_stop: Callable[[], None]
    ) -> None:
        self._app = app
        self._rt = rt
        self._limits = counted
        self._is_secure = rt.config.is_secure
        self._on_stop = on_stop
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="authsvc-pages")
        self._waiters = ThreadPoolExecutor(WAITERS, thread_name_prefix="authsvc-steps")
        self._ending: Future[float] = Future()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin on the event loop of this worker."""
        self._loop = loop
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        self._lines = Lines(loop, self._rt.connections, (sql.SCAN_ITEM, sql.SCAN_ITEMS))
        self._flights = Flights(
            loop,
            partial(self._lines.fetch, sql.SCAN_ITEM),
            partial(self._lines.fetch_each, sql.SCAN_ITEMS, key="sgtin"),
        )

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """End, when the last request is answered."""
        self._on_stop()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._waiters.shutdown(wait=False, cancel_futures=True)
        self._lines.close()

    def _stop(self) -> None:
        """
        Wake what waits for news or for the rest of a body, and end as by Ctrl-C.

        The server ends when the last request is answered, and a page that stands open is one for up to a minute. It
        listens to both signals and tells nobody, so one of them comes here first; its parent sends this one always.
        """
        self._waiters.submit(self._on_stop)
        if not self._ending.done():
            self._ending.set_result(time.monotonic() + bridge.GRACE_S)
        signal.raise_signal(signal.SIGINT)

    async def __rsgi__(self, scope: Any, exchange: Exchange) -> None:
        """Answer one request."""
        asked = bridge.environ(scope)
        if asked["PATH_INFO"].startswith(consumer.PREFIXES):
            answer = await self._tell(asked)
            is_head = asked["REQUEST_METHOD"] == "HEAD"
            bridge.send(exchange, answer, is_secure=self._is_secure, is_head=is_head)
        else:
            await self._loop.run_in_executor(
                self._threads, bridge.serve, self._app, asked, exchange, self._loop, self._ending
            )

    async def _tell(self, asked: Environ) -> Answer:
        """Tell the story of one scan; where it waits, the loop goes on with others."""
        story = consumer.answer(asked, self._rt, self._limits)
        try:
            step = next(story)
            while True:
                try:
                    if isinstance(step, Recording):
                        came = await self._flights.go(step.params["sgtin"], Parcel(sql.SCAN_ITEMS, step.params))
                    else:
                        came = await self._loop.run_in_executor(self._waiters, step)
                except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the story
                    step = story.throw(error)
                else:
                    step = story.send(came)
        except StopIteration as end:
            answer: Answer = end.value
        return answer
