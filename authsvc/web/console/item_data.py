"""The data of one item in the console: its facts, its records and their courses, forms to add to them, a new label."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import request
from markupsafe import Markup
from werkzeug.wrappers import Response

from authsvc import item_story, label_replacements, run_orders, sites, unit_attributes, unit_records
from authsvc.core import unit_data
from authsvc.core.records import KINDS, Record
from authsvc.core.unit_data import Audience, Level
from authsvc.core.verdicts import Disposition
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.item_story import Story
from authsvc.staff import Role
from authsvc.web import rendering as words
from authsvc.web.console import guard, item_keys, item_words, rendering
from authsvc.web.site import runtime
from authsvc.web.unit_cards import figures

AUDIENCES = {
    "public": "Everybody",
    "owner": "The owner, and those below",
    "partner": "Service partners, and authorities",
    "authority": "Authorities only",
}
FACTS = ({"name": "Fact"}, {"name": "Value"}, {"name": "From"}, {"name": "Who may see it"})
RECORDS = ({"name": "When"}, {"name": "What"}, {"name": "Says"}, {"name": "By"}, {"name": "Who may see it"})
_FROM = {Level.PRODUCT: "the product", Level.LOT: "its batch", Level.ITEM: "this item"}
Page = str | tuple[str, int] | Response


def shown(subject: Subject, story: Story) -> dict[str, Any]:
    """Return what the page of an item shows of its data."""
    name = subject.name
    with guard.session() as session:
        facts = unit_attributes.read(session, name, story.state.lot, viewer=Audience.AUTHORITY)
        records = unit_records.read(session, name, viewer=Audience.AUTHORITY)
        new, old = label_replacements.find_new(session, name.sgtin), label_replacements.find_old(session, name.sgtin)
    rows = [
        {"cells": [fact.name, fact.value, {"text": _FROM[fact.level]}, AUDIENCES[fact.audience].partition(",")[0]]}
        for fact in facts
    ]
    return {
        "unit_facts": rows,
        "unit_records": [_row(record) for record in records],
        "unit_figures": figures(records),
        "fact_columns": FACTS,
        "record_columns": RECORDS,
        "can_relabel": story.state.disposition is Disposition.ACTIVE,
        "new_label": new and f"/console/items/{item_keys.spell(new)}",
        "old_label": old and f"/console/items/{item_keys.spell(old)}",
    }


@guard.page("/items/<key>/record", role=Role.OPERATOR, methods=["GET", "POST"])
def add_record(key: str) -> Page:
    """Add a record to an item."""
    subject = item_keys.get_subject(key)
    if request.method == "GET":
        return _record_form(key, subject)
    me = guard.me()
    try:
        given = _read_record()
        with guard.session() as session:
            made = unit_records.append(
                session, subject.name, given, id=runtime().new_id(), by=me.actor, permission=unit_records.STAFF,
                now=guard.now(),
            )  # fmt: skip
            me.record(session, "item.record", subject.sgtin, {"kind": made.kind, "id": str(made.id)})
    except (BadInput, NotFound) as error:
        return _record_form(key, subject, fault=str(error)), error.status
    return guard.done("The record is added.", f"/console/items/{key}")


@guard.page("/items/<key>/fact", role=Role.OPERATOR, methods=["GET", "POST"])
def set_fact(key: str) -> Page:
    """Set or take away a fact of one item."""
    subject, form = item_keys.get_subject(key), request.form
    if request.method == "GET":
        return _fact_form(key, subject)
    me, name = guard.me(), form.get("name", "")
    try:
        with guard.session() as session:
            if "remove" in form:
                before: str | None = unit_attributes.remove(session, subject.name, name)
                details = {"name": name, "before": before, "value": None}
            else:
                given = unit_data.check(name, form.get("value", ""), form.get("audience", ""))
                before = unit_attributes.put(session, subject.name, given, by=me.name, now=guard.now())
                details = {"name": given.name, "before": before, "value": given.value, "for": given.audience.value}
            me.record(session, "item.fact", subject.sgtin, details)
    except (BadInput, NotFound, Conflict) as error:
        return _fact_form(key, subject, fault=str(error)), error.status
    return guard.done("The fact is taken away." if "remove" in form else "The fact is saved.", f"/console/items/{key}")


@guard.page("/items/<key>/relabel", role=Role.OPERATOR, methods=["GET", "POST"], step_up=True)
def relabel(key: str) -> Page:
    """Order a new label for an item whose own is damaged."""
    subject = item_keys.get_subject(key)
    if request.method == "GET":
        return _relabel_form(key, subject)
    me, product = guard.me(), subject.product
    try:
        if product is None:
            raise BadInput("Only the label of an item is replaced.")  # noqa: TRY301  the form says it, like the rest
        with guard.session() as session:
            hits = item_story.find_recalls(session, subject.name, product)
            order = label_replacements.order_of(
                session, subject.name, reason=request.form.get("reason", ""),
                is_recalled=any(hit.lifted_at is None for hit in hits), site=request.form.get("site") or None,
            )  # fmt: skip
            placed = run_orders.place(session, product, order, me.actor, id=runtime().new_id(), now=guard.now())
            me.record(session, "item.relabel.order", subject.sgtin, {"order": str(placed.id), "reason": order.reason})
    except (BadInput, Conflict) as error:
        return _relabel_form(key, subject, fault=str(error)), error.status
    said = "waits until somebody else approves it" if placed.needs_two else "is being made"
    return guard.done(f"The new code {said}. Once it is there, the old one is withdrawn.", "/console/runs")


# --- Private ---------------------------------------------------------------------------------------------------------


def _row(record: Record) -> Mapping[str, Any]:
    said = ", ".join(f"{name}: {value}" for name, value in record.worded())
    return {
        "cells": [
            Markup('<time datetime="{}">{}</time>').format(words.iso(record.at), words.moment(record.at)),
            {"text": record.label, "small": "corrected later" if record.is_corrected else
             "corrects an earlier one" if record.corrects else None},
            {"text": said or record.text, "small": record.text if said else None},
            record.by,
            AUDIENCES[record.audience].partition(",")[0],
        ]
    }  # fmt: skip


def _read_record() -> unit_records.NewRecord:
    form = request.form
    kind = KINDS.get(form.get("kind", ""))
    if kind is None:
        raise BadInput("Choose what the record is about.")
    try:
        at = datetime.fromisoformat(form["at"]).astimezone(guard.now().tzinfo) if form.get("at") else guard.now()
    except (ValueError, OverflowError):
        raise BadInput("Write the time as 2026-09-28T10:00.") from None
    values: dict[str, Any] = {}
    for line in filter(None, map(str.strip, form.get("values", "").splitlines())):
        name, mark, value = (part.strip() for part in line.partition("="))
        if not mark:
            raise BadInput(f"Write a value as name = value, got {line!r}.")
        values[name] = value if name in kind.texts else _number(value)
    audience = form.get("audience", "")
    return unit_records.NewRecord(
        kind=form["kind"], at=at, values=values, text=form.get("text", ""),
        audience=unit_data.audience_of(audience) if audience else None,
    )  # fmt: skip


def _number(text: str) -> float | str:
    try:
        return int(text) if text.isascii() and text.isdigit() else float(text)
    except ValueError:
        return text


def _record_form(key: str, subject: Subject, *, fault: str | None = None) -> str:
    kinds = [(name, kind.label) for name, kind in KINDS.items()]
    own = ("measures of your own",)
    known = [
        (kind.label, ", ".join([*kind.series, *kind.texts, *(own if kind.takes_any else ())]))
        for kind in KINDS.values()
    ]
    return rendering.show(
        "console/item_record.html", title="Add a record", key=key, item=item_words.title(subject), fault=fault,
        kinds=kinds, known=known, audiences=[("", "As its kind says"), *AUDIENCES.items()],
        given={name: request.form.get(name, "") for name in ("kind", "at", "values", "text", "audience")},
    )  # fmt: skip


def _fact_form(key: str, subject: Subject, *, fault: str | None = None) -> str:
    return rendering.show(
        "console/item_fact.html", title="Add a fact", key=key, item=item_words.title(subject), fault=fault,
        audiences=list(AUDIENCES.items()),
        given={name: request.form.get(name, "") for name in ("name", "value", "audience")},
    )  # fmt: skip


def _relabel_form(key: str, subject: Subject, *, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        places = sites.list_sites(session, me.brand_id, now=guard.now())
        needs_two = run_orders.needs_approval(session, me.brand_id)
    return rendering.show(
        "console/item_relabel.html", title="Replace the label", key=key, item=item_words.title(subject), fault=fault,
        sites=[(site.name, site.name) for site in places if not site.is_closed], needs_two=needs_two,
        given={name: request.form.get(name, "") for name in ("reason", "site")},
    )  # fmt: skip
