"""
The public pages around a check: typing a number, receipts, the confirmation that a page ran, files.

A receipt is safe to forward: opening it counts nothing, and only the visitor who made the check sees a good verdict.
"""

import hmac
import re
from urllib.parse import quote

from flask import Blueprint, Response, current_app, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from authsvc import languages, receipts, scanning
from authsvc.core.clones import Network
from authsvc.core.gs1 import DigitalLink
from authsvc.errors import BadDigitalLink, BadInput, NotFound, TooManyRequests
from authsvc.runtime import Runtime
from authsvc.web import assets, limits, looks, lookups, pages, presenting, visitors

bp = Blueprint("site", __name__)
_OWN_PATH = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?")
FOR_EVER = "public, max-age=31536000, immutable"


def runtime() -> Runtime:
    """Return the runtime of the application that serves this request."""
    rt: Runtime = current_app.extensions["authsvc"]
    return rt


def count_write() -> None:
    """
    Count one write of this network.

    Raises:
        TooManyRequests: More came in a minute than a person makes.
    """
    if not _counts().is_within(limits.WRITES, _address()):
        raise TooManyRequests("Too many requests came from this network in one minute. Wait a minute and try again.")


def count_links(number: int) -> None:
    """
    Count links that a program asks about, whether they come one by one or in bulk.

    Raises:
        TooManyRequests: More came in a minute than a reseller's stock explains.
    """
    if not _counts().is_within(limits.LINKS, _address(), number):
        raise TooManyRequests(
            "At most {most} links are answered for one network in a minute. Wait and try again.",
            most=limits.LINKS.item.amount,
        )


@bp.get("/")
def check_form() -> str:
    """Show the page where a code is typed."""
    return pages.check_form()


@bp.post("/")
def check_typed() -> BaseResponse | str | tuple[str, int]:
    """Answer a typed number; a pasted link with its token is a scan, and is sent to where scans are answered."""
    count_write()
    typed = request.form.get("code", "").strip()
    try:
        link = lookups.read(typed)
        token = link.extension("s")
    except BadDigitalLink as error:
        return pages.check_form(typed=typed[:200], fault=languages.of_error(error)), 400
    if token is not None:
        return redirect(link.path() + ("&" if "?" in link.path() else "?") + f"s={quote(token, safe='')}", 303)
    return _answer_typed(link)


@bp.get("/language")
def in_language() -> BaseResponse:
    """Lead back to the page that somebody reads, in the language that they have chosen there."""
    to, code = request.args.get("to", "/"), request.args.get(languages.PARAMETER, "")
    # Only a path of this site: a browser takes two slashes, or a backslash, for the beginning of another one.
    if not _OWN_PATH.fullmatch(to):
        raise BadInput("This address leads nowhere on this site.")
    return redirect(languages.carried(to, languages.get(code).code), 303)


@bp.get("/s/<receipt_text>")
def receipt(receipt_text: str) -> Response:
    """Show a frozen check, and what became known since."""
    rt = runtime()
    at = rt.now()
    if not _counts().is_within(limits.HARD_READS, _address()):
        raise TooManyRequests("Too many requests came from this network in one minute. Wait a minute and try again.")
    found = receipts.get(rt.held, rt.connections, receipts.parse(receipt_text), at=at)
    cookie = visitors.visitor_cookie(request.environ, rt.random)
    mine = None if cookie.is_new else visitors.pseudonym(rt.visitor_key, found.sgtin, cookie.cookie)
    is_mine = found.is_mine(mine, at)
    is_person = visitors.is_automated(request.environ, Network.UNKNOWN) is None
    if not is_mine and is_person and _counts().is_within(limits.SOFT_READS, _address()):
        # A messenger that draws a preview opens a receipt too, and is no crowd; nor are many openings of one network.
        address = visitors.client_address(request.environ, rt.config.proxy_hops)
        reader = visitors.pseudonym(rt.visitor_key, receipt_text, visitors.network_prefix(address))
        receipts.record_open(rt.connections, found, reader, at=at, new_id=rt.new_id)
    page = pages.receipt(
        pages.Check(
            verdict=found.then,
            host=presenting.shown_host(request.environ, rt, found.then.facts.brand),
            receipt=receipt_text,
            reference=receipts.reference(found.id),
        ),
        is_mine=is_mine,
        since=() if found.has_not_changed else (found.now,),
    )
    response = Response(page)
    if cookie.is_new:
        secure = visitors.is_secure(request.environ)
        response.headers.add("Set-Cookie", visitors.set_cookie_header(cookie, secure=secure))
    return response


