"""
The evidence of a case on paper, for a reader who has nothing else: a lawyer, a judge, a marketplace.

It is set from the document of ``evidence_files`` alone and says the same; what the paper leaves to the JSON beside it,
it says so. The hash of that JSON stands at the foot of every page, so that the two cannot be swapped.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from authsvc.core.alerts import by_strength, headline, title_of
from authsvc.paragraphs import paragraph
from authsvc.web.papers.land import Map, Spot
from authsvc.web.papers.setting import (
    WIDTH,
    build,
    definitions,
    heading,
    small,
    subheading,
    table,
)
from authsvc.web.rendering import country_names

Json = Mapping[str, Any]
_MOST_SCANS, _FEWEST_SCANS, _ROOM = 60, 5, 1_200
"""Scans that are printed of one item, and of all items together: a paper is read, and evidence.json has the rest."""
_MOST_EVENTS = 200
_ACTS = {
    "alert.assign": "Alert assigned",
    "alert.decide": "Alert decided",
    "alert.snooze": "Alert put off",
    "alert.undo": "Decision undone",
    "alert.wake": "Alert taken up again",
    "case.alert-remove": "Alert taken out",
    "case.alerts-add": "Alerts added",
    "case.assign": "Case assigned",
    "case.attach": "File attached",
    "case.attachment-remove": "File taken away",
    "case.comment": "Comment written",
    "case.comment-remove": "Comment taken away",
    "case.export": "Evidence exported",
    "case.letter": "Letter written",
    "case.move": "Case moved",
    "case.open": "Case opened",
    "case.report-add": "Report added",
    "item.set": "Condition set",
    "report.close": "Report closed",
    "report.contact": "Contact looked at",
    "report.link": "Report linked",
    "report.reopen": "Report reopened",
}
"""Acts in words; one that is not here stands under its own name."""
_RESOLUTIONS = {
    "confirmed-clone": "Copied code",
    "false-alarm": "False alarm",
    "owner-error": "Owner's error",
    "grey-market": "Grey market",
    "test": "Test",
    "confirmed": "Confirmed",
}


def write(document: Json, as_json: bytes) -> bytes:
    """Return the evidence as PDF; *as_json* is the same document as it is handed out beside."""
    case, brand = document["case"], document["brand"]
    digest = hashlib.sha256(as_json).hexdigest()
    title = f"Evidence: case {case['number']}"
    return build(
        list(_story(document, digest)), title=f"{title}, {case['title']}", author=brand["name"],
        foot=f"{brand['name']} · {title} · {_moment(document['exported']['at'])} · evidence.json {digest[:16]}…",
    )  # fmt: skip


# --- Private ---------------------------------------------------------------------------------------------------------


def _story(document: Json, digest: str) -> Iterator[Flowable]:
    case = document["case"]
    yield small(f"{document['brand']['name']} · Evidence of case {case['number']}")
    yield paragraph(case["title"], 16, bold=True)
    yield definitions(
        [
            ("State", case["state"] + (f": {case['closed_reason']}" if case["closed_reason"] else "")),
            ("Opened", f"{_moment(case['opened_at'])}, by {case['opened_by']}"),
            ("Assigned to", case["assignee"] or "nobody"),
            ("Written", f"{_moment(document['exported']['at'])}, by {document['exported']['by']}"),
            ("Alerts, items, reports", ", ".join(str(len(document[part])) for part in ("alerts", "items", "reports"))),
            ("SHA-256 of evidence.json", digest),
        ]
    )  # fmt: skip
    yield heading("How to read this")
    for note in document["notes"]:
        yield paragraph(f"• {note}", 8.5)
    yield from _alerts(document)
    yield from _items(document)
    yield from _reports(document)
    yield from _comments(document)
    yield from _files(document)
    yield from _audit(document)


def _alerts(document: Json) -> Iterator[Flowable]:
    yield heading("Alerts")
    names = {item["key"]: item for item in document["items"]}
    for number, alert in enumerate(document["alerts"], 1):
        item = names.get(alert["key"])
        yield subheading(f"Alert {number}: {_item_name(item) if item else alert['subject']}")
        yield definitions(
            [
                ("What happened", headline(alert["rule"], alert["evidence"], country_names())),
                ("Rule", f"{title_of(alert['rule'])} ({alert['rule']})"),
                ("Raised", _moment(alert["opened_at"])),
                ("Score", f"{alert['score']:.1f}" + _threshold(alert["evidence"])),
                ("Closed", _moment(alert["closed_at"]) if alert["closed_at"] else "no, it is open"),
                ("Key", alert["key"]),
            ]
        )
        parts = by_strength(alert["evidence"])
        if parts:
            yield table(
                ("What speaks for or against copies", "Weight"),
                [(part["text"], f"{part['weight']:+.1f}") for part in parts], (145, 25),
            )  # fmt: skip
        for found in alert["resolutions"]:
            said = f"{_RESOLUTIONS.get(found['kind'], found['kind'])}, {_moment(found['at'])}, by {found['by']}: "
            said += found["reason"]
            if found["undone_at"]:
                said += f" (undone {_moment(found['undone_at'])} by {found['undone_by']}: {found['undone_reason']})"
            yield paragraph(said, 8.5, before=1 * mm)
    if not document["alerts"]:
        yield paragraph("The case holds no alert.")


def _items(document: Json) -> Iterator[Flowable]:
    if not document["items"]:
        return
    yield heading("Items and their scans")
    most = max(_FEWEST_SCANS, min(_MOST_SCANS, _ROOM // len(document["items"])))
    for item in document["items"]:
        yield subheading(_item_name(item))
        yield definitions(
            [
                ("GTIN" if item["gtin"] else "SSCC", item["gtin"] or item["sscc"]),
                ("Serial", item["serial"] or "none"),
                ("Lot", item["lot"]),
                ("Condition", item["disposition"] and _disposition(item)),
                ("First checked", _moment(item["first_checked_at"]) if item["first_checked_at"] else None),
                ("Scans counted", str(item["scans_counted"])),
            ]
        )
        scans = item["scans"][-most:]
        spots = [
            Spot(number, scan["latitude"], scan["longitude"], scan["radius_km"])
            for number, scan in enumerate(scans, 1)
            if None not in {scan["latitude"], scan["longitude"], scan["radius_km"]}
        ]
        if spots:
            yield Spacer(0, 2 * mm)
            yield Map(spots, WIDTH)
            yield small("Each number is a scan of the table below; its circle is where the phone may have been.")
        if scans:
            yield table(
                ("No.", "Time (UTC)", "Visitor", "Place", "Within", "Network", "Counted", "Seen by a person"),
                [_scan(number, scan) for number, scan in enumerate(scans, 1)], (9, 33, 22, 26, 18, 22, 17, 23),
            )  # fmt: skip
        left_out = len(item["scans"]) - len(scans) + item["scans_left_out"]
        if left_out:
            yield small(f"{left_out:,} earlier scans are not printed; evidence.json has {len(item['scans']):,}.")
        if item["facts"]:
            yield table(
                ("What happened to the item", "When (UTC)", "Where", "Recorded by"),
                [
                    (
                        fact["kind"] + (" (withdrawn)" if fact["withdrawn_at"] else ""), _moment(fact["at"]),
                        fact["country"], fact["recorded_by"],
                    )
                    for fact in item["facts"]
                ],
                (60, 40, 20, 50),
            )  # fmt: skip


def _reports(document: Json) -> Iterator[Flowable]:
    if not document["reports"]:
        return
    yield heading("Reports of consumers")
    for report in document["reports"]:
        yield subheading(f"Report {report['number']}")
        shop = ", ".join(part for part in (report["shop_name"], report["shop_address"]) if part)
        yield definitions(
            [
                ("Received", _moment(report["at"])),
                ("Listing", report["listing_url"]),
                ("Shop", shop or None),
                ("Price", report["price"]),
                ("Code", report["item"] or report["typed_code"]),
                ("Photos (SHA-256)", "\n".join(photo["sha256"] for photo in report["photos"]) or "none"),
                ("In their words", report["text"] or None),
            ]
        )


def _comments(document: Json) -> Iterator[Flowable]:
    if not document["comments"]:
        return
    yield heading("Comments")
    for said in document["comments"]:
        yield small(f"{said['by']}, {_moment(said['at'])}")
        if said["removed_at"]:
            yield paragraph(f"Taken away by its author, {_moment(said['removed_at'])}.", 8.5)
            continue
        for block in said["text"].split("\n\n"):
            yield paragraph(block, 9)


def _files(document: Json) -> Iterator[Flowable]:
    if not document["attachments"]:
        return
    yield heading("Files of the case")
    yield table(
        ("Name", "Added (UTC)", "Size", "SHA-256"),
        [
            (
                file["name"] + (" (taken away)" if file["removed_at"] else ""), _moment(file["added_at"]),
                f"{file['size']:,} bytes", file["sha256"],
            )
            for file in document["attachments"]
        ],
        (50, 34, 24, 62),
    )  # fmt: skip


def _audit(document: Json) -> Iterator[Flowable]:
    events = document["audit"]["events"]
    yield heading("What was done, from the audit log")
    yield table(
        ("No.", "Time (UTC)", "Who", "Act", "On"),
        [
            (str(event["seq"]), _moment(event["at"]), event["by"]["name"], _act(event), event["subject"])
            for event in events[-_MOST_EVENTS:]
        ],
        (14, 34, 52, 30, 40),
    )  # fmt: skip
    left_out = max(0, len(events) - _MOST_EVENTS) + document["audit"]["left_out"]
    if left_out:
        yield small(f"{left_out:,} earlier acts are not printed.")
    yield small("Each act is chained to the one before by a hash; the hashes stand in evidence.json.")


def _act(event: Json) -> str:
    """Word an act, with what it changed where that is one word."""
    act = str(event["act"])
    words = _ACTS.get(act, act)
    found = event["details"].get("to") or event["details"].get("decision")
    return f"{words}: {found}" if act in {"case.move", "alert.decide"} and found else words


def _scan(number: int, scan: Json) -> tuple[str | None, ...]:
    counted = "yes" if scan["is_counted"] else f"no, {scan['automated']}" if scan["automated"] else "no, a repeat"
    return (
        str(number),
        _moment(scan["at"]),
        scan["visitor"][:8],
        country_names().get(scan["country"] or "", scan["country"]),
        None if scan["radius_km"] is None else f"{scan['radius_km']:,.0f} km",
        scan["network"],
        "no, our own" if scan["is_internal"] else counted,
        _moment(scan["confirmed_at"]) if scan["confirmed_at"] else "not confirmed",
    )


def _item_name(item: Json) -> str:
    return f"{item['product'] or 'Item'} · {item['serial'] or item['sscc']}"


def _disposition(item: Json) -> str:
    said = str(item["disposition"])
    if item["disposition_at"]:
        said += f" since {_moment(item['disposition_at'])}"
    return said + (f": {item['disposition_reason']}" if item["disposition_reason"] else "")


def _threshold(evidence: Json) -> str:
    found = evidence.get("threshold")
    return f", flagged from {found:.1f}" if isinstance(found, int | float) else ""


def _moment(at: str) -> str:
    return f"{datetime.fromisoformat(at):%-d %b %Y, %H:%M}"
