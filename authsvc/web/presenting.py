"""From a request to what a scan may know of it, and from its outcome to the page: one way for every route."""

import contextlib
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from authsvc import receipts, scanning
from authsvc.core.devices import Device, digest
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Brand
from authsvc.core.verdicts import item_key
from authsvc.errors import Unavailable
from authsvc.runtime import Runtime
from authsvc.scan_rows import Presentation
from authsvc.scanning import Checked
from authsvc.web import meters, pages, visitors
from authsvc.web.wire import Environ


def presentation(
    environ: Environ, rt: Runtime, link: DigitalLink, *, at: datetime, is_typed: bool = False
) -> tuple[Presentation, visitors.Visitor]:
    """Return who shows *link*, as pseudonyms that hold for this item alone, and the visitor's cookie."""
    seen = visitors.seen(
        environ,
        key=rt.visitor_key,
        at=at,
        locate=rt.locate,
        proxy_hops=rt.config.proxy_hops,
        random=rt.random,
        find_asn=rt.find_asn,
    )
    # Most installations trust no device, and most requests show none: then this costs nothing.
    device = _find_device(environ, rt, link) if rt.held.devices else None
    key = item_key(link.gtin, link.serial, link.sscc, link.lot)
    shown = Presentation(
        id=rt.new_id(),
        at=at,
        visitor=visitors.pseudonym(rt.visitor_key, key, seen.cookie.cookie),
        prefix=seen.prefix,
        is_known=not seen.cookie.is_new,
        place=seen.place,
        network=seen.network,
        automated=seen.automated if device is None else "internal",
        channel="internal" if device is not None else "typed" if is_typed else "camera",
        is_typed=is_typed,
        asn=seen.asn,
        device=None if device is None else device.id,
    )
    return shown, seen.cookie


def note_device(rt: Runtime, shown: Presentation, brand: Brand | None) -> None:
    """Store, once an hour, that a trusted device is in use: one that is not can be revoked."""
    if shown.device is None or brand is None:
        return
    last = rt.devices_seen.get(shown.device)
    if last is None or shown.at - last > timedelta(hours=1):
        rt.devices_seen[shown.device] = shown.at
        with contextlib.suppress(Unavailable):
            scanning.note_device(rt.connections, brand.id, shown.device, at=shown.at)


def _find_device(environ: Environ, rt: Runtime, link: DigitalLink) -> Device | None:
    """Return the trusted device that asks, if it is of the brand whose code it shows."""
    secret = visitors.device_secret(environ)
    if secret is None:
        return None
    held = rt.held
    device = held.devices.get(digest(secret))
    brand = held.register.find_brand(link.gtin or link.sscc or "")
    return device if device is not None and brand is not None and device.brand_id == brand.id else None


def page(environ: Environ, rt: Runtime, checked: Checked, cookie: visitors.Visitor | None, *, here: str = "/") -> bytes:
    """Render what a check gave, at *here*; with a *cookie* the page may confirm, once, that it ran."""
    receipt = checked.receipt
    nonce = None
    if checked.may_confirm and receipt is not None and cookie is not None:
        nonce = receipts.nonce(rt.nonce_key, receipt, cookie.cookie)
    return pages.live(
        pages.Check(
            verdict=checked.verdict,
            host=shown_host(environ, rt, checked.verdict.facts.brand),
            receipt=receipts.spell(receipt) if receipt else None,
            reference=receipts.reference(receipt) if receipt else None,
            nonce=nonce,
            here=here,
        )
    )


def count(checked: Checked) -> None:
    """Count an answer in the metrics."""
    meters.scans(checked.verdict.reason).inc()


def shown_host(environ: Environ, rt: Runtime, brand: Brand | None) -> str:
    """Return the address a visitor should see: the one they used where it is the brand's, else the service's own."""
    host: str = environ.get("HTTP_HOST", "")
    if brand is not None and host in brand.hosts:
        return host
    return urlsplit(rt.config.base_url).netloc
