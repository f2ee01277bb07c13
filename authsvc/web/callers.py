"""
Programs of a brand that call: whose they are, by the key that they send, and how the log names them.

An API key needs the scope of what it does; the key of a trusted program, which a line camera has already, needs none.
"""

from uuid import UUID

from flask import request

from authsvc.audit import Actor, record
from authsvc.core.devices import DeviceKind, digest, is_secret
from authsvc.errors import SignInNeeded
from authsvc.web.api import door
from authsvc.web.site import count_write, runtime
from authsvc.web.visitors import DEVICE_HEADER

__all__ = ["get_caller", "record"]


def get_caller(scope: str) -> tuple[UUID, Actor]:
    """
    Return the brand whose program asks, and how the log names it; an API key must have *scope*.

    Raises:
        ApiKeyNeeded: An API key came that opens nothing.
        ScopeNeeded: It may not do this.
        SignInNeeded: No key came, or one that opens nothing.
        TooManyRequests: A network tries keys.
    """
    if "Authorization" in request.headers:
        caller = door.enter(scope)
        return caller.brand_id, caller.actor
    secret = request.environ.get(DEVICE_HEADER, "")
    device = runtime().held.devices.get(digest(secret)) if is_secret(secret) else None
    if device is None or device.kind is not DeviceKind.KEY:
        count_write()  # Nobody guesses a key; who tries shall not do so quickly.
        raise SignInNeeded(
            "Send an API key of your brand, Authorization: Bearer authsvc_…, or the key of a trusted program in the "
            "header Authsvc-Device."
        )
    return device.brand_id, Actor("key", device.id, "a trusted program")
