"""Products and their lots: listed, defined one by one or by file, and the history of each from the audit log."""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from authsvc import audit, catalogue, errands, languages, lot_data, product_files, product_work
from authsvc.core import unit_data
from authsvc.core.number_formats import lot_format
from authsvc.core.product_rows import check_row
from authsvc.core.register import Product
from authsvc.errands import PRODUCTS, Errand
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.lot_data import LotInfo
from authsvc.staff import Role
from authsvc.web.console import guard, product_forms, rendering
from authsvc.web.site import runtime

HERE = "/console/products"
NAV = "Products"
MOST_BYTES = 2 * 2**20
GRANULARITIES = {
    "serial": "Serial: each item has a code of its own",
    "batch": "Batch: all items of a batch share one code",
    "hybrid": "Hybrid: cases or batches have codes, items get theirs later",
}
CLAIMS = {"none": "No claim code", "optional": "Optional", "required": "Required"}
TOKENS = {
    "ed25519": "ed25519: anybody can verify it",
    "compact": "compact: for tiny labels, online only",
    "none": "None",
}
RELEASES = {"on-issue": "As soon as it is issued", "on-commission": "Once the line has commissioned it"}
_EVENTS = 30
Page = str | tuple[str, int] | Response


@guard.page("/products", role=Role.VIEWER, nav=NAV)
def products() -> str:
    """List the products of the brand, and how the latest changes and files fare."""
    return _list()


@guard.page("/products/import", role=Role.OPERATOR, methods=["POST"], most_bytes=MOST_BYTES)
def import_file() -> Page:
    """Have a file checked; nothing is changed before somebody has seen what it would do."""
    given = request.files.get("file")
    try:
        if given is None or not given.filename:
            raise BadInput("Choose a file: CSV, XLSX or JSON Lines.")  # noqa: TRY301  the form says it, like the rest
        rows = list(product_files.read_rows(given.filename, io.BytesIO(given.stream.read(MOST_BYTES))))
        _check_size(rows)
        _order(product_work.asked(rows, file=given.filename[:100], is_dry=True))
    except (BadInput, Conflict) as error:
        return _list(fault=str(error)), error.status
    return guard.done(f"{given.filename[:100]} is being checked. What it would change appears below.", HERE)


@guard.page("/products/imports/<uuid:import_id>/load", role=Role.OPERATOR, methods=["POST"])
def load(import_id: UUID) -> Response:
    """Register what a dry run has found to be right."""
    me = guard.me()
    with guard.session() as session:
        checked = errands.get_errand(session, me.brand_id, import_id, PRODUCTS)
    if checked.state != "done" or not checked.asked["is_dry"]:
        raise Conflict("Only a file that was checked without a fault is loaded.")
    _order({**checked.asked, "is_dry": False})
    return guard.done("The products are being registered.", HERE)


@guard.page("/products/new", role=Role.OPERATOR, methods=["GET", "POST"], nav=NAV)
def new() -> Page:
    """Define a product."""
    return _edit(None)


@guard.page("/products/<gtin>", role=Role.VIEWER, nav=NAV)
def product(gtin: str) -> str:
    """Show a product: its facts, its lots, and what was done to it."""
    me = guard.me()
    with guard.session() as session:
        found = _get(session, gtin)
        lots = lot_data.list_lots(session, found)
        history = audit.find_events(session, me.brand_id, about=found.gtin, limit=_EVENTS)
    return rendering.show(
        "console/product.html", title=found.name, product=found, lots=lots,
        facts=unit_data.of_product(found.attributes), texts=_texts(found),
        language=languages.in_english(found.language) if found.language else None,
        of_lot=unit_data.of_lot, public=unit_data.Audience.PUBLIC, lot_example=_example(found),
        history=[
            (event.at, f"{event.act} by {event.actor.name.partition(' <')[0]}: {_told(event.details)}")
            for event in history
        ],
        granularity=GRANULARITIES[found.granularity.value], claim=CLAIMS.get(found.claim, found.claim),
        token=TOKENS.get(found.token, found.token), release=RELEASES[found.release.value],
        may_change=me.role.may(Role.OPERATOR),
    )  # fmt: skip


