"""
The resolver: what is answered when somebody asks a code for its links (GS1-Conformant resolver standard 1.2).

A person who scans gets the page that judges the code. Only who names a ``linkType``, or asks for a linkset by Accept,
comes here: all links at once as a linkset, or on to the one that was asked for, with the query passed on. Every
address that one is sent on to is one that the brand has registered, or the page of the code itself.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify

from authsvc import languages, resolving
from authsvc.core import link_types, linksets
from authsvc.core.gs1 import DigitalLink
from authsvc.core.linksets import Target
from authsvc.core.register import Brand
from authsvc.errors import NotFound
from authsvc.resolving import Resolved
from authsvc.runtime import Runtime
from authsvc.web import pages, visitors
from authsvc.web.site import runtime
from authsvc.web.wire import HTML, JSON, Answer, Environ

bp = Blueprint("resolver", __name__)

CORS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
    ("Access-Control-Expose-Headers", "Link, Location"),
)
"""Any page may ask what a code stands for: no cookie goes along, so it learns what anybody could."""

KEYS = ("01", "00")
JSON_LD = "application/ld+json"
_CONTEXT = f'<{linksets.CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="{JSON_LD}"'
_CACHE = "public, max-age=60"
_VARY = ("Vary", "Accept, Accept-Language")
_write = json.JSONEncoder(ensure_ascii=False).encode


def is_asked(link: DigitalLink, environ: Environ) -> bool:
    """Say whether a request is for the links of a code, and not for its verdict."""
    return link.extension("linkType") is not None or linksets.MEDIA_TYPE in environ.get("HTTP_ACCEPT", "")


def pointer(target: str) -> tuple[str, str]:
    """Return the header that says where the links of a code are; *target* is the request's, as the parser took it."""
    path = target.partition("?")[0]
    return ("Link", f'<{path}?linkType=linkset>; rel="linkset"; type="{linksets.MEDIA_TYPE}"')


def answer(environ: Environ, rt: Runtime, link: DigitalLink) -> Answer:
    """
    Answer a request for the links of a code, or for one of them.

    Raises:
        UnknownCode: No such code was issued.
        NotFound: It has no link of this type.
        Unavailable: The database does not answer.
    """
    asked, accept = link.extension("linkType"), environ.get("HTTP_ACCEPT", "")
    found = resolving.resolve(rt.held, rt.connections, link, origin=_origin(environ, rt), at=rt.now(), new_id=rt.new_id)
    if asked is None or asked in link_types.LINKSETS or linksets.wants(accept, linksets.MEDIA_TYPE):
        return _list(environ, rt, found, found.targets)
    name = link_types.find_name(asked)
    targets = linksets.of_type(found.targets, name) if name else []
    if not targets:
        raise NotFound("No link of this type is registered for this code. Leave linkType out to check the code.")
    # The query may say what a reader cannot set in the headers of a browser.
    chosen = linksets.choose(
        targets,
        link.extension("lang") or environ.get("HTTP_ACCEPT_LANGUAGE", ""),
        link.extension("mediaType") or accept,
    )
    if len(chosen) > 1:
        return _list(environ, rt, found, chosen, status=300)
    return _send_on(environ, found, chosen[0])


def options(environ: Environ) -> Answer:
    """Say what may be asked of a code."""
    asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    allowed = [("Access-Control-Allow-Headers", "Accept, Accept-Language")] if asked else []
    return Answer(b"", JSON, 204, [("Allow", "GET, HEAD, OPTIONS"), *CORS, *allowed])


@bp.get("/.well-known/gs1resolver")
def description() -> Response:
    """Describe the resolver, as GS1's schema 1.2.0 of description files has it."""
    rt = runtime()
    response = jsonify(
        {
            "name": "authsvc",
            "resolverRoot": rt.config.base_url,
            "supportedPrimaryKeys": list(KEYS),
            "supportedLinkType": [{"namespace": link_types.VOCABULARY, "prefix": "gs1:"}],
            "linkTypeDefaultCanBeLinkset": False,
            "jsonLdContextLocation": linksets.CONTEXT,
        }
    )
    response.headers.extend(CORS)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


# --- Private ---------------------------------------------------------------------------------------------------------


def _origin(environ: Environ, rt: Runtime) -> Callable[[Brand], str]:
    """Return what finds the origin of a brand's codes: the one that was asked where it is the brand's or our own."""
    base = urlsplit(rt.config.base_url)

    def origin(brand: Brand) -> str:
        host = environ.get("HTTP_HOST", "")
        return f"{base.scheme}://{host if host in brand.hosts else base.netloc}"

    return origin


def _list(environ: Environ, rt: Runtime, found: Resolved, targets: Sequence[Target], *, status: int = 200) -> Answer:
    """Answer with the links: as a linkset for programs, as a page for people."""
    origin = _origin(environ, rt)(found.brand)
    document = linksets.linkset(origin, targets, found.descriptions)
    accept = environ.get("HTTP_ACCEPT", "")
    headers = [_VARY, *CORS]
    if "text/html" in accept and not linksets.wants(accept, linksets.MEDIA_TYPE):
        # The names of the link types are those of GS1, which are English; so is the page around them.
        with languages.speaking(languages.DEFAULT):
            page = pages.template("links.html").render(
                brand=found.brand.name,
                title=found.descriptions.get(found.path, found.brand.name),
                has_to_choose=status != 200,
                rows=[_row(target) for target in targets if target.link_type in link_types.LINK_TYPES],
                document={"@context": linksets.CONTEXT, **document},
            )
        return Answer(page.encode(), HTML, status, headers, _CACHE)
    headers.append(("Link", _CONTEXT))
    if linksets.wants(accept, JSON_LD):
        body: dict[str, Any] = {"@context": linksets.CONTEXT, **document}
        return Answer(_write(body).encode(), JSON_LD, status, headers, _CACHE)
    is_plain = linksets.wants(accept, JSON) and not linksets.wants(accept, linksets.MEDIA_TYPE)
    return Answer(_write(document).encode(), JSON if is_plain else linksets.MEDIA_TYPE, status, headers, _CACHE)


def _row(target: Target) -> dict[str, Any]:
    return {
        "kind": link_types.LINK_TYPES[target.link_type],
        "href": target.href,
        "title": target.title,
        "host": urlsplit(target.href).netloc,
        "languages": target.languages,
        "media_type": target.media_type,
    }


def _send_on(environ: Environ, found: Resolved, target: Target) -> Answer:
    """Lead to a link, with the whole query passed on; to our own page without linkType, or it would lead here again."""
    raw = visitors.raw_target(environ).partition("#")[0]
    query = raw.partition("?")[2]
    own = {each.href for each in found.targets if each.link_type == link_types.DEFAULT}
    if target.href in own:
        query = "&".join(part for part in query.split("&") if not part.startswith("linkType="))
    address, hash_mark, fragment = target.href.partition("#")
    if query:
        address += ("&" if "?" in address else "?") + query
    return Answer(b"", HTML, 307, [("Location", address + hash_mark + fragment), _VARY, *CORS, pointer(raw)])
