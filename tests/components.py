"""Sample data for the named pieces of the console, and a blueprint of tests that shows each piece."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from flask import Blueprint, abort, current_app, render_template
from markupsafe import Markup

from authsvc.web import rendering
from authsvc.web.console.alert_reasons import reasons
from authsvc.web.drawing import charts, maps
from authsvc.web.shell import NavGroup, NavLink, Notice, Person, Shell

AT = datetime(2026, 11, 23, 10, 14, 5, tzinfo=UTC)
HIDDEN = {"form_token": "kq2Jt8mZ", "version": "3"}
PAGES = {
    "alert": "The same serial was scanned in Milan and Ho Chi Minh City, 3 h 12 min apart",
    "parts": "Every part of the console",
    "bare": "Alerts",
    "gate": "Sign in",
}

NAVIGATION = (
    NavGroup(
        links=(
            NavLink(name="Overview", href="#overview", icon="overview"),
            NavLink(name="Alerts", href="#alerts", icon="alert", count=7, is_current=True),
            NavLink(name="Cases", href="#cases", icon="case"),
            NavLink(name="Reports", href="#reports", icon="report", count=1204, count_of="unread"),
            NavLink(name="Recalls", href="#recalls", icon="recall"),
            NavLink(name="Rules", href="#rules", icon="rules"),
        )
    ),
    NavGroup(
        title="Operations",
        links=(
            NavLink(name="Products", href="#products", icon="product"),
            NavLink(name="Batches and serials", href="#batches", icon="serial"),
            NavLink(name="Labels", href="#labels", icon="label"),
            NavLink(name="Webhooks", href="#webhooks", icon="webhook"),
        ),
    ),
)
SHELL = Shell(
    brand="Halden",
    groups=NAVIGATION,
    person=Person(
        name="Robin Analyst",
        role="Analyst",
        links=(NavLink(name="Your account", href="#account", icon="person"),),
    ),
    sign_out="#out",
    brands=(NavLink(name="Rival", href="#rival", icon="dot"),),
    notices=(
        Notice(
            text="Alert 4816 is closed as a false alarm.", undo="#undo", until="You can undo this until 10:44 UTC.",
            hidden=HIDDEN,
        ),
    ),
    hidden=HIDDEN,
)  # fmt: skip

LISTS = [
    {"name": "New", "href": "#new", "count": 7, "is_current": True},
    {"name": "Mine", "href": "#mine", "count": 2},
    {"name": "Snoozed", "href": "#snoozed", "count": 5},
    {"name": "Closed", "href": "#closed", "count": None},
]
_QUEUE = [
    ("high", "4 min", "Serial in two cities, too far apart", "Meridian 38 · 7K3M 9QX2 V4TD"),
    ("high", "22 min", "214 unknown codes from one network", "Signature not valid · no product"),
    ("high", "1 h", "Blocked serial is being scanned again", "Meridian 38 · 2PWC H6TA 81NV"),
    ("medium", "2 h", "Same code on 9 phones before first sale", "Tern Field · 5DNE 04RS KK7B"),
    ("medium", "3 h", "Scans in Poland, batch sold to Japan", "Tern Field · batch B260802"),
    ("medium", "5 h", "3 people reported the same shop", "Meridian 41 · 3 serials"),
    ("low", "8 h", "Serial scanned 14 times by one phone", "Strap set · M1GG 7ZQ0 5UXD"),
]
QUEUE = [
    {
        "level": level, "age": age, "title": title, "text": text, "href": f"#a{n}", "is_current": n == 0,
        "is_new": n == 1,
    }
    for n, (level, age, title, text) in enumerate(_QUEUE)
]  # fmt: skip
TICKED = [{**item, "is_current": False, "select": {"name": "alert", "value": str(n)}} for n, item in enumerate(QUEUE)]
TILES = [
    {"label": "Risk score", "value": "92", "unit": "of 100", "tone": "bad"},
    {"label": "Speed needed", "value": "3,041", "unit": "km/h", "tone": "bad"},
    {"label": "Scans, 30 days", "value": "41"},
    {"label": "Phones", "value": "23"},
    {"label": "Countries", "value": "6"},
]
OVERVIEW_TILES = [
    {"label": "Alerts to review", "value": "7", "tone": "bad", "note": "3 of high severity", "href": "#alerts"},
    {"label": "Scans, 30 days", "value": "41,210", "note": "+12 % on the 30 days before",
     "drawing": charts.sparkline("Scans per day, rising", [3, 4, 4, 6, 5, 7, 9, 8, 11, 12])},
    {"label": "Forged tries", "value": "214", "tone": "warn", "note": "one network made 190",
     "drawing": charts.sparkline("Forged tries per day", [0, 1, 0, 2, 1, 0, 9, 3, 1, 0], tone="warn")},
    {"label": "False alarms", "value": "1.2", "unit": "%", "note": "target 2 %"},
]  # fmt: skip
SCAN_COLUMNS = [
    {"name": "Time (UTC)", "is_tight": True},
    {"name": "Place", "is_tight": True},
    {"name": "Phone", "is_tight": True},
    {"name": "Speed from last scan", "align": "end", "is_tight": True},
]


def _phone(kind: str, pseudonym: str) -> Markup:
    return Markup('{} <span class="mono t2">{}</span>').format(kind, pseudonym)


SCAN_ROWS = [
    {"cells": ["23 Nov 10:14", "Ho Chi Minh City", _phone("New, Android", "9f31"),
               {"text": "3,041 km/h", "small": "Not possible"}], "tone": "bad"},
    {"cells": ["23 Nov 07:02", "Milan", _phone("Owner, iOS", "c07a"), {"text": "787 km/h", "small": "By plane"}]},
    {"cells": ["22 Nov 18:40", "Ho Chi Minh City", _phone("New, Android", "4be2"),
               {"text": "794 km/h", "small": "By plane"}]},
    {"cells": ["22 Nov 06:25", "Milan", _phone("Owner, iOS", "c07a"), {"text": "14 km/h", "small": "Expected"}]},
    {"cells": ["21 Nov 05:50", "Lyon", _phone("Dealer tool", "d114"), {"text": "—", "small": "Sold here"}]},
]  # fmt: skip
CHOICES = [
    {"value": "block", "label": "Copied code", "small": "Block this serial, keep the alert as evidence",
     "submit": "Block serial and close", "tone": "bad", "is_chosen": True,
     "effects": ["People who scan this code will see “Do not buy or use this item”.",
                 "The owner, 1 person, gets an e-mail. You can undo this."]},
    {"value": "false-alarm", "label": "Not a problem", "small": "For example a demo item or a travelling owner",
     "submit": "Close as false alarm", "effects": ["Nothing changes for people who scan. The rule learns from it."]},
    {"value": "wait", "label": "Wait for more scans", "small": "Comes back if it gets worse, or in 7 days",
     "submit": "Snooze the alert", "effects": ["The alert leaves this list until it gets worse."]},
]  # fmt: skip
WHY = reasons("new-visitors-in-other-places", {"threshold": 60.0, "target_rate": 0.001, "parts": [
    {"rule": "new-visitors-in-other-places", "weight": 40, "text": "New phones in two countries: Italy, Vietnam"},
    {"rule": "more-new-visitors-than-its-like", "weight": 28, "text": "21 different phones checked this code"},
    {"rule": "outside-its-market", "weight": 16, "text": "Six new phones checked it where it is not sold"},
    {"rule": "kinds-of-network", "weight": 12, "text": "Of 21 new phones there came 14 over a fixed line, as at home"},
    {"rule": "away-from-its-owner", "weight": -4, "text": "No new phone is known to be away from a registered owner"},
]}, 92.0)  # fmt: skip
LOG = [
    (AT, "Alert opened by rule “Geo speed”"),
    (AT + timedelta(minutes=1), "Sent to webhook SIEM, accepted"),
    (AT + timedelta(minutes=3), "Opened by Robin Analyst"),
]
EVENTS = [
    {"at": AT, "title": "Scanned in Ho Chi Minh City", "tone": "bad", "icon": "pin",
     "text": "Never seen before, on a mobile network.", "meta": ["visitor 9f31", "300 km radius"]},
    {"at": AT - timedelta(days=1), "title": "Reported by a consumer", "tone": "warn", "icon": "note",
     "text": "“Case back has no engraving.”"},
    {"at": AT - timedelta(days=30), "title": "Registered with its claim code", "tone": "ok", "icon": "person",
     "meta": ["warranty until 24 Oct 2028"]},
    {"at": AT - timedelta(days=60), "title": "Commissioned in run 12", "icon": "product"},
]  # fmt: skip
FILTERS = [
    {"kind": "search", "name": "q", "label": "Serial, link, batch or owner reference", "value": ""},
    {"kind": "pick", "name": "severity", "label": "Severity", "value": "high",
     "options": [("", "Any"), ("high", "High"), ("medium", "Medium")]},
    {"kind": "pick", "name": "product", "label": "Product", "value": "",
     "options": [("", "Any"), ("m38", "Meridian 38 Automatic")]},
    {"kind": "day", "name": "since", "label": "Since", "value": "2026-11-01"},
]  # fmt: skip
ALERT_COLUMNS = [
    {"name": "Alert"},
    {"name": "Severity"},
    {"name": "Serial", "is_code": True, "is_tight": True},
    {"name": "Score", "align": "end", "sort_href": "#score", "sorted": "descending"},
    {"name": "Opened", "sort_href": "#opened", "is_tight": True},
]


DAYS = [date(2026, 10, 25) + timedelta(days=n) for n in range(30)]
SCANS = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 2, 1, 3, 5, 4, 8, 7, 6]
KINDS = [("good", "ok"), ("suspect", "warn"), ("refused", "bad")]
PINS = [
    maps.Pin(label="Ho Chi Minh City · 10:14", note="29 scans, 17 new phones", latitude=10.8, longitude=106.7,
             radius_km=300, is_odd=True),
    maps.Pin(label="Milan · 07:02", note="Owner's phone, known", latitude=45.5, longitude=9.2, radius_km=190),
    maps.Pin(label="Lyon · 21 Nov", note="Sold here", latitude=45.8, longitude=4.8, radius_km=60, has_tag=False),
    maps.Pin(label="Lagos · 20 Nov", note="2 scans", latitude=6.5, longitude=3.4, radius_km=250, is_odd=True,
             has_tag=False),
    maps.Pin(label="Istanbul · 19 Nov", note="1 scan", latitude=41.0, longitude=29.0, radius_km=120, is_odd=True,
             has_tag=False),
]  # fmt: skip
NEAR = [
    maps.Pin(label="Basel · 09:10", note="Owner's phone", latitude=47.6, longitude=7.6, radius_km=40),
    maps.Pin(label="Zurich · 11:40", note="New phone", latitude=47.4, longitude=8.5, radius_km=90, is_odd=True),
    maps.Pin(label="Munich · 18:05", note="New phone", latitude=48.1, longitude=11.6, radius_km=190, is_odd=True),
]
COUNTS = {"DE": 41210, "FR": 18022, "IT": 9120, "US": 30100, "VN": 2900, "JP": 1204, "SG": 310, "MT": 12, "BR": 95,
          "ZA": 40, "AU": 700, "RU": 25, "CH": 12500, "PL": 4100, "GB": 15000, "XK": 3, "FJ": 1}  # fmt: skip
FIGURES = {
    "evidence": maps.evidence(
        "ev", "Map of the scans of serial 7K3M 9QX2 V4TD 1RZ8", PINS,
        [maps.Way(start=1, end=0, label="3,041 km/h needed", note="9,730 km in 3 h 12 min")],
    ),
    "near": maps.evidence("near", "Map of the scans of serial 2PWC H6TA 81NV 0000", NEAR),
    "days": charts.day_bars(
        "days", "Scans per day", [charts.Day(day, n, is_odd=n > 2) for day, n in zip(DAYS, SCANS, strict=True)]
    ),
    "verdict_days": charts.stacked_days("vd", "Scans per day by verdict", DAYS, [
        charts.Series("good", "ok", [900 + n * 37 % 400 for n in range(30)]),
        charts.Series("suspect", "warn", [40 + n * 13 % 70 for n in range(30)]),
        charts.Series("refused", "bad", [20 + n * 29 % 90 for n in range(30)]),
    ]),
    "alert_days": charts.day_lines("ad", "Alerts per day", DAYS, [
        charts.Series("opened", "info", [n * 7 % 11 + n // 5 for n in range(30)]),
        charts.Series("closed", "ok", [n * 5 % 9 for n in range(30)]),
        charts.Series("of them copies", "bad", [n * 3 % 4 for n in range(30)]),
    ], unit="alerts"),
    "verdict_bars": charts.share_bars("vb", "Verdicts by product", KINDS, [
        charts.Share("Meridian 38 Automatic", (9120, 410, 120)), charts.Share("Tern Field", (4010, 30, 12)),
        charts.Share("Strap set", (210, 0, 95)),
    ]),
    "world": maps.world("wo", "Scans by country, 30 days", COUNTS, rendering.country_names()),
}  # fmt: skip


def alert_rows(severity):
    """Return the rows of a list; *severity* is the macro, whose markup a cell may hold."""
    return [
        {"cells": [{"text": title, "href": f"#a{n}"}, severity(level), text.rpartition(" · ")[2], 92 - n * 7,
                   f"{age} ago"], "select": str(n), "label": title}
        for n, (level, age, title, text) in enumerate(_QUEUE)
    ]  # fmt: skip


def context(name, severity):
    return {
        "shell": SHELL, "title": PAGES[name], "at": AT, "hidden": HIDDEN, "lists": LISTS, "queue": QUEUE,
        "queue_ticks": TICKED, "tiles": TILES, "scan_columns": SCAN_COLUMNS, "scan_rows": SCAN_ROWS,
        "choices": CHOICES, "why": WHY, "log": LOG, "events": EVENTS, "filters": FILTERS,
        "alert_columns": ALERT_COLUMNS, "alert_rows": alert_rows(severity),
        "link_all": Markup('5 of 41 · <a href="#all">Show all</a>'),
        "overview_tiles": OVERVIEW_TILES, **FIGURES,
    }  # fmt: skip


def blueprint():
    """Return routes that exist in tests alone."""
    bp = Blueprint("components", __name__, template_folder=str(Path(__file__).parent / "templates"))

    @bp.get("/components/<name>")
    def show(name):
        if name not in PAGES:
            abort(404)
        severity = current_app.jinja_env.get_template("console/parts.html").module.severity
        return render_template(f"components/{name}.html", **context(name, severity))

    return bp
