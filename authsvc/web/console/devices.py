"""Trusted devices: browsers and programs of the brand's own people, whose scans are stored and never counted."""

from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import trusted_devices
from authsvc.core import devices as secrets_of
from authsvc.core.devices import SECRET_BYTES, DeviceKind
from authsvc.errors import BadInput
from authsvc.staff import Role
from authsvc.trusted_devices import DeviceInfo
from authsvc.web import visitors
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime

HERE = "/console/devices"


@guard.page("/devices", role=Role.VIEWER, nav="Devices")
def devices() -> str:
    """Show what the brand trusts, and to an operator how to trust more."""
    return _devices()


@guard.page("/devices/keys", role=Role.OPERATOR, methods=["POST"])
def add_key() -> str | tuple[str, int]:
    """Trust a program, and show its key once."""
    try:
        info, secret = _add(DeviceKind.KEY)
    except BadInput as error:
        return _devices(fault=str(error), of="key"), error.status
    return _devices(added=info, key=secret)


@guard.page("/devices/browsers", role=Role.OPERATOR, methods=["POST"])
def add_browser() -> Response | tuple[str, int]:
    """Trust the browser that asks, by a cookie that lasts a year."""
    try:
        info, secret = _add(DeviceKind.BROWSER)
    except BadInput as error:
        return _devices(fault=str(error), of="browser"), error.status
    response = guard.done(f"This browser is trusted as {info.name}. Its scans no longer count.", HERE)
    secure = visitors.is_secure(request.environ)
    response.headers.add("Set-Cookie", visitors.set_device_cookie_header(secret, secure=secure))
    return response


@guard.page("/devices/<uuid:device_id>/revoke", role=Role.OPERATOR, methods=["POST"])
def revoke_device(device_id: UUID) -> Response:
    """Trust a device no more."""
    me = guard.me()
    with guard.session() as session:
        info = trusted_devices.revoke_device(session, me.brand_id, device_id, now=guard.now())
        me.record(session, "device.revoke", str(info.id), {"name": info.name})
    return guard.done(f"{info.name} is trusted no more. Its scans count again.", HERE)


def _add(kind: DeviceKind) -> tuple[DeviceInfo, str]:
    me, rt = guard.me(), runtime()
    secret = secrets_of.spell(rt.random(SECRET_BYTES))
    with guard.session() as session:
        info = trusted_devices.add_device(
            session,
            me.brand_id,
            kind,
            request.form.get("name", ""),
            id=rt.new_id(),
            secret=secret,
            now=guard.now(),
        )
        me.record(session, "device.add", str(info.id), {"name": info.name, "kind": info.kind.value})
    return info, secret


def _devices(
    *, fault: str | None = None, of: str | None = None, added: DeviceInfo | None = None, key: str | None = None
) -> str:
    me = guard.me()
    with guard.session() as session:
        found = trusted_devices.list_devices(session, me.brand_id)
    return rendering.show(
        "console/devices.html",
        title="Trusted devices",
        trusted=[each for each in found if each.revoked_at is None],
        revoked=[each for each in found if each.revoked_at is not None],
        may_change=me.role.may(Role.OPERATOR),
        host=request.host,
        fault=fault,
        of=of,
        name=request.form.get("name", "")[:200] if fault else "",
        added=added,
        key=key,
    )
