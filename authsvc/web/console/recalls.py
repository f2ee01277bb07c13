"""
Recalls in the console: what is in force, and the two steps to a new one.

The first step writes a draft; the second shows what the draft would hit and announces it. So what is announced is what
was shown, and whoever presses twice announces once.
"""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from authsvc import catalogue, languages, recall_drafts, recall_languages, recalls
from authsvc.core import serial_lists, serials
from authsvc.core.register import Product
from authsvc.errors import BadInput, NotFound
from authsvc.recall_drafts import Draft
from authsvc.recalls import Target
from authsvc.staff import Role
from authsvc.web.console import guard, recall_texts, rendering
from authsvc.web.site import runtime

HERE = "/console/recalls"
SCOPES: Mapping[str, str] = {
    "lot": "Batch",
    "range": "Serial range",
    "list": "List of serials",
    "window": "Production window",
    "product": "Whole product",
}
MOST_BYTES = 4 * 2**20
"""A list of 50,000 serials, as an issue writes them with their links."""
_SHOWN = 200
_MOST_PICKED = 300
Page = str | tuple[str, int] | Response


@guard.page("/recalls", role=Role.VIEWER, nav="Recalls")
def recalls_list() -> str:
    """List the recalls of the brand, the latest first; those in force are apart from those that were lifted."""
    me = guard.me()
    with guard.session() as session:
        found = recalls.list_recalls(session, brand_id=me.brand_id, limit=_SHOWN)
        names = {gtin: catalogue.get_product(session, gtin).name for gtin in {one.gtin for one in found}}
    return rendering.show(
        "console/recalls.html", title="Recalls", names=names, may_change=me.role.may(Role.OPERATOR),
        in_force=[one for one in found if one.lifted_at is None],
        lifted=[one for one in found if one.lifted_at is not None],
    )  # fmt: skip


@guard.page("/recalls/<int:recall_id>", role=Role.VIEWER, nav="Recalls")
def show(recall_id: int) -> str:
    """Show one recall: what it is of, what people read, how much it hits and who was told."""
    me = guard.me()
    with guard.session() as session:
        found = recalls.get_recall(session, recall_id, brand_id=me.brand_id)
        product = catalogue.get_product(session, found.gtin)
    return rendering.show(
        "console/recall.html", title=f"Recall {found.id}: {product.name}", recall=found, product=product,
        may_change=me.role.may(Role.OPERATOR), said=recall_texts.of_recall(found),
        missing=recall_languages.sentences(product.markets, (found.language, *found.texts)),
    )  # fmt: skip


@guard.page("/recalls/new", role=Role.OPERATOR, methods=["GET", "POST"], nav="Recalls", most_bytes=MOST_BYTES)
def new() -> Page:
    """Ask what is to be recalled and why; nothing is announced yet."""
    if request.method == "GET":
        return _form(request.args.get("scope", ""), request.args)
    me, rt = guard.me(), runtime()
    scope = request.form.get("scope", "")
    if "add" in request.form:
        return _form(scope, request.form, adds=True)
    try:
        with guard.session() as session:
            product = _product(session, request.form.get("gtin", ""))
            draft = Draft(
                id=rt.new_id(),
                gtin=product.gtin,
                target=_target(scope, product),
                reason=request.form.get("reason", ""),
                remedy=request.form.get("remedy", ""),
                language=request.form.get("language", languages.DEFAULT),
                texts=recall_texts.given(),
                tells_owners="tells_owners" in request.form,
                made_by=me.actor.name,
            )
            # What cannot be announced is said here, beside the fields, and not on the next page.
            recalls.preview(session, product, draft.target, serial_keys=_keys(), now=guard.now())
            recall_drafts.write(session, me.brand_id, draft, now=guard.now())
    except (BadInput, NotFound) as error:
        return _form(scope, request.form, fault=str(error)), BadInput.status
    return guard.go(f"{HERE}/drafts/{draft.id}")


@guard.page("/recalls/drafts/<uuid:draft_id>", role=Role.OPERATOR, nav="Recalls", step_up=True)
def draft_page(draft_id: UUID) -> str:
    """Show what a draft would hit, as it counts now, and how to announce it."""
    return _draft(draft_id)


@guard.page("/recalls/drafts/<uuid:draft_id>/announce", role=Role.OPERATOR, methods=["POST"], step_up=True)
def announce(draft_id: UUID) -> Page:
    """Announce what the page of the draft has shown."""
    me = guard.me()
    if "sure" not in request.form:
        return _draft(draft_id, fault="Tick the box to say that you have looked at these figures."), BadInput.status
    with guard.session() as session:
        product = catalogue.get_product(session, recall_drafts.find_gtin(session, me.brand_id, draft_id))
        made, is_new = recall_drafts.announce(session, product, draft_id, serial_keys=_keys(), now=guard.now())
        if is_new:
            me.record(session, "recall.announce", str(made.id), recalls.announced(made))
    return guard.done(f"Recall {made.id} is in force. Every page says so from now on.", f"{HERE}/{made.id}")


