"""
The pages of owners under ``/own``: registering an item, signing in by a link, my items, being forgotten.

Every page is complete without JavaScript. ``door`` has what all of them need: the form token, who is signed in, the way
to the database and the mail.
"""

from authsvc.web.own import items, registering, sign_in
from authsvc.web.own.door import bp

__all__ = ["bp", "items", "registering", "sign_in"]
