"""The queue of alerts: lists, filters, search; acts on many of them are in ``alert_bulk``."""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from operator import itemgetter
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from flask import request

from authsvc import alert_lists, alert_surroundings, triage
from authsvc.alert_lists import Asked, Listed, Page, Row, Sort
from authsvc.core import alerts, decisions
from authsvc.core.alerts import Severity
from authsvc.core.decisions import About
from authsvc.investigations import Subject
from authsvc.staff import Role
from authsvc.web import rendering as words
from authsvc.web.console import alert_words, guard, rendering
from authsvc.web.site import runtime

HOME = "/console/alerts"
NONE_TICKED = "Tick the alerts that you mean first."
NONE_LEFT = "Nothing was done: this list has no alert to tick any more."
NAMES = {
    Listed.NEW: "New", Listed.MINE: "Mine", Listed.TEAM: "Team", Listed.SNOOZED: "Snoozed",
    Listed.CLOSED: "Closed",
}  # fmt: skip
EMPTY = {
    Listed.NEW: "No alert waits for somebody to take it.",
    Listed.MINE: "No alert is assigned to you.",
    Listed.TEAM: "No alert is assigned to anybody else.",
    Listed.SNOOZED: "No alert sleeps.",
    Listed.CLOSED: "No alert is closed yet.",
}
KINDS = {
    About.ITEM: "Item", About.UNIT: "Case", About.PAGE: "Result page", About.CODE: "Unknown code", About.LOT: "Batch",
    About.RUN: "Neighbours", About.NETWORK: "Network", About.SHOP: "Shop",
}  # fmt: skip
_NAMED = frozenset({About.UNIT, About.LOT, About.NETWORK})
"""Kinds that a subtitle says already."""
AGES = {"1": "Last day", "7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days"}
SORTS = {Sort.NEWEST: "Newest first", Sort.WORST: "Worst first", Sort.OLDEST: "Oldest first"}
SNOOZES = {"1": "until tomorrow", "7": "for 7 days", "30": "for 30 days"}
TAKE, DECIDE = "assign-me", "decide"
BULK_ACTS = [
    (TAKE, "Assign to me"), *((f"snooze-{days}", f"Snooze {said}") for days, said in SNOOZES.items()),
    (DECIDE, "Decide them together…"),
]  # fmt: skip
"""What may be done with ticked alerts from the list; what they are decided as is chosen on a page of its own."""
MOST_PRODUCTS = 200
"""A list to choose from is of no use when it is longer; the search takes a GTIN."""
_FILTERS = ("severity", "rule", "product", "lot", "country", "age", "q", "sort")


