"""
Visitors: from a WSGI environ to the little that a scan may know of who asks.

The client's address comes in here and goes no further than the place lookup and the limiter's key: a scan keeps a
coarse place, a kind of network and two pseudonyms. A visitor is a first-party cookie, known to the store only as an
HMAC that differs for every item, so the scans of two items cannot be joined.

This is the hot path: no request object, nothing parsed twice, and nothing that a stranger sends may raise.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import date, datetime
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any
from urllib.parse import quote_from_bytes

from authsvc.core.clones import Network, Place
from authsvc.core.devices import is_secret
from authsvc.core.macs import hmac_sha256
from authsvc.core.values import lean_dataclass
from authsvc.web.crawlers import is_crawler

Environ = Mapping[str, Any]

COOKIE = "__Host-v"
PLAIN_COOKIE = "v"
"""The name where there is no TLS: a browser refuses ``__Host-`` and Secure on plain http."""

DEVICE_HEADER = "HTTP_AUTHSVC_DEVICE"
DEVICE_AGE = 365 * 24 * 3600
"""How long a browser keeps the cookie of a trusted device: revoking is the way to end it."""

COOKIE_AGE = 30 * 24 * 3600
COOKIE_BYTES = 16

_COOKIE = {
    # 16 bytes are 22 characters, the last of which carries two bits: one cookie, one spelling.
    name: re.compile(rf"(?:^|;)[ \t]*{name}=([A-Za-z0-9_-]{{21}}[AQgw])[ \t]*(?:;|$)")
    for name in (COOKIE, PLAIN_COOKIE)
}
_DEVICE_COOKIE = {
    secure: re.compile(rf"(?:^|;)[ \t]*{name}=([A-Za-z0-9_-]{{43}})[ \t]*(?:;|$)")
    for secure, name in ((True, "__Host-d"), (False, "d"))
}
_PRIVATE_HOST = re.compile(
    r"(?:localhost|[a-z0-9-]{1,63}\.(?:localhost|local)|127(?:\.\d{1,3}){3}|10(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}"
    r"|169\.254(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|\[::1\]|\[f[cde][0-9a-f:]{2,36}\])(?::\d{1,5})?",
    re.IGNORECASE | re.ASCII,
)
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_MAPPED = b"\0" * 10 + b"\xff\xff"


@lean_dataclass(frozen=True, slots=True)
class Visitor:
    """A first-party cookie; ``is_new`` when this answer mints it, so that it proves nothing yet."""

    cookie: str = field(repr=False)
    is_new: bool


@lean_dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a scan may know of a request, whatever the item: no address, no user agent."""

    at: datetime
    cookie: Visitor
    prefix: bytes
    place: Place
    network: Network
    automated: str | None
    asn: bytes | None = None


def seen(
    environ: Environ,
    *,
    key: bytes,
    at: datetime,
    locate: Callable[[str], tuple[Place, Network]],
    proxy_hops: int,
    random: Callable[[int], bytes],
    find_asn: Callable[[str], int | None] | None = None,
) -> Seen:
    """Reduce a request to what a scan may know; *find_asn* looks up the autonomous system of an address."""
    address = client_address(environ, proxy_hops)
    place, network = locate(address)
    asn = None if find_asn is None else find_asn(address)
    return Seen(
        at=at,
        cookie=visitor_cookie(environ, random),
        prefix=network_pseudonym(key, network_prefix(address), at.date()),
        place=place,
        network=network,
        automated=is_automated(environ, network),
        asn=None if asn is None else network_pseudonym(key, f"AS{asn}", at.date()),
    )


