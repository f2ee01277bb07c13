"""The advisor: batch, serial or hybrid for a product, with reasons, the law, a chart of the costs, and a PDF of it."""

import io
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from authsvc import advice_report
from authsvc.core import advice
from authsvc.core.advice import Advice, Case, RecallPrecision, Traceability, UnitData
from authsvc.core.categories import CATEGORIES
from authsvc.core.code_costs import PARTS, Assumptions
from authsvc.core.laws import BatteryKind
from authsvc.errors import BadInput
from authsvc.staff import Role
from authsvc.web import downloads
from authsvc.web.console import guard, rendering
from authsvc.web.drawing.charts import Share, share_bars

_N = TypeVar("_N", int, float)
NAV = "Advisor"
TONES = ("info", "ok", "warn", "bad")
_YES_NO = (("", "As usual"), ("yes", "Yes"), ("no", "No"))
_CHOICES = {
    "traceability": ("What is followed on its way", Traceability),
    "recall": ("The least that a recall can name", RecallPrecision),
    "unit_data": ("Data of single units", UnitData),
    "battery": ("Kind of battery, if it is one", BatteryKind),
}
_WORDS = {
    "at-registration": "at registration", "per-unit": "for each unit", "ev": "electric vehicle",
    "lmt": "light means of transport", "sli": "starting, lighting, ignition",
}  # fmt: skip
"""Choices whose names in the law or the code are not those that people have for them."""
_QUESTIONS = {
    "authentication": "People check whether a unit is genuine",
    "resale": "Units are resold",
    "reports_by_serial": "Customers report by serial number",
}


@guard.page("/advisor", role=Role.VIEWER, nav=NAV)
def advisor() -> str | tuple[str, int]:
    """Ask about a product, and answer below."""
    if "category" not in request.args:
        return _page(None)
    try:
        return _page(_advise())
    except BadInput as error:
        return _page(None, fault=str(error)), error.status


@guard.page("/advisor/advice.pdf", role=Role.VIEWER)
def pdf() -> Response:
    """Send the answer as a PDF."""
    file = io.BytesIO()
    advice_report.write(file, _advise(), on=guard.now().date(), currency=_currency())
    return downloads.download("advice.pdf", "application/pdf", file.getvalue())


# --- Private ---------------------------------------------------------------------------------------------------------


def _advise() -> Advice:
    given = request.args
    markets = tuple(given.get("markets", "").upper().replace(",", " ").split())
    for market in markets:
        if not (len(market) == 2 and market.isascii() and market.isalpha()):
            raise BadInput(f"A market is a country code of two letters, or EU, got {market!r}.")
    chosen: dict[str, Any] = {}
    for name, (_, kind) in _CHOICES.items():
        try:
            chosen[name] = kind(given[name]) if given.get(name) else None
        except ValueError:
            raise BadInput(f"There is no {name.replace('_', ' ')} {given[name][:40]!r}.") from None
    answers: dict[str, Any] = {name: {"yes": True, "no": False}.get(given.get(name, "")) for name in _QUESTIONS}
    value, volume = _number("value", float), _number("volume", int)
    if value is None or volume is None or value < 0 or volume < 1:
        raise BadInput("Say what one unit is worth, and how many are made in a year.")
    kwh = _number("kwh", float)
    case = Case(
        category=given["category"], value=value, volume=volume, markets=markets, kwh=kwh, **chosen, **answers
    )  # fmt: skip
    assumed = {name: number for name, *_ in Assumptions().rows() if (number := _number(f"a-{name}", float)) is not None}
    return advice.advise(case, Assumptions().with_values(assumed))


def _number(name: str, kind: Callable[[str], _N]) -> _N | None:
    text = request.args.get(name, "").replace(",", "").strip()
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no number.") from None


def _currency() -> str:
    given = request.args.get("currency", "EUR").upper()
    return given if len(given) == 3 and given.isascii() and given.isalpha() else "EUR"


def _page(found: Advice | None, *, fault: str | None = None) -> str:
    given = {name: text[:80] for name, text in request.args.items()}
    assumptions = found.costs.assumptions if found else Assumptions()
    figure, costs = None, None
    if found is not None:
        rows = [Share(f"{cost.granularity.value}: {_currency()} a year", cost.parts) for cost in found.costs.costs]
        figure = share_bars("costs", "What the costs of a year are made of", list(zip(PARTS, TONES, strict=True)), rows)
        costs = [
            {"cells": [cost.granularity.value, f"{cost.total:,.0f}", f"{cost.per_item:.4f}",
                       f"{found.costs.premium(cost.granularity):+.0%}"]}
            for cost in found.costs.costs
        ]  # fmt: skip
    return rendering.show(
        "console/advisor.html", title="Advisor", found=found,
        reasons=[
            {"cells": [each.granularity.value, f"{each.text} ({each.factor})"]}
            for each in (found.reasons if found else ())
        ],
        fault=fault, given=given, figure=figure, costs=costs,
        define=found and urlencode({
            "granularity": found.granularity.value, "category": given["category"],
            "markets": "" if "EU" in (markets := given.get("markets", "").upper()) else markets,
        }),
        currency=_currency(), query=request.query_string.decode("ascii", "replace"),
        categories=[(key, one.title) for key, one in CATEGORIES.items()],
        choices=[
            (name, label, [("", "As usual"), *((each.value, _WORDS.get(each.value, each.value)) for each in kind)])
            for name, (label, kind) in _CHOICES.items()
        ],
        questions=list(_QUESTIONS.items()), yes_no=_YES_NO, assumptions=assumptions.rows(),
    )  # fmt: skip
