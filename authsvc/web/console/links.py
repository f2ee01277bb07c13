"""
Links of the resolver: where a code leads to beside the page that checks it, for a product, a batch or an item.

An operator writes links; which hosts they may lead to is for an admin, with a fresh proof: it is the fence around them.
"""

from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from authsvc import catalogue
from authsvc import links as register
from authsvc.core.link_types import LINK_TYPES
from authsvc.core.register import Product
from authsvc.errors import AuthsvcError, BadInput, Conflict, NotFound
from authsvc.links import Draft, LinkInfo
from authsvc.staff import Role
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime

HERE = "/console/links"
NAV = "Links"
Page = str | tuple[str, int] | Response


@guard.page("/links", role=Role.VIEWER, nav=NAV)
def links() -> str:
    """List the products with their links, and the hosts."""
    return _all()


@guard.page("/links/hosts", role=Role.ADMIN, methods=["POST"], step_up=True)
def add_host() -> Page:
    """Let links lead to another host."""
    me = guard.me()
    try:
        with guard.session() as session:
            host = register.add_host(session, me.brand_id, request.form.get("host", "")[:300], now=guard.now())
            me.record(session, "link-host.add", host)
    except (BadInput, Conflict) as error:
        return _all(fault=str(error)), error.status
    return guard.done(f"Links may lead to {host}.", HERE)


@guard.page("/links/hosts/edit", role=Role.ADMIN, nav=NAV, step_up=True)
def hosts() -> str:
    """Show the hosts with what changes them, to an admin who has just proved who they are."""
    return _all(may_change_hosts=True)


@guard.page("/links/hosts/remove", role=Role.ADMIN, methods=["POST"], step_up=True)
def remove_host() -> Page:
    """Let no link lead to a host any more."""
    me, host = guard.me(), request.form.get("host", "")[:300]
    try:
        with guard.session() as session:
            register.remove_host(session, me.brand_id, host)
            me.record(session, "link-host.remove", host)
    except (NotFound, Conflict) as error:
        return _all(fault=str(error)), error.status
    return guard.done(f"No link may lead to {host} any more.", HERE)


@guard.page("/links/<gtin>", role=Role.VIEWER, nav=NAV)
def of_product(gtin: str) -> str:
    """Show the links of a product, in their order."""
    return _product(gtin)


@guard.page("/links/<gtin>", role=Role.OPERATOR, methods=["POST"], nav=NAV)
def add(gtin: str) -> Page:
    """Add a link to a product, a batch or an item."""
    me = guard.me()
    try:
        with guard.session() as session:
            product = _get(session, gtin)
            info = register.add_link(session, product, _asked(), id=runtime().new_id(), now=guard.now())
            me.record(session, "link.add", product.gtin, _told(info))
    except (BadInput, Conflict) as error:
        return _product(gtin, fault=error), error.status
    return guard.done(f"{info.title} is added.", f"{HERE}/{gtin}")


@guard.page("/links/<gtin>/<uuid:link_id>", role=Role.OPERATOR, methods=["GET", "POST"], nav=NAV)
def change(gtin: str, link_id: UUID) -> Page:
    """Change a link."""
    me = guard.me()
    with guard.session() as session:
        before = _find(session, gtin, link_id)
    if request.method == "GET":
        return _form(before)
    try:
        with guard.session() as session:
            info = register.change_link(session, _get(session, gtin), link_id, _asked(before), now=guard.now())
            me.record(session, "link.change", info.gtin, {**_told(info), "previous": before.href})
    except (BadInput, Conflict) as error:
        return _form(before, fault=error), error.status
    return guard.done(f"{info.title} is changed.", f"{HERE}/{gtin}")


@guard.page("/links/<gtin>/<uuid:link_id>/move", role=Role.OPERATOR, methods=["POST"])
def move(gtin: str, link_id: UUID) -> Response:
    """Let a link change places with its neighbour."""
    me, up = guard.me(), request.form.get("to") == "up"
    with guard.session() as session:
        _find(session, gtin, link_id)
        info = register.move_link(session, me.brand_id, link_id, up=up, now=guard.now())
        me.record(session, "link.move", info.gtin, {"id": str(info.id), "to": "up" if up else "down"})
    return guard.done(f"{info.title} has moved {'up' if up else 'down'}.", f"{HERE}/{gtin}")


