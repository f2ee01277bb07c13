"""Where the console opens: what waits for somebody, and what the last days came to."""

from collections.abc import Mapping
from typing import Any

from flask import request, url_for

from authsvc import needs, overview
from authsvc.core.alerts import TITLES
from authsvc.core.verdicts import OUTCOMES, Outcome
from authsvc.overview import Figures, Ranked
from authsvc.staff import Role
from authsvc.web import rendering as words
from authsvc.web.console import guard, need_words, rendering
from authsvc.web.drawing import charts, maps
from authsvc.web.drawing.charts import Day, Series
from authsvc.web.drawing.svg import Figure
from authsvc.web.site import runtime

SPANS = (7, 30, 90)
KINDS: tuple[tuple[str, str, Outcome], ...] = (
    ("Code check passed", "ok", Outcome.AUTHENTIC),
    ("For information", "info", Outcome.INFORMATIONAL),
    ("Withdrawn", "none", Outcome.WITHDRAWN),
    ("Warning", "warn", Outcome.SUSPECT),
    ("Check failed", "bad", Outcome.INVALID),
)
"""What a person was told, its tone, and the outcome behind it."""
RANKED = (
    {"name": "Name"}, {"name": "Scans", "align": "end"}, {"name": "Warned", "align": "end"},
    {"name": "Share", "align": "end"},
)  # fmt: skip


@guard.page("/", role=Role.VIEWER, nav="Overview")
def overview_page() -> str:
    """Show what needs somebody now, and the figures of 7, 30 or 90 days."""
    asked = request.args.get("days", "")
    days = int(asked) if asked in {str(span) for span in SPANS} else 30
    me = guard.me()
    with guard.session() as session:
        found = overview.find_figures(session, me.brand_id, days=days, now=guard.now())
        waiting = overview.count_open_alerts(session, me.brand_id)
        needed = needs.find(session, me.brand_id, me.account_id, values=_values(), now=guard.now())
    return rendering.show(
        "console/home.html",
        title="Overview",
        spans=[
            {"name": f"{span} days", "href": f"/console/?days={span}", "is_current": span == days} for span in SPANS
        ],
        days=days,
        tiles=_tiles(found),
        needs=[need_words.row(need) for need in needed],
        waiting=_waiting(waiting),
        verdicts=_verdicts(found),
        forged=_days("forged", "Forged codes shown, by day", found, _of(found, "forged"), "forged codes"),
        alerts=_days("alerts", "Alerts opened, by day", found, _sum(found, found.alerts), "alerts"),
        world=maps.world(
            "world",
            "Scans by country",
            {each.country: each.count for each in found.countries if each.country},
            words.country_names(),
        ),
        nowhere=sum(each.count for each in found.countries if not each.country),
        products=[_listed(each) for each in found.products],
        lots=[_listed(each) for each in found.lots],
        ranked=RANKED,
        found=found,
    )


def _values() -> dict[str, float]:
    """Return what one unit of each product of the brand is worth, where the brand has said so."""
    ours = (one for one in runtime().held.register.products() if one.brand_id == guard.me().brand_id)
    return {one.gtin: one.value for one in ours if one.value is not None}


def _tiles(found: Figures) -> list[dict[str, Any]]:
    scans, passed = found.total(list(OUTCOMES)), found.total(_reasons(Outcome.AUTHENTIC))
    warned, forged = found.total(overview.BAD), _of(found, "forged")
    alerts = _sum(found, found.alerts)
    share = f"{sum(passed) / sum(scans):.1%} of all" if sum(scans) else None
    return [
        _tile("Scans", scans, f"{scans[-1]:,} today", "info"),
        _tile("Passed", passed, share, "ok"),
        _tile("Warned or refused", warned, f"{warned[-1]:,} today", "warn"),
        _tile("Forged codes", forged, f"{forged[-1]:,} today", "bad" if sum(forged) else "info"),
        _tile("Alerts opened", alerts, f"{alerts[-1]:,} today", "bad" if sum(alerts) else "info"),
    ]


def _tile(label: str, values: tuple[int, ...], note: str | None, tone: str) -> dict[str, Any]:
    drawing = charts.sparkline(f"{label} by day", values, tone=tone)
    return {
        "label": label,
        "value": words.number(sum(values)),
        "note": note,
        "tone": tone if tone == "bad" else None,
        "drawing": drawing,
    }


def _waiting(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return a line for each rule with open alerts; it leads to them where the queue is there."""
    queue = rendering.find_entry("Alerts")
    return [
        {
            "title": TITLES.get(rule, rule),
            "count": count,
            "href": url_for(queue, rule=rule) if queue else None,
        }
        for rule, count in counts.items()
    ]


def _verdicts(found: Figures) -> Figure:
    series = [Series(name, tone, found.total(_reasons(outcome))) for name, tone, outcome in KINDS]
    return charts.stacked_days("verdicts", "What people were told, by day", found.days, series)


def _days(key: str, title: str, found: Figures, values: tuple[int, ...], unit: str) -> Figure:
    days = [Day(day, value) for day, value in zip(found.days, values, strict=True)]
    return charts.day_bars(key, title, days, unit=unit)


def _listed(each: Ranked) -> dict[str, Any]:
    name = {"text": each.name or "Cases", "small": f"batch {each.lot}" if each.lot else each.gtin or "SSCC"}
    return {"cells": [name, f"{each.count:,}", f"{each.bad:,}", f"{each.bad / each.count:.1%}"]}


def _reasons(outcome: Outcome) -> list[str]:
    return [reason.value for reason, of in OUTCOMES.items() if of is outcome]


def _of(found: Figures, kind: str) -> tuple[int, ...]:
    return found.total([kind])


def _sum(found: Figures, counts: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(values[n] for values in counts.values()) for n in range(len(found.days)))
