"""For which of their brands somebody acts."""

from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import staff_sessions
from authsvc.web.console import guard, rendering, sign_in


@guard.signed_in("/brands")
def choose() -> str | Response:
    """Show the brands of a person; where there is one, and none was chosen, go on with it."""
    to, me = guard.safe_next(request.args.get("next")), guard.signed()
    with guard.desk().as_auth() as session:
        places = staff_sessions.list_places(session, me.account_id, me.bound_to)
        only = staff_sessions.only(places)
        if only is not None and me.brand_id is None:
            secret, _ = sign_in.enter(session, me, only.brand_id)
            guard.set_session(secret)
            return guard.go(to)
    return rendering.show_plain("console/brands.html", title="Choose a brand", places=places, now=me.brand_id, next=to)


@guard.signed_in("/brands", methods=["POST"])
def enter() -> Response:
    """Act for one brand from now on."""
    to, me = guard.safe_next(request.form.get("next")), guard.signed()
    with guard.desk().as_auth() as session:
        secret, _ = sign_in.enter(session, me, _brand_id(request.form.get("brand", "")))
    guard.set_session(secret)
    return guard.go(to)


def _brand_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # Nobody works there, and what is no number is answered alike.
