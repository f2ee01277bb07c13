"""
Receipts: the share-safe address of a check, its one-time confirmation, and the verdict frozen with its time.

A receipt holds the facts of its scan and judges them again with the same rules. What was found since then (a recall,
a theft, a block, a copy) always shows. A receipt must not become a fake's seal: only the visitor who made the check
sees the good colour, and only for a while; more than 20 visitors on one receipt raise an alert.
"""

import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from authsvc import investigations, scan_rows, scanning
from authsvc import scan_statements as sql
from authsvc.connections import Connections, Row
from authsvc.core import serials
from authsvc.core.keyring import VerificationKey
from authsvc.core.macs import hmac_sha256
from authsvc.core.verdicts import Disposition, Facts, Mark, Outcome, Reason, Signature, Verdict, decide
from authsvc.errors import NotFound
from authsvc.holdings import Holdings

MINE_FOR = timedelta(minutes=30)
VISITORS_OF_A_COPIED_RECEIPT = 20
_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    One check, as it was and as it is. ``sgtin`` and ``visitor`` tell whether the reader made it.

    ``then`` is the verdict of the time; ``now`` has what was found since, and is the same where nothing was.
    """

    id: UUID
    at: datetime
    sgtin: str
    visitor: bytes
    then: Verdict
    now: Verdict

    @property
    def has_not_changed(self) -> bool:
        """Whether nothing was found since the check."""
        return (self.then.reason, self.then.notices) == (self.now.reason, self.now.notices)

    def is_mine(self, visitor: bytes | None, at: datetime) -> bool:
        """Say whether *visitor* made the check, not long before *at*."""
        return visitor is not None and hmac.compare_digest(visitor, self.visitor) and at - self.at < MINE_FOR


def spell(receipt: UUID) -> str:
    """Write a receipt as it stands in addresses: 22 characters."""
    return base64.urlsafe_b64encode(receipt.bytes).rstrip(b"=").decode("ascii")


def parse(text: str) -> UUID:
    """
    Read a receipt from an address.

    Raises:
        NotFound: The text is no receipt.
    """
    try:
        raw = base64.b64decode(f"{text}==".encode("ascii"), altchars=b"-_", validate=True)
        receipt = UUID(bytes=raw)
    except ValueError:
        receipt = None
    if receipt is None or spell(receipt) != text:
        raise NotFound("There is no check with this address. Scan the code on the label to make a new one.")
    return receipt


def reference(receipt: UUID) -> str:
    """Return the short number that a person quotes: ``H4-7Q2X``; staff find the receipt by it."""
    number = receipt.int >> 98
    return f"{_PAIRS[number >> 20]}-{_PAIRS[number >> 10 & 1023]}{_PAIRS[number & 1023]}"


def find_referred(text: str) -> tuple[UUID, UUID] | None:
    """Return the least and the greatest receipt that a reference may mean; None where the text is no reference."""
    if not _is_reference(text := text.strip().upper()):
        return None
    head = base64.b32decode(f"{text[:2]}{text[-4:]}".translate(_WRITTEN) + "AA")
    least = int.from_bytes(head[:4]) >> 2 << 98
    return UUID(int=least), UUID(int=least + (1 << 98) - 1)


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".translate(str.maketrans("ILOU", "0189"))
"""Letters that are misread go; the digits 0, 1, 8 and 9 are no letters of base 32."""
_WRITTEN = str.maketrans("0189", "ILOU")
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
"""What ten bits are in base 32, as it is spoken: two characters."""
_is_reference = re.compile(r"[A-HJKMNP-TV-Z0-9]{2}-[A-HJKMNP-TV-Z0-9]{4}").fullmatch


def nonce(key: bytes, receipt: UUID, cookie: str) -> str:
    """Make the one-time confirmation of a receipt, good only with the cookie it was made for."""
    mac = hmac_sha256(key, b"authsvc/confirm/1" + receipt.bytes + cookie.encode("ascii"))[:_NONCE_BYTES]
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")


def confirm(
    held: Holdings, connections: Connections, receipt: UUID, *, at: datetime, new_id: Callable[[], UUID]
) -> bool:
    """
    Record that the page of a scan ran; False when that is over, done already, or was never asked for.

    One compare-and-set spends the ticket. A fetch from a data centre or ahead of time becomes a counted scan by it.
    """
    row = connections.fetch(sql.CONFIRM, {"id": receipt, "at": at})
    if row is None:
        return False
    product = held.register.find_product(row.gtin or "")
    found = _place_in_run(held, row) if product is not None and product.has_lifecycle else (None, None)
    judged = investigations.judge_again(connections, row.sgtin, product, run=found[0], index=found[1])
    if judged.is_news:
        investigations.open_alerts(
            connections, row.sgtin, judged, product, at=at, scan=(row.at, receipt), new_id=new_id, found=found
        )
    return True


def get(held: Holdings, connections: Connections, receipt: UUID, *, at: datetime) -> Receipt:
    """
    Return a check by its receipt, up to 90 days back.

    Raises:
        NotFound: There is none, or it has ended.
        Unavailable: The database does not answer.
    """
    if row := connections.fetch(sql.RECEIPT_SCAN, {"id": receipt, "at": at}):
        return _of_scan(held, connections, row)
    if row := connections.fetch(sql.RECEIPT_REJECTION, {"id": receipt, "at": at}):
        then = _rejected(held, row)
        since = _since(held, connections, then, None) if then.is_issued else then
        return Receipt(receipt, row.at, then.item_key, bytes(row.visitor), decide(then), decide(since))
    raise NotFound("There is no check with this address, or it is older than 90 days. Scan the code to make a new one.")


def record_open(
    connections: Connections, receipt: Receipt, visitor: bytes, *, at: datetime, new_id: Callable[[], UUID]
) -> None:
    """
    Count who opens a receipt that looks good to its maker; a crowd on one means that its address was printed.

    *visitor* stands for the network of the reader, so that one person cannot be a crowd.
    """
    brand = receipt.then.facts.brand
    if brand is None or receipt.then.outcome is not Outcome.AUTHENTIC:
        return
    brand_id = brand.id
    row = {"id": receipt.id, "visitor": visitor, "brand_id": brand_id, "at": at}
    connections.fetch(sql.OPEN_RECEIPT, row)
    opens = connections.fetch(sql.COUNT_OPENS, row).opens
    if opens > VISITORS_OF_A_COPIED_RECEIPT:
        evidence = {"receipt": spell(receipt.id), "visitors": opens}
        investigations.open_alert(
            connections, receipt.sgtin, brand_id, "receipt-copied", evidence, at=at, new_id=new_id
        )


def _place_in_run(held: Holdings, row: Row) -> tuple[int | None, int | None]:
    serial = row.sgtin.partition(".")[2]
    return serials.decode(serial, row.gtin, held.serial_keys_of(row.brand_id)) or (None, None)


def _of_scan(held: Holdings, connections: Connections, row: Row) -> Receipt:
    then = _scanned(held, row)
    key = held.keyring.find(row.brand_id, row.key_id) if row.key_id else None
    since = _since(held, connections, then, key)
    return Receipt(row.id, row.at, row.sgtin, bytes(row.visitor), decide(then), decide(since))


def _since(held: Holdings, connections: Connections, then: Facts, key: VerificationKey | None) -> Facts:
    """Return *then* with whatever bad has become known by now; nothing that was said is taken back."""
    live = scanning.read_state(held, connections, then, key)
    is_quiet = live.disposition is Disposition.ACTIVE
    return replace(
        then,
        recall=then.recall or live.recall,
        disposition=then.disposition if is_quiet else live.disposition,
        disposition_at=then.disposition_at if is_quiet else live.disposition_at,
        withdrawn_at=live.withdrawn_at,
        is_flagged=then.is_flagged or live.is_flagged,
    )


def _scanned(held: Holdings, row: Row) -> Facts:
    kind, _, serial = row.sgtin.partition(".")
    is_case, is_lot = kind == "00", serial.startswith(".")
    signature = Signature(Mark.NOT_EXPECTED)
    if row.key_id is not None:
        signature = Signature(Mark.VALID, f"{row.brand_id}.{row.key_id}", row.format)
    return Facts(
        at=row.at,
        signature=signature,
        gtin=row.gtin,
        serial=None if is_case or is_lot else serial,
        sscc=serial if is_case else None,
        lot=row.lot,
        brand=held.register.brands.get(row.brand_id),
        product=held.register.find_product(row.gtin) if row.gtin else None,
        is_issued=True,
        is_commissioned=row.is_released,
        disposition=Disposition(row.disposition or Disposition.ACTIVE),
        disposition_at=row.disposition_at,
        recall=scan_rows.recall_of(row),
        expires_on=row.expires_on,
        contents=row.contents,
        is_flagged=row.is_flagged,
        scan_number=row.scan_number,
        first_at=row.first_at,
        mine_at=row.mine_at,
    )


def _rejected(held: Holdings, row: Row) -> Facts:
    mark = Mark.ABSENT
    if row.reason == Reason.FORGED:
        mark = Mark.FORGED
    elif row.key_id is not None:
        mark = Mark.VALID
    return Facts(
        at=row.at,
        signature=Signature(mark, None, row.format, row.detail),
        gtin=row.gtin,
        serial=row.serial,
        sscc=row.sscc,
        lot=row.lot,
        brand=held.register.brands.get(row.brand_id),
        product=held.register.find_product(row.gtin) if row.gtin else None,
        is_typed=row.is_typed,
        is_issued=row.is_issued,
        disposition=Disposition(row.disposition or Disposition.ACTIVE),
        disposition_at=row.disposition_at,
        recall=scan_rows.recall_of(row),
        is_flagged=row.is_flagged,
    )