def raw_target(environ: Environ) -> str:
    """
    Return path and query as they were sent: a Digital Link must be parsed before anybody decodes ``%2F``.

    Servers name the raw target ``RAW_URI`` or ``REQUEST_URI``. Granian gives neither, only the decoded path: there it
    is escaped again, and slashes that can only be part of a GTIN's lot or serial become ``%2F`` once more.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if isinstance(raw, str) and raw:
        if not raw.startswith("/") and (authority := _AUTHORITY.match(raw)):
            raw = raw[authority.end() :]
        return raw if raw.startswith("/") else "/" + raw
    path = f"{environ.get('SCRIPT_NAME') or ''}{environ.get('PATH_INFO') or ''}"
    # WSGI spells the bytes of the path as Latin-1; a character beyond it is a server's fault, kept as UTF-8.
    octets = path.encode("latin-1") if path.isascii() or max(path) <= "\xff" else path.encode("utf-8", "replace")
    path = _restore_slashes(quote_from_bytes(octets, safe="/-._~!$&'()*+,;=:@"))
    query = environ.get("QUERY_STRING")
    if not path.startswith("/"):
        path = "/" + path
    return f"{path}?{query}" if query else path


def _restore_slashes(path: str) -> str:
    """
    Escape the slashes inside lot and serial of ``/01/{gtin}/…``; return anything else as it came.

    The qualifiers 22, 10 and 21 stand in this order, so a value lasts until the next of them. A value that itself
    holds ``/21/`` is misread; its token then fails, for the token covers what was read.
    """
    stem, key, rest = path.partition("/01/")
    if rest.count("/") < 3:
        return path  # The usual link: one qualifier, or none, and no slash to spare.
    gtin, _, rest = rest.partition("/")
    rest, closing = (rest[:-1], "/") if rest.endswith("/") else (rest, "")
    parts = [stem + key + gtin]
    expected = ["22", "10", "21"]
    while rest:
        ai, _, rest = rest.partition("/")
        if ai not in expected or not rest:
            return path
        expected = expected[expected.index(ai) + 1 :]
        ends = [end for end in (rest.find(f"/{following}/") for following in expected) if end > 0]
        end = min(ends, default=len(rest))
        parts += [ai, rest[:end].replace("/", "%2F")]
        rest = rest[end + 1 :]
    return "/".join(parts) + closing


def client_address(environ: Environ, proxy_hops: int) -> str:
    """
    Return the address of the client, or an empty text when none is known.

    With *proxy_hops* trusted proxies in front, it is the entry that the outermost of them has written: counted from
    the right, for everything further left is whatever the client chose to send. With 0 no header is looked at.
    """
    if proxy_hops > 0:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR")
        if isinstance(forwarded, str):
            entries = forwarded.rsplit(",", proxy_hops)
            if len(entries) >= proxy_hops and (address := _clean_address(entries[-proxy_hops])):
                return address
    return _clean_address(environ.get("REMOTE_ADDR"))


def _clean_address(text: object) -> str:
    """Return the address inside *text* without port, brackets and zone, in its one spelling; empty if there is none."""
    if not isinstance(text, str):
        return ""
    text = text.strip(" \t")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        if ":" not in text:
            inet_pton(AF_INET, text)
            return text
        packed = inet_pton(AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):
        return ""
    if packed.startswith(_MAPPED):
        return inet_ntop(AF_INET, packed[12:])
    return inet_ntop(AF_INET6, packed)


def network_prefix(address: str) -> str:
    """Return the network that groups evidence: the /24 of an IPv4 address, the /48 of an IPv6 one, or nothing."""
    return _network(address, 6, "/48") if ":" in address else _network_4(address)


def limit_key(address: str) -> str:
    """Return what a limit counts by: an IPv4 address, or the /64 that one IPv6 customer holds. Never stored."""
    return _network(address, 8, "/64") if ":" in address else address


def _network_4(address: str) -> str:
    return f"{address.rpartition('.')[0]}.0/24" if address else ""


def _network(address: str, size: int, length: str) -> str:
    return inet_ntop(AF_INET6, inet_pton(AF_INET6, address)[:size].ljust(16, b"\0")) + length


def is_automated(environ: Environ, network: Network) -> str | None:
    """
    Return why a request is not a person looking, or None: ``head``, ``bot``, ``prefetch`` or ``datacentre``.

    A known bot is a bot for good; ``prefetch`` and ``datacentre`` end when the page runs and confirms, so the bot is
    named first. A relay is a person who minds their privacy, never a machine.
    """
    if environ.get("REQUEST_METHOD") == "HEAD":
        return "head"
    if is_crawler(environ.get("HTTP_USER_AGENT") or ""):
        return "bot"
    if _is_prefetch(environ):
        return "prefetch"
    return "datacentre" if network is Network.DATACENTRE else None


def _is_prefetch(environ: Environ) -> bool:
    """Whether the browser says that nobody has asked for this page yet."""
    for name in ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ"):
        purpose = environ.get(name)
        if purpose and any(word in str(purpose).lower() for word in ("prefetch", "prerender", "preview")):
            return True
    return False


def is_secure(environ: Environ) -> bool:
    """
    Whether the visitor's browser will keep a Secure cookie.

    Behind a proxy that ends TLS the scheme here is http all the same, so only a host that no public certificate names
    (this machine, a private address, ``.local``) is taken for plain http: a demo on the desk, tried with a phone.
    """
    if environ.get("wsgi.url_scheme") == "https":
        return True
    return _PRIVATE_HOST.fullmatch(str(environ.get("HTTP_HOST") or "")) is None


def visitor_cookie(environ: Environ, random: Callable[[int], bytes]) -> Visitor:
    """Return the visitor of the request's cookie; without one that we could have made, a new one from *random*."""
    header = environ.get("HTTP_COOKIE")
    if isinstance(header, str):
        name = COOKIE if is_secure(environ) else PLAIN_COOKIE
        if found := _COOKIE[name].search(header):
            return Visitor(found[1], is_new=False)
    return Visitor(urlsafe_b64encode(random(COOKIE_BYTES)).rstrip(b"=").decode("ascii"), is_new=True)


