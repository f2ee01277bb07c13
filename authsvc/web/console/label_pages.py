"""Labels of a run: which label, drawn by the worker, and the sheets to print."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from authsvc import catalogue, errands, export_files, label_work, run_orders
from authsvc.errands import LABELS, Errand
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.labels import templates
from authsvc.staff import Role
from authsvc.web import downloads
from authsvc.web.console import guard, rendering
from authsvc.web.site import runtime

NAV = "Runs"
SYMBOLS = {"qr": "QR code", "datamatrix": "Data Matrix: for labels that are too small for a QR code"}
_STATES = {"waiting": "Waits for the worker", "running": "Being drawn", "done": "Ready", "failed": "Not printed"}
Page = str | tuple[str, int] | Response


@guard.page("/runs/orders/<uuid:order_id>/labels", role=Role.OPERATOR, nav=NAV, methods=["GET", "POST"], step_up=True)
def labels(order_id: UUID) -> Page:
    """Choose a label for the codes of a run and have its sheets drawn."""
    if request.method == "GET":
        return _list(order_id)
    me = guard.me()
    try:
        asked = label_work.asked(
            order_id, template=request.form.get("template", ""), symbol=request.form.get("symbol", "")
        )
        with guard.session() as session:
            run = run_orders.get(session, me.brand_id, order_id).run
            number = runtime().new_id()
            errands.order(session, me.brand_id, LABELS, asked, me.actor, id=number, now=guard.now())
            me.record(session, "run.labels", str(order_id), {"run": run, "template": asked["template"]})
    except (BadInput, Conflict) as error:
        return _list(order_id, fault=str(error)), error.status
    return guard.done("The labels are being drawn. The file appears below.", _here(order_id))


@guard.page("/runs/orders/<uuid:order_id>/labels/<uuid:file_id>.pdf", role=Role.OPERATOR, step_up=True)
def download(order_id: UUID, file_id: UUID) -> Response:
    """Send the sheets, as often as they are needed; each time is an act."""
    me, open_desk, key = guard.me(), guard.desk(), runtime().wrapping_key
    with guard.session() as session:
        errand = errands.get_errand(session, me.brand_id, file_id, LABELS)
        if errand.state != "done" or errand.asked["order"] != str(order_id) or errand.expires_at <= guard.now():
            raise NotFound("There is no such file. Sheets of labels are kept for a stated time only.")
        details = {"run": errand.result["run"], "labels": errand.result["labels"], "sha256": errand.result["sha256"]}
        me.record(session, "run.download", str(order_id), details)

    def pieces() -> Iterator[bytes]:
        for number in range(1, errand.result["parts"] + 1):
            # A transaction for each: none is held open while somebody's line is slow.
            with open_desk.as_brand(me.brand_id) as session:
                piece = export_files.read(session, file_id, me.brand_id, number, key=key)
            yield piece

    response = downloads.stream(f"labels-run-{errand.result['run']}.pdf", "application/pdf", pieces())
    response.content_length = errand.result["bytes"]
    return response


# --- Private ---------------------------------------------------------------------------------------------------------


def _here(order_id: UUID) -> str:
    return f"/console/runs/orders/{order_id}/labels"


def _list(order_id: UUID, *, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        order = run_orders.get(session, me.brand_id, order_id)
        if order.errand is None or order.errand.state != "done":
            raise NotFound("The codes of this order are not kept here, so they cannot be printed.")
        product = catalogue.get_product(session, order.gtin)
        files = errands.list_errands(session, me.brand_id, LABELS, {"order": str(order_id)}, limit=10)
    return rendering.show(
        "console/run_labels.html", title=f"Labels of run {order.run}", order=order, product=product, fault=fault,
        files=[_row(each) for each in files], is_running=any(each.is_open for each in files), here=_here(order_id),
        templates=[(one.name, one.title) for one in templates.builtin_templates().values()],
        symbols=list(SYMBOLS.items()), default=templates.DEFAULT,
        given={name: request.form.get(name, "") for name in ("template", "symbol")},
    )  # fmt: skip


def _row(errand: Errand) -> Mapping[str, object]:
    return {
        "id": errand.id,
        "name": templates.builtin_templates()[errand.asked["template"]].title,
        "at": errand.created_at,
        "by": errand.asked_name.partition(" <")[0],
        "words": _STATES.get(errand.state, "Cancelled"),
        "tone": {"done": "ok", "failed": "bad"}.get(errand.state, "info"),
        "fault": errand.fault,
        "advice": errand.result.get("advice", ()),
        "labels": errand.result.get("labels"),
        "is_done": errand.state == "done",
    }
