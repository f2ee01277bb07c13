"""Programs of a brand that call: whose they are, by the key that they send, and how the log names them."""

from uuid import UUID

from flask import request

from authsvc.audit import Actor, record
from authsvc.core.devices import DeviceKind, digest, is_secret
from authsvc.errors import SignInNeeded
from authsvc.web.site import count_write, runtime
from authsvc.web.visitors import DEVICE_HEADER

__all__ = ["get_caller", "record"]


def get_caller() -> tuple[UUID, Actor]:
    """
    Return the brand whose program asks, and how the log names it.

    Raises:
        SignInNeeded: No key came, or one that opens nothing.
        TooManyRequests: A network tries keys.
    """
    secret = request.environ.get(DEVICE_HEADER, "")
    device = runtime().held.devices.get(digest(secret)) if is_secret(secret) else None
    if device is None or device.kind is not DeviceKind.KEY:
        count_write()  # Nobody guesses a key; who tries shall not do so quickly.
        raise SignInNeeded("Send the key of a program of the brand in the header Authsvc-Device.")
    return device.brand_id, Actor("key", device.id, "a trusted program")
