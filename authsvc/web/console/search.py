"""Search: what somebody has in front of them, typed or pasted, and the items and batches that it may be."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from authsvc import item_search, report_inbox
from authsvc.item_search import CheckHit, Hit, LotHit
from authsvc.staff import Role
from authsvc.web import rendering as words
from authsvc.web.console import guard, item_keys, item_words, rendering
from authsvc.web.site import runtime

LONGEST = 2_000
ITEMS = (
    {"name": "Serial", "is_code": True}, {"name": "Product"}, {"name": "Batch", "is_code": True},
    {"name": "Condition"}, {"name": "Scans", "align": "end"}, {"name": "Last scan", "is_tight": True},
)  # fmt: skip
CHECKS = (
    {"name": "Time (UTC)", "is_tight": True},
    {"name": "Item", "is_code": True},
    {"name": "Answer"},
    {"name": "Place"},
)
LOTS = (
    {"name": "Batch", "is_code": True}, {"name": "Product"}, {"name": "Codes", "align": "end"},
    {"name": "Issued", "is_tight": True},
)  # fmt: skip


@guard.page("/search", role=Role.VIEWER, nav="Items")
def search() -> str | Response:
    """Find items and batches; what names one item leads to its page."""
    text = request.args.get("q", "")[:LONGEST]
    held, brand_id = runtime().held, guard.me().brand_id
    with guard.session() as session:
        found = item_search.find(
            session, held.register.brands[brand_id], held.register.products(), held.serial_keys_of(brand_id), text
        )
        report_id = report_inbox.find_number(session, brand_id, text.strip()) if not found.named else None
    if report_id is not None and not found.items:
        return guard.go(f"/console/reports/{report_id}")
    if found.named:
        return guard.go(f"/console/items/{item_keys.spell(found.named)}")
    names = {product.gtin: product.name for product in held.register.products() if product.brand_id == brand_id}
    return rendering.show(
        "console/search.html",
        title="Items",
        text=text,
        found=found,
        items=[_item(hit, names) for hit in found.items],
        lots=[_lot(hit, names) for hit in found.lots],
        checks=[_check(hit) for hit in found.checks],
        check_columns=CHECKS,
        most_decoded=words.number(item_search.MOST_DECODED),
        item_columns=ITEMS,
        lot_columns=LOTS,
    )


def _item(hit: Hit, names: dict[str, str]) -> dict[str, Any]:
    condition = item_words.CONDITIONS[hit.disposition][0]
    return {
        "cells": [
            {"text": words.grouped(hit.serial), "href": f"/console/items/{item_keys.spell(hit.sgtin)}"},
            {"text": names.get(hit.gtin, hit.gtin), "small": hit.gtin},
            hit.lot or words.NOTHING,
            {"text": condition, "small": "possible copy" if hit.is_flagged else None},
            words.number(hit.scans),
            words.day(hit.last_at) if hit.last_at else "never",
        ],
        "tone": "bad" if hit.is_flagged else None,
    }


def _check(hit: CheckHit) -> dict[str, Any]:
    named = {"text": hit.sgtin, "href": f"/console/items/{item_keys.spell(hit.sgtin)}"} if hit.sgtin else "no item"
    answer = item_words.plain(hit.answer) if hit.answer else "Code of ours, see the item"
    return {"cells": [words.moment(hit.at), named, answer, item_words.country(hit.country)]}


def _lot(hit: LotHit, names: dict[str, str]) -> dict[str, Any]:
    return {
        "cells": [
            hit.lot,
            {"text": names.get(hit.gtin, hit.gtin), "small": hit.gtin},
            words.number(hit.codes),
            words.day(hit.issued_at) if hit.issued_at else words.NOTHING,
        ]
    }
