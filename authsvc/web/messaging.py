"""
GS1 Lightweight Messaging Standard for Verification of Product Identifiers 1.1: ``verify`` and ``checkConnectivity``.

The paths are those of the standard, with its old words for AIs; no Digital Link has them today. A request counts
nothing and is nobody's first check. Whether a serial exists is told as plainly as by a verdict, so guesses are counted
alike.
"""

import re

from flask import Blueprint, Response, current_app, jsonify, request

from authsvc import messaging, scanning
from authsvc.core import gs1
from authsvc.core import messaging as standard
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Brand
from authsvc.errors import BadInput, NotFound, TooManyRequests, Unavailable
from authsvc.web import limits, visitors
from authsvc.web.site import count_links, runtime

bp = Blueprint("messaging", __name__)

_PATH = re.compile(r"([0-9]{8,14})/lot/(.{1,20})/ser/(.{1,20})")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_US_GUIDELINE = re.compile(r"1\.[3-9](?:\.[0-9]+)?")


@bp.get("/checkConnectivity")
def check_connectivity() -> Response:
    """Say whether the requester would be answered for a product, and by whom."""
    count_links(1)
    _check_context()
    gtin = gs1.normalise_gtin(request.args.get("gtin", ""))
    return jsonify({"responderGLN": _admit(_brand(gtin))})


@bp.get("/verify/gtin/<path:rest>")
def verify(rest: str) -> Response:
    """Say whether GTIN, serial, batch and expiry are those of an item that was sold."""
    count_links(1)
    _check_context()
    wanted = request.args.get("linkType", standard.LINK_TYPE)
    if wanted not in {standard.LINK_TYPE, f"gs1:{standard.LINK_TYPE}"}:
        raise BadInput(f"linkType is {standard.LINK_TYPE} here.")
    found = _PATH.fullmatch(rest)
    if found is None:
        raise BadInput("The path is /verify/gtin/{GTIN}/lot/{batch}/ser/{serial}.")
    gtin, lot, serial = gs1.normalise_gtin(found[1]), found[2], found[3]
    link = DigitalLink.build({"01": gtin, "21": serial})
    DigitalLink.build({"01": gtin, "10": lot})
    rt, at = runtime(), runtime().now()
    expiry = None
    if "exp" in request.args:
        expiry = standard.parse_expiry(request.args["exp"], at.date())
        if expiry is None:
            raise BadInput("exp is a day as YYMMDD, such as 281231.")
    correlation = request.args.get("corrUUID") or str(rt.new_id())
    if _UUID.fullmatch(correlation) is None:
        raise BadInput("corrUUID is a UUID, by which the answer is told from others.")
    _refuse_guesses()
    responder = _admit(_brand(gtin))
    verdict = scanning.scan(rt.held, rt.connections, link, None, None, at=at, new_id=rt.new_id).verdict
    if not verdict.facts.has_history:
        raise Unavailable("What is known of this item cannot be read now. Try again in a few minutes.")
    is_us = _US_GUIDELINE.fullmatch(request.headers.get("GS1US-Version", "")) is not None
    finding = standard.judge(verdict, lot, expiry, is_us_guideline=is_us)
    if finding.reason == standard.NO_SERIAL:
        _limits().is_within(limits.INVALID, _address())
    return jsonify(standard.response(finding, responder=responder, correlation=correlation, at=at))


# --- Private ---------------------------------------------------------------------------------------------------------


def _check_context() -> None:
    context = request.args.get("context")
    if context is not None and context not in standard.CONTEXTS:
        raise BadInput(f"context is one of {', '.join(sorted(standard.CONTEXTS))}.")


def _brand(gtin: str) -> Brand:
    brand = runtime().held.register.find_brand(gtin)
    if brand is None:
        raise NotFound("No verification service answers for this GTIN here.")
    return brand


def _admit(brand: Brand) -> str:
    return messaging.admit(runtime().connections, brand.id, request.args.get("reqGLN", ""))


def _refuse_guesses() -> None:
    if _limits().is_exhausted(limits.INVALID, _address()):
        raise TooManyRequests("Too many unknown codes came from this network. Try again in ten minutes.")


def _limits() -> limits.Limits:
    found: limits.Limits = current_app.extensions["authsvc.limits"]
    return found


def _address() -> str:
    return visitors.limit_key(visitors.client_address(request.environ, runtime().config.proxy_hops))
