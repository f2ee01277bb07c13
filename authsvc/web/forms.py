"""
What the public forms share: that a form is ours, whose check a receipt is, the way to the database, how pages leave.

They need no account and no cookie of their own: the visitor's cookie, a random number, ties a form to its browser.
"""

import hmac
from contextlib import AbstractContextManager
from uuid import UUID

from flask import Response, current_app, request
from sqlalchemy.orm import Session

from authsvc.errors import ForeignForm, Unavailable
from authsvc.receipts import Receipt
from authsvc.web import visitors
from authsvc.web.site import runtime


def token(subject: str, cookie: str) -> str:
    """Return what a form about *subject* has to bring back from the browser with this *cookie*."""
    message = f"authsvc/public-form/1|{subject}|{cookie}".encode()
    return hmac.digest(runtime().nonce_key, message, "sha256").hex()


def check(subject: str) -> visitors.Visitor:
    """
    Accept a form that a page of ours has shown to this browser, and return who it is.

    Raises:
        ForeignForm: It is of another site or another browser.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ForeignForm("Another site has sent this form. Nothing was stored.")
    cookie = visitors.visitor_cookie(request.environ, runtime().random)
    given = request.form.get("form_token", "")
    if cookie.is_new or not given.isascii() or not hmac.compare_digest(token(subject, cookie.cookie), given):
        raise ForeignForm("This form is not from this browser, or cookies are off. Go back, reload, and try again.")
    return cookie


def is_mine(found: Receipt) -> bool:
    """Say whether this browser has made a check, however long ago."""
    rt = runtime()
    cookie = visitors.visitor_cookie(request.environ, rt.random)
    mine = visitors.pseudonym(rt.visitor_key, found.sgtin, cookie.cookie)
    return not cookie.is_new and hmac.compare_digest(mine, found.visitor)


def database(brand_id: UUID | None) -> AbstractContextManager[Session]:
    """
    Open the transaction of a public page, for one brand or none; it commits at the end of the block.

    Raises:
        Unavailable: The database does not answer, which is known without asking it.
    """
    if not runtime().connections.is_available:
        raise Unavailable("The database does not answer. Nothing was stored. Try again in a few minutes.")
    found: AbstractContextManager[Session] = current_app.extensions["authsvc.desk"].as_owners(brand_id)
    return found


def answer(page: str, status: int = 200) -> Response:
    """Return a page that is for one browser, and for no cache on the way."""
    return Response(page, status, headers={"Cache-Control": "no-store", "Vary": "Cookie"})
