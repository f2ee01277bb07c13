"""Runs of codes: ordered, approved by a person where the brand asks for it, issued by the worker, downloaded."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from flask import Response, current_app
from pydantic import Field

from authsvc import catalogue, errands, export_files, items, run_orders
from authsvc.core.register import Granularity
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.issuing import Mode, Order
from authsvc.run_orders import RunInfo, RunOrder
from authsvc.web import downloads
from authsvc.web.api import pages, products
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import Param, number, operation
from authsvc.web.api.shapes import INTEGRAL, Given, Gtin, LotNumber, Moment, PageQuery, PageTold, Told, example

CSV = "text/csv"
MOST_CODES = 1_000_000_000
RUN = number("run", "Number of the run.", "1")
ORDER = Param(
    name="order_id",
    text="The order, as its answer named it.",
    pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    example="3c9be0f2-51d7-4b7c-9e57-0c3d2b8f6a41",
    format="uuid",
    read=UUID,
)


class RunTold(Told):
    """A run: one issue of codes. Its codes count from `issued_at` on."""

    model_config = example(
        {
            "run": 1, "gtin": "09506000134352", "lot": "B1", "mode": "derived", "count": 500,
            "created_at": "2026-05-04T08:00:00Z", "issued_at": "2026-05-04T08:00:02Z", "failure": None,
        }
    )  # fmt: skip

    run: int
    gtin: Gtin
    lot: str | None
    mode: Literal["derived", "random", "imported", "lot", "sscc"]
    count: int
    created_at: Moment
    issued_at: Moment | None
    failure: str | None


class RunsTold(PageTold):
    """Runs, the newest first."""

    runs: list[RunTold]


class OrderGiven(Given):
    """An order of codes. A lot that is new is made."""

    model_config = example({"gtin": "09506000134352", "lot": "B1", "count": 500})

    gtin: Gtin
    count: Annotated[int, Field(ge=1, le=MOST_CODES), INTEGRAL]
    lot: LotNumber | None = None
    mode: Annotated[
        Literal["derived", "random"], Field(description="Whether a serial carries its run, or is a row of its own.")
    ] = "derived"
    level: Annotated[
        Literal["item", "lot"], Field(description="Of a hybrid product: codes of cases, or the one of the lot.")
    ] = "item"
    contents: (
        Annotated[int, Field(ge=1, le=99_999_999, description="Items in a case of a hybrid product."), INTEGRAL] | None
    ) = None
    expires_on: date | None = None


class OrderTold(Told):
    """An order, and how far it is. `run` is there once its codes are issued; their file is kept to `codes_until`."""

    model_config = example(
        {
            "id": "3c9be0f2-51d7-4b7c-9e57-0c3d2b8f6a41", "state": "done", "gtin": "09506000134352", "lot": "B1",
            "count": 500, "mode": "derived", "run": 1, "made": 500, "fault": None, "ordered_by": "ERP (7Q2M4K9X)",
            "ordered_at": "2026-05-04T08:00:00Z", "codes_until": "2026-06-03T08:00:02Z",
        }
    )  # fmt: skip

    id: UUID
    state: Annotated[
        Literal["awaiting", "refused", "waiting", "running", "done", "failed", "cancelled"],
        Field(description="`awaiting`: a person of the brand has to approve it in the console."),
    ]
    gtin: Gtin
    lot: str | None
    count: int
    mode: Literal["derived", "random", "imported"]
    run: int | None
    made: Annotated[int, Field(description="How many codes are made so far.")]
    fault: str | None
    ordered_by: str
    ordered_at: Moment
    codes_until: Moment | None


class OrdersTold(PageTold):
    """Orders, the newest first."""

    orders: list[OrderTold]


class RunsQuery(PageQuery):
    """Which runs."""

    gtin: Annotated[Gtin | None, Field(description="Of one product.", examples=["09506000134352"])] = None


class OrdersQuery(PageQuery):
    """Which orders."""


class CommissionGiven(Given):
    """A range of a run that the line has bound to objects."""

    model_config = example({"first": 0, "last": 49})

    first: Annotated[int, Field(ge=0, lt=MOST_CODES, description="First code of the run, counted from 0."), INTEGRAL]
    last: Annotated[int, Field(ge=0, lt=MOST_CODES, description="Last code, itself included."), INTEGRAL]


class CommissionTold(Told):
    """How much of a run is commissioned."""

    model_config = example({"run": 1, "commissioned": 50, "count": 500})

    run: int
    commissioned: int
    count: int


@operation("GET", "/runs", scope="runs:read", tells={200: RunsTold})
def list_runs(call: Call, query: RunsQuery) -> Reply:
    """
    List runs.

    Those of the whole brand, whoever ordered them.
    """
    before = pages.read(query.cursor, (int,))
    rows = run_orders.list_runs(
        call.session, call.caller.brand_id, before=min(before[0], 2**31 - 1) if before else None,
        limit=query.limit + 1, gtin=query.gtin,
    )  # fmt: skip
    shown, following = pages.cut(rows, query.limit, lambda run: (run.number,))
    told = RunsTold(runs=[_run(run) for run in shown], next=following)
    return Reply(told=told, headers=pages.link(following))


@operation("GET", "/runs/{run}", scope="runs:read", params=(RUN,), tells={200: RunTold}, refuses=(NotFound,))
def get_run(call: Call, run: int) -> Reply:
    """Show a run."""
    return Reply(told=_run(run_orders.get_run(call.session, call.caller.brand_id, run)))


@operation("POST", "/runs/{run}/commission", scope="items:commission", params=(RUN,), tells={200: CommissionTold},
           refuses=(BadInput, NotFound))  # fmt: skip
def commission(call: Call, run: int, body: CommissionGiven) -> Reply:
    """
    Commission a range of a run.

    The line has bound these codes to objects. The same range again changes nothing.
    """
    found = run_orders.get_run(call.session, call.caller.brand_id, run)
    brand = catalogue.get_brand_by_id(call.session, call.caller.brand_id)
    done, count = items.commission_range(call.session, brand, found.gtin, run, body.first, body.last, now=call.at)
    call.record("run.commission", str(run), {"first": body.first, "last": body.last})
    return Reply(told=CommissionTold(run=run, commissioned=done, count=count))


@operation("POST", "/runs/orders", scope="runs:write", tells={201: OrderTold}, refuses=(BadInput, NotFound, Conflict))
def order_codes(call: Call, body: OrderGiven) -> Reply:
    """
    Order codes.

    The worker issues them. Where the brand wants two people for a run, the order waits for one of them: a program
    cannot approve.
    """
    product = products.find(call, body.gtin)
    wanted = Order(
        count=body.count,
        lot=body.lot,
        mode=Mode(body.mode),
        is_lot_level=product.granularity is Granularity.HYBRID and body.level == "lot",
        contents=body.contents,
        expires_on=body.expires_on,
    )
    placed = run_orders.place(call.session, product, wanted, call.caller.actor, id=call.rt.new_id(), now=call.at)
    call.record("run.order", str(placed.id), {"gtin": product.gtin, "lot": body.lot, "count": body.count})
    told = _order(run_orders.get(call.session, call.caller.brand_id, placed.id))
    return Reply(told=told, status=201, headers={"Location": f"/api/v1/runs/orders/{placed.id}"})


@operation("GET", "/runs/orders", scope="runs:read", tells={200: OrdersTold})
def list_orders(call: Call, query: OrdersQuery) -> Reply:
    """List orders."""
    before = pages.read(query.cursor, (datetime.fromisoformat, UUID))
    rows = run_orders.list_orders(
        call.session, call.caller.brand_id, before=(before[0], before[1]) if before else None, limit=query.limit + 1
    )
    shown, following = pages.cut(rows, query.limit, lambda order: (order.ordered_at, order.id))
    told = OrdersTold(orders=[_order(order) for order in shown], next=following)
    return Reply(told=told, headers=pages.link(following))


@operation("GET", "/runs/orders/{order_id}", scope="runs:read", params=(ORDER,), tells={200: OrderTold},
           refuses=(NotFound,))  # fmt: skip
def get_order(call: Call, order_id: UUID) -> Reply:
    """Show an order."""
    return Reply(told=_order(run_orders.get(call.session, call.caller.brand_id, order_id)))


@operation("POST", "/runs/orders/{order_id}/cancel", scope="runs:write", params=(ORDER,), tells={200: OrderTold},
           refuses=(NotFound, Conflict))  # fmt: skip
def cancel_order(call: Call, order_id: UUID) -> Reply:
    """
    Cancel an order.

    One that waits for approval is taken back; of one under way no code counts.
    """
    brand_id = call.caller.brand_id
    if run_orders.get(call.session, brand_id, order_id).state == "awaiting":
        run_orders.refuse(call.session, brand_id, order_id, call.caller.actor, now=call.at)
        call.record("run.refuse", str(order_id))
    else:
        errands.cancel(call.session, brand_id, order_id, errands.ISSUE, now=call.at)
        call.record("run.cancel", str(order_id))
    call.session.expire_all()
    return Reply(told=_order(run_orders.get(call.session, brand_id, order_id)))


@operation("GET", "/runs/orders/{order_id}/codes", scope="codes:download", params=(ORDER,), tells={200: CSV},
           refuses=(NotFound,))  # fmt: skip
def download_codes(call: Call, order_id: UUID) -> Response:
    """
    Download the codes of an order.

    As CSV with the columns `uri,gtin,lot,serial,claim_code`, as often as needed while the file is kept; each time is
    an act in the audit log.
    """
    found = run_orders.get(call.session, call.caller.brand_id, order_id)
    errand = found.errand
    if errand is None or errand.state != "done" or errand.expires_at <= call.at:
        raise NotFound("There is no such file: the codes are not issued yet, or their file has gone.")
    details = {"run": found.run, "count": found.order.count, "sha256": errand.result["sha256"]}
    call.record("run.download", str(order_id), details)
    desk, key, brand_id = current_app.extensions["authsvc.desk"], call.rt.wrapping_key, call.caller.brand_id

    def pieces() -> Iterator[bytes]:
        for piece in range(1, errand.result["parts"] + 1):
            # A transaction for each: none is held open while somebody's line is slow.
            with desk.as_brand(brand_id) as session:
                content = export_files.read(session, order_id, brand_id, piece, key=key)
            yield content

    response = downloads.stream(f"codes-run-{found.run}.csv", "text/csv; charset=utf-8", pieces())
    response.content_length = errand.result["bytes"]
    return response


# --- Private ---------------------------------------------------------------------------------------------------------


def _run(run: RunInfo) -> RunTold:
    return RunTold(
        run=run.number,
        gtin=run.gtin,
        lot=run.lot,
        mode=run.mode,  # type: ignore[arg-type]  # one of issuing.Mode
        count=run.count,
        created_at=run.created_at,
        issued_at=run.issued_at,
        failure=run.failure,
    )


def _order(order: RunOrder) -> OrderTold:
    errand = order.errand
    state = errand.state if errand else {"approved": "done"}.get(order.state, order.state)
    is_done = state == "done"
    return OrderTold(
        id=order.id,
        state=state,  # type: ignore[arg-type]  # the database holds both to these
        gtin=order.gtin,
        lot=order.order.lot,
        count=order.order.count,
        mode=order.order.mode.value,  # type: ignore[arg-type]  # an order is of serials
        run=order.run if is_done else None,
        made=order.order.count if is_done else errand.done if errand else 0,
        fault=errand.fault if errand else None,
        ordered_by=order.ordered_name,
        ordered_at=order.ordered_at,
        codes_until=errand.expires_at if errand and is_done else None,
    )
