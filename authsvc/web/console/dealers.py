"""Dealers: who sells the brand's items, what they hold, who is let in and how that ends."""

from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import dealers, languages, mails, owner_sessions
from authsvc.errors import AuthsvcError
from authsvc.owner_sessions import DEALER
from authsvc.staff import Role
from authsvc.web.console import guard, rendering
from authsvc.web.rendering import country_names
from authsvc.web.site import runtime

HERE = "/console/dealers"


@guard.page("/dealers", role=Role.VIEWER, nav="Dealers")
def dealers_page() -> str:
    """List the dealers with what they hold and have sold."""
    return _page()


@guard.page("/dealers", role=Role.ADMIN, methods=["POST"])
def let_in() -> Response | tuple[str, int]:
    """Let a dealer in, and mail it a link."""
    me, rt = guard.me(), runtime()
    try:
        with guard.session() as session:
            made = dealers.add(
                session, me.brand_id, name=request.form.get("name", ""), country=request.form.get("country", ""),
                email=request.form.get("email", ""), by=me.actor.name, countries=country_names(), now=guard.now(),
                new_id=rt.new_id,
            )  # fmt: skip
            me.record(session, "dealer.add", str(made.id), {"name": made.name, "country": made.country})
            with guard.as_owners(session) as owning:
                secret = owner_sessions.make_link(
                    owning, me.brand_id, DEALER, {"dealer": str(made.id)}, now=guard.now(), random=rt.random
                )
            code = _language()
            link = languages.carried(f"{rt.config.base_url}/own/dealer/sign-in/{secret}", code)
            draft = mails.Draft(
                id=rt.new_id(), brand_id=me.brand_id, template="dealer-invitation", to=made.email,
                values={"dealer": made.name, "link": link}, language=code,
            )  # fmt: skip
            mails.enqueue(session, draft, seal_key=rt.mail_key, nonce=rt.random(12), now=guard.now())
    except AuthsvcError as error:
        return _page(fault=str(error)), error.status
    return guard.done(f"{made.name} is let in. A link is mailed to {made.email}.", HERE)


@guard.page("/dealers/<uuid:dealer_id>/end", role=Role.ADMIN, methods=["POST"])
def end_dealer(dealer_id: UUID) -> Response:
    """End a dealer: its sessions and keys hold no more, and what it held stays with its name."""
    me = guard.me()
    with guard.session() as session:
        ended = dealers.end(session, me.brand_id, dealer_id, now=guard.now())
        me.record(session, "dealer.end", str(ended.id), {"name": ended.name})
    return guard.done(f"{ended.name} is no dealer any more. Its keys no longer work.", HERE)


def _language() -> str:
    """Return the language in which a mail goes out: one of those that there are, English where none was chosen."""
    chosen = request.form.get("language", "")
    return chosen if chosen in {language.code for language in languages.offered()} else languages.DEFAULT


def _page(*, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        found = dealers.list_of(session, me.brand_id)
    return rendering.show(
        "console/dealers.html",
        title="Dealers",
        present=[each for each in found if each.ended_at is None],
        ended=[each for each in found if each.ended_at is not None],
        may_change=me.role.may(Role.ADMIN),
        countries=sorted(country_names().items(), key=lambda pair: pair[1]),
        names=country_names(),
        offered=[(language.code, language.name) for language in languages.offered()],
        fault=fault,
        typed=request.form if fault else {},
    )
