"""Lots of products: their number, dates and facts, before or after codes are issued for them."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from authsvc import lot_data
from authsvc.core.gs1 import DigitalLink
from authsvc.core.versions import version
from authsvc.errors import BadDigitalLink, BadInput, ChangedMeanwhile, NotFound, VersionNeeded
from authsvc.lot_data import LotInfo
from authsvc.web import path_keys
from authsvc.web.api import pages, products
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import GTIN, LOT, operation
from authsvc.web.api.shapes import Given, Gtin, LotNumber, Moment, PageQuery, PageTold, Told, example, text


class LotTold(Told):
    """A lot."""

    model_config = example(
        {
            "gtin": "09506000134352", "lot": "B1", "made_on": "2026-05-04", "expires_on": None, "origin": "Biel",
            "ingredients": None, "nutrition": None, "certificates": None, "codes": 500,
            "created_at": "2026-05-04T08:00:00Z",
        }
    )  # fmt: skip

    gtin: Gtin
    lot: LotNumber
    made_on: date | None
    expires_on: Annotated[date | None, Field(description="Use-by date; codes of the lot say so after it.")]
    origin: str | None
    ingredients: str | None
    nutrition: str | None
    certificates: str | None
    codes: Annotated[int, Field(description="How many codes were issued for it.")]
    created_at: Moment


class LotsTold(PageTold):
    """Lots of a product, the latest first."""

    lots: list[LotTold]


class LotGiven(Given):
    """What is said of a lot, as a whole: what is left out is empty from then on."""

    model_config = example({"made_on": "2026-05-04", "origin": "Biel"})

    made_on: date | None = None
    expires_on: date | None = None
    origin: Annotated[str, text(lot_data.LONGEST_FACT)] | None = None
    ingredients: Annotated[str, text(lot_data.LONGEST_FACT)] | None = None
    nutrition: Annotated[str, text(lot_data.LONGEST_FACT)] | None = None
    certificates: Annotated[str, text(lot_data.LONGEST_FACT)] | None = None


class LotsQuery(PageQuery):
    """Which lots."""

    gtin: Annotated[Gtin, Field(description="The product, by its GTIN with 14 digits.", examples=["09506000134352"])]


@operation("GET", "/lots", scope="lots:read", tells={200: LotsTold}, refuses=(NotFound,))
def list_lots(call: Call, query: LotsQuery) -> Reply:
    """List the lots of a product."""
    product = products.find(call, query.gtin)
    before = pages.read(query.cursor, (datetime.fromisoformat, str))
    rows = lot_data.list_lots(
        call.session, product, before=(before[0], before[1]) if before else None, limit=query.limit + 1
    )
    shown, following = pages.cut(rows, query.limit, lambda lot: (lot.created_at, lot.lot))
    told = LotsTold(lots=[_told(query.gtin, lot) for lot in shown], next=following)
    return Reply(told=told, headers=pages.link(following))


@operation("GET", "/lots/{gtin}/{lot}", scope="lots:read", params=(GTIN, LOT), tells={200: LotTold},
           refuses=(NotFound,), has_version=True)  # fmt: skip
def get_lot(call: Call, gtin: str, lot: str) -> Reply:
    """
    Show a lot.

    Its version is in `ETag`.
    """
    found = lot_data.find_lot(call.session, products.find(call, gtin), lot)
    if found is None:
        raise NotFound(f"This product has no lot {lot!r}.")
    return Reply.versioned(_told(gtin, found), _version(found))


@operation("PUT", "/lots/{gtin}/{lot}", scope="lots:write", params=(GTIN, LOT), tells={200: LotTold, 201: LotTold},
           refuses=(BadInput, NotFound, ChangedMeanwhile, VersionNeeded), has_version=True)  # fmt: skip
def save_lot(call: Call, gtin: str, lot: str, body: LotGiven) -> Reply:
    """
    Add or change a lot.

    A lot that is there already is changed only with `If-Match`, so that two who change it do not lose each other's
    words.
    """
    product = products.find(call, gtin)
    try:
        DigitalLink.build({"01": gtin, "10": lot})
    except BadDigitalLink as error:
        raise NotFound(f"No lot can have this number. {error}") from None
    known = lot_data.find_lot(call.session, product, lot, locks=True)
    if known is not None:
        call.check_version(_version(known))
    facts = {name: getattr(body, name) or "" for name in lot_data.FACTS}
    given = LotInfo(lot=lot, made_on=body.made_on, expires_on=body.expires_on, attributes=facts)
    before = lot_data.save_lot(call.session, product, given, now=call.at)
    if before is not None and known is None:
        call.check_version(_version(before))  # Somebody has added it in this very moment.
    details = {"lot": lot, "expires_on": body.expires_on and body.expires_on.isoformat()}
    call.record("lot.add" if before is None else "lot.set", gtin, details)
    saved = lot_data.find_lot(call.session, product, lot)
    assert saved is not None
    place = {} if before else {"Location": f"/api/v1/lots/{gtin}/{path_keys.spell(lot)}"}
    return Reply.versioned(_told(gtin, saved), _version(saved), 200 if before else 201, **place)


# --- Private ---------------------------------------------------------------------------------------------------------


def _version(lot: LotInfo) -> str:
    facts = {name: lot.attributes.get(name) for name in lot_data.FACTS}
    return version({"lot": lot.lot, "made_on": lot.made_on, "expires_on": lot.expires_on, **facts})


def _told(gtin: str, lot: LotInfo) -> LotTold:
    facts = {name: str(value) if (value := lot.attributes.get(name)) else None for name in lot_data.FACTS}
    assert lot.created_at is not None
    return LotTold(
        gtin=gtin,
        lot=lot.lot,
        made_on=lot.made_on,
        expires_on=lot.expires_on,
        codes=lot.codes,
        created_at=lot.created_at,
        origin=facts["origin"],
        ingredients=facts["ingredients"],
        nutrition=facts["nutrition"],
        certificates=facts["certificates"],
    )
