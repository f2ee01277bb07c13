"""How the story of an item is worded: from what is stored to what its template shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup

from authsvc import audit
from authsvc.core import alerts
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Disposition
from authsvc.investigations import Subject
from authsvc.item_scans import SeenScan
from authsvc.item_story import Decision, KnownFact, Ownership, RaisedAlert, Refusal, State, Story
from authsvc.web import rendering
from authsvc.web.site import runtime

CONDITIONS: Mapping[Disposition, tuple[str, str]] = {
    Disposition.ACTIVE: ("Active", "ok"),
    Disposition.INACTIVE: ("Decommissioned", "none"),
    Disposition.RECALLED: ("Recalled", "warn"),
    Disposition.STOLEN: ("Stolen", "bad"),
    Disposition.LOST: ("Lost", "warn"),
    Disposition.BLOCKED: ("Blocked", "bad"),
    Disposition.DESTROYED: ("Destroyed", "none"),
}
NETWORKS = {
    "fixed": "fixed line", "mobile": "mobile", "relay": "relay or VPN", "datacentre": "data centre",
    "unknown": "unknown network",
}  # fmt: skip
NOT_COUNTED = {
    "bot": "program", "head": "program", "prefetch": "fetched ahead", "datacentre": "data centre",
    "internal": "internal",
}  # fmt: skip
_OWNERSHIP = {
    "pending": "Provisional", "confirmed": "Owner", "released": "Given up", "superseded": "Ended by somebody's proof",
    "transferred": "Passed on", "reversed": "Taken back",
    "recovered": "The same person under a new address", "refused": "Proof of purchase not taken",
}  # fmt: skip
SCANS = (
    {"name": "Time (UTC)", "is_tight": True}, {"name": "Place"}, {"name": "Visitor"}, {"name": "Network"},
    {"name": "Counted as"},
)  # fmt: skip
REFUSALS = ({"name": "Time (UTC)", "is_tight": True}, {"name": "Answer"}, {"name": "Place"}, {"name": "Network"})


def title(subject: Subject) -> str:
    """Return the heading: the product, or that it is a case."""
    return subject.product.name if subject.product else "Case" if subject.name.serial is None else "Item"


def sub(subject: Subject, state: State) -> list[tuple[Any, ...]]:
    """Return the line below the heading."""
    name = subject.name
    rows: list[tuple[Any, ...]] = [
        ("SSCC", name.key, True) if name.serial is None else ("Serial", rendering.grouped(name.serial), True)
    ]
    if name.serial is not None:
        rows.append(("GTIN", name.key, True))
    if state.lot:
        rows.append(("Batch", state.lot, True))
    return rows


def tags(state: State) -> list[tuple[str, str]]:
    """Return the state words above the heading."""
    if not state.is_issued:
        return [("Never issued", "bad")]
    found = [CONDITIONS[state.disposition]]
    return [*found, ("Possible copy", "warn")] if state.flagged_at else found


def tiles(story: Story) -> list[dict[str, Any]]:
    """Return the figures of the item."""
    state, still_open = story.state, sum(alert.closed_at is None for alert in story.alerts)
    return [
        {"label": "Scans counted", "value": rendering.number(state.counted)},
        {"label": "Page opened", "value": rendering.number(state.confirmed), "note": "by a browser that ran it"},
        {"label": "First scan", "value": rendering.day(state.first_at) if state.first_at else rendering.NOTHING},
        {"label": "Last scan", "value": rendering.day(state.last_at) if state.last_at else rendering.NOTHING},
        {
            "label": "Risk score",
            "value": f"{state.score:.1f}",
            "note": "warns people" if state.flagged_at else "warns nobody",
            "tone": "bad" if state.flagged_at else None,
        },
        {"label": "Open alerts", "value": still_open, "tone": "bad" if still_open else None},
    ]


def definitions(subject: Subject, state: State) -> list[tuple[Any, ...]]:
    """Return what is known of the item as pairs."""
    product = subject.product
    rows: list[tuple[Any, ...]] = [
        ("Condition", CONDITIONS[state.disposition][0] if state.is_issued else "Never issued"),
        ("Product", product.name if product else rendering.NOTHING),
        ("Batch", state.lot or rendering.NOTHING),
        ("Run", f"{state.run}" + (f", code {state.index + 1:,}" if state.index is not None else ""))
        if state.run
        else ("Run", rendering.NOTHING),
        ("Issued", rendering.moment(state.issued_at) if state.issued_at else rendering.NOTHING),
        ("Signing key", str(state.key_id) if state.key_id else rendering.NOTHING),
    ]
    if state.expires_on:
        rows.append(("Use by", state.expires_on.isoformat()))
    if product and product.release == "on-commission":
        at = state.commissioned_at
        rows.append(("Released", rendering.moment(at) if at else "not yet"))
    if state.disposition_at and state.is_issued:
        rows += [
            ("Condition since", rendering.moment(state.disposition_at)),
            ("Reason", state.reason or rendering.NOTHING),
        ]
    rows.append(("Link", Markup('<bdi class="mono" dir="ltr">{}</bdi>').format(_link(subject))))
    return rows


def owner_rows(owners: Sequence[Ownership]) -> list[tuple[str, str]]:
    """Return the owners as pairs, the present one on top."""
    rows = []
    for one in owners:
        said = [
            _OWNERSHIP.get(one.state, plain(one.state)),
            "with the claim code" if one.has_claim else "no claim code",
        ]
        if one.state == "pending" and one.pending_until:
            said.append(f"final on {rendering.day(one.pending_until)}")
        elif one.state == "pending":
            said.append("waits for your decision on its proof of purchase")
        if one.warranty_until:
            said.append(f"warranty until {one.warranty_until.isoformat()}")
        said.append(f"certificate {one.certificate}")
        rows.append((f"Owner {one.version}, since {rendering.day(one.registered_at)}", ", ".join(said)))
    return rows


def ownership_marks(owners: Sequence[Ownership]) -> list[tuple[datetime, str]]:
    """Return when who owns the item has changed, and how, for a list of scans."""
    marks = []
    for one in owners:
        marks.append((one.registered_at, f"Owner {one.version} registered the item"))
        if one.confirmed_at and one.confirmed_at != one.registered_at:
            marks.append((one.confirmed_at, f"The registration of owner {one.version} became final"))
        if one.ended_at:
            marks.append((one.ended_at, f"Owner {one.version}: {_OWNERSHIP.get(one.state, plain(one.state)).lower()}"))
    return marks


def scan_rows(scans: Sequence[SeenScan], marks: Sequence[tuple[datetime, str]] = ()) -> list[dict[str, Any]]:
    """Return the rows of the table of scans, with what happened between them, the newest first."""
    told = [(at, {"cells": [_time(at), text, "", "", ""], "tone": "info"}) for at, text in marks]
    rows = [(seen.at, row) for seen, row in zip(scans, _scan_rows(scans), strict=True)]
    # Of one moment, what somebody did stands above the scan that led to it.
    return [row for _, row in sorted([*told, *rows], key=lambda pair: pair[0], reverse=True)]


def _scan_rows(scans: Sequence[SeenScan]) -> list[dict[str, Any]]:
    return [
        {
            "cells": [
                _time(seen.at),
                {"text": country(seen.country), "small": _within(seen.radius_km)},
                Markup('<span class="mono">{}</span>').format(seen.visitor),
                {"text": NETWORKS.get(seen.network, seen.network), "small": _channel(seen.channel)},
                {"text": _counted(seen), "small": seen.device},
            ],
            "tone": "bad" if seen.is_flagged and seen.is_counted else None,
        }
        for seen in scans
    ]


def refusal_rows(refusals: Sequence[Refusal]) -> list[dict[str, Any]]:
    """Return the rows of what proved nothing."""
    return [
        {
            "cells": [
                _time(each.at),
                {"text": plain(each.reason), "small": each.detail},
                country(each.country),
                {"text": NETWORKS.get(each.network, each.network), "small": NOT_COUNTED.get(each.automated or "")},
            ]
        }
        for each in refusals
    ]


def alert(raised: RaisedAlert, address: str | None) -> dict[str, Any]:
    """Return an alert as the page lists it."""
    return {
        "title": alerts.title_of(raised.rule),
        "href": address,
        "text": ". ".join(raised.sentences[:2]),
        "at": raised.opened_at,
        "is_open": raised.closed_at is None,
        "decisions": [_decision(each) for each in raised.decisions],
    }


def history(story: Story) -> list[dict[str, Any]]:
    """Return what happened beside scans, the newest first."""
    return [_fact(each) for each in story.facts]


def event(done: audit.Event) -> tuple[Any, str]:
    """Return one act of the log as time and sentence."""
    said = ", ".join(f"{key} {value}" for key, value in sorted(done.details.items()))
    return done.at, f"{done.actor.name}: {done.act}" + (f" ({said})" if said else "")


def plain(word: str) -> str:
    """Write a stored word for people: first-check is First check."""
    return word.replace("-", " ").capitalize()


def country(code: str | None) -> str:
    """Return the name of a country."""
    return rendering.country_names().get(code, code) if code else "Unknown place"


# --- Private ---------------------------------------------------------------------------------------------------------


def _fact(known: KnownFact) -> dict[str, Any]:
    meta = [f"recorded by {known.by}"]
    if known.country:
        meta.insert(0, country(known.country))
    if known.withdrawn_at:
        meta.append(f"taken back {rendering.day(known.withdrawn_at)}")
    return {"at": known.at, "title": plain(known.kind), "meta": meta, "tone": None}


def _decision(made: Decision) -> dict[str, Any]:
    text = f"{plain(made.kind)} by {made.by}: {made.reason}"
    if made.undone_at:
        text += f" Taken back {rendering.day(made.undone_at)} by {made.undone_by or 'somebody'}."
    return {"at": made.at, "text": text}


def _counted(seen: SeenScan) -> str:
    if seen.automated == "internal":
        return "Internal, not counted"
    if seen.is_counted:
        return f"Scan {seen.number}" if seen.number else "Counted"
    if seen.automated and not seen.is_confirmed:
        return f"Not counted: {NOT_COUNTED.get(seen.automated, seen.automated)}"
    return "Counted once its page ran" if seen.automated else "Repeat, not counted again"


def _time(at: Any) -> Markup:
    return Markup('<time datetime="{}">{} {}</time>').format(
        rendering.iso(at), rendering.day(at), at.strftime("%H:%M:%S")
    )


def _within(radius_km: float | None) -> str | None:
    return f"within {radius_km:,.0f} km" if radius_km else None


def _channel(channel: str) -> str | None:
    return None if channel == "camera" else channel


def _link(subject: Subject) -> str:
    name = subject.name
    ais = {"00": name.key} if name.serial is None else {"01": name.key, "21": name.serial}
    host = f"https://{name.brand.hosts[0]}" if name.brand.hosts else runtime().config.base_url
    return DigitalLink.build(ais).uri(host)