@guard.page("/products/<gtin>/edit", role=Role.OPERATOR, methods=["GET", "POST"], nav=NAV)
def edit(gtin: str) -> Page:
    """Change a product."""
    with guard.session() as session:
        found = _get(session, gtin)
    return _edit(found)


@guard.page("/products/<gtin>/lots/edit", role=Role.OPERATOR, methods=["GET", "POST"], nav=NAV)
def edit_lot(gtin: str) -> Page:
    """Add a lot to a product, or say more of one."""
    me = guard.me()
    with guard.session() as session:
        found = _get(session, gtin)
        known = lot_data.find_lot(session, found, request.args.get("lot", ""))
    if request.method == "GET":
        return _lot_form(found, known)
    try:
        given = _read_lot()
        with guard.session() as session:
            before = lot_data.save_lot(session, found, given, now=guard.now())
            details = {"lot": given.lot, "expires_on": given.expires_on and given.expires_on.isoformat()}
            me.record(session, "lot.add" if before is None else "lot.set", found.gtin, details)
    except BadInput as error:
        return _lot_form(found, known, fault=str(error)), error.status
    return guard.done(f"Batch {given.lot} is saved.", f"{HERE}/{found.gtin}")


# --- Private ---------------------------------------------------------------------------------------------------------


def _get(session: Session, gtin: str) -> Product:
    """Return a product; row-level security makes one of another brand as unknown as any."""
    try:
        return catalogue.get_product(session, gtin)
    except NotFound:
        raise NotFound("The brand has no product with this GTIN.") from None


def _padded(gtin: str) -> str:
    """Write a GTIN with 14 digits; what has no length of a GTIN stays as it was typed, for the sentence about it."""
    return gtin.zfill(14) if len(gtin) in {8, 12, 13} else gtin


def _advised() -> dict[str, str]:
    """Return what the advisor has found for the product that is to be defined."""
    advised = {name: request.args.get(name, "")[:80] for name in ("granularity", "category", "markets")}
    return {name: text for name, text in advised.items() if text}