def set_cookie_header(visitor: Visitor, *, secure: bool) -> str:
    """Return the value of Set-Cookie; *secure* is what ``is_secure`` said of the request."""
    name = COOKIE if secure else PLAIN_COOKIE
    flags = "; Secure; HttpOnly; SameSite=Lax" if secure else "; HttpOnly; SameSite=Lax"
    return f"{name}={visitor.cookie}; Path=/; Max-Age={COOKIE_AGE}{flags}"


def device_secret(environ: Environ) -> str | None:
    """Return what the request shows as the secret of a trusted device, or None: a header, or a browser's cookie."""
    if header := environ.get(DEVICE_HEADER):
        return header if is_secret(header) else None
    cookies = environ.get("HTTP_COOKIE") or ""
    found = _DEVICE_COOKIE[is_secure(environ)].search(cookies) if "d=" in cookies else None
    return found[1] if found else None


def set_device_cookie_header(secret: str, *, secure: bool) -> str:
    """Return the value of Set-Cookie that makes a browser show the secret of its device; an empty one ends that."""
    name = "__Host-d" if secure else "d"
    age = DEVICE_AGE if secret else 0
    flags = "; Secure; HttpOnly; SameSite=Lax" if secure else "; HttpOnly; SameSite=Lax"
    return f"{name}={secret}; Path=/; Max-Age={age}{flags}"


def pseudonym(key: bytes, item: str, cookie: str) -> bytes:
    """Return the visitor of one item. The cookie has a fixed length, so no two pairs share a message."""
    return hmac_sha256(key, b"authsvc/visitor/1" + f"{item}|{cookie}".encode())[:16]


def network_pseudonym(key: bytes, prefix: str, day: date) -> bytes:
    """
    Return the pseudonym of a network prefix, under a key that is derived for the calendar month of *day*.

    Two months cannot be joined without *key*; with it they can, so whoever holds the root secret can test a guess.
    """
    return hmac_sha256(_month_key(key, day.year, day.month), prefix.encode())[:8]


@lru_cache(maxsize=8)
def _month_key(key: bytes, year: int, month: int) -> bytes:
    return hmac.digest(key, b"authsvc/network/1" + f"{year:04}-{month:02}".encode(), "sha256")
