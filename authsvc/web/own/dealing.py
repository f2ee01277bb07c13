"""Dealers: they sign in by mail, see their stock, and act on lists of items: pasted, scanned or from a CSV file."""

import unicodedata
from uuid import UUID

from flask import Response, g, request
from werkzeug.wrappers import Response as BaseResponse

from authsvc import dealer_lists, dealer_stock, dealers, handovers, languages, mails, owner_sessions, trusted_devices
from authsvc.core import check_lists, csv_cells, devices, stock_lists
from authsvc.core.devices import DeviceKind
from authsvc.dealer_lists import Act, Report
from authsvc.dealer_stock import Stocked
from authsvc.dealers import DealerInfo
from authsvc.errors import AuthsvcError, BadInput, SignInNeeded
from authsvc.languages import gettext as _
from authsvc.owner_sessions import DEALER, LIVES
from authsvc.web import assets, stock_codes, visitors
from authsvc.web.own import cookies, door, trade_ins
from authsvc.web.own.door import Page, bp
from authsvc.web.rendering import country_names
from authsvc.web.site import count_links, runtime

HERE = "/dealer"
FIELDS = ("act", "codes", "sold_on", "country", "to")
SHOWN = 100
"""Items on one page of the stock."""


@bp.get(f"{HERE}/sign-in")
def dealer_sign_in() -> Page:
    """Show where a dealer asks for a link."""
    return door.show("dealer_sign_in", None, title=_("Your stock"), typed="", fault=None)