@guard.page("/links/<gtin>/<uuid:link_id>/remove", role=Role.OPERATOR, methods=["POST"])
def remove(gtin: str, link_id: UUID) -> Response:
    """Take a link away."""
    me = guard.me()
    with guard.session() as session:
        _find(session, gtin, link_id)
        info = register.remove_link(session, me.brand_id, link_id)
        me.record(session, "link.remove", info.gtin, _told(info))
    return guard.done(f"{info.title} is removed.", f"{HERE}/{gtin}")


# --- Private ---------------------------------------------------------------------------------------------------------


def _get(session: Session, gtin: str) -> Product:
    try:
        return catalogue.get_product(session, gtin)
    except NotFound:
        raise NotFound("The brand has no product with this GTIN.") from None


def _find(session: Session, gtin: str, link_id: UUID) -> LinkInfo:
    info = register.get_link(session, guard.me().brand_id, link_id)
    if info.gtin != gtin:
        raise NotFound("The brand has no such link.")
    return info


def _asked(before: LinkInfo | None = None) -> Draft:
    """Read the form of a link; what a link speaks of is chosen when it is made."""
    form = request.form
    level = before and (before.lot, before.serial)
    lot, serial = level or (form.get("lot", "").strip() or None, form.get("serial", "").strip() or None)
    return Draft(
        link_type=form.get("link_type", ""),
        href=form.get("href", ""),
        title=form.get("title", ""),
        lot=lot,
        serial=serial,
        languages=tuple(form.get("languages", "").replace(",", " ").split()),
        media_type=form.get("media_type", ""),
    )


def _all(*, fault: str | None = None, may_change_hosts: bool = False) -> str:
    me = guard.me()
    with guard.session() as session:
        products = catalogue.list_products(session, me.brand_id)
        found = register.list_links(session, me.brand_id)
        known = register.list_hosts(session, me.brand_id)
        own = catalogue.get_brand_by_id(session, me.brand_id).hosts
    counts = {product.gtin: sum(one.gtin == product.gtin for one in found) for product in products}
    return rendering.show(
        "console/links.html", title="Links", products=products, counts=counts, hosts=known, own=own, fault=fault,
        host=request.form.get("host", "")[:300] if fault else "", is_admin=me.role.may(Role.ADMIN),
        may_change_hosts=may_change_hosts or fault is not None,
    )  # fmt: skip


def _product(gtin: str, fault: AuthsvcError | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        product = _get(session, gtin)
        found = register.list_links(session, me.brand_id, gtin)
    return rendering.show(
        "console/links_product.html", title=f"Links of {product.name}", product=product, found=found, kinds=LINK_TYPES,
        may_change=me.role.may(Role.OPERATOR), fault=str(fault) if fault else None, given=_given(None),
    )  # fmt: skip


def _form(info: LinkInfo, fault: AuthsvcError | None = None) -> str:
    return rendering.show(
        "console/link_form.html", title="Change the link", info=info, kinds=LINK_TYPES, given=_given(info),
        fault=str(fault) if fault else None,
    )  # fmt: skip


def _given(info: LinkInfo | None) -> dict[str, str]:
    """Return what the form shows: what was sent, else what is stored."""
    if request.method == "POST":
        names = ("link_type", "href", "title", "lot", "serial", "languages", "media_type")
        return {name: request.form.get(name, "")[:2000] for name in names}
    if info is None:
        return dict.fromkeys(("href", "title", "lot", "serial", "languages", "media_type"), "") | {"link_type": "pip"}
    return {
        "link_type": info.link_type, "href": info.href, "title": info.title, "lot": info.lot or "",
        "serial": info.serial or "", "languages": ", ".join(info.languages), "media_type": info.media_type or "",
    }  # fmt: skip


def _told(info: LinkInfo) -> dict[str, Any]:
    return {
        "id": str(info.id), "type": info.link_type, "href": info.href, "title": info.title, "lot": info.lot,
        "serial": info.serial, "languages": list(info.languages), "media_type": info.media_type,
    }  # fmt: skip
