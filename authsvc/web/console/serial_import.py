"""Serials from a file: checked by the worker, row by row, and ordered as a run once nothing is wrong with them."""

import io
from collections.abc import Mapping
from datetime import date
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import catalogue, errands, run_orders, serial_work, sites
from authsvc.core.register import Granularity
from authsvc.errands import SERIALS, Errand
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.issuing import Mode, Order
from authsvc.serial_files import SerialFile
from authsvc.staff import Role
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime

HERE = "/console/runs/import"
NAV = "Runs"
MOST_BYTES = 6 * 2**20
_STATES = {"waiting": "Waits for the worker", "running": "Being checked", "failed": "Not accepted"}
Page = str | tuple[str, int] | Response


@guard.page("/runs/import", role=Role.OPERATOR, nav=NAV, methods=["GET", "POST"], most_bytes=MOST_BYTES)
def import_serials() -> Page:
    """Have a file of serials checked; nothing is issued before somebody has seen what the check found."""
    if request.method == "GET":
        return _list()
    form = request.form
    try:
        given = request.files.get("file")
        if given is None or not given.filename:
            raise BadInput("Choose a file: CSV, XLSX or JSON Lines.")  # noqa: TRY301  the form says it, like the rest
        lot, expiry = form.get("lot", "").strip() or None, form.get("expiry", "").strip() or None
        if expiry:
            date.fromisoformat(expiry)
        source = SerialFile(given.filename[:100], form.get("gtin", "").strip().zfill(14), lot)
        rows = list(source.rows(io.BytesIO(given.stream.read(MOST_BYTES))))
        if not 1 <= len(rows) <= serial_work.MOST_ROWS:
            raise BadInput(  # noqa: TRY301  as above
                f"A file has 1 to {serial_work.MOST_ROWS:,} serials here; `authsvc issue --import` has no end."
            )
        asked = serial_work.asked(
            rows, gtin=source.gtin, lot=lot, expiry=expiry, site=form.get("site") or None, file=source.name,
            faults=source.faults,
        )  # fmt: skip
        _order(asked)
    except ValueError:
        return _list(fault="Write the use-by date as 2027-12-31."), BadInput.status
    except (BadInput, Conflict, NotFound) as error:
        return _list(fault=str(error)), error.status
    return guard.done(f"{source.name} is being checked. What was found appears below.", HERE)


@guard.page("/runs/import/<uuid:import_id>/issue", role=Role.OPERATOR, methods=["POST"], step_up=True)
def issue(import_id: UUID) -> Response:
    """Order the run of a file in which nothing is wrong."""
    me = guard.me()
    with guard.session() as session:
        checked = errands.get_errand(session, me.brand_id, import_id, SERIALS)
        if checked.state != "done":
            raise Conflict("Only a file that was checked without a fault is issued.")
        wanted = checked.asked
        order = Order(
            count=checked.result["serials"],
            lot=wanted["lot"],
            mode=Mode.IMPORTED,
            expires_on=date.fromisoformat(wanted["expiry"]) if wanted["expiry"] else None,
            site=wanted["site"],
        )
        product = catalogue.get_product(session, wanted["gtin"])
        number = runtime().new_id()
        placed = run_orders.place(session, product, order, me.actor, id=number, now=guard.now(), serials=import_id)
        details = {"gtin": product.gtin, "lot": order.lot, "count": order.count, "file": wanted["file"]}
        me.record(session, "run.order", str(number), details)
    said = "waits until somebody else approves it" if placed.needs_two else "is on its way to the worker"
    return guard.done(f"The order of {order.count:,} imported serials {said}.", "/console/runs")


# --- Private ---------------------------------------------------------------------------------------------------------


def _order(asked: Mapping[str, object]) -> None:
    me = guard.me()
    with guard.session() as session:
        catalogue.get_product(session, str(asked["gtin"]))
        number = runtime().new_id()
        errands.order(session, me.brand_id, SERIALS, asked, me.actor, id=number, now=guard.now())
        me.record(session, "run.check", str(number), {"file": asked["file"], "gtin": asked["gtin"]})


def _list(*, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        found = errands.list_errands(session, me.brand_id, SERIALS, limit=10)
        products = catalogue.list_products(session, me.brand_id)
        places = sites.list_sites(session, me.brand_id, now=guard.now())
    given = request.form if fault else request.args
    return rendering.show(
        "console/serial_import.html", title="Import serials", fault=fault, files=[_row(each) for each in found],
        is_running=any(each.is_open for each in found),
        products=[(one.gtin, f"{one.name} ({one.gtin})") for one in products if one.granularity is Granularity.SERIAL],
        sites=[(site.name, site.name) for site in places if not site.is_closed],
        given={name: given.get(name, "") for name in ("gtin", "lot", "expiry", "site")},
    )  # fmt: skip


def _row(errand: Errand) -> Mapping[str, object]:
    serials = errand.result.get("serials", 0)
    return {
        "id": errand.id,
        "name": errand.asked["file"],
        "gtin": errand.asked["gtin"],
        "by": errand.asked_name.partition(" <")[0],
        "at": errand.created_at,
        "words": f"{serials:,} serials, no fault" if errand.state == "done" else _STATES.get(errand.state, "Cancelled"),
        "tone": {"done": "ok", "failed": "bad"}.get(errand.state, "info"),
        "faults": (errand.fault or "").splitlines(),
        "may_issue": errand.state == "done",
    }
