"""The page of one alert: what was found, where and when, what surrounds it, and what people made of it."""

from datetime import date, datetime
from statistics import median
from typing import Any
from uuid import UUID

from authsvc import alert_effects, alert_lists, alert_surroundings, cases, report_inbox, triage
from authsvc.alert_effects import Foreseen
from authsvc.alert_surroundings import AlertInfo, Happened, Surroundings
from authsvc.core import alerts, decisions
from authsvc.core.decisions import WAIT, About, Choice
from authsvc.core.verdicts import Disposition
from authsvc.staff import Role
from authsvc.triage import Act
from authsvc.web import rendering as words
from authsvc.web.console import alert_queue, alert_reasons, alert_words, guard, rendering
from authsvc.web.console.alert_queue import HOME, KINDS, SNOOZES
from authsvc.web.drawing import charts
from authsvc.web.drawing.svg import Figure
from authsvc.web.site import runtime

SHOWN, LATER_SHOWN = 10, 5
RISES = {"1": "1 point", "2": "2 points", "5": "5 points"}
_QUEUE = 25
_ODD = 3
_SCORED = frozenset({About.ITEM, About.UNIT})
_WAITING = ("It comes back later", "It comes back later, or when it gets worse")
_KINDS = {
    "commissioned": ("Commissioned", "product", None), "sold": ("Sold", "label", None),
    "registered": ("Registered by an owner", "person", "ok"), "claimed": ("Claim code used", "key", "ok"),
    "offered": ("Offered to somebody", "transfer", None), "transferred": ("Transferred", "transfer", "ok"),
    "gone": ("Reported gone", "warn", "bad"), "proven": ("Possession proved", "tick", "ok"),
    "confirmed-clone": ("Found to be copied", "alert", "bad"),
    "false-alarm": ("Found to be a false alarm", "tick", None),
    "owner-error": ("Found to be an owner error", "tick", None),
    "grey-market": ("Found to be grey market", "alert", "warn"),
    "confirmed": ("Found to be so", "alert", "bad"), "test": ("Found to be a test", "tick", None),
}  # fmt: skip


@guard.page("/alerts/<uuid:alert_id>", role=Role.VIEWER, nav="Alerts")
def alert(alert_id: UUID) -> str:
    """Show an alert."""
    return show(alert_id)


def show(alert_id: UUID, *, choice: str = "", reason: str = "", fault: str | None = None) -> str:
    """Render the page of an alert; after a refusal with what was typed, and why it was refused."""
    me, now, query = guard.me(), guard.now(), alert_queue.read_query()
    may_act = me.role.may(Role.ANALYST)
    with guard.session() as session:
        found = alert_surroundings.gather(session, me.brand_id, alert_id, now=now)
        stored = triage.get(session, me.brand_id, alert_id)
        page = alert_lists.find(session, me.brand_id, me.account_id, query.asked, now=now, limit=_QUEUE)
        counts = alert_lists.count(session, me.brand_id, me.account_id, now=now)
        above, below = alert_lists.find_neighbours(session, me.brand_id, me.account_id, query.asked, stored, now=now)
        in_cases = cases.list_cases(session, me.brand_id, alert_id=alert_id)
        reported = report_inbox.list_of_alert(session, me.brand_id, alert_id, found.alert.sgtin)
        has_keys = alert_surroundings.has_shortcuts(session, me.account_id)
        subject = alert_queue.subject_of(found.alert.sgtin)
        rt = runtime()
        foreseen = None
        if may_act and found.alert.closed_at is None:
            foreseen = alert_effects.foresee(session, rt.held, rt.connections, subject, stored, now=now)
    here = query.to(f"{HOME}/{alert_id}")
    return rendering.show(
        "console/alert.html", title=alert_words.headline(found.alert.rule, found.alert.evidence),
        **_heading(found.alert), **_evidence(found), **_around(found), **_decision(found, foreseen, choice, reason),
        lists=alert_queue.tabs(query, counts), queue=[_queue_item(row, query, alert_id) for row in page.rows],
        queue_href=query.href(), previous=above and query.to(f"{HOME}/{above}", after=None, before=None),
        following=below and query.to(f"{HOME}/{below}", after=None, before=None), here=here, fault=fault,
        in_cases=in_cases, reported=reported,
        act=f"{HOME}/{alert_id}", may_act=may_act, has_keys=has_keys, stream=alert_queue.stream_address(),
        hidden={guard.FORM_FIELD: guard.form_token(), "back": here}, now=now, me=me,
    )  # fmt: skip


# --- Private ---------------------------------------------------------------------------------------------------------


