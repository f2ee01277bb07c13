"""
``/privacy``: what is kept of people, in plain words, written from what the service really does.

Names and ages of cookies come from the modules that set them, the times from the rules that end what is kept. So the
page and the service cannot say different things.
"""

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, request

from authsvc import retention
from authsvc.config import Config
from authsvc.languages import gettext as _
from authsvc.languages import ngettext
from authsvc.web import pages, visitors
from authsvc.web.own import cookies
from authsvc.web.site import runtime

bp = Blueprint("privacy", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One cookie of the public pages."""

    name: str
    purpose: str
    age: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One thing that is kept, and when it ends."""

    what: str
    until: str


@bp.get("/privacy")
def page() -> Response:
    """Show what is kept, why, and for how long. Opening it sets no cookie and stores nothing."""
    config = runtime().config
    shown = pages.public("privacy", title=_("Privacy in plain words"), cookies=_cookies(), kept=kept(config))
    return Response(shown)


def kept(config: Config) -> list[Kept]:
    """Return what ends when, as the settings are."""
    return [
        Kept(what=_(rule.what), until=_(rule.when) if (days := rule.kept(config)) is None else _after(days))
        for rule in retention.RULES
        if rule.is_of_people
    ]


def _cookies() -> list[Cookie]:
    is_secure = visitors.is_secure(request.environ)
    needed = _("needed for what you ask for (ePrivacy directive, article 5(3))")
    return [
        Cookie(
            name=visitors.COOKIE if is_secure else visitors.PLAIN_COOKIE,
            purpose=_("a random number: counts each phone once, and tells you that you checked an item before"),
            age=_age(visitors.COOKIE_AGE),
            basis=needed,
        ),
        Cookie(
            name=cookies.name_of(cookies.FORM, request),
            purpose=_("keeps a page of yours and its form together, set under “Your items” only"),
            age=_age(cookies.AGES[cookies.FORM]),
            basis=needed,
        ),
        Cookie(
            name=cookies.name_of(cookies.SESSION, request),
            purpose=_("keeps you signed in, set when you sign in to your items"),
            age=_age(cookies.AGES[cookies.SESSION]),
            basis=needed,
        ),
        Cookie(
            name=cookies.name_of(cookies.DEALER, request),
            purpose=_("keeps a dealer signed in, set when one signs in to its stock"),
            age=_age(cookies.AGES[cookies.DEALER]),
            basis=needed,
        ),
    ]


def _age(seconds: int) -> str:
    age = timedelta(seconds=seconds)
    if age.days:
        return ngettext("{count} day", "{count} days", age.days).format(count=age.days)
    return ngettext("{count} hour", "{count} hours", seconds // 3600).format(count=seconds // 3600)


def _after(days: int) -> str:
    return ngettext("after {count} day", "after {count} days", days).format(count=days)
