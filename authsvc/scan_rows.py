"""
What a scan gives its statement, and what it takes from the row that comes back.

``scanning`` tells the story; here a presentation and what is known of a code become parameters, and a row becomes
facts. Nothing here asks the database.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from authsvc import public_data
from authsvc.connections import Row
from authsvc.core import recall_texts, serials
from authsvc.core.clones import Network, Place
from authsvc.core.keyring import VerificationKey, is_spared
from authsvc.core.register import Release
from authsvc.core.values import lean_dataclass
from authsvc.core.verdicts import Disposition, Facts, Recall
from authsvc.core.warranties import Warranty
from authsvc.holdings import Holdings


@lean_dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """
    Who showed a code, when and from where, as far as a scan may know it.

    ``id`` is 128 random bits and becomes the receipt. ``visitor``, ``prefix`` and ``asn`` are pseudonyms. ``is_known``
    says that the visitor's cookie came back, so that a repeat can be told. ``automated`` names why the scan does not
    count; ``device`` is the trusted device whose scan is internal.
    """

    id: UUID
    at: datetime
    visitor: bytes
    prefix: bytes
    is_known: bool
    place: Place
    network: Network
    automated: str | None = None
    channel: str = "camera"
    is_typed: bool = False
    asn: bytes | None = None
    device: UUID | None = None


def decode(held: Holdings, known: Facts) -> tuple[int | None, int | None]:
    """Return the run and the index in it that a derived serial stands for; neither for any other code."""
    if known.brand is None or known.serial is None or known.gtin is None:
        return None, None
    return serials.decode(known.serial, known.gtin, held.serial_keys_of(known.brand.id)) or (None, None)


def lot_params(known: Facts, key: VerificationKey | None) -> dict[str, Any]:
    """Return what a lot is asked for by."""
    return {
        "gtin": known.gtin,
        "lot": known.lot,
        "brand_id": known.brand.id if known.brand else None,
        "key_id": key.key_id if key else None,
    }


def item_params(held: Holdings, known: Facts, key: VerificationKey | None, seen: Presentation | None) -> dict[str, Any]:
    """Return what an item is asked for by."""
    assert known.brand is not None
    run, index = decode(held, known)
    params = {
        "sgtin": known.item_key,
        "brand_id": known.brand.id,
        "gtin": known.gtin,
        "serial": known.serial,
        "link_lot": known.lot,
        "link_expires_on": known.expires_on,
        "at": known.at,
        "id": seen.id if seen else None,
        "run": run,
        "index": index,
        "key_id": key.key_id if key else None,
    }
    if known.sscc is not None:
        params["sscc_number"] = int(known.sscc[:17])
    return params


def scan_params(seen: Presentation, known: Facts, key: VerificationKey | None) -> dict[str, Any]:
    """Return what is recorded of a presentation."""
    place = seen.place
    return {
        "visitor": seen.visitor,
        "prefix": seen.prefix,
        "country": place.country,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "radius_km": place.radius_km,
        "network": str(seen.network),
        "channel": seen.channel,
        "automated": seen.automated,
        "asn": seen.asn,
        "device": seen.device,
        "is_weak": not seen.is_known,
        "is_signed": key is not None,
        "format": known.signature.format,
        "needs_commission": known.product is not None and known.product.release is Release.ON_COMMISSION,
    }


def with_lot(known: Facts, row: Row, key: VerificationKey | None) -> Facts:
    """Add what the database said of an issued lot."""
    return replace(
        known,
        is_issued=True,
        recall=recall_of(row),
        expires_on=row.expires_on or known.expires_on,
        withdrawn_at=_withdrawn_at(key, row, known.at),
        data=public_data.of_lot(row.lot_data),
    )


def with_row(known: Facts, row: Row, key: VerificationKey | None) -> Facts:
    """Add what the database said of an issued item."""
    data, records = public_data.read(row.lot_data, row.unit_data)
    # Written out, because to copy so many facts one by one takes ``replace`` three times as long.
    return Facts(
        at=known.at,
        signature=known.signature,
        gtin=known.gtin,
        serial=known.serial,
        sscc=known.sscc,
        lot=row.lot or known.lot,
        brand=known.brand,
        product=known.product,
        is_typed=known.is_typed,
        is_issued=True,
        withdrawn_at=_withdrawn_at(key, row, known.at),
        is_commissioned=row.is_commissioned,
        disposition=_DISPOSITIONS[row.disposition],
        disposition_at=row.disposition_at,
        recall=recall_of(row),
        lot_recall=known.lot_recall,
        expires_on=row.expires_on,
        contents=known.contents,
        is_flagged=row.flagged_at is not None,
        scan_number=row.scan_number,
        first_at=row.first_at,
        mine_at=row.mine_at,
        warranty=_warranty(row, known.at),
        owners=known.owners,
        is_offered=known.is_offered,
        has_history=known.has_history,
        data=data,
        records=records,
    )


_DISPOSITIONS = {None: Disposition.ACTIVE} | {each.value: each for each in Disposition}


def _withdrawn_at(key: VerificationKey | None, row: Row, at: datetime) -> datetime | None:
    """Return since when a revoked key makes this code count for nothing; None where it does not."""
    if key is None or is_spared(key, first_valid_at=row.first_valid_at, run=row.any_run):
        return None
    return (key.revocation.since if key.revocation else None) or at


def with_owners(facts: Facts, row: Row) -> Facts:
    """Add how often the item has changed hands, for who only asks."""
    return replace(facts, owners=row.owners, is_offered=row.is_offered)


def _warranty(row: Row, at: datetime) -> Warranty | None:
    if row.held_at is None or row.warranty_until is None or row.held_at > at:
        return None
    return Warranty(row.warranty_from, row.warranty_until)


def recall_of(row: Row) -> Recall | None:
    """Return the recall that covers the code, as a row has it."""
    if row.recall_id is None or row.recall_reason is None:
        return None
    return Recall(
        reason=row.recall_reason,
        remedy=row.recall_remedy,
        lot=row.recall_lot,
        recalled_at=row.recalled_at,
        language=row.recall_language,
        texts=recall_texts.read(row.recall_texts),
    )