def _heading(info: AlertInfo) -> dict[str, Any]:
    product = runtime().held.register.find_product(info.gtin) if info.gtin else None
    sub: list[tuple[Any, ...]] = [(product.name, None)] if product is not None else []
    if info.serial:
        sub.append(("Serial", words.grouped(info.serial), True))
    if info.lot:
        sub.append(("Batch", info.lot, True))
    sub.append((f"Opened {words.moment(info.opened_at)}", None))
    tags = [(KINDS[alert_queue.about_of(info)], "none")]
    is_snoozed = info.closed_at is None and info.snoozed_until is not None and info.snoozed_until > guard.now()
    if info.closed_at is not None:
        tags.append(("Closed", "none"))
    elif is_snoozed:
        tags.append(("Snoozed", "info"))
    return {"level": info.severity.word, "sub": sub, "tags": tags, "rule": alerts.title_of(info.rule),
            "is_snoozed": is_snoozed}  # fmt: skip


def _evidence(found: Surroundings) -> dict[str, Any]:
    info = found.alert
    seen = alert_words.sightings(info.evidence)
    owners = {one.visitor for one in seen if one.is_owner}
    later = [
        alert_words.Seen(
            at=one.at, visitor=one.visitor, country=one.country, latitude=one.latitude, longitude=one.longitude,
            radius_km=one.radius_km, network=one.network, is_confirmed=one.is_confirmed, is_later=True,
            is_owner=one.visitor in owners,
        )
        for one in found.later
    ]  # fmt: skip
    told, since = alert_words.rows(seen), alert_words.rows(later)
    return {
        "tiles": _tiles(found, seen),
        "map": alert_words.evidence_map("ev", seen, alert_words.home_of(seen, info.evidence)),
        "columns": alert_words.COLUMNS, "scans": told[:SHOWN], "more_scans": told[SHOWN:], "scan_count": len(told),
        "later": since[:LATER_SHOWN], "more_later": since[LATER_SHOWN:], "later_count": found.later_count,
        "why": alert_reasons.reasons(info.rule, info.evidence, info.score),
        "days": _days(found.traffic.days) if found.traffic.scans else None, "other": _other(info),
    }  # fmt: skip


def _tiles(found: Surroundings, seen: list[alert_words.Seen]) -> list[dict[str, Any]]:
    info, traffic = found.alert, found.traffic
    threshold = info.evidence.get("threshold")
    now = max(info.score, found.item_score or 0.0)
    tiles: list[dict[str, Any]] = []
    if info.evidence.get("parts") or found.item_score:  # One finding that is enough adds up to nothing.
        tiles.append({
            "label": _score_name(info.rule), "value": f"{now:.0f}" if info.rule == "shop-reported" else f"{now:.1f}",
            "tone": "bad" if info.severity.value > 2 else None,
            "unit": f"warns from {threshold:.1f}" if threshold is not None else None,
        })  # fmt: skip
    quickest = alert_words.fastest(seen)
    if quickest is not None and (pace := quickest[2]).least >= 1:  # Places that overlap need no speed at all.
        tiles.append({"label": "Speed needed", "value": f"{pace.least:,.0f}", "unit": "km/h or more",
                      "tone": "bad" if pace.least > alerts.PLANE_KMH else None})  # fmt: skip
    if seen or traffic.scans:
        tiles.append({"label": f"Scans, {alert_surroundings.DAYS} days", "value": words.number(traffic.scans)})
    if seen:
        people = len({one.visitor for one in seen if one.is_confirmed})
        countries = len({one.country for one in seen if one.country})
        tiles += [
            {"label": "People, when raised", "value": str(people)},
            {"label": "Countries, when raised", "value": str(countries)},
        ]
    if info.evidence.get("country"):
        tiles.append({"label": "Country", "value": alert_words.place_name(info.evidence["country"])})
    if info.evidence.get("reports"):
        tiles.append({"label": "Reports", "value": str(len(info.evidence["reports"]))})
    for name, said in (("visitors", "Readers of the result"), ("run", "Run")):
        if info.evidence.get(name) is not None:
            tiles.append({"label": said, "value": str(info.evidence[name])})
    return tiles


def _score_name(rule: str) -> str:
    name = alert_reasons.total_name(rule)
    return f"{name} now" if name == "Risk score" else name


def _days(days: tuple[tuple[date, int], ...]) -> Figure:
    usual = median(count for _, count in days)
    shown = [charts.Day(day, count, is_odd=count >= max(_ODD, 3 * usual)) for day, count in days]
    return charts.day_bars("days", "Scans per day", shown)


def _other(info: AlertInfo) -> list[tuple[str, str]]:
    """Return what the evidence of an alert says that rests on no sightings."""
    names = {"lot": "Batch", "gtin": "GTIN", "run": "Run", "country": "Country", "since": "Since", "until": "Until",
             "kid": "Signing key", "format": "Format of the token", "receipt": "Result page", "visitors": "Networks",
             "prefix": "Network (pseudonym)", "shop_name": "Shop", "listing_url": "Offer"}  # fmt: skip
    if info.evidence.get("sightings"):
        return []
    return [(said, _told(name, str(info.evidence[name]))) for name, said in names.items()
            if info.evidence.get(name) is not None]  # fmt: skip


