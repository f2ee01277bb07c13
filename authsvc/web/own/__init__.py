"""
The pages of owners under ``/own``: registering an item, signing in, my items, passing one on, being forgotten.

Every page is complete without JavaScript. ``door`` has what all of them need: the form token, who is signed in, the way
to the database and the mail.
"""

from authsvc.web.own import (
    account,
    asking,
    dealing,
    disputing,
    handing,
    items,
    papers,
    permitting,
    proving,
    recovering,
    registering,
    selling,
    sign_in,
    taking,
    trade_ins,
    trading,
)
from authsvc.web.own.door import bp

__all__ = [
    "account",
    "asking",
    "bp",
    "dealing",
    "disputing",
    "handing",
    "items",
    "papers",
    "permitting",
    "proving",
    "recovering",
    "registering",
    "selling",
    "sign_in",
    "taking",
    "trade_ins",
    "trading",
]
