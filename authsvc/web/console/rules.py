"""Rules: how many false alarms a brand accepts, what each setting would have raised, and what the rules look for."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import request, url_for
from werkzeug.wrappers import Response

from authsvc import catalogue, clone_previews, clone_settings, errands
from authsvc.clone_settings import ProductSettings
from authsvc.core import lots
from authsvc.core.alerts import title_of
from authsvc.core.clones import RULES
from authsvc.core.register import LEAST_RATE, MOST_RATE
from authsvc.errands import Errand
from authsvc.errors import BadInput, Conflict
from authsvc.staff import Role
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime

HERE = "/console/rules"
LISTED = 50
NAV = "Rules"
FOLLOWS = "brand"
"""What stands in a form for a product that has no rate of its own."""
CERTAIN = (
    ("confirmed-clone", "You have confirmed that this code was copied."),
    ("claim-code-used-again", "The hidden claim code of the item was used a second time."),
    ("seen-though-gone", "Somebody new checks an item that is stolen, lost or destroyed."),
    ("more-visitors-than-usual", "More people confirmed the item than the hard limit that you set for its product."),
    ("signed-not-issued", "The signature is good and the code was never issued: a key may have leaked."),
    ("receipt-copied", "One result page is opened by many people: its address was printed or posted."),
)
"""What needs no score, in the words of the page."""


@guard.page("/rules", role=Role.VIEWER, nav=NAV)
def brand_rules() -> str:
    """Show the setting of the brand, the newest preview and the rules."""
    return _page(None)


@guard.page("/rules/products/<gtin>", role=Role.VIEWER, nav=NAV)
def product_rules(gtin: str) -> str:
    """Show the setting of one product and its newest preview."""
    return _page(gtin)


@guard.page("/rules/preview", role=Role.ANALYST, methods=["POST"], nav=NAV)
def preview() -> Response | tuple[str, int]:
    """Have the recorded scans judged again, by every usual rate and the one that was asked for."""
    me, gtin = guard.me(), request.form.get("gtin") or None
    try:
        rates = [] if not request.form.get("one_in", "").strip() else [_read_one_in(request.form["one_in"])]
        with guard.session() as session:
            if gtin is not None:
                clone_settings.get_product_settings(session, me.brand_id, gtin)
            errands.order(
                session, me.brand_id, errands.PREVIEW, {"gtin": gtin, "rates": rates}, me.actor,
                id=runtime().new_id(), now=guard.now(),
            )  # fmt: skip
    except (BadInput, Conflict) as error:
        return _page(gtin, fault=str(error)), error.status
    return guard.go(_address(gtin))


@guard.page("/rules/previews/<uuid:preview_id>/cancel", role=Role.ANALYST, methods=["POST"])
def cancel(preview_id: UUID) -> Response:
    """Stop a preview that is under way."""
    me = guard.me()
    with guard.session() as session:
        found = errands.cancel(session, me.brand_id, preview_id, errands.PREVIEW, now=guard.now())
    return guard.done("The preview is cancelled.", _address(found.asked.get("gtin")))


@guard.page("/rules/set", role=Role.ADMIN, nav=NAV, step_up=True)
def confirm() -> str:
    """Show what a new setting changes, before it does."""
    me, gtin = guard.me(), request.args.get("gtin") or None
    rate = _read_rate(request.args.get("rate", ""))
    with guard.session() as session:
        product = gtin and clone_settings.get_product_settings(session, me.brand_id, gtin)
        whole = clone_settings.get_brand_rate(session, me.brand_id)
        newest = _newest(errands.list_errands(session, me.brand_id, errands.PREVIEW, {"gtin": gtin}))
    present = product.target_rate if isinstance(product, ProductSettings) else whole
    row = newest and _row_of(newest.result, whole if rate is None else rate)
    return rendering.show(
        "console/rules_set.html", title="Set the rate of false alarms", gtin=gtin, product=product or None,
        rate=rate, value=FOLLOWS if rate is None else f"{rate:g}", words=_one_in(whole if rate is None else rate),
        present=_one_in(present), told=row and newest and _told(row, newest.result), here=_address(gtin),
        follows=rate is None,
    )  # fmt: skip


@guard.page("/rules/set", role=Role.ADMIN, methods=["POST"], step_up=True)
def set_rate() -> Response:
    """Set the rate for the brand or a product; processes that judge scans know it within seconds."""
    me, gtin = guard.me(), request.form.get("gtin") or None
    rate = _read_rate(request.form.get("rate", ""))
    with guard.session() as session:
        brand = catalogue.get_brand_by_id(session, me.brand_id)
        if gtin is None:
            before: float | None = clone_settings.get_brand_rate(session, me.brand_id)
        else:
            before = clone_settings.get_product_settings(session, me.brand_id, gtin).own_rate
        found = clone_settings.set_clone_settings(session, brand, gtin, target_rate=rate, follows_brand=rate is None)
        details = {
            "false_alarms": "as the brand" if rate is None else rate,
            "before": "as the brand" if before is None else float(f"{before:.4g}"),
        }
        # The acts of the commands that set the same: `authsvc brands set` and `authsvc products set`.
        if gtin is None:
            me.record(session, "brand.set", brand.slug, details)
        else:
            me.record(session, "product.set", gtin, details)
    return guard.done(
        f"Set: {_one_in(found.target_rate)} genuine items may be flagged. New scans are judged by it within seconds.",
        _address(gtin),
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _page(gtin: str | None, *, fault: str | None = None) -> str:
    me = guard.me()
    words = request.args.get("q", "").strip()[:100] if gtin is None else ""
    with guard.session() as session:
        product = None if gtin is None else clone_settings.get_product_settings(session, me.brand_id, gtin)
        whole = clone_settings.get_brand_rate(session, me.brand_id)
        previews = errands.list_errands(session, me.brand_id, errands.PREVIEW, {"gtin": gtin})
        listed = [] if gtin is not None else clone_settings.find_product_settings(
            session, me.brand_id, words or None, limit=LISTED
        )  # fmt: skip
    present = product.target_rate if product is not None else whole
    newest, last = _newest(previews), previews[0] if previews else None
    return rendering.show(
        "console/rules.html", title="Rules" if product is None else f"Rules for {product.name}", gtin=gtin,
        product=product, present=_one_in(present), whole=_one_in(whole), whole_rate=f"{whole:.4g}",
        running=last if last is not None and last.is_open else None,
        has_waited=last is not None and last.has_waited(guard.now()),
        failed=last if last is not None and last.state == "failed" else None,
        preview=newest and _shown(newest, present), products=[_listed(each) for each in listed], words=words,
        weighed=_plain((rule.name, rule.tell.__doc__) for rule in RULES),
        many=_plain((rule.name, rule.weigh.__doc__) for rule in lots.RULES), certain=_plain(CERTAIN),
        here=_address(gtin), fault=fault, one_in=request.form.get("one_in", "")[:12] if fault else "",
        may_preview=me.role.may(Role.ANALYST),
        may_set=me.role.may(Role.ADMIN), days=clone_previews.WINDOW.days, limit=LISTED,
    )  # fmt: skip


def _address(gtin: str | None) -> str:
    return HERE if gtin is None else url_for("console.rules_product_rules", gtin=gtin)


def _plain(named: Iterable[tuple[str, str | None]]) -> list[tuple[str, str]]:
    """Return the title of each rule, and the first paragraph of its docstring, which is written for this page."""
    return [(title_of(name), " ".join((told or "").strip().split("\n\n")[0].split())) for name, told in named]


def _listed(each: ProductSettings) -> dict[str, Any]:
    return {
        "cells": [
            {"text": each.name, "href": _address(each.gtin)},
            each.gtin,
            _one_in(each.target_rate) if each.own_rate is not None else "as the brand",
            f"{each.copy_threshold} people" if each.copy_threshold else "none",
        ]
    }


def _newest(previews: Sequence[Errand]) -> Errand | None:
    return next((each for each in previews if each.state == "done"), None)


def _shown(found: Errand, present: float) -> dict[str, Any]:
    result = found.result
    row = _row_of(result, present)
    return {
        "headline": _told(row, result) if row is not None else None,
        "rows": [_row(each, is_present=each is row) for each in result["rates"]],
        "since": datetime.fromisoformat(result["since"]),
        "until": datetime.fromisoformat(result["until"]),
        "scans": result["scans"],
        "item_count": result["items"],
        "raised": result["raised"],
        "cut": result["cut"],
        "most": clone_previews.MOST_SCANS,
        "by": found.asked_name,
    }


def _row_of(result: Mapping[str, Any], rate: float) -> Mapping[str, Any] | None:
    return next((row for row in result["rates"] if math.isclose(row["rate"], rate, rel_tol=1e-3)), None)


def _row(row: Mapping[str, Any], *, is_present: bool) -> dict[str, Any]:
    undecided = row["alerts"] - row["confirmed"] - row["harmless"]
    return {**row, "undecided": undecided, "words": _one_in(row["rate"]), "is_present": is_present,
            "value": f"{row['rate']:g}"}  # fmt: skip


def _told(row: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    days = (datetime.fromisoformat(result["until"]) - datetime.fromisoformat(result["since"])) // timedelta(days=1)
    alerts = "1 alert" if row["alerts"] == 1 else f"{row['alerts']:,} alerts"
    if row["alerts"] == 0:
        return f"With this setting the last {days} days would have raised no alert."
    return (
        f"With this setting the last {days} days would have raised {alerts}, "
        f"{row['confirmed']:,} of them on items you later confirmed as copied."
    )


def _one_in(rate: float) -> str:
    return f"1 in {round(1 / rate):,}"


def _read_rate(text: str) -> float | None:
    """Read a rate of a form; None is that of the brand."""
    if text == FOLLOWS:
        return None
    try:
        rate = float(text)
    except ValueError:
        raise BadInput("The rate of false alarms is missing.") from None
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise BadInput(_RANGE)
    return rate


_RANGE = f"Give a whole number from {round(1 / MOST_RATE)} to {round(1 / LEAST_RATE):,}."


def _read_one_in(text: str) -> float:
    digits = text.strip().replace(",", "")
    if not (digits.isascii() and digits.isdigit() and 1 / MOST_RATE <= int(digits[:9]) <= 1 / LEAST_RATE):
        raise BadInput(_RANGE)
    return float(f"{1 / int(digits[:9]):.4g}")