def _told(name: str, value: str) -> str:
    """Word one value of the evidence: a country by its name, a time as people write it."""
    if name == "country":
        return alert_words.place_name(value)
    if name in {"since", "until"} and "T" in value:
        return words.moment(datetime.fromisoformat(value))
    return words.day(datetime.fromisoformat(f"{value}T00:00:00+00:00")) if name in {"since", "until"} else value


def _around(found: Surroundings) -> dict[str, Any]:
    entries = [_happened(one) for one in found.happened]
    entries.append({"at": found.alert.opened_at, "title": "This alert was raised", "icon": "alert", "tone": "warn"})
    if found.disposition_at is not None and found.disposition not in {None, Disposition.ACTIVE}:
        entries.append({"at": found.disposition_at, "title": f"Item set to {found.disposition}", "icon": "lock",
                        "tone": "bad", "text": found.disposition_reason or ""})  # fmt: skip
    team = [member for member in guard.team() if member.deactivated_at is None and member.role.may(Role.ANALYST)]
    names = {member.account_id: member.name for member in team}
    similar = [
        {"href": f"{HOME}/{one.id}", "title": alert_words.headline(one.rule, one.evidence),
         "text": f"{alert_queue.subtitle(one)} · {', '.join(one.alike)}{', closed' if one.is_closed else ''}",
         "level": one.severity.word}
        for one in found.similar
    ]  # fmt: skip
    opened = (found.alert.opened_at, f"Raised by the rule “{alerts.title_of(found.alert.rule)}”")
    kind = alert_queue.about_of(found.alert)
    log = [(act.at, _act(act, names, kind)) for act in found.history]
    return {
        "events": sorted(entries, key=lambda entry: entry["at"], reverse=True), "similar": similar,
        "log": [(at, f"{words.day(at)}: {said}") for at, said in (*log, opened)],
        "assignee": names.get(found.alert.assignee) if found.alert.assignee else None,
        "team": [("", "Nobody"), *((str(member.account_id), member.name) for member in team)],
        "assigned": str(found.alert.assignee or ""),
    }  # fmt: skip


def _happened(one: Happened) -> dict[str, Any]:
    title, icon, tone = _KINDS.get(one.kind, (one.kind.capitalize(), "dot", None))
    meta = [f"by {one.by}"]
    if one.country:
        meta.append(alert_words.place_name(one.country))
    if one.withdrawn_by:
        meta.append(f"taken back by {one.withdrawn_by}")
    return {"at": one.at, "title": title, "icon": icon, "tone": None if one.withdrawn_by else tone, "text": one.text,
            "meta": meta}  # fmt: skip


def _act(act: Act, names: dict[UUID, str], kind: About) -> str:
    who, details = act.by.partition(" <")[0], act.details
    choice = decisions.name_of(kind, str(details.get("decision", "")))
    reason = f": {details['reason']}" if details.get("reason") else ""
    if act.act == "alert.decide":
        return f"{who} decided “{choice}”{reason}"
    if act.act == "alert.undo":
        return f"{who} took back “{choice}”{reason}"
    if act.act == "alert.assign":
        to = details.get("to")
        return f"{who} gave it to {names.get(UUID(to), 'a colleague') if to else 'nobody'}"
    if act.act == "alert.snooze":
        return f"{who} let it sleep{reason}"
    return f"{who} woke it up" if act.act == "alert.wake" else f"{who}: {act.act}"


def _decision(found: Surroundings, foreseen: Foreseen | None, choice: str, reason: str) -> dict[str, Any]:
    standing, kind = found.standing, alert_queue.about_of(found.alert)
    choices: list[dict[str, Any]] = []
    if foreseen is not None:
        choices = [
            {"value": one.choice.value, "label": one.label, "small": one.small, "submit": one.submit,
             "effects": foreseen.effects[one.choice.value], "tone": "bad" if one.choice is Choice.BLOCK else None,
             "is_chosen": one.choice.value == choice}
            for one in foreseen.options
        ]  # fmt: skip
        choices.append({
            "value": WAIT, "label": "Cannot tell yet: watch", "small": _WAITING[kind in _SCORED],
            "submit": "Watch and wait", "effects": foreseen.effects[WAIT], "is_chosen": choice == WAIT,
        })  # fmt: skip
    return {
        "choices": choices, "reason": reason, "standing": standing,
        "standing_name": decisions.name_of(kind, standing.choice) if standing else None,
        "snoozes": list(SNOOZES.items()),
        "rises": [("", "Only then"), *((points, f"By {said}") for points, said in RISES.items())],
        "is_item": found.disposition is not None, "kind": kind,
        "is_taken_back": found.alert.closed_at is not None and any(one.act == "alert.undo" for one in found.history),
    }  # fmt: skip


def _queue_item(row: alert_lists.Row, query: alert_queue.Query, current: UUID) -> dict[str, Any]:
    return {
        "href": query.to(f"{HOME}/{row.id}"), "level": row.severity.word,
        "age": alert_words.age(row.opened_at, guard.now()), "title": alert_words.headline(row.rule, row.evidence),
        "text": alert_queue.subtitle(row), "is_current": row.id == current,
    }  # fmt: skip
