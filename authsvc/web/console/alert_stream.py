"""
News of alerts, as server-sent events: a page that stands open learns that something came in.

A process has eight threads for pages, so no more than two of them ever wait for news (``MOST``), and none for longer
than a minute. Whoever finds no place free is told what is new and comes back after five seconds: then it is a poll, in
the same words. An event holds the id of an alert and nothing of what it says.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import Response, current_app, request

from authsvc import alert_lists
from authsvc.alert_feed import Feed
from authsvc.desk import Desk
from authsvc.errors import Unavailable
from authsvc.staff import Role
from authsvc.web.console import guard

MOST = 2
"""A quarter of the threads of a worker (``cli.serving.THREADS``), at most."""
STAY_S, HEARTBEAT_S, RETRY_MS = 55.0, 10.0, 5_000
_LIMIT = 100
_OLDEST = timedelta(hours=12)
OVERLAP = timedelta(seconds=5)
"""Transactions end in another order than the one in which their alerts were opened; the page knows what it has."""


@guard.page("/alerts/stream", role=Role.VIEWER)
def news() -> Response:
    """Tell of alerts that were opened since a moment, and of those that come while the connection lasts."""
    feed: Feed = current_app.extensions["authsvc.feed"]
    events = _events(feed, guard.desk(), guard.me().brand_id, _since())
    return Response(
        events, content_type="text/event-stream; charset=utf-8", headers={"X-Accel-Buffering": "no"}
    )  # fmt: skip


def _events(feed: Feed, desk: Desk, brand_id: UUID, since: datetime) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    told: set[UUID] = set()
    with feed.place() as has_place:
        # The mark comes before the look, so that nothing falls between the two.
        mark = feed.mark(brand_id) if has_place else 0
        ends = time.monotonic() + STAY_S
        while True:
            try:
                with desk.as_brand(brand_id) as session:
                    found = alert_lists.find_since(session, brand_id, since - OVERLAP, limit=_LIMIT)
            except Unavailable:
                return
            for at, alert_id in found:
                if alert_id not in told:
                    told.add(alert_id)
                    yield f"id: {_micros(at)}\nevent: alert\ndata: {alert_id}\n\n"
            since = max([since, *(at for at, _ in found)])
            if not has_place or feed.is_stopped or time.monotonic() >= ends:
                return
            called = feed.wait(brand_id, mark, HEARTBEAT_S)
            if called == mark:
                yield ": still here\n\n"
            mark = called


def _since() -> datetime:
    """Return from when on: where the last connection ended, or what the page says of itself."""
    text = request.headers.get("Last-Event-ID") or request.args.get("since", "")
    oldest = guard.now() - _OLDEST
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        return guard.now()
    return max(oldest, datetime.fromtimestamp(int(text) / 1_000_000, UTC))


def _micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
