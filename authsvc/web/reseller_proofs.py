"""``/check/proof/…``: what a seller's proof shows to a buyer or a marketplace. Looking counts and stores nothing."""

import re

from flask import Response, current_app

from authsvc import languages, proofs
from authsvc.core.verdicts import Disposition
from authsvc.desk import Desk
from authsvc.errors import ProofOver
from authsvc.investigations import Subject
from authsvc.languages import gettext as _
from authsvc.proofs import Proof
from authsvc.web import pages
from authsvc.web.site import count_links, runtime

PATH = "/check/proof/"
SHOWN = 4
"""How much of the serial number is shown: enough to compare, too little to pretend to hold the item."""

_LINK = re.compile(r"https?://[^/\s]+/check/proof/([A-Za-z0-9_-]{43})")
_GONE = {Disposition.LOST: "lost", Disposition.STOLEN: "stolen", Disposition.BLOCKED: "blocked"}


def find_secret(text: str) -> str | None:
    """Return the secret of a proof in what somebody has pasted or scanned, whatever host stands before it."""
    found = _LINK.fullmatch(text)
    return found[1] if found else None


def page(secret: str) -> Response:
    """Show what a proof says, or that it says nothing."""
    count_links(1)
    rt, desk = runtime(), _desk()
    at = rt.now()
    try:
        with desk.as_owners(None) as session:
            brand_id = proofs.find_brand(session, secret, now=at)
        with desk.as_owners(brand_id) as session:
            found = proofs.read(session, secret, now=at)
    except ProofOver as error:
        refused = pages.template("reseller_proof_over.html").render(
            brand=None, title=_(error.title), text=languages.of_error(error)
        )
        return _private(Response(refused, error.status))
    return _private(Response(_render(found)))


# --- Private ---------------------------------------------------------------------------------------------------------


def _render(found: Proof) -> str:
    rt = runtime()
    gtin, _dot, serial = found.sgtin.partition(".")
    subject = Subject.of(rt.held, gtin, serial)
    return pages.template("reseller_proof.html").render(
        brand=None,
        title=_("The registered owner made this proof"),
        maker=subject.name.brand.name,
        product=subject.product,
        ending=serial[-SHOWN:],
        condition=_GONE.get(found.disposition),
        made=pages.moment(found.made_at),
        expires=pages.moment(found.expires_at),
        since=pages.month(found.registered_at),
        number_of_owners=found.number_of_owners,
        is_flagged=found.is_flagged,
        host=rt.config.base_url.partition("//")[2],
    )


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _desk() -> Desk:
    found: Desk = current_app.extensions["authsvc.desk"]
    return found
