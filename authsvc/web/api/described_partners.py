"""The routes of dealers and of platforms that sell for an owner, which have keys of their own kind."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from authsvc.core.verdicts import Disposition
from authsvc.dealer_lists import Act
from authsvc.errors import (
    ApiKeyNeeded,
    BadInput,
    Conflict,
    NotFound,
    PermitOver,
    TooLarge,
    TooManyRequests,
    TransferOver,
)
from authsvc.handovers import State
from authsvc.permits import Scope
from authsvc.web.api.described import described
from authsvc.web.api.operations import Param, uuid
from authsvc.web.api.shapes import Gtin, Moment, Query, Told, example

DEALER_KEY = "dealerKey"
_PERMIT = "A platform sends the permit that an owner gave it in the body, so that no log has it."
TRADE_IN = uuid("trade_in_id", "The trade-in, as a list names it.", "5d1c7b20-4a3e-4f7b-9c61-2b3a4c5d6e7f")
ACT = Param(name="act", text="What to do with the items.", pattern="|".join(Act), example="receive")


class DealerTold(Told):
    """A dealer, as other dealers of the brand see it."""

    id: str
    name: str
    country: str | None


class DealerMeTold(DealerTold):
    """Whose key it is, and how many items it holds and has sold."""

    counts: dict[str, int]
    dealers: list[DealerTold]


class StockItemTold(Told):
    """An item of a dealer."""

    gtin: Gtin
    serial: str
    state: str
    received_at: Moment
    sold_on: date | None
    country: str | None
    offered_to: Any
    offered_by: Any


class StockTold(Told):
    """Items in the order of their key."""

    items: list[StockItemTold]
    next: str | None


class OffersTold(Told):
    """Items that other dealers offer."""

    items: list[StockItemTold]


class StockLine(Told):
    """One item, and for a sale its day and country."""

    code: str
    sold_on: str | None = None
    country: str | None = None


class StockGiven(Told):
    """Items to do something with: all of them or none."""

    model_config = example({"items": [{"code": "https://id.example.com/01/09506000134352/21/0XES7CJNVN09GQYH?s=AQAB"}]})

    items: Annotated[list[StockLine], Field(min_length=1, max_length=1000)]
    dry_run: bool = False
    to: Annotated[str | None, Field(description="For offer: the dealer; null ends the offer.")] = None


class StockFault(Told):
    """Why nothing can be done with an item."""

    code: str
    title: str
    detail: str


class StockRow(Told):
    """What became of one line."""

    line: int
    code: str
    item: StockItemTold | None
    fault: StockFault | None


class StockDoneTold(Told):
    """What was done, line by line."""

    act: str
    done: bool
    rows: list[StockRow]


class TradeInTold(Told):
    """An offer of an owner that the dealer has accepted, as it stands now; nothing of the owner."""

    model_config = example(
        {
            "id": "5d1c7b20-4a3e-4f7b-9c61-2b3a4c5d6e7f", "gtin": "09506000134352", "serial": "0XES7CJNVN09GQYH",
            "product": "Meridian 38", "state": "accepted", "accepted_at": "2026-05-31T11:00:00Z",
            "expires_at": "2026-06-03T10:00:00Z", "completed_at": None, "dispute_until": None, "ended_at": None,
        }
    )  # fmt: skip

    id: str
    gtin: Gtin
    serial: str
    product: str | None
    state: Annotated[State, Field(description="`accepted` waits for the owner; `completed` has come into stock.")]
    accepted_at: Moment | None
    expires_at: Annotated[Moment, Field(description="Until when the owner may confirm it.")]
    completed_at: Moment | None
    dispute_until: Annotated[Moment | None, Field(description="Until then it stays in stock: its owner may dispute.")]
    ended_at: Moment | None


class TradeInsTold(Told):
    """What waits for its owner, the first first."""

    trade_ins: list[TradeInTold]


class TradeInsGiven(Told):
    """Offers of owners, each done by itself."""

    model_config = example({"offers": ["7K3M-9QX2-V4TD-1RZ8"]})

    offers: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]],
        Field(min_length=1, max_length=100, description="Transfer codes that owners gave, or the links with them."),
    ]
    dry_run: Annotated[bool, Field(description="Only say what would become of each.")] = False


class TradeInRow(Told):
    """What became of one offer."""

    line: int
    code: str
    trade_in: TradeInTold | None
    fault: StockFault | None


class TradeInsDoneTold(Told):
    """What was accepted, offer by offer."""

    accepted: Annotated[int, Field(description="How many; 0 of a dry run.")]
    rows: list[TradeInRow]


class PermitGiven(Told):
    """The permit of an owner."""

    model_config = example({"permit": "eyJhbGciOiJFZERTQSJ9.e30.AAAA"})

    permit: Annotated[str, Field(min_length=1)]


class BuyerGiven(PermitGiven):
    """The permit, and whom the platform has seen as the buyer."""

    model_config = example({"permit": "eyJhbGciOiJFZERTQSJ9.e30.AAAA", "buyer": "b…r@example.com"})

    buyer: Annotated[str, Field(min_length=1)]


class PermitTold(Told):
    """A permit."""

    id: str
    scope: Scope
    platform: str
    expires_at: Moment


class WarrantyTold(Told):
    """From when until when."""

    from_: Annotated[date, Field(alias="from")]
    until: date


class PermitItemTold(Told):
    """How the item of a permit stands."""

    gtin: Gtin
    serial: str
    product: str | None
    disposition: Disposition
    has_alert: bool
    owners: int
    owned_since: Moment
    warranty: WarrantyTold | None
    transfer: State | None


class PermitStatusTold(Told):
    """A permit and its item; nothing of the owner."""

    permit: PermitTold
    item: PermitItemTold


class TransferTold(Told):
    """Where an offer stands; ``buyer`` is who has accepted, masked."""

    transfer: str
    state: State
    offered_at: Moment
    expires_at: Moment
    buyer: str | None
    completed_at: Moment | None


class OfferTold(TransferTold):
    """An offer with its code, which the buyer needs."""

    code: str
    link: str


class StockQuery(Query):
    """Which items."""

    state: Annotated[Literal["held", "sold"], Field(description="In stock, or sold.")] = "held"
    limit: Annotated[int, Field(ge=1, le=500, description="How many to return at most.")] = 100
    after: Annotated[str | None, Field(description="The `next` of the page before.")] = None


_DEALER: dict[str, Any] = {"security": DEALER_KEY, "refuses": (BadInput, ApiKeyNeeded)}
_SALE: dict[str, Any] = {
    "name": "Idempotency-Key", "description": "A text of your own, new for each sale.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 100, "pattern": "^[!-~]+$"},
    "example": "0a6f4b0e-6f57-4a62-9d3c-2f3d8f6d7c11",
}  # fmt: skip
_PERMITTED = (BadInput, PermitOver, TooManyRequests)

PARTNERS = (
    described("dealer", "GET", "/api/v1/dealer", "dealer", "Show the dealer of the key", "", {200: DealerMeTold},
              **_DEALER),
    described("dealer_stock", "GET", "/api/v1/dealer/stock", "dealer", "List the stock", "", {200: StockTold},
              query=StockQuery, **_DEALER),
    described("dealer_offers", "GET", "/api/v1/dealer/offers", "dealer", "List what other dealers offer",
              "Receiving an item takes it over.", {200: OffersTold}, **_DEALER),
    described("dealer_act", "POST", "/api/v1/dealer/stock/{act}", "dealer", "Do something with items",
              "All of the items or none. A request that is sent again is done already.", {200: StockDoneTold},
              params=(ACT,), body=StockGiven, security=DEALER_KEY,
              refuses=(BadInput, ApiKeyNeeded, NotFound, Conflict, TooLarge, TooManyRequests)),
    described("dealer_trade_ins", "GET", "/api/v1/dealer/trade-ins", "dealer", "List what waits for its owner",
              "Used items whose offer the dealer has accepted and the owner has still to confirm.",
              {200: TradeInsTold}, **_DEALER),
    described("dealer_take", "POST", "/api/v1/dealer/trade-ins", "dealer", "Take used items over from their owners",
              "Each offer is done and answered by itself; its owner sees which dealer it is and confirms, or has done "
              "so in the shop. An offer that is sent again is accepted already. Wrong codes are counted.",
              {200: TradeInsDoneTold}, body=TradeInsGiven, security=DEALER_KEY,
              refuses=(BadInput, ApiKeyNeeded, TooLarge, TooManyRequests)),
    described("dealer_trade_in", "GET", "/api/v1/dealer/trade-ins/{trade_in_id}", "dealer", "Show a trade-in",
              "Also after it has ended.", {200: TradeInTold}, params=(TRADE_IN,), security=DEALER_KEY,
              refuses=(ApiKeyNeeded, NotFound, TooManyRequests)),
    described("dealer_decline", "POST", "/api/v1/dealer/trade-ins/{trade_in_id}/decline", "dealer",
              "Take an acceptance back", "Before the owner has confirmed it; the owner is told. Sent again, it is done "
              "already.", {200: TradeInTold}, params=(TRADE_IN,), security=DEALER_KEY,
              refuses=(ApiKeyNeeded, NotFound, TransferOver, TooManyRequests)),
    described("permit_status", "POST", "/api/v1/permits/status", "permits", "Show how the item stands", _PERMIT,
              {200: PermitStatusTold}, body=PermitGiven, refuses=_PERMITTED),
    described("permit_offer", "POST", "/api/v1/permits/offer", "permits", "Offer the item for its owner",
              _PERMIT, {200: OfferTold}, body=PermitGiven, headers=(_SALE,), refuses=(*_PERMITTED, Conflict)),
    described("permit_transfer", "POST", "/api/v1/permits/transfer", "permits", "Show where the offer stands",
              _PERMIT, {200: TransferTold}, body=PermitGiven, refuses=(*_PERMITTED, Conflict)),
    described("permit_confirm", "POST", "/api/v1/permits/confirm", "permits", "Let the buyer have the item",
              f"{_PERMIT} `buyer` is the masked address that you have seen.",
              {200: TransferTold}, body=BuyerGiven, refuses=(*_PERMITTED, Conflict)),
    described("permit_cancel", "POST", "/api/v1/permits/cancel", "permits", "Withdraw the offer", _PERMIT,
              {200: TransferTold}, body=PermitGiven, refuses=(*_PERMITTED, Conflict)),
)  # fmt: skip
