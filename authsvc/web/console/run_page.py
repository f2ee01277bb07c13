"""One run: what was issued, what is void of it, and what was done with its codes; and printers and sites."""

from flask import request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from authsvc import audit, catalogue, run_orders, sites, voiding
from authsvc.core.register import Brand
from authsvc.errors import BadInput, Conflict
from authsvc.staff import Role
from authsvc.web.console import guard, rendering, run_words
from authsvc.web.site import runtime

HERE = "/console/runs"
NAV = "Runs"
_EVENTS = 50
Page = str | tuple[str, int] | Response


@guard.page("/runs/<int:number>", role=Role.VIEWER, nav=NAV)
def run(number: int) -> str:
    """Show a run: its facts, what is void, and who did what with it."""
    return _page(number)


@guard.page("/runs/<int:number>/void", role=Role.OPERATOR, methods=["POST"], nav=NAV, step_up=True)
def void(number: int) -> Page:
    """Withdraw codes of a run that were never used."""
    me, form = guard.me(), request.form
    try:
        first, last = (_index(form.get(name, "")) for name in ("first", "last"))
        if "sure" not in form:
            raise BadInput("Tick the box to say that you mean it.")  # noqa: TRY301  the form says it, like the rest
        with guard.session() as session:
            done = voiding.void(
                session, _brand(session), number, first, last, reason=form.get("reason", ""),
                serial_keys=runtime().held.serial_keys_of(me.brand_id), now=guard.now(),
            )  # fmt: skip
            details = {"from": first, "to": last, "codes": done.withdrawn, "reason": form.get("reason", "").strip()}
            me.record(session, "run.void", str(number), details)
    except BadInput as error:
        return _page(number, fault=str(error)), error.status
    said = f"{done.withdrawn:,} codes are void. {done.kept:,} are in use and stay good."
    return guard.done(said, f"{HERE}/{number}", guard.Tone.DONE if done.withdrawn else guard.Tone.NOTHING)


@guard.page("/runs/sites", role=Role.ADMIN, methods=["GET", "POST"], nav=NAV, step_up=True)
def list_sites() -> Page:
    """List printers and sites; add one, set its quota, or close it."""
    if request.method == "GET":
        return _sites()
    me, form = guard.me(), request.form
    name = form.get("name", "").strip()
    try:
        with guard.session() as session:
            if "close" in form:
                sites.close(session, me.brand_id, name, now=guard.now())
                me.record(session, "site.close", name)
            else:
                quota, per = _index(form.get("quota", "")), form.get("per", "")
                sites.save(session, me.brand_id, name, quota, per, now=guard.now())
                me.record(session, "site.set", name, {"quota": quota, "per": per})
    except (BadInput, Conflict) as error:
        return _sites(fault=str(error)), error.status
    return guard.done(f"{name} {'gets no more codes' if 'close' in form else 'is saved'}.", f"{HERE}/sites")


# --- Private ---------------------------------------------------------------------------------------------------------


def _brand(session: Session) -> Brand:
    return catalogue.get_brand_by_id(session, guard.me().brand_id)


def _index(text: str) -> int | None:
    text = text.replace(",", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise BadInput(f"Write a whole number, got {text!r}.")
    return int(text)


def _page(number: int, *, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        found = run_orders.get_run(session, me.brand_id, number)
        product = catalogue.get_product(session, found.gtin)
        void_codes = voiding.count_void(session, _brand(session), number)
        order = run_orders.find_order(session, me.brand_id, number)
        # A recall has a number too.
        events = audit.find_events(session, me.brand_id, act="run", about=str(number), limit=_EVENTS)
        if order is not None:
            events = [*events, *audit.find_events(session, me.brand_id, about=str(order.id), limit=_EVENTS)]
    return rendering.show(
        "console/run.html", title=f"Run {number}", run=found, product=product, void=void_codes, order=order,
        fault=fault, kinds=run_words.KINDS, downloads=sum(event.act == "run.download" for event in events),
        events=[
            (event.at, run_words.told(event))
            for event in sorted(events, key=lambda event: (event.at, event.seq), reverse=True)
        ],
        may_void=me.role.may(Role.OPERATOR) and found.issued_at is not None and found.mode != "lot",
        is_ranged=found.mode in {"derived", "sscc"},
        given={name: request.form.get(name, "") for name in ("first", "last", "reason")},
        has_file=order is not None and order.errand is not None and order.errand.state == "done"
        and me.role.may(Role.OPERATOR),
    )  # fmt: skip


def _sites(*, fault: str | None = None) -> str:
    me = guard.me()
    with guard.session() as session:
        found = sites.list_sites(session, me.brand_id, now=guard.now())
    return rendering.show(
        "console/sites.html", title="Printers and sites", sites=found, periods=sites.PERIODS, fault=fault,
        given={name: request.form.get(name, "") if fault else "" for name in ("name", "quota", "per")},
    )  # fmt: skip
