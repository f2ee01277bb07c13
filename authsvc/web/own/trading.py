"""Trade-ins on the page of a dealer: several at once, and each line of the list is done and answered by itself."""

from uuid import UUID

from flask import request

from authsvc import languages
from authsvc.dealers import DealerInfo
from authsvc.errors import AuthsvcError, BadInput, TooLarge
from authsvc.languages import gettext as _
from authsvc.web import assets
from authsvc.web.own import dealing, door, trade_ins
from authsvc.web.own.dealing import HERE
from authsvc.web.own.door import Page, bp
from authsvc.web.own.trade_ins import MOST


@bp.post(f"{HERE}/take")
def dealer_take() -> Page:
    """Accept the offers of a list, or say of each what would become of it."""
    dealer = dealing.me()
    text, is_dry = request.form.get("offers", ""), "check" in request.form
    rows = [_row(dealer, place, code, is_dry=is_dry) for place, code in enumerate(_codes(text), 1)]
    faults = sum(row["fault"] is not None for row in rows)
    done = 0 if is_dry else len(rows) - faults
    return door.show(
        "dealer_take", door.brand_of(dealer.brand_id), title=_("Take over from owners"), status=400 if faults else 200,
        rows=rows, faults=faults, done=done, is_dry=is_dry, text=text, css=assets.url("reseller/reseller.css"),
    )  # fmt: skip


@bp.post(f"{HERE}/take/<uuid:transfer_id>/decline")
def dealer_decline(transfer_id: UUID) -> Page:
    """Take an acceptance back; the owner is told."""
    trade_ins.decline(dealing.me(), transfer_id)
    return door.go(HERE)


# --- Private ---------------------------------------------------------------------------------------------------------


def _codes(text: str) -> list[str]:
    """
    Return the codes of a list, also where a line is the link of an offer, as its symbol holds it.

    Raises:
        BadInput: It is empty.
        TooLarge: It names more than a hundred offers.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise BadInput("Paste the transfer codes that the owners gave you, one a line.")
    if len(lines) > MOST:
        raise TooLarge("A list holds at most {most} items, got {count}. Send it in parts.", most=MOST, count=len(lines))
    return [trade_ins.code_in(line) for line in lines]


def _row(dealer: DealerInfo, place: int, code: str, *, is_dry: bool) -> dict[str, object]:
    try:
        done = trade_ins.accept(dealer, code, is_dry=is_dry)
    except AuthsvcError as error:
        return {"place": place, "code": code, "fault": languages.of_error(error)}
    return {"place": place, "code": code, "fault": None, "handover": done, **dealing.item_of(done.sgtin)}
