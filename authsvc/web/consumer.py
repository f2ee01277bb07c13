"""
The Digital Link routes: what answers when a phone's camera opens a label.

They are answered before the framework's routing, because this is the one path that carries all the load. The order is
the same as in every view: read, act, show. Nothing of a link with ``tracking: none`` is looked at: no address, no
cookie, no row.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from authsvc import languages, scanning
from authsvc import scan_statements as sql
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Mark, Reason, item_key
from authsvc.errors import AuthsvcError, TooManyRequests, UnknownCode
from authsvc.runtime import Runtime
from authsvc.scan_rows import Presentation
from authsvc.scanning import Checked
from authsvc.steps import Story, tell
from authsvc.web import documents, limits, meters, presenting, problems, resolver, visitors
from authsvc.web.limits import Hidden, Limits
from authsvc.web.wire import HTML, JSON, Answer, Environ, StartResponse, prefers_json

PREFIXES = ("/01/", "/00/")


class DigitalLinks:
    """WSGI middleware: answers Digital Links itself and hands everything else on to *app*."""

    def __init__(self, app: Callable[[Environ, StartResponse], Iterable[bytes]], rt: Runtime, counted: Limits) -> None:
        self._app = app
        self._rt = rt
        self._limits = counted

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if not environ.get("PATH_INFO", "").startswith(PREFIXES):
            return self._app(environ, start_response)
        rt = self._rt
        answered = tell(answer(environ, rt, self._limits), partial(rt.connections.fetch, sql.SCAN_ITEM))
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        return answered.send(start_response, is_secure=rt.config.is_secure, is_head=is_head)


def answer(environ: Environ, rt: Runtime, counted: Limits) -> Story[Answer]:
    """Answer one request for a Digital Link, whatever happens."""
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        return resolver.options(environ) if environ["REQUEST_METHOD"] == "OPTIONS" else _refuse_method(environ, rt)
    started = time.perf_counter()
    try:
        given = yield from scan(environ, rt, counted)
    except AuthsvcError as error:
        with _speaking(environ):
            given = problems.of_error(error, **_asked(environ, rt))
        given.headers.extend(resolver.CORS)
    except Exception as error:  # noqa: BLE001  the one edge where an accident becomes an answer
        with _speaking(environ):
            given = problems.of_accident(error, **_asked(environ, rt))
    meters.SCAN_SECONDS.observe(time.perf_counter() - started)
    return given


def scan(environ: Environ, rt: Runtime, counted: Limits) -> Story[Answer]:
    """Judge one presentation of a code. The statement is over before anything is rendered."""
    target = _without_slash(visitors.raw_target(environ))
    link = DigitalLink.parse(target)
    token = link.extension("s")
    if resolver.is_asked(link, environ):
        return (yield from _resolve(environ, rt, counted, link))
    at = rt.now()
    held = rt.held
    product = held.register.find_product(link.gtin or link.ais.get("02") or "")
    if product is not None and not product.is_tracked:
        # A flood is measured by the product alone: whose address it is, is not even asked.
        if (yield from _asking(counted, partial(counted.is_within, limits.UNTRACKED, product.gtin))):
            checked = yield from scanning.story(held, rt.connections, link, token, None, at=at, new_id=rt.new_id)
        else:
            checked = scanning.scan_signature(held, link, token, at=at)
        return _show(environ, rt, checked, None, target)
    address = counted.hide(visitors.limit_key(visitors.client_address(environ, rt.config.proxy_hops)))
    if not (yield from _asking(counted, partial(counted.is_within, limits.HARD_READS, address))):
        raise TooManyRequests("Too many checks came from this network in one minute. Wait a minute and try again.")
    shown, cookie = None, None
    if rt.connections.is_available:
        shown, cookie = presenting.presentation(environ, rt, link, at=at)
        checked = yield from _check(rt, counted, link, token, shown, address)
    else:
        # Nothing can be recorded: no pseudonym is made and no limit on recording asked, which are 100 us of 250.
        checked = scanning.scan_signature(held, link, token, at=at)
    if _is_guess(checked):
        yield from _asking(counted, partial(counted.is_within, limits.INVALID, address))
    if shown is not None and shown.device is not None:
        yield partial(presenting.note_device, rt, shown, checked.verdict.facts.brand)
        checked = replace(checked, is_internal=True)
    return _show(environ, rt, checked, cookie, target)


def _asking(counted: Limits, ask: Callable[[], bool]) -> Story[bool]:
    """Ask a limit: a count in memory is there at once, one that several hosts share must be waited for."""
    allowed: bool = (yield ask) if counted.is_shared else ask()
    return allowed


def _check(
    rt: Runtime, counted: Limits, link: DigitalLink, token: str | None, shown: Presentation, address: Hidden
) -> Story[Checked]:
    """Answer in full; a limit that is reached stops recording and counting, never a warning."""
    if (yield from _asking(counted, partial(counted.is_exhausted, limits.INVALID, address))):
        # Further forgeries and guesses are no longer stored one by one. Good codes are: many people share one address.
        checked = scanning.scan_signature(rt.held, link, token, at=shown.at)
        if checked.verdict.facts.signature.mark is Mark.FORGED:
            return checked
        if checked.verdict.facts.signature.mark is Mark.ABSENT:
            return (
                yield from scanning.story(rt.held, rt.connections, link, token, None, at=shown.at, new_id=rt.new_id)
            )
    counts = yield from _asking(counted, partial(_may_count, counted, link, token, shown, address))
    seen = shown if counts else None
    return (yield from scanning.story(rt.held, rt.connections, link, token, seen, at=shown.at, new_id=rt.new_id))


def _may_count(counted: Limits, link: DigitalLink, token: str | None, shown: Presentation, address: Hidden) -> bool:
    """
    Say whether this presentation may be recorded: not in a flood from one network, nor of one code.

    A code that goes viral is answered without being counted. The token is part of the key, what is automated is not
    held against it, and one network has a small share: so junk and bots cannot stop the count of an item.
    """
    if not counted.is_within(limits.SOFT_READS, address):
        return False
    key = counted.hide(f"{item_key(link.gtin, link.serial, link.sscc, link.lot)} {token}")
    if not counted.is_within(limits.ONE_CODE_FROM_HERE, address + key):
        return False
    return shown.automated is not None or counted.is_within(limits.ONE_CODE, key)


def _is_guess(checked: Checked) -> bool:
    """Whether the code proves nothing: forged, or a number without a token that nobody has given out."""
    facts = checked.verdict.facts
    is_stab = facts.signature.mark is Mark.ABSENT and checked.verdict.reason is Reason.UNKNOWN
    return facts.signature.mark is Mark.FORGED or is_stab


def _resolve(environ: Environ, rt: Runtime, counted: Limits, link: DigitalLink) -> Story[Answer]:
    """Answer who asks for links: by address no more often than any other read, and else as ``resolver`` says."""
    address = counted.hide(visitors.limit_key(visitors.client_address(environ, rt.config.proxy_hops)))
    if not (yield from _asking(counted, partial(counted.is_within, limits.HARD_READS, address))):
        raise TooManyRequests("Too many requests came from this network in one minute. Wait a minute and try again.")
    if (yield from _asking(counted, partial(counted.is_exhausted, limits.INVALID, address))):
        # Whether a serial exists is told here as plainly as by a verdict, so guesses are counted alike.
        raise TooManyRequests("Too many unknown codes came from this network. Try again in ten minutes.")
    try:
        answered: Answer = yield partial(resolver.answer, environ, rt, link)
    except UnknownCode:
        yield from _asking(counted, partial(counted.is_within, limits.INVALID, address))
        raise
    return answered


def _show(environ: Environ, rt: Runtime, checked: Checked, cookie: visitors.Visitor | None, target: str) -> Answer:
    presenting.count(checked)
    headers = [("Vary", "Accept, Accept-Language, Cookie"), *resolver.CORS, resolver.pointer(target)]
    if cookie is not None and cookie.is_new:
        headers.append(("Set-Cookie", visitors.set_cookie_header(cookie, secure=visitors.is_secure(environ))))
    # Nothing is waited for inside: what is spoken belongs to this answer alone, on the loop as in a thread.
    with _speaking(environ) as spoken:
        if prefers_json(environ):
            return Answer(documents.encoded(checked), JSON, 200, headers)
        page = presenting.page(environ, rt, checked, cookie, here=visitors.raw_target(environ))
    if spoken.is_chosen:
        page = languages.carry(page.decode(), spoken.language.code).encode()
    return Answer(page, HTML, 200, headers)


def _speaking(environ: Environ) -> languages.speaking:
    """Speak the language of whoever asks."""
    language, is_chosen = languages.choose(environ.get("QUERY_STRING", ""), environ.get("HTTP_ACCEPT_LANGUAGE", ""))
    return languages.speaking(language, is_chosen=is_chosen)


def _without_slash(target: str) -> str:
    """Take one trailing slash off the path: a resolver tolerates it (GS1-Conformant Resolver 1.2, 2.13)."""
    path, mark, query = target.partition("?")
    return (path.removesuffix("/") if len(path) > 1 else path) + mark + query


def _refuse_method(environ: Environ, rt: Runtime) -> Answer:
    answer = problems.of_status(
        405, "Method Not Allowed", "A Digital Link is read with GET or HEAD.", **_asked(environ, rt)
    )
    answer.headers.append(("Allow", "GET, HEAD, OPTIONS"))
    return answer


def _asked(environ: Environ, rt: Runtime) -> dict[str, Any]:
    return {
        "request_id": problems.request_id(environ, rt.random(8).hex()),
        "as_json": prefers_json(environ),
        "base_url": rt.config.base_url,
    }
