"""The words of what needs somebody now: a sentence for each, why it is in the list, and where it leads."""

from typing import Any

from authsvc.core.needs import Kind
from authsvc.needs import Need
from authsvc.web import rendering as words
from authsvc.web.console import alert_words, guard, item_keys
from authsvc.web.console.alert_queue import subtitle
from authsvc.web.console.cases import alert_path
from authsvc.web.console.cases import path as case_path


def row(need: Need) -> dict[str, Any]:
    """Return one thing as the overview lists it."""
    sentence, href, about = _TOLD[need.kind](need)
    why = [about] if about else []
    if need.is_mine:
        why.append("assigned to you")
    if need.has_woken:
        why.append("woken from its sleep")
    why.append(_when(need))
    return {"sentence": sentence, "href": href, "why": " · ".join(why), "level": need.severity.word}


def _when(need: Need) -> str:
    age = alert_words.age(need.since, guard.now())
    ago = age if age == "just now" else f"{age} ago"
    return {Kind.SIGHTING: f"seen {ago}", Kind.REPORTS: f"the oldest came {ago}"}.get(need.kind, ago)


def _alert(need: Need) -> tuple[str, str, str]:
    assert need.id is not None
    href = alert_path(need.id)
    assert href is not None
    return alert_words.headline(need.rule or "", need.evidence or {}), href, subtitle(need)


def _case(need: Need) -> tuple[str, str, str]:
    assert need.id is not None
    held = "1 alert or report" if need.count == 1 else f"{words.number(need.count)} alerts and reports"
    return f"Case “{need.title}” was escalated", case_path(need.id), held


def _sighting(need: Need) -> tuple[str, str, str]:
    said = "Somebody has scanned an item that was reported"
    return f"{said} {need.disposition}", f"/console/items/{item_keys.spell(need.sgtin or '')}", subtitle(need)


def _reports(need: Need) -> tuple[str, str, str]:
    said = "1 report of a consumer was" if need.count == 1 else f"{words.number(need.count)} reports of consumers were"
    return f"{said} not looked at", "/console/reports?list=new", ""


_TOLD = {Kind.ALERT: _alert, Kind.CASE: _case, Kind.SIGHTING: _sighting, Kind.REPORTS: _reports}
