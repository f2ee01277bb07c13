"""
The door of the API: whose key it is, what it may do, how often, and that nothing is done twice.

The order is fixed: a key that lives, its limit, its permission, the form of the request, then one transaction within
the brand of the key, which holds the idempotency key, the work and its note in the audit log. The answer is written
before that transaction ends, so what is kept for a repetition is what went out.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from flask import Blueprint, Response, current_app, g, request
from limits import RateLimitItemPerMinute
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session
from werkzeug.datastructures import ETags

from authsvc import api_answers, api_keys, audit
from authsvc.api_answers import Given
from authsvc.api_keys import Caller
from authsvc.core import api_keys as permissions
from authsvc.desk import Desk
from authsvc.errors import (
    ApiKeyNeeded,
    BadFields,
    ChangedMeanwhile,
    IdempotencyKeyNeeded,
    ScopeNeeded,
    TooManyRequests,
    Unavailable,
    VersionNeeded,
    WrongMediaType,
)
from authsvc.runtime import Runtime
from authsvc.web import site
from authsvc.web.api import fields
from authsvc.web.api.operations import Operation
from authsvc.web.limits import Limit, Limits, Room

bp = Blueprint("api", __name__)

LONGEST_IDEMPOTENCY_KEY = 255
_KEPT_HEADERS = ("Content-Type", "ETag", "Link", "Location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a key: who, when, and the transaction."""

    caller: Caller
    session: Session
    rt: Runtime
    at: datetime
    if_match: ETags | None = None

    def record(self, act: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
        """Note an act of the key in the log of its brand; see ``audit.record``."""
        audit.record(self.session, self.caller.brand_id, self.caller.actor, act, subject, details, at=self.at)

    def as_owners(self) -> AbstractContextManager[Session]:
        """Let the transaction act as the owner pages do, for a block; see ``Desk.as_owners_within``."""
        return _desk().as_owners_within(self.session)

    def check_version(self, version: str) -> None:
        """
        Refuse to change what is no longer as the caller has seen it; *version* is the present one.

        Raises:
            VersionNeeded: The caller has not said what it has seen.
            ChangedMeanwhile: It has seen another version.
        """
        if self.if_match is None or not (self.if_match or self.if_match.star_tag):
            raise VersionNeeded(
                "Send If-Match with the ETag that you were given with it, so that nobody's change is lost; "
                "If-Match: * changes it whatever it is now."
            )
        if not self.if_match.contains(version):
            raise ChangedMeanwhile("It was changed since you read it. Read it again, and decide anew.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an operation answers."""

    told: BaseModel | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def versioned(cls, told: BaseModel, version: str, status: int = 200, **headers: str) -> "Reply":
        """Answer with something that has a version."""
        return cls(told=told, status=status, headers={"ETag": f'"{version}"', **headers})


def serve(operation: Operation) -> Any:
    """Return the Flask view of an operation."""
    names = [param.name for param in operation.params]

    def view(**parts: str) -> Response:
        rt, at = site.runtime(), now()
        caller = enter(operation.scope)
        if operation.most_bytes is not None:
            request.max_content_length = operation.most_bytes
        given: dict[str, Any] = {param.name: param.parse(parts[param.name]) for param in operation.params}
        if operation.query is not None:
            given["query"] = fields.read_query(operation.query, request.args)
        elif request.args:
            fields.refuse_query(request.args)
        raw = request.get_data() if operation.is_write else b""
        if operation.body is not None:
            given["body"] = read_body(operation.body, raw)
        repeats = _idempotency_key(operation)
        with _desk().as_brand(caller.brand_id) as session:
            if repeats is not None:
                target = request.full_path.rstrip("?")
                asked = api_answers.digest(request.method, target, raw)
                before = api_answers.take(session, caller, repeats, asked, wrapping_key=rt.wrapping_key, now=at)
                if before is not None:
                    return _response(before, is_repeated=True)
            call = Call(caller=caller, session=session, rt=rt, at=at, if_match=_versions(operation))
            assert operation.view is not None
            reply = operation.view(call, **given)
            if isinstance(reply, Response):
                return reply  # A file, which is made while it is sent.
            answer = _written(reply)
            if repeats is not None:
                api_answers.keep(session, caller, repeats, answer, wrapping_key=rt.wrapping_key, random=rt.random)
        return _response(answer)

    view.__name__, view.__doc__ = operation.name, operation.summary
    assert sorted(names) == sorted({*names}), operation.path
    return view


def enter(scope: str | None) -> Caller:
    """
    Return whose key this request brings, once it is within its limit and may do this.

    Raises:
        ApiKeyNeeded: None came, or one that opens nothing.
        TooManyRequests: The key, or a network that tries keys, asks too much.
        ScopeNeeded: The key may not do it.
        Unavailable: The database does not answer.
    """
    if not site.runtime().connections.is_available:
        raise Unavailable("The database does not answer. Try again in a few minutes.")
    found = find_caller()
    if found is None:
        raise ApiKeyNeeded(
            "Send an API key of your brand: Authorization: Bearer authsvc_…. An admin makes one in the console, "
            "or the command authsvc api-key new."
        )
    if scope is not None and not permissions.allows(found.scopes, scope):
        raise ScopeNeeded(f"This needs a key with {scope}; {found.name} has {', '.join(sorted(found.scopes))}.")
    return found


def find_caller() -> Caller | None:
    """
    Return whose key this request brings, None without one, and count the request.

    Raises:
        ApiKeyNeeded: A key came that opens nothing.
        TooManyRequests: The key, or a network that tries keys, asks too much.
        Unavailable: The database does not answer.
    """
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if not kind:
        return None
    with _desk().as_auth() as session:
        found = api_keys.find_caller(session, text.strip(), now=now()) if kind.lower() == "bearer" else None
    if found is None:
        site.count_write()  # Nobody guesses one; who tries shall not keep the database busy.
        raise ApiKeyNeeded("This API key opens nothing: it was mistyped, has ended, or was revoked.")
    _count(found)
    return found


def now() -> datetime:
    """Return the time of this request: the clock is read once."""
    if "now" not in g:
        g.now = site.runtime().now()
    at: datetime = g.now
    return at


def read_body(shape: type[BaseModel], raw: bytes) -> BaseModel:
    """
    Read the body of a request.

    Raises:
        WrongMediaType: It does not call itself JSON.
        BadFields: It is no JSON, or a field is wrong.
    """
    if request.mimetype != "application/json":
        raise WrongMediaType(f"Send JSON, with Content-Type: application/json; got {request.mimetype[:80] or 'none'}.")
    try:
        return shape.model_validate_json(raw)
    except ValidationError as error:
        raise fields.refusal("body", error) from None


# --- Private ---------------------------------------------------------------------------------------------------------


def _desk() -> Desk:
    return cast("Desk", current_app.extensions["authsvc.desk"])


def _count(caller: Caller) -> None:
    counted: Limits = current_app.extensions["authsvc.limits"]
    room = counted.take(Limit("api-key", RateLimitItemPerMinute(caller.per_minute)), str(caller.id))
    g.api_room = caller.per_minute, room
    g.is_api_test = caller.is_test
    if not room.is_within:
        raise TooManyRequests(
            f"{caller.name} may ask {caller.per_minute} times a minute. Wait {room.reset_s} s and go on."
        )


def _idempotency_key(operation: Operation) -> str | None:
    if not operation.is_write:
        return None
    given = request.headers.get("Idempotency-Key")
    if given is None:
        if operation.needs_idempotency_key:
            raise IdempotencyKeyNeeded(
                "Send Idempotency-Key with a text of your own, new for each request, such as a UUID. Repeat the "
                "request with the same one when no answer came: it is done once."
            )
        return None
    if re.fullmatch(rf"[!-~]{{1,{LONGEST_IDEMPOTENCY_KEY}}}", given) is None:
        expected = f"1 to {LONGEST_IDEMPOTENCY_KEY} printable ASCII characters without a space"
        raise BadFields(
            f"Idempotency-Key must have {expected}.", [{"at": "header.Idempotency-Key", "expected": expected}]
        )
    return given


def _versions(operation: Operation) -> ETags | None:
    return request.if_match if operation.is_versioned_write else None


def _written(reply: Reply) -> Given:
    if reply.told is None:
        return Given(reply.status, dict(reply.headers), "")
    return Given(reply.status, {"Content-Type": "application/json", **reply.headers}, reply.told.model_dump_json())


def _response(given: Given, *, is_repeated: bool = False) -> Response:
    response = Response(given.body, given.status)
    if not given.body:
        response.headers.pop("Content-Type", None)
    for name in _KEPT_HEADERS:
        if name in given.headers:
            response.headers[name] = given.headers[name]
    if is_repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@bp.after_request
def _tell_room(response: Response) -> Response:
    """Say how much the key may still ask (draft-ietf-httpapi-ratelimit-headers), and whether it opens a sandbox."""
    if g.get("is_api_test"):
        response.headers["Authsvc-Sandbox"] = "true"
    if "api_room" in g:
        per_minute, room = cast("tuple[int, Room]", g.api_room)
        response.headers["RateLimit-Policy"] = f'"key";q={per_minute};w=60'
        response.headers["RateLimit"] = f'"key";r={room.left};t={room.reset_s}'
        if not room.is_within:
            response.headers["Retry-After"] = str(room.reset_s)
    return response
