"""From a request to what a scan may know of it, and from its outcome to the page: one way for every route."""

from datetime import datetime
from urllib.parse import urlsplit

from authsvc import receipts
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Brand
from authsvc.core.verdicts import item_key
from authsvc.runtime import Runtime
from authsvc.scanning import Checked, Presentation
from authsvc.web import meters, pages, visitors
from authsvc.web.wire import Environ


def presentation(
    environ: Environ, rt: Runtime, link: DigitalLink, *, at: datetime, is_typed: bool = False
) -> tuple[Presentation, visitors.Visitor]:
    """Return who shows *link*, as pseudonyms that hold for this item alone, and the visitor's cookie."""
    seen = visitors.seen(
        environ, key=rt.visitor_key, at=at, locate=rt.locate, proxy_hops=rt.config.proxy_hops, random=rt.random
    )
    key = item_key(link.gtin, link.serial, link.sscc, link.lot)
    shown = Presentation(
        id=rt.new_id(),
        at=at,
        visitor=visitors.pseudonym(rt.visitor_key, key, seen.cookie.cookie),
        prefix=seen.prefix,
        is_known=not seen.cookie.is_new,
        place=seen.place,
        network=seen.network,
        automated=seen.automated,
        channel="typed" if is_typed else "camera",
        is_typed=is_typed,
    )
    return shown, seen.cookie


def page(environ: Environ, rt: Runtime, checked: Checked, cookie: visitors.Visitor | None) -> str:
    """Render what a check gave; with a *cookie* the page may confirm, once, that it ran."""
    receipt = checked.receipt
    nonce = None
    if checked.may_confirm and receipt is not None and cookie is not None:
        nonce = receipts.nonce(rt.nonce_key, receipt, cookie.cookie)
    return pages.verdict(
        pages.Check(
            verdict=checked.verdict,
            host=shown_host(environ, rt, checked.verdict.facts.brand),
            receipt=receipts.spell(receipt) if receipt else None,
            reference=receipts.reference(receipt) if receipt else None,
            nonce=nonce,
        )
    )


def count(checked: Checked) -> None:
    """Count an answer in the metrics."""
    meters.SCANS.labels(checked.verdict.reason.value).inc()


def shown_host(environ: Environ, rt: Runtime, brand: Brand | None) -> str:
    """Return the address a visitor should see: the one they used where it is the brand's, else the service's own."""
    host: str = environ.get("HTTP_HOST", "")
    if brand is not None and host in brand.hosts:
        return host
    return urlsplit(rt.config.base_url).netloc
