"""Runs: codes that are ordered, approved where the brand asks for a second person, issued by the worker, downloaded."""

from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import catalogue, errands, export_files, issuing, run_orders, sites
from authsvc.core.register import Granularity, Product
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.issuing import Mode, Order
from authsvc.run_orders import RunOrder
from authsvc.staff import Role
from authsvc.web import downloads
from authsvc.web.console import guard, rendering, run_words
from authsvc.web.site import runtime

HERE = "/console/runs"
NAV = "Runs"
MODES = {
    "": "As the product says",
    "derived": "Derived: no row each, and nothing to store",
    "random": "Random: a row for each item",
}
_STATES = {"awaiting": ("Waits for approval", "warn"), "refused": ("Refused", "none")}
_WORK = {
    "waiting": ("Waits for the worker", "info"),
    "running": ("Being issued", "info"),
    "done": ("Issued", "ok"),
    "failed": ("Failed", "bad"),
    "cancelled": ("Cancelled", "none"),
}
_MOST_PICKED = 300
_ASKED = ("gtin", "lot", "count", "mode", "level", "contents", "expiry", "site")
Page = str | tuple[str, int] | Response


@guard.page("/runs", role=Role.VIEWER, nav=NAV)
def runs() -> str:
    """List what was ordered and how far it is, and the runs of the brand."""
    me = guard.me()
    with guard.session() as session:
        orders = run_orders.list_orders(session, me.brand_id)
        found = run_orders.list_runs(session, me.brand_id)
        names = {one.gtin: one.name for one in catalogue.list_products(session, me.brand_id)}
        needs_two = run_orders.needs_approval(session, me.brand_id)
    return rendering.show(
        "console/runs.html", title="Runs", orders=[_row(order, names) for order in orders], runs=found, names=names,
        kinds=run_words.KINDS,
        is_running=any(order.errand is not None and order.errand.is_open for order in orders),
        needs_two=needs_two, may_order=me.role.may(Role.OPERATOR), may_set=me.role.may(Role.ADMIN),
    )  # fmt: skip


@guard.page("/runs/new", role=Role.OPERATOR, methods=["GET", "POST"], nav=NAV, step_up=True)
def order() -> Page:
    """Order a run."""
    if request.method == "GET":
        return _form()
    me = guard.me()
    try:
        with guard.session() as session:
            product = catalogue.get_product(session, request.form.get("gtin", "").strip().zfill(14))
            placed = run_orders.place(
                session, product, _read(product), me.actor, id=runtime().new_id(), now=guard.now()
            )
            details = {"gtin": product.gtin, "lot": placed.order.lot, "count": placed.order.count}
            me.record(session, "run.order", str(placed.id), details)
    except (BadInput, NotFound, Conflict) as error:
        return _form(fault=str(error)), BadInput.status
    said = "waits until somebody else approves it" if placed.needs_two else "is on its way to the worker"
    return guard.done(f"The order {said}.", HERE)


@guard.page("/runs/orders/<uuid:order_id>", role=Role.OPERATOR, nav=NAV, step_up=True)
def order_page(order_id: UUID) -> str:
    """Show an order, and to whoever may decide on it how."""
    me = guard.me()
    with guard.session() as session:
        found = run_orders.get(session, me.brand_id, order_id)
        product = catalogue.get_product(session, found.gtin)
    is_own = found.needs_two and found.ordered_by == me.account_id
    return rendering.show(
        "console/run_order.html", title=f"Order of {found.order.count:,} codes", order=found, product=product,
        row=_row(found, {product.gtin: product.name}), may_approve=found.state == "awaiting" and not is_own,
        is_own=is_own, kinds=run_words.KINDS,
    )  # fmt: skip


@guard.page("/runs/orders/<uuid:order_id>/approve", role=Role.OPERATOR, methods=["POST"], step_up=True)
def approve(order_id: UUID) -> Response:
    """Approve an order of somebody else."""
    me = guard.me()
    with guard.session() as session:
        found = run_orders.approve(session, me.brand_id, order_id, me.actor, now=guard.now())
        details = {"gtin": found.gtin, "count": found.order.count, "ordered_by": found.ordered_name}
        me.record(session, "run.approve", str(order_id), details)
    return guard.done("The order is approved and on its way to the worker.", HERE)


@guard.page("/runs/orders/<uuid:order_id>/refuse", role=Role.OPERATOR, methods=["POST"], step_up=True)
def refuse(order_id: UUID) -> Response:
    """Refuse an order, or take back one's own."""
    me = guard.me()
    with guard.session() as session:
        run_orders.refuse(session, me.brand_id, order_id, me.actor, now=guard.now())
        me.record(session, "run.refuse", str(order_id))
    return guard.done("The order is refused. Nothing is issued.", HERE)


@guard.page("/runs/orders/<uuid:order_id>/cancel", role=Role.OPERATOR, methods=["POST"])
def cancel(order_id: UUID) -> Response:
    """Stop an issue that is under way: none of its codes counts."""
    me = guard.me()
    with guard.session() as session:
        errands.cancel(session, me.brand_id, order_id, errands.ISSUE, now=guard.now())
        me.record(session, "run.cancel", str(order_id))
    return guard.done("The run is cancelled. None of its codes counts.", HERE)