@bp.post("/s/<receipt_text>/confirm")
def confirm(receipt_text: str) -> BaseResponse:
    """Record once that the page of a scan ran, or that its reader pressed the button that says so."""
    rt = runtime()
    found = receipts.parse(receipt_text)
    cookie = visitors.visitor_cookie(request.environ, rt.random)
    expected = receipts.nonce(rt.nonce_key, found, cookie.cookie)
    given = request.form.get("nonce", "")
    if given.isascii() and hmac.compare_digest(expected, given):
        receipts.confirm(rt.held, rt.connections, found, at=rt.now(), new_id=rt.new_id)
    else:
        # Only who has no part in the check is counted, so that nobody can starve the confirmations of an address.
        count_write()
    # A confirmation that came late or twice changes nothing, and its sender can do nothing about it.
    if request.headers.get("Sec-Fetch-Mode") == "navigate" or "text/html" in request.headers.get("Accept", ""):
        return redirect(f"/s/{receipt_text}", 303)
    return Response(status=204)


@bp.get("/static/<path:name>")
def static_file(name: str) -> Response:
    """Serve a file of the package under the address that holds its hash."""
    found = assets.find(name)
    if found is None:
        raise NotFound("There is no such file.")
    response = Response(found[0], mimetype=found[1], headers={"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"})
    if request.accept_encodings["br"] and (smallest := assets.brotli(name)) is not None:
        response.data = smallest
        response.headers["Content-Encoding"] = "br"
    elif request.accept_encodings["gzip"] and (small := assets.compressed(name)) is not None:
        response.data = small
        response.headers["Content-Encoding"] = "gzip"
    return response


@bp.get(f"{looks.PREFIX}/<name>")
def look(name: str) -> Response:
    """Serve the style sheet of a brand, under the address that holds its hash."""
    found = looks.find(runtime().held.register, f"{looks.PREFIX}/{name}")
    if found is None:
        raise NotFound("There is no such file.")
    response = Response(
        looks.sheet(found), mimetype="text/css", headers={"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    )
    if request.accept_encodings["gzip"]:
        response.data = looks.compressed(found)
        response.headers["Content-Encoding"] = "gzip"
    return response


@bp.get("/media/<name>")
def media(name: str) -> Response:
    """Serve the picture of a product, addressed by its content."""
    row = runtime().connections.fetch(
        "SELECT media_type, data FROM images WHERE sha256 = %(sha256)s LIMIT 1", {"sha256": name.partition(".")[0]}
    )
    if row is None:
        raise NotFound("There is no such picture.")
    return Response(bytes(row.data), mimetype=row.media_type, headers={"Cache-Control": FOR_EVER})


def _counts() -> limits.Limits:
    counted: limits.Limits = current_app.extensions["authsvc.limits"]
    return counted


def _address() -> str:
    return visitors.limit_key(visitors.client_address(request.environ, runtime().config.proxy_hops))


def _answer_typed(link: DigitalLink) -> str:
    rt = runtime()
    at = rt.now()
    shown, _ = presenting.presentation(request.environ, rt, link, at=at, is_typed=True)
    checked = scanning.scan(rt.held, rt.connections, link, None, shown, at=at, new_id=rt.new_id)
    presenting.count(checked)
    return presenting.page(request.environ, rt, checked, None).decode()
