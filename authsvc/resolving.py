"""
Resolving: from a code to the links of its product, lot and item. It counts nothing, and is nobody's first check.

Whether a code exists is asked exactly as a scan asks it, so that links are given for what was issued and for nothing
else. Three links are the service's own: the page that judges the code is the default, the entry in the register, and,
where the brand has named none, the product page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from authsvc import messaging, scanning
from authsvc.connections import Connections, Row
from authsvc.core.gs1 import DigitalLink
from authsvc.core.link_types import SERVICE
from authsvc.core.linksets import Target
from authsvc.core.register import Brand
from authsvc.core.verdicts import Facts
from authsvc.errors import Unavailable, UnknownCode
from authsvc.holdings import Holdings

LINKS = """
SELECT lot, serial, link_type, href, title, to_json(languages) AS languages, media_type FROM links
WHERE gtin = %(gtin)s AND brand_id = %(brand_id)s
  AND (lot IS NULL AND serial IS NULL OR lot = %(lot)s OR serial = %(serial)s)
ORDER BY serial NULLS LAST, lot NULLS LAST, position, id"""
"""From the item to the product: what stands nearer comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What is known of a code: its links from the item to the product, and a description for each anchor."""

    brand: Brand
    path: str
    targets: tuple[Target, ...]
    descriptions: dict[str, str]


def resolve(
    held: Holdings,
    connections: Connections,
    link: DigitalLink,
    *,
    origin: Callable[[Brand], str],
    at: datetime,
    new_id: Callable[[], UUID],
) -> Resolved:
    """
    Return the links of a code.

    Raises:
        UnknownCode: No such code was issued.
        Unavailable: The database does not answer.
    """
    facts = scanning.scan(held, connections, link, None, None, at=at, new_id=new_id).verdict.facts
    if not facts.has_history:
        raise Unavailable("The links of this code cannot be read now. Try again in a few minutes.")
    if not facts.is_issued or facts.brand is None:
        raise UnknownCode("No such code was issued here, so nothing is linked to it.")
    path = link.path().partition("?")[0]
    rows: Sequence[Row] = ()
    if facts.product is not None and link.gtin is not None:
        rows = connections.fetch_all(
            LINKS,
            {"gtin": link.gtin, "brand_id": facts.brand.id, "lot": facts.lot, "serial": link.serial},
        )
    targets = [_target(row, link, path) for row in rows]
    service = _service(connections, facts, link, origin(facts.brand), path)
    name = facts.product.name if facts.product is not None else facts.brand.name
    own = f"{origin(facts.brand)}{path}"
    return Resolved(
        brand=facts.brand,
        path=path,
        targets=(*_own(own, path, name, targets), *service, *targets),
        descriptions=_describe(path, link, name),
    )


def _target(row: Row, link: DigitalLink, path: str) -> Target:
    if row.serial is not None:
        anchor = path
    elif row.lot is not None:
        anchor = f"/01/{link.gtin}/10/{quote(row.lot, safe='')}"
    else:
        anchor = f"/01/{link.gtin}"
    return Target(
        anchor=anchor,
        link_type=row.link_type,
        href=row.href,
        title=row.title,
        languages=tuple(row.languages),
        media_type=row.media_type,
    )


def _own(href: str, path: str, name: str, targets: Sequence[Target]) -> list[Target]:
    """Return the links to the page that judges the code; the default has a title and nothing else."""
    kinds = ["registryEntry"] if any(target.link_type == "pip" for target in targets) else ["registryEntry", "pip"]
    title = f"Check this code: {name}"
    return [
        Target(anchor=path, link_type="defaultLink", href=href, title=title),
        *(Target(anchor=path, link_type=kind, href=href, title=title, media_type="text/html") for kind in kinds),
    ]


def _service(connections: Connections, facts: Facts, link: DigitalLink, origin: str, path: str) -> list[Target]:
    """Return where an item is verified by GS1 Lightweight Messaging, if its brand answers there."""
    assert facts.brand is not None
    if (
        link.gtin is None
        or link.serial is None
        or facts.lot is None
        or not messaging.answers(connections, facts.brand.id)
    ):
        return []
    expiry = f"?exp={link.expiry}" if link.expiry else ""
    lot, serial = quote(facts.lot, safe=""), quote(link.serial, safe="")
    href = f"{origin}/verify/gtin/{link.gtin}/lot/{lot}/ser/{serial}{expiry}"
    return [Target(anchor=path, link_type=SERVICE, href=href, title="Verify this item", media_type="application/json")]


def _describe(path: str, link: DigitalLink, name: str) -> dict[str, str]:
    found = {f"/01/{link.gtin}": name} if link.gtin else {}
    if link.lot and not link.serial:
        found[path] = f"{name}, batch {link.lot}"
    elif link.serial:
        found[path] = f"{name}, serial number {link.serial}"
    return found or {path: name}
