"""
The front of a worker: an event loop that answers Digital Links itself and leaves all else to threads.

A scan is a story (``steps``): the loop tells it up to where it waits for the database, tells others meanwhile, and
goes on when the row is there. So scans never wait for threads, those of one flight are finished one after another, and
a page that takes long holds no scan up. Nothing that waits may run here: every such step goes to a thread.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from authsvc import scan_statements as sql
from authsvc.flights import Flights
from authsvc.lines import Lines
from authsvc.runtime import Runtime
from authsvc.steps import Recording
from authsvc.web import bridge, consumer
from authsvc.web.limits import Limits
from authsvc.web.wire import Answer, Environ, StartResponse

THREADS = 8
WAITERS = 4


class Front:
    """An RSGI application: scans on the loop, *app* in threads."""

    def __init__(self, app: Callable[[Environ, StartResponse], Iterable[bytes]], rt: Runtime, counted: Limits) -> None:
        self._app = app
        self._rt = rt
        self._limits = counted

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="authsvc-pages")
        self._waiters = ThreadPoolExecutor(WAITERS, thread_name_prefix="authsvc-steps")
        self._lines = Lines(loop, self._rt.connections, (sql.SCAN_ITEM, sql.SCAN_ITEMS))
        self._flights = Flights(
            loop,
            partial(self._lines.fetch, sql.SCAN_ITEM),
            lambda many: self._lines.fetch_each(sql.SCAN_ITEMS, many, "sgtin"),
        )

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        if scope.proto != "http":
            proto.close(403)
            return
        environ = bridge.environ(scope)
        if scope.path.startswith(consumer.PREFIXES):
            answer = await self._tell(environ)
            bridge.send(proto, answer, is_secure=self._rt.config.is_secure)
            return
        await self._loop.run_in_executor(self._threads, bridge.serve, self._app, environ, proto, self._loop)

    async def _tell(self, environ: Environ) -> Answer:
        story = consumer.answer(environ, self._rt, self._limits)
        try:
            step = next(story)
            while True:
                try:
                    if type(step) is Recording:
                        came = await self._flights.go(step.params["sgtin"], step.params)
                    else:
                        came = await self._loop.run_in_executor(self._waiters, step)
                except Exception as error:  # noqa: BLE001
                    step = story.throw(error)
                else:
                    step = story.send(came)
        except StopIteration as end:
            return end.value