@guard.page("/runs/orders/<uuid:order_id>/file", role=Role.OPERATOR, step_up=True)
def download(order_id: UUID) -> Response:
    """Send the file of codes, as often as it is needed; each time is an act."""
    me, open_desk, key = guard.me(), guard.desk(), runtime().wrapping_key
    with guard.session() as session:
        found = run_orders.get(session, me.brand_id, order_id)
        errand = found.errand
        if errand is None or errand.state != "done" or errand.expires_at <= guard.now():
            raise NotFound("There is no such file. Files of codes are kept for a stated time only.")
        details = {"run": found.run, "count": found.order.count, "sha256": errand.result["sha256"]}
        me.record(session, "run.download", str(order_id), details)

    def pieces() -> Iterator[bytes]:
        for number in range(1, errand.result["parts"] + 1):
            # A transaction for each: none is held open while somebody's line is slow.
            with open_desk.as_brand(me.brand_id) as session:
                piece = export_files.read(session, order_id, me.brand_id, number, key=key)
            yield piece

    response = downloads.stream(f"codes-run-{found.run}.csv", "text/csv; charset=utf-8", pieces())
    response.content_length = errand.result["bytes"]
    return response


@guard.page("/runs/approval", role=Role.ADMIN, methods=["GET", "POST"], nav=NAV, step_up=True)
def approval() -> str | Response:
    """Say whether a second person has to approve every run."""
    me = guard.me()
    if request.method == "GET":
        with guard.session() as session:
            is_needed = run_orders.needs_approval(session, me.brand_id)
        return rendering.show("console/run_approval.html", title="Approval of runs", is_needed=is_needed)
    is_needed = "needed" in request.form
    with guard.session() as session:
        run_orders.set_approval(session, me.brand_id, is_needed=is_needed)
        me.record(session, "brand.runs", me.brand, {"approves_runs": is_needed})
    said = "Every run needs two people from now on." if is_needed else "One person is enough for a run from now on."
    return guard.done(said, HERE)


# --- Private ---------------------------------------------------------------------------------------------------------


def _form(*, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        products = catalogue.list_products(session, me.brand_id)
        needs_two = run_orders.needs_approval(session, me.brand_id)
        places = sites.list_sites(session, me.brand_id, now=guard.now())
    given = request.form if fault else request.args
    return rendering.show(
        "console/run_new.html", title="Order codes", fault=fault, needs_two=needs_two, modes=list(MODES.items()),
        products=[(one.gtin, f"{one.name} ({one.gtin}), {one.granularity}") for one in products]
        if len(products) <= _MOST_PICKED else [],
        given={name: given.get(name, "") for name in _ASKED},
        sites=[(site.name, _left(site)) for site in places if not site.is_closed],
    )  # fmt: skip


def _left(site: sites.Site) -> str:
    return site.name if site.left is None else f"{site.name}: {site.left:,} left"


def _read(product: Product) -> Order:
    form = request.form
    count, contents = form.get("count", "").replace(",", "").strip(), form.get("contents", "").strip()
    if not (count.isascii() and count.isdigit()):
        raise BadInput("Say how many codes, as a whole number.")
    if contents and not (contents.isascii() and contents.isdigit()):
        raise BadInput("Say how many items a case holds, as a whole number.")
    try:
        expires_on = date.fromisoformat(form["expiry"]) if form.get("expiry") else None
    except ValueError:
        raise BadInput("Write the use-by date as 2027-12-31.") from None
    # Of a product that has serials from a later day, batches get codes until then.
    may_be_lot = product.granularity is Granularity.HYBRID or product.serial_from is not None
    is_lot = may_be_lot and form.get("level") == "lot"
    return Order(
        count=int(count),
        lot=form.get("lot", "").strip() or None,
        mode=_mode(product, form.get("mode", ""), is_lot=is_lot),
        is_lot_level=is_lot,
        contents=int(contents) if contents else None,
        expires_on=expires_on,
        site=form.get("site") or None,
    )


def _mode(product: Product, asked: str, *, is_lot: bool) -> Mode:
    if product.granularity is not Granularity.SERIAL or is_lot:
        return Mode.DERIVED
    return Mode(asked) if asked in {"derived", "random"} else issuing.usual_mode(product)


def _row(order: RunOrder, names: Mapping[str, str]) -> Mapping[str, object]:
    errand = order.errand
    words, tone = _STATES.get(order.state, ("Issued, its file is gone", "none"))
    if errand is not None:
        words, tone = _WORK[errand.state]
    return {
        "id": order.id,
        "product": names.get(order.gtin, order.gtin),
        "lot": order.order.lot,
        "count": order.order.count,
        "mode": order.order.mode.value,
        "by": order.ordered_name.partition(" <")[0],
        "at": order.ordered_at,
        "decided_by": (order.decided_name or "").partition(" <")[0] if order.needs_two else None,
        "state": order.state,
        "work": errand and errand.state,
        "words": words,
        "tone": tone,
        "done": errand.done if errand else 0,
        "total": errand.total if errand else None,
        "fault": errand.fault if errand else None,
        "run": order.run if errand is None or errand.state == "done" else None,
        "expires_at": errand.expires_at if errand and errand.state == "done" else None,
    }
