"""
Scanning: authenticate one presentation of a code and record it, whatever the outcome.

A scan with a valid signature (or of a product whose labels carry none) touches ``items`` and ``sightings``; everything
else goes to ``rejections``, so junk cannot push evidence out. Products with ``tracking: none`` and readers that only
ask (programs, receipts) write nothing. Nothing raised here means "not genuine".
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from authsvc import investigations, scan_rows, signatures
from authsvc import scan_statements as sql
from authsvc.connections import Connections
from authsvc.core.gs1 import DigitalLink
from authsvc.core.keyring import VerificationKey
from authsvc.core.values import lean_dataclass
from authsvc.core.verdicts import Facts, Mark, Reason, Verdict, decide
from authsvc.errors import Unavailable
from authsvc.holdings import NOTHING, Holdings
from authsvc.scan_rows import Presentation
from authsvc.steps import Recording, Story, tell

_NEVER_CONFIRMED = frozenset({"bot", "head", "internal"})


@lean_dataclass(frozen=True, slots=True)
class Checked:
    """
    A verdict and what was stored of it.

    ``receipt`` is None when nothing was stored. ``may_confirm`` says that the page may report that it ran,
    ``is_internal`` that a trusted device of the brand asked.
    """

    verdict: Verdict
    receipt: UUID | None = None
    may_confirm: bool = False
    is_internal: bool = False


def scan(
    held: Holdings,
    connections: Connections,
    link: DigitalLink,
    token: str | None,
    seen: Presentation | None,
    *,
    at: datetime,
    new_id: Callable[[], UUID],
) -> Checked:
    """Authenticate one presentation of a code and record it, in this thread (``story``)."""
    return tell(
        story(held, connections, link, token, seen, at=at, new_id=new_id), partial(connections.fetch, sql.SCAN_ITEM)
    )


def story(
    held: Holdings,
    connections: Connections,
    link: DigitalLink,
    token: str | None,
    seen: Presentation | None,
    *,
    at: datetime,
    new_id: Callable[[], UUID],
) -> Story[Checked]:
    """
    Authenticate one presentation of a code and record it.

    1. Find whose code it is and verify the token; a bad one is recorded and ends here.
    2. Decode the serial to its run; none means that it was never issued.
    3. Record and read back in one statement: concurrent scans of an item queue up behind its row.
    4. Examine the history, this scan included, against the clone rules.
    5. Decide; open an alert when a signal is new.

    *seen* None only reads. Whatever waits for the database is a step (``steps``).
    """
    known, key = signatures.judge(held, link, token, at, is_typed=seen is not None and seen.is_typed)
    writes = seen is not None and (known.product is None or known.product.is_tracked)
    if held is NOTHING:
        # Started while the database was down: that no brand is known yet says nothing about the code.
        return Checked(decide(replace(known, has_history=False)))
    if not connections.is_available:
        return _without_history(held, known, key)
    recorded = seen if writes else None
    checked: Checked
    try:
        if known.brand is None or known.signature.mark is Mark.FORGED:
            checked = yield partial(_refuse, connections, known, recorded, new_id)
        elif not known.is_item:
            checked = yield partial(_scan_lot, connections, known, key, recorded, new_id)
        else:
            checked = yield from _scan_item(held, connections, known, key, recorded, new_id)
    except Unavailable:
        return _without_history(held, known, key)
    return checked


def scan_signature(held: Holdings, link: DigitalLink, token: str | None, *, at: datetime) -> Checked:
    """Judge the signature alone and record nothing: what is left to say while a flood or an outage lasts."""
    known, key = signatures.judge(held, link, token, at, is_typed=False, has_history=False)
    return _without_history(held, known, key)


def _without_history(held: Holdings, known: Facts, key: VerificationKey | None) -> Checked:
    # Only a revocation asks which run it is, and to read a serial takes 25 us.
    run = scan_rows.decode(held, known)[0] if key is not None and key.revocation is not None else None
    return Checked(decide(signatures.without_history(known, key, run)))


def note_device(connections: Connections, brand_id: UUID, device: UUID, *, at: datetime) -> None:
    """Store when a trusted device was last seen; not for every scan."""
    connections.fetch(sql.DEVICE_SEEN, {"at": at, "brand_id": brand_id, "id": device})


def _scan_item(
    held: Holdings,
    connections: Connections,
    known: Facts,
    key: VerificationKey | None,
    seen: Presentation | None,
    new_id: Callable[[], UUID],
) -> Story[Checked]:
    assert known.brand is not None
    proves = known.signature.mark in {Mark.VALID, Mark.NOT_EXPECTED}
    params = scan_rows.item_params(held, known, key, seen)
    recorded = seen if proves else None
    if recorded is None:
        row = yield partial(connections.fetch, sql.READ_CASE if known.sscc else sql.READ_ITEM, params)
    elif known.sscc:
        row = yield partial(connections.fetch, sql.SCAN_CASE, params | scan_rows.scan_params(recorded, known, key))
    else:
        params.update(scan_rows.scan_params(recorded, known, key))
        row = yield Recording(params)
    if not row.issued:
        refused: Checked = yield partial(_refuse, connections, replace(known, is_issued=False), seen, new_id)
        return refused
    facts = scan_rows.with_row(known, row, key)
    if recorded is None:
        verdict = decide(scan_rows.with_owners(facts, row))
        if seen is None or proves:
            return Checked(verdict)
        yield partial(_reject, connections, verdict, seen, row.recall_id)
        return Checked(verdict, seen.id)
    if row.stale:
        # Behind other scans of the same item the statement's snapshot was older than its count.
        found = {"run": params["run"], "index": params["index"]}
        judged = yield partial(investigations.judge_again, connections, params["sgtin"], known.product, **found)
    else:
        judged = investigations.examine(row, known.product)
    is_flagged = judged.is_flagged
    if judged.is_news or (judged.examination.is_flagged and not facts.is_flagged):
        is_flagged = yield partial(
            investigations.open_alerts,
            connections,
            params["sgtin"],
            judged,
            known.product,
            at=recorded.at,
            scan=(recorded.at, recorded.id),
            new_id=new_id,
            found=(params["run"], params["index"]),
        )
    if is_flagged:
        facts = replace(facts, is_flagged=True)
    return Checked(decide(facts), recorded.id, may_confirm=recorded.automated not in _NEVER_CONFIRMED)


def _scan_lot(
    connections: Connections,
    known: Facts,
    key: VerificationKey | None,
    seen: Presentation | None,
    new_id: Callable[[], UUID],
) -> Checked:
    product = known.product
    row = connections.fetch(sql.READ_LOT, scan_rows.lot_params(known, key))
    # A link with no lot is the product's own: registered is all that it can be.
    is_issued = product is not None and (row.issued or known.lot is None)
    if not is_issued:
        return _refuse(connections, replace(known, is_issued=False), seen, new_id)
    facts = scan_rows.with_lot(known, row, key)
    verdict = decide(facts)
    if seen is None:
        return Checked(verdict)
    if facts.signature.mark is Mark.ABSENT:
        _reject(connections, verdict, seen, row.recall_id)
    else:
        params = scan_rows.scan_params(seen, known, key) | {
            "sgtin": known.item_key,
            "gtin": known.gtin,
            "at": seen.at,
            "id": seen.id,
            "brand_id": known.brand.id if known.brand else None,
            "run": row.any_run,
            "lot": known.lot,
            "key_id": key.key_id if key else None,
            "recall_id": row.recall_id,
            "expires_on": facts.expires_on,
        }
        connections.fetch(sql.RECORD_LOT, params)
    return Checked(verdict, seen.id)


def _refuse(connections: Connections, facts: Facts, seen: Presentation | None, new_id: Callable[[], UUID]) -> Checked:
    """
    Answer for a code that is not ours; a recall of the lot that it names is still worth telling.

    A good signature on a code that was never issued is the loudest alert there is: a key may have leaked.
    """
    if facts.gtin and facts.product is not None and facts.lot is not None:
        row = connections.fetch(sql.READ_LOT, scan_rows.lot_params(facts, None))
        recall = scan_rows.recall_of(row)
        facts = replace(facts, lot_recall=replace(recall, lot=recall.lot or facts.lot) if recall else None)
    verdict = decide(facts)
    if seen is None:
        return Checked(verdict)
    _reject(connections, verdict, seen, None)
    if verdict.reason is Reason.NOT_ISSUED:
        investigations.open_unissued(connections, facts, at=seen.at, new_id=new_id)
    return Checked(verdict, seen.id)


def _reject(connections: Connections, verdict: Verdict, seen: Presentation, recall_id: int | None) -> None:
    facts, signature = verdict.facts, verdict.facts.signature
    connections.fetch(
        sql.REJECT,
        {
            "at": seen.at,
            "id": seen.id,
            "brand_id": facts.brand.id if facts.brand else None,
            "reason": str(verdict.reason),
            "detail": signature.detail,
            "gtin": facts.gtin,
            "serial": facts.serial,
            "sscc": facts.sscc,
            "link_lot": facts.lot,
            "key_id": int(signature.kid.rpartition(".")[2]) if signature.kid else None,
            "format": signature.format,
            "is_typed": seen.is_typed,
            "is_issued": facts.is_issued,
            "disposition": str(facts.disposition) if facts.is_issued else None,
            "disposition_at": facts.disposition_at,
            "recall_id": recall_id,
            "is_flagged": facts.is_flagged,
            "visitor": seen.visitor,
            "prefix": seen.prefix,
            "country": seen.place.country,
            "network": str(seen.network),
            "channel": seen.channel,
            "automated": seen.automated,
        },
    )


def read_state(held: Holdings, connections: Connections, known: Facts, key: VerificationKey | None) -> Facts:
    """Return *known* with what the database says of the code at this moment; records nothing."""
    if not known.is_item:
        row = connections.fetch(sql.READ_LOT, scan_rows.lot_params(known, None))
        return scan_rows.with_lot(known, row, key)
    statement = sql.READ_CASE if known.sscc else sql.READ_ITEM
    return scan_rows.with_row(known, connections.fetch(statement, scan_rows.item_params(held, known, None, None)), key)