@bp.post(f"{HERE}/sign-in")
def dealer_ask() -> Page:
    """Send a link for each brand whose dealer has this address; the answer is the same where there is none."""
    typed = request.form.get("email", "")
    try:
        email = mails.parse_address(typed)
    except BadInput as error:
        return door.show(
            "dealer_sign_in",
            None,
            title=_("Your stock"),
            status=400,
            typed=typed[:200],
            fault=languages.of_error(error),
        )
    door.count_mail(email)
    with door.database() as session:
        for dealer in dealers.find_by_address(session, email):
            secret = owner_sessions.make_link(
                session, dealer.brand_id, DEALER, {"dealer": str(dealer.id)}, now=door.now(), random=runtime().random
            )
            said = {"dealer": dealer.name, "link": door.link_to(f"{HERE}/sign-in/{secret}")}
            door.send(session, dealer.brand_id, "dealer-sign-in", dealer.email, said)
    hours = int(LIVES[DEALER].total_seconds() // 3600)
    return door.show("dealer_sent", None, title=_("Look into your mail"), email=email, hours=hours)


@bp.get(f"{HERE}/sign-in/<secret>")
def dealer_arrive(secret: str) -> Page:
    """Show the button that uses a link up; mail filters open links too."""
    with door.database() as session:
        found = owner_sessions.get_link(session, DEALER, secret, now=door.now())
    return door.show("arrive", door.brand_of(found.brand_id), title=_("Open your stock"))


@bp.post(f"{HERE}/sign-in/<secret>")
def dealer_enter(secret: str) -> Page:
    """Use a link up and sign its dealer in."""
    rt = runtime()
    with door.database() as session:
        found = owner_sessions.take_link(session, DEALER, secret, now=door.now())
        dealer = dealers.get(session, UUID(found.content["dealer"]))
        g.new_dealer_session = dealers.start(session, dealer, now=door.now(), new_id=rt.new_id, random=rt.random)
    return door.go(HERE)


@bp.post(f"{HERE}/sign-out")
def dealer_leave() -> Page:
    """Sign out."""
    if (secret := cookies.read(cookies.DEALER, request)) is not None:
        with door.database() as session:
            dealers.leave(session, secret)
    g.new_dealer_session = ""
    return door.go(f"{HERE}/sign-in")


@bp.get(HERE)
def dealer_stock_page() -> Page:
    """Show what is held, sold and offered, and where a list is given."""
    return _stock(me())


@bp.post(f"{HERE}/list")
@door.takes_lists
def dealer_list() -> Page:
    """Do something with every item of a list, or say of each line why nothing was done."""
    dealer, rt = me(), runtime()
    try:
        act = Act(request.form.get("act", ""))
    except ValueError:
        raise BadInput("Say what you want to do with the items. Go back, reload the page and try again.") from None
    try:
        text = _text()
        lines = stock_lists.read(text, sold_on=request.form.get("sold_on", ""), country=request.form.get("country", ""))
        to = _to()
    except AuthsvcError as error:
        return _stock(dealer, fault=languages.of_error(error), status=error.status)
    found = stock_codes.entries(rt, dealer, act, lines)
    with door.database(dealer.brand_id) as session:
        report = dealer_lists.apply(
            session, dealer, act, found, is_dry="check" in request.form, to=to, countries=country_names(),
            now=door.now(), new_id=rt.new_id,
        )  # fmt: skip
    return _report(dealer, report, text)


@bp.get(f"{HERE}/stock.csv")
def dealer_stock_file() -> BaseResponse:
    """Send all that is held or was sold as a file."""
    dealer = me()
    count_links(check_lists.MOST)  # It may hold as many items as a list, and many more.
    lines = [csv_cells.row(("gtin", "serial", "state", "received_at", "sold_on", "country"))]
    with door.database(dealer.brand_id) as session:
        for one in dealer_stock.everything(session, dealer):
            gtin, _, serial = one.sgtin.partition(".")
            at = one.received_at.isoformat(timespec="seconds")
            lines.append(csv_cells.row((gtin, serial, one.state, at, one.sold_on, one.sold_in)))
    name = f"stock-{door.now():%Y-%m-%d}.csv"
    return Response(
        "".join(lines).encode("utf-8-sig"),  # Excel takes UTF-8 for another code without it.
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@bp.get(f"{HERE}/access")
def dealer_access() -> Page:
    """Show the keys of programs, and where this browser is trusted."""
    return _access(me())


@bp.post(f"{HERE}/access/keys")
def dealer_add_key() -> Page:
    """Make a key and show it once."""
    dealer, rt = me(), runtime()
    try:
        with door.database(dealer.brand_id) as session:
            made, secret = dealers.make_key(
                session, dealer, request.form.get("name", ""), now=door.now(), new_id=rt.new_id, random=rt.random
            )
    except AuthsvcError as error:
        return _access(dealer, fault=languages.of_error(error), of="key", status=error.status)
    return _access(dealer, secret=secret, made=made.name)


@bp.post(f"{HERE}/access/keys/<uuid:key_id>/revoke")
def dealer_revoke_key(key_id: UUID) -> Page:
    """Revoke a key."""
    dealer = me()
    with door.database(dealer.brand_id) as session:
        dealers.revoke_key(session, dealer, key_id, now=door.now())
    return door.go(f"{HERE}/access")


@bp.post(f"{HERE}/access/browser")
def dealer_trust_browser() -> Page:
    """Trust this browser: what is scanned with it in the shop never counts as a buyer's check."""
    dealer, rt = me(), runtime()
    secret = devices.spell(rt.random(devices.SECRET_BYTES))
    name = f"{dealer.name}: {request.form.get('name', '').strip()}"
    try:
        with door.database(dealer.brand_id) as session:
            trusted_devices.add_device(
                session, dealer.brand_id, DeviceKind.BROWSER, name, id=rt.new_id(), secret=secret, now=door.now()
            )
    except AuthsvcError as error:
        return _access(dealer, fault=languages.of_error(error), of="browser", status=error.status)
    response = door.go(f"{HERE}/access?trusted=1")
    secure = visitors.is_secure(request.environ)
    response.headers.add("Set-Cookie", visitors.set_device_cookie_header(secret, secure=secure))
    return response


def me() -> DealerInfo:
    """
    Return the dealer that is signed in.

    Raises:
        SignInNeeded: None is.
    """
    secret = cookies.read(cookies.DEALER, request)
    found = None
    if secret is not None:
        with door.database() as session:
            found = dealers.find(session, secret, now=door.now())
    if found is None:
        g.sign_in_at = f"{HERE}/sign-in"
        raise SignInNeeded("No dealer is signed in here, or it was too long ago.")
    return found


def item_of(sgtin: str) -> dict[str, object]:
    """Return what a row of a table shows of an item."""
    gtin, _, serial = sgtin.partition(".")
    product = runtime().held.register.find_product(gtin)
    return {"product": product.name if product else gtin, "gtin": gtin, "serial": serial}


# --- Private ---------------------------------------------------------------------------------------------------------


def _text() -> str:
    given = request.files.get("file")
    if given is not None and given.filename:
        return check_lists.decode(given.read())
    return request.form.get("codes", "")


def _to() -> UUID | None:
    given = request.form.get("to", "")
    if not given:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise BadInput("Choose the dealer to whom you offer the items.") from None


def _stock(dealer: DealerInfo, *, fault: str | None = None, status: int = 200) -> Page:
    state = "sold" if request.args.get("list") == "sold" else "held"
    after, begins = request.args.get("after", "")[:60], _begins(request.args.get("q", ""))
    with door.database(dealer.brand_id) as session:
        counted = dealer_stock.count(session, dealer)
        rows = dealer_stock.find(session, dealer, state, begins=begins, after=after, limit=SHOWN + 1)
        offered = dealer_stock.offered_to(session, dealer, limit=SHOWN)
        others = dealers.colleagues(session, dealer)
        taken = handovers.list_taken(session, dealer.id, now=door.now(), limit=SHOWN)
    return door.show(
        "dealer",
        door.brand_of(dealer.brand_id),
        title=_("Your stock"),
        status=status,
        dealer=dealer,
        counted=counted,
        state=state,
        rows=[_row(one) for one in rows[:SHOWN]],
        following=rows[SHOWN - 1].sgtin if len(rows) > SHOWN else None,
        waiting=[_row(one) for one in offered],
        others=others,
        taken=[{"handover": each, **item_of(each.sgtin)} for each in taken],
        q=request.args.get("q", "")[:60],
        countries=_countries(),
        fault=fault,
        typed={
            name: request.form.get(name, "") if fault else "" for name in ("act", "codes", "sold_on", "country", "to")
        },
        today=door.now().date(),
        most=stock_lists.MOST,
        most_offers=trade_ins.MOST,
        css=assets.url("reseller/reseller.css"),
    )


def _report(dealer: DealerInfo, report: Report, text: str) -> Page:
    return door.show(
        "dealer_list",
        door.brand_of(dealer.brand_id),
        title=_("Done") if report.is_done else _("Nothing was changed"),
        status=400 if report.faults else 200,
        report=report,
        rows=[
            {
                "line": row.line,
                "fault": row.fault and languages.of_error(row.fault),
                **(_row(row.stocked) if row.stocked else {}),
            }
            for row in report.rows
        ],
        text=text,
        form={name: request.form.get(name, "") for name in ("act", "sold_on", "country", "to")},
        css=assets.url("reseller/reseller.css"),
    )


def _access(
    dealer: DealerInfo, *, fault: str | None = None, of: str | None = None, secret: str | None = None,
    made: str | None = None, status: int = 200,
) -> Page:  # fmt: skip
    with door.database(dealer.brand_id) as session:
        keys = dealers.keys_of(session, dealer)
    return door.show(
        "dealer_access", door.brand_of(dealer.brand_id), title=_("Programs and phones"), status=status, keys=keys,
        fault=fault, of=of, secret=secret, made=made, typed=request.form.get("name", "")[:100] if fault else "",
        is_trusted="trusted" in request.args, most=dealers.MOST_KEYS,
    )  # fmt: skip


def _row(one: Stocked) -> dict[str, object]:
    return {"one": one, **item_of(one.sgtin)}


def _countries() -> list[tuple[str, str]]:
    """Return code and name of every country as it is spoken, in the order of the letters of the names."""
    named = [(code, languages.country(code, name)) for code, name in country_names().items()]
    return sorted(named, key=lambda pair: unicodedata.normalize("NFD", pair[1]))


def _begins(text: str) -> str:
    """Return the key with which what somebody searches for begins: GTIN, a dot, and the start of the serial."""
    compact = "".join(text.split())
    gtin, _, serial = compact.partition(".")
    return f"{gtin.zfill(14)}.{serial}" if gtin.isascii() and gtin.isdigit() else compact