def _list(*, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        found = catalogue.list_products(session, me.brand_id)
        orders = errands.list_errands(session, me.brand_id, PRODUCTS, limit=10)
    return rendering.show(
        "console/products.html", title="Products", products=found, orders=[_row(each) for each in orders],
        is_running=any(each.is_open for each in orders), may_change=me.role.may(Role.OPERATOR), fault=fault,
    )  # fmt: skip


def _row(order: Errand) -> Mapping[str, object]:
    is_form, is_dry, rows = order.asked["file"] == product_work.FORM, order.asked["is_dry"], order.asked["rows"]
    name = str(rows[0][1].get("name") or rows[0][1].get("gtin")) if is_form else order.asked["file"]
    done = f"{order.result.get('created', 0):,} registered, {order.result.get('updated', 0):,} changed"
    if is_dry:
        done = f"{order.result.get('created', 0):,} would be registered, {order.result.get('updated', 0):,} changed"
    texts = {"waiting": "Waits for the worker", "running": "At work", "done": done, "failed": "Not accepted"}
    return {
        "id": order.id,
        "name": name,
        "what": "Form" if is_form else "Dry run" if is_dry else "Load",
        "by": order.asked_name.partition(" <")[0],
        "at": order.created_at,
        "words": texts.get(order.state, "Cancelled"),
        "tone": {"done": "ok", "failed": "bad"}.get(order.state, "info"),
        "faults": (order.fault or "").splitlines(),
        "may_load": order.state == "done" and is_dry,
    }


def _check_size(rows: list[product_files.Row]) -> None:
    if not rows:
        raise BadInput("The file has no product.")
    if len(rows) > product_work.MOST_ROWS:
        raise BadInput(
            f"A file has {product_work.MOST_ROWS:,} products at most here; `authsvc products import` has no end."
        )


def _order(asked: Mapping[str, object]) -> None:
    me = guard.me()
    with guard.session() as session:
        number = runtime().new_id()
        errands.order(session, me.brand_id, PRODUCTS, asked, me.actor, id=number, now=guard.now())
        me.record(session, "product.order", str(number), {"file": asked["file"], "is_dry": asked["is_dry"]})


def _edit(known: Product | None) -> Page:
    if request.method == "GET":
        return _form(known, {**product_forms.shown(known), **(_advised() if known is None else {})})
    given = product_forms.typed()
    if "add" in request.form:
        return _form(known, {"gtin": request.form.get("gtin", ""), **given}, adds=True)
    number = {"gtin": known.gtin if known else _padded(request.form.get("gtin", "").strip())}
    try:
        cells = {**number, **product_forms.cells(known, given), **product_forms.text_cells()}
    except BadInput as error:
        return _form(known, {**number, **given}, faults=[("facts", str(error))]), error.status
    _, faults = check_row(1, {"brand": "x", **cells})
    if faults:
        said = [(fault.column, fault.text) for fault in faults]
        return _form(known, {**number, **given}, faults=said), BadInput.status
    try:
        _order(product_work.asked([(1, cells)], file=product_work.FORM, is_dry=False))
    except Conflict as error:
        return _form(known, {**number, **given}, faults=[("gtin", str(error))]), error.status
    return guard.done("The worker checks and saves it; how that went appears below.", HERE)


def _form(
    known: Product | None, given: Mapping[str, str], *, adds: bool = False, faults: Sequence[tuple[str, str]] = ()
) -> str:
    return rendering.show(
        "console/product_form.html", title=f"Change {known.name}" if known else "New product", product=known,
        given=given, faults=dict(faults), granularities=list(GRANULARITIES.items()), claims=list(CLAIMS.items()),
        tokens=list(TOKENS.items()), releases=list(RELEASES.items()), sources=list(product_forms.SOURCES.items()),
        alphabets=list(product_forms.ALPHABET_NAMES.items()), languages=list(languages.all_in_english().items()),
        rows=product_forms.text_rows(known, adds=adds),
    )  # fmt: skip


def _texts(found: Product) -> list[dict[str, object]]:
    return [
        {**parts, "tag": tag, "title": languages.in_english(tag), "direction": languages.get(tag).direction}
        for tag, parts in found.texts.items()
    ]


def _lot_form(found: Product, known: LotInfo | None, *, fault: str | None = None) -> str:
    names = ("lot", "made_on", "expires_on", "data", *lot_data.FACTS)
    if fault:
        given = {name: request.form.get(name, "") for name in names}
    else:
        given = dict.fromkeys(names, "")
        if known is not None:
            given |= {"lot": known.lot, "made_on": str(known.made_on or ""), "expires_on": str(known.expires_on or "")}
            given |= {name: str(known.attributes.get(name, "")) for name in lot_data.FACTS}
            given["data"] = unit_data.write_lines(known.attributes)
    return rendering.show(
        "console/lot_form.html", title=f"Batch {known.lot}" if known else "New batch", product=found, given=given,
        is_known=known is not None, facts=lot_data.FACTS, fault=fault,
    )  # fmt: skip


def _read_lot() -> LotInfo:
    form = request.form
    if not form.get("lot", "").strip():
        raise BadInput("Give the number of the batch.")
    try:
        days = [date.fromisoformat(form[name]) if form.get(name) else None for name in ("made_on", "expires_on")]
    except ValueError:
        raise BadInput("Write a day as 2026-08-01.") from None
    facts = {name: form.get(name, "").strip() for name in lot_data.FACTS}
    data = unit_data.parse_lines(form.get("data", ""))
    return LotInfo(lot=form["lot"].strip(), made_on=days[0], expires_on=days[1], attributes={**facts, "data": data})


def _example(product: Product) -> str | None:
    if product.lot_format is None:
        return None
    return lot_format(product.lot_format).example(guard.now().date())


def _told(details: Mapping[str, object]) -> str:
    said = [
        f"{name.replace('_', ' ')} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in details.items()
        if value is not None and value != ""
    ]
    return "; ".join(said) or "no details"
