"""API keys: the programs of the brand and its partners; made, given a new secret, revoked."""

from datetime import timedelta
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import api_keys
from authsvc.api_keys import KeyInfo, NewSecret
from authsvc.core.api_keys import SCOPES
from authsvc.errors import BadInput, Conflict
from authsvc.staff import Role
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime

HERE = "/console/api-keys"
NAV = "API keys"
LIVES = {"90": "90 days", "365": "One year", "730": "Two years", "": "Until it is revoked"}
OVERLAPS = {"0": "Ends at once", "24": "Lives one more day", "168": "Lives one more week", "720": "Lives 30 more days"}
Page = str | tuple[str, int] | Response


@guard.page("/api-keys", role=Role.ADMIN, nav=NAV)
def keys() -> str:
    """List the keys of the brand; those that ended are apart."""
    me = guard.me()
    with guard.session() as session:
        found = api_keys.list_keys(session, me.brand_id, now=guard.now())
    return rendering.show(
        "console/api_keys.html", title="API keys", live=[key for key in found if key.is_live],
        ended=[key for key in found if not key.is_live], base_url=runtime().config.base_url,
    )  # fmt: skip


@guard.page("/api-keys/new", role=Role.ADMIN, methods=["GET", "POST"], nav=NAV, step_up=True)
def new() -> Page:
    """Make a key, and show its secret once."""
    if request.method == "GET":
        return _form()
    me, rt = guard.me(), runtime()
    try:
        with guard.session() as session:
            made = api_keys.make_key(
                session, me.brand_id, request.form.get("name", ""), request.form.getlist("scopes"),
                id=rt.new_id(), made_by=me.actor.name, per_minute=_whole("per_minute"),
                days=_whole("days") if request.form.get("days") else None, random=rt.random, now=guard.now(),
            )  # fmt: skip
            details = {"name": made.key.name, "scopes": list(made.key.scopes), "prefix": made.key.secrets[0].prefix}
            me.record(session, "api-key.new", str(made.key.id), details)
    except (BadInput, Conflict) as error:
        return _form(fault=str(error)), error.status
    return _secret(made)


@guard.page("/api-keys/<uuid:api_key_id>/rotate", role=Role.ADMIN, methods=["GET", "POST"], nav=NAV, step_up=True)
def rotate(api_key_id: UUID) -> Page:
    """Give a key a new secret, after saying what becomes of the one before."""
    me, rt, known = guard.me(), runtime(), _get(api_key_id)
    if request.method == "GET":
        return rendering.show(
            "console/api_key_rotate.html", title="New secret", key=known, overlaps=list(OVERLAPS.items())
        )
    hours = _whole("overlap")
    with guard.session() as session:
        made = api_keys.rotate(
            session, me.brand_id, api_key_id, overlap=timedelta(hours=hours), random=rt.random, now=guard.now()
        )
        details = {"name": made.key.name, "prefix": made.key.secrets[0].prefix, "overlap_hours": hours}
        me.record(session, "api-key.rotate", str(api_key_id), details)
    return _secret(made)


@guard.page("/api-keys/<uuid:api_key_id>/revoke", role=Role.ADMIN, methods=["GET", "POST"], nav=NAV, step_up=True)
def revoke(api_key_id: UUID) -> Page:
    """End a key, after saying what that means."""
    me = guard.me()
    if request.method == "GET":
        return _ask_to_revoke(_get(api_key_id))
    with guard.session() as session:
        ended = api_keys.revoke(session, me.brand_id, api_key_id, now=guard.now())
        me.record(session, "api-key.revoke", str(api_key_id), {"name": ended.name})
    return guard.done(f"{ended.name} is revoked. What it asks from now on is refused.", HERE)


# --- Private ---------------------------------------------------------------------------------------------------------


def _get(api_key_id: UUID) -> KeyInfo:
    with guard.session() as session:
        return api_keys.get_key(session, guard.me().brand_id, api_key_id, now=guard.now())


def _whole(name: str) -> int:
    text = request.form.get(name, "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput(f"Give {name.replace('_', ' ')} as a whole number.")
    return int(text)


def _form(*, fault: str | None = None) -> str:
    form = request.form
    families: dict[str, list[tuple[str, str, bool]]] = {}
    chosen = form.getlist("scopes")
    for scope, text in SCOPES.items():
        families.setdefault(scope.partition(":")[0], []).append((scope, text, scope in chosen))
    return rendering.show(
        "console/api_key_new.html", title="New API key", families=families, lives=list(LIVES.items()), fault=fault,
        given={
            "name": form.get("name", "")[:200],
            "days": form.get("days", "365"),
            "per_minute": form.get("per_minute", str(api_keys.PER_MINUTE))[:20],
        },
    )  # fmt: skip


def _ask_to_revoke(key: KeyInfo) -> str:
    prefixes = ", ".join(secret.prefix for secret in key.secrets)
    return rendering.show(
        "console/api_key_revoke.html", title="Revoke the key", key=key, action=f"{HERE}/{key.id}/revoke",
        rows=[("Name", key.name), ("Secrets", prefixes or "none")],
        effects=[
            "Its secrets end at once; what it asks from then on is refused.",
            "What it did stays: orders under way are finished, recalls stay in force.",
            "This cannot be undone. A program that still needs the API gets a key of its own.",
        ],
    )  # fmt: skip


def _secret(made: NewSecret) -> str:
    return rendering.show(
        "console/api_key_secret.html", title=f"Secret of {made.key.name}", key=made.key, secret=made.text,
        base_url=runtime().config.base_url, first=_first(made.key),
    )  # fmt: skip


def _first(key: KeyInfo) -> str:
    """Return an address that this key may ask first."""
    for family in ("products", "runs", "recalls"):
        if {f"{family}:read", f"{family}:write"} & set(key.scopes):
            return f"/api/v1/{family}"
    return "/api/openapi.json"
