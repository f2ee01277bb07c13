"""What anybody may fetch to check for themselves, and what an operator's machines ask: keys, health, figures."""

import hashlib
import json
import os
from functools import lru_cache
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from authsvc.core import seals
from authsvc.core.keyring import BrandKeysInfo, jwks
from authsvc.errors import BadInput, Unavailable
from authsvc.holdings import Holdings
from authsvc.web import meters
from authsvc.web.site import runtime

bp = Blueprint("published", __name__)

JWKS_MAX_AGE_S = 300

_PARTITIONS_AHEAD = """
SELECT count(*) AS months FROM generate_series(0, 1) AS ahead
WHERE to_regclass('scans_' || to_char(now() AT TIME ZONE 'UTC' + make_interval(months => ahead::int), 'YYYYMM'))
  IS NOT NULL"""


@bp.get("/.well-known/jwks.json")
def keys() -> Response:
    """Publish the public keys of every brand, or of the one in ``?brand=``."""
    wanted = request.args.get("brand")
    try:
        brand_id = UUID(wanted) if wanted is not None else None
    except ValueError:
        raise BadInput(f"brand must be the UUID of a brand, got {wanted!r:.60}.") from None
    rt = runtime()
    if not rt.keeper.is_loaded:
        raise Unavailable("The keys have not been read yet. Try again in a few seconds.")
    body, tag = _document(rt.held, brand_id)
    response = Response(body, mimetype="application/jwk-set+json")
    response.headers["Cache-Control"] = f"public, max-age={JWKS_MAX_AGE_S}"
    response.headers["Access-Control-Allow-Origin"] = "*"  # Public keys: any page may verify with them.
    response.set_etag(tag)
    response.make_conditional(request)
    return response


@bp.get("/livez")
def livez() -> Response:
    """Say that the process runs."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Say whether scans can be answered in full: database, register, partitions for this month and the next."""
    rt = runtime()
    checks = {"database": False, "register": rt.keeper.is_loaded, "partitions": False}
    try:
        row = rt.connections.fetch(_PARTITIONS_AHEAD, {})
        checks |= {"database": True, "partitions": row.months == 2}
    except Unavailable:
        pass
    return jsonify({"ready": all(checks.values()), "checks": checks}), 200 if all(checks.values()) else 503


@bp.get("/metrics")
def metrics() -> Response:
    """Publish the figures of all workers."""
    meters.DATABASE_UP.set(runtime().connections.is_available)
    return Response(meters.exposition(os.environ.get("PROMETHEUS_MULTIPROC_DIR")), mimetype="text/plain")


@lru_cache(maxsize=64)
def _document(held: Holdings, brand_id: UUID | None) -> tuple[bytes, str]:
    register = held.register
    chosen = [key for key in held.keyring if brand_id in {None, key.brand_id}]
    covered = {
        brand.id: BrandKeysInfo(brand.prefixes, register.gtins_without_prefix(brand.id), brand.is_sandbox)
        for brand in register.brands.values()
    }
    document = jwks(chosen, covered)
    for name, found in seals.members(key for key in held.seals if brand_id in {None, key.brand_id}).items():
        document[name] += found
    body = json.dumps(document, separators=(",", ":")).encode()
    return body, hashlib.sha256(body).hexdigest()[:32]