@guard.page("/recalls/drafts/<uuid:draft_id>/drop", role=Role.OPERATOR, methods=["POST"])
def drop(draft_id: UUID) -> Response:
    """Forget a draft."""
    with guard.session() as session:
        recall_drafts.drop(session, guard.me().brand_id, draft_id)
    return guard.done("The draft is dropped. Nothing was announced.", HERE)


@guard.page("/recalls/<int:recall_id>/lift", role=Role.OPERATOR, methods=["GET", "POST"], nav="Recalls", step_up=True)
def lift(recall_id: int) -> Page:
    """End a recall, after saying what that changes."""
    me = guard.me()
    if request.method == "GET":
        with guard.session() as session:
            found = recalls.get_recall(session, recall_id, brand_id=me.brand_id)
            product = catalogue.get_product(session, found.gtin)
        return rendering.show(
            "console/recall_lift.html", title=f"Lift recall {found.id}", recall=found, product=product
        )
    with guard.session() as session:
        ended = recalls.lift(session, recall_id, brand_id=me.brand_id, now=guard.now())
        me.record(session, "recall.lift", str(ended.id), {"gtin": ended.gtin, "scope": ended.scope})
    return guard.done(f"Recall {ended.id} is lifted. Pages no longer show it.", f"{HERE}/{ended.id}")


# --- Private ---------------------------------------------------------------------------------------------------------


def _draft(draft_id: UUID, *, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        draft = recall_drafts.get(session, me.brand_id, draft_id)
        product = _product(session, draft.gtin)
        found = recalls.preview(session, product, draft.target, serial_keys=_keys(), now=guard.now())
    return rendering.show(
        "console/recall_draft.html",
        title=f"Recall {product.name}?",
        draft=draft,
        product=product,
        found=found,
        scope=recalls.describe(found.scope),
        beside={"product": "the whole product", "lot": "the whole batch", "lots": "the whole batches"},
        missing=recall_languages.sentences(product.markets, (draft.language, *(text.language for text in draft.texts))),
        said=recall_texts.shown(draft.language, draft.texts),
        fault=fault,
    )


def _form(scope: str, given: Mapping[str, str], *, adds: bool = False, fault: str | None = None) -> str:
    scope = scope if scope in SCOPES else "lot"
    me = guard.me()
    with guard.session() as session:
        products = catalogue.list_products(session, me.brand_id)
    chosen = given.get("gtin", "").strip().zfill(14)
    markets = next((one.markets for one in products if one.gtin == chosen), ())
    names = ("gtin", "lot", "first", "last", "serials", "since", "until", "reason", "remedy")
    return rendering.show(
        "console/recall_new.html",
        title="New recall",
        scope=scope,
        tabs=[
            {"name": text, "href": f"{HERE}/new?scope={key}", "is_current": key == scope}
            for key, text in SCOPES.items()
        ],
        products=[(one.gtin, f"{one.name} ({one.gtin})") for one in products] if len(products) <= _MOST_PICKED else [],
        given={name: given.get(name, "") for name in names} | ({"serials": _list_text()} if adds else {}),
        tells_owners="tells_owners" in given or not given.get("form_token"),
        **recall_texts.fields(given.get("language", languages.DEFAULT), recall_texts.rows(), markets, adds=adds),
        fault=fault,
    )


def _target(scope: str, product: Product) -> Target:
    form = request.form
    match scope:
        case "lot":
            return Target(lot=_needed("lot", "Name the batch."))
        case "range":
            ends = _needed("first", "Give the first serial."), _needed("last", "Give the last serial.")
            return Target(between=ends)
        case "list":
            return Target(listed=tuple(serial_lists.parse(_list_text(), product.gtin)))
        case "window":
            return Target(made=(_day("since", "first"), _day("until", "last")))
        case "product":
            return Target()
    raise BadInput(f"There is no recall of {form.get('scope', '')[:50]!r}.")


def _needed(name: str, sentence: str) -> str:
    value = request.form.get(name, "").strip()
    if not value:
        raise BadInput(sentence)
    return value


def _day(name: str, which: str) -> date:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise BadInput(f"Give the {which} day of the window, such as 2026-08-01.") from None


def _list_text() -> str:
    file = request.files.get("file")
    content = file.read() if file is not None else b""
    try:
        return content.decode("utf-8") or request.form.get("serials", "")
    except UnicodeDecodeError:
        raise BadInput("The file is not in UTF-8; serials are plain ASCII.") from None


def _product(session: Session, gtin: str) -> Product:
    product = catalogue.get_product(session, gtin.strip().zfill(14))
    if product.brand_id != guard.me().brand_id:
        raise NotFound(f"There is no product with the GTIN {gtin!r}.")
    return product


def _keys() -> Mapping[str, serials.SerialKey]:
    return runtime().held.serial_keys_of(guard.me().brand_id)