@dataclass(frozen=True, slots=True)
class Query:
    """What the address asks for: as it stands there, and as the lists understand it."""

    given: Mapping[str, str]
    asked: Asked

    def href(self, **changes: str | None) -> str:
        """Return the address of the queue with some of its parameters changed."""
        return self.to(HOME, **changes)

    def to(self, path: str, **changes: str | None) -> str:
        """Return the address of another page that remembers the list."""
        kept = {name: value for name, value in {**self.given, **changes}.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form about many alerts held when it was refused, and why, at which of its fields."""

    ticked: frozenset[str] = frozenset()
    what: str = ""
    reason: str = ""
    fault: str | None = None
    at: str = "reason"

    @classmethod
    def refused(cls, fault: str, *, at: str) -> "Typed":
        """Return what the form of this request held."""
        form = request.form
        return cls(
            ticked=frozenset(form.getlist("alert")), what=form.get("what", ""), reason=form.get("reason", "")[:2000],
            fault=fault, at=at,
        )  # fmt: skip


def read_query(asked: Mapping[str, str] | None = None) -> Query:
    """Read list, filters, search and page from the address, or as given; what is not understood is left out."""
    asked = request.args if asked is None else asked
    given = {
        name: value for name in ("list", *_FILTERS, "after", "before")
        if (value := asked.get(name, "").strip()[:300].replace("\0", ""))
    }  # fmt: skip
    listed = given.get("list")
    age, severity = given.get("age"), given.get("severity", "").upper()
    sort = given.get("sort")
    return Query(given, Asked(
        listed=Listed(listed) if listed in set(Listed) else Listed.NEW,
        rule=given.get("rule"), gtin=given.get("product"), lot=given.get("lot"),
        country=given["country"].upper() if "country" in given else None,
        severity=Severity[severity] if severity in Severity.__members__ else None,
        since=guard.now() - timedelta(days=int(age)) if age in AGES else None,
        text=given.get("q", ""), sort=Sort(sort) if sort in set(Sort) else Sort.NEWEST,
        after=given.get("after"), before=given.get("before"),
    ))  # fmt: skip


@guard.page("/alerts", role=Role.VIEWER, nav="Alerts")
def queue() -> str:
    """List alerts, in the list that was asked for."""
    return _show(read_query(), Typed())


def again(fault: str, *, at: str) -> tuple[str, int]:
    """Show the list that a refused form came from, with what was ticked and typed, and the fault at its field."""
    asked = dict(parse_qsl(urlsplit(guard.safe_next(request.form.get("back", HOME))).query))
    return _show(read_query(asked), Typed.refused(fault, at=at)), HTTPStatus.BAD_REQUEST


def subject_of(sgtin: str) -> Subject:
    """Return what an alert of this brand is about."""
    held = runtime().held
    return Subject.of_stored(held, held.register.brands[guard.me().brand_id], sgtin)


def tabs(query: Query, counts: Mapping[Listed, int]) -> list[dict[str, Any]]:
    """Return the lists with their counts, for the tabs above them; the filters stay."""
    return [
        {
            "name": name, "href": query.href(list=listed.value, after=None, before=None, q=None),
            "count": counts.get(listed), "is_current": listed is query.asked.listed and not query.asked.text,
        }
        for listed, name in NAMES.items()
    ]  # fmt: skip


def pages(page: Page, query: Query) -> dict[str, str | None]:
    """Return the addresses of the pages before and after one."""
    if not page.rows:
        return {"newer": None, "older": None}
    first, last = page.rows[0].key, page.rows[-1].key
    return {
        "newer": query.href(before=first, after=None) if page.has_before else None,
        "older": query.href(after=last, before=None) if page.has_after else None,
    }


def stream_address() -> str:
    """Return where news come from: alerts that are opened after this page was made."""
    return f"{HOME}/stream?since={int(guard.now().timestamp() * 1_000_000)}"


def about_of(row: Any) -> About:
    """Return the kind of what an alert is about."""
    return decisions.about(row.sgtin, row.rule)


def subtitle(row: Any) -> str:
    """Name what an alert is about: the item, the batch, the shop."""
    product = runtime().held.register.find_product(row.gtin) if row.gtin else None
    said = [product.name] if product is not None else []
    kind, evidence = about_of(row), row.evidence or {}
    if kind is About.SHOP:
        said.append(str(evidence.get("shop_name") or evidence.get("listing_url") or "One shop"))
    elif kind is About.NETWORK:
        said.append("One network")
    elif kind is About.UNIT:
        said.append(f"Case {row.sgtin.partition('.')[2]}")
    elif row.serial:
        said.append(words.grouped(row.serial))
    elif row.lot:
        said.append(f"batch {row.lot}")
    return " · ".join(said) or "Several items"


# --- Private ---------------------------------------------------------------------------------------------------------


def _show(query: Query, typed: Typed) -> str:
    me = guard.me()
    with guard.session() as session:
        page = alert_lists.find(session, me.brand_id, me.account_id, query.asked, now=guard.now())
        counts = alert_lists.count(session, me.brand_id, me.account_id, now=guard.now())
        rules = alert_lists.find_rules(session, me.brand_id)
        decided = triage.find_choices(session, me.brand_id, [(row.sgtin, row.id) for row in page.rows])
        has_keys = alert_surroundings.has_shortcuts(session, me.account_id)
    team = {member.account_id: member.name for member in guard.team()}
    listed = query.asked.listed
    may_act = me.role.may(Role.ANALYST) and listed is not Listed.CLOSED
    if typed.fault and not (page.rows and may_act):
        # Colleagues have closed or taken them: there is no field to mend.
        typed = replace(typed, fault=NONE_LEFT, at="list")
    return rendering.show(
        "console/alerts.html", title="Alerts", lists=tabs(query, counts), fields=_fields(query, rules),
        applied=_applied(query), clear=query.href(**dict.fromkeys((*_FILTERS, "after", "before"))),
        rows=[_table_row(row, query, _waiting(row, decided, team)) for row in page.rows], **pages(page, query),
        empty_text=_nothing(query), is_search=bool(query.asked.text), may_act=may_act,
        acts=BULK_ACTS, typed=typed, hidden={guard.FORM_FIELD: guard.form_token(), "back": query.href()},
        has_keys=has_keys, hidden_filter={"list": listed.value}, stream=stream_address(), is_live=_is_live(query),
    )  # fmt: skip


def _table_row(row: Row, query: Query, waiting: str) -> dict[str, Any]:
    said, kind = alert_words.headline(row.rule, row.evidence), about_of(row)
    opened = f"{words.day(row.opened_at)[:-5]} {words.clock(row.opened_at)}"
    return {
        "href": query.to(f"{HOME}/{row.id}"), "headline": said, "level": row.severity.word,
        "about": subtitle(row) if kind in _NAMED else f"{KINDS[kind]} · {subtitle(row)}",
        "sure": alerts.sureness(row.rule, row.severity, row.evidence),
        "where": alert_words.places(row.evidence), "opened": opened, "waiting": waiting,
        "age": alert_words.age(row.opened_at, guard.now()), "id": str(row.id), "iso": words.iso(row.opened_at),
    }  # fmt: skip


def _waiting(row: Row, decided: Mapping[UUID, str], team: Mapping[UUID, str]) -> str:
    """Say what an alert waits for, or how it ended."""
    if row.listed is Listed.CLOSED:
        choice = decided.get(row.id)
        return decisions.name_of(about_of(row), choice) if choice else "Closed without a decision"
    who = team.get(row.assignee, "a colleague") if row.assignee else None
    if row.listed is Listed.SNOOZED and row.snoozed_until is not None:
        return f"Sleeps until {words.day(row.snoozed_until)[:-5]}" + (f", {who}" if who else "")
    if row.listed is Listed.MINE:
        return "Your decision"
    return f"Decision of {who}" if who else "Somebody to take it"


def _fields(query: Query, rules: list[str]) -> list[dict[str, Any]]:
    brand_id = guard.me().brand_id
    ours = ((one.gtin, one.name) for one in runtime().held.register.products() if one.brand_id == brand_id)
    products = heapq.nsmallest(MOST_PRODUCTS, ours, key=itemgetter(1, 0))
    names = sorted(words.country_names().items(), key=lambda pair: pair[1])
    value = query.given.get
    return [
        {"kind": "search", "name": "q", "label": "Serial, link or batch", "value": value("q", "")},
        {"kind": "pick", "name": "severity", "label": "Severity", "value": value("severity", ""),
         "options": [("", "Any"), *((level.word, level.word.capitalize()) for level in reversed(Severity))]},
        {"kind": "pick", "name": "rule", "label": "Rule", "value": value("rule", ""),
         "options": [("", "Any"), *((rule, alerts.title_of(rule)) for rule in rules)]},
        {"kind": "pick", "name": "product", "label": "Product", "value": value("product", ""),
         "options": [("", "Any"), *products]},
        {"kind": "pick", "name": "country", "label": "Country", "value": value("country", ""),
         "options": [("", "Any"), *names]},
        {"kind": "pick", "name": "age", "label": "Age", "value": value("age", ""),
         "options": [("", "Any"), *AGES.items()]},
        {"kind": "pick", "name": "sort", "label": "Order", "value": value("sort", Sort.NEWEST.value),
         "options": [(sort.value, name) for sort, name in SORTS.items()]},
    ]  # fmt: skip


def _applied(query: Query) -> list[tuple[str, str]]:
    told: dict[str, Callable[[str], str]] = {
        "severity": lambda v: f"Severity: {v}", "rule": alerts.title_of, "product": _product_name,
        "lot": lambda v: f"Batch {v}",
        "country": lambda v: alert_words.place_name(v.upper()), "age": lambda v: AGES.get(v, v),
        "q": lambda v: f"“{v}”, in every list",
    }  # fmt: skip
    return [
        (say(query.given[name]), query.href(**dict.fromkeys((name, "after", "before"))))
        for name, say in told.items() if name in query.given
    ]  # fmt: skip


def _product_name(gtin: str) -> str:
    product = runtime().held.register.find_product(gtin)
    return product.name if product is not None and product.brand_id == guard.me().brand_id else gtin


def _nothing(query: Query) -> str:
    if any(name in query.given for name in _FILTERS if name != "sort"):
        return "No alert fits. Take a filter away, or search for less."
    return EMPTY[query.asked.listed]


def _is_live(query: Query) -> bool:
    """Whether news belong on top of what is shown."""
    return query.asked.listed is Listed.NEW and not any(name in query.given for name in (*_FILTERS, "after", "before"))
