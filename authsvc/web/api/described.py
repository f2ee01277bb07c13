"""What is served elsewhere and belongs to the API all the same: checks, receipts, public keys, health."""

from typing import Annotated, Any, Literal

from pydantic import Field

from authsvc.core.verdicts import Disposition, Outcome, Reason
from authsvc.errors import AuthsvcError, BadDigitalLink, BadInput, NotFound, TooLarge, TooManyRequests
from authsvc.web.api.operations import GTIN, SECRET_IN_PATH, SERIAL, Operation, Param
from authsvc.web.api.shapes import Gtin, Moment, Query, Told, example
from authsvc.web.wire import HTML

JWKS = "application/jwk-set+json"
TEXT = "text/plain"

VERDICT: dict[str, Any] = {
    "outcome": "authentic", "reason": "checked-before", "title": "This code is genuine",
    "text": "Halden made this code for the item below.",
    "signature": {"valid": True, "kid": "b86e3f5b-b46a-4903-bafb-cfdb6272f304.1", "format": "ed25519"},
    "product": {"gtin": "09506000134352", "name": "Meridian 38", "brand": "Halden", "category": None,
                "description": None},
    "lot": {"lot": "B1", "expires_on": None, "recalled": False},
    "item": {"gtin": "09506000134352", "serial": "0XES7CJNVN09GQYH", "sscc": None, "scan_number": None,
             "first_checked_at": None, "disposition": "active", "warranty": None},
    "notices": [], "receipt": None, "checked_at": "2026-11-23T12:53:30Z",
}  # fmt: skip


class SignatureTold(Told):
    """What the signature inside the code proves."""

    valid: Annotated[bool | None, Field(description="null where there was none to judge")]
    kid: str | None
    format: Literal["ed25519", "compact"] | None


class ProductOfVerdict(Told):
    """The product of a code that is ours."""

    gtin: Gtin
    name: str
    brand: str | None
    category: str | None
    description: str | None


class LotOfVerdict(Told):
    """The lot of a code."""

    lot: str
    expires_on: str | None
    recalled: bool


class ItemOfVerdict(Told):
    """The item of a code."""

    gtin: str | None
    serial: str | None
    sscc: str | None
    scan_number: Annotated[int | None, Field(description="Which counted check this is; null where it is none.")]
    first_checked_at: Moment | None
    disposition: Disposition | None
    warranty: Annotated[Any, Field(description="null; for later")]


class NoticeTold(Told):
    """What else applies."""

    reason: Reason
    title: str
    text: str


class VerdictTold(Told):
    """The answer to a check. Decide by `outcome`; new reasons may come."""

    model_config = example(VERDICT)

    outcome: Outcome
    reason: Reason
    title: str
    text: str
    signature: SignatureTold
    product: ProductOfVerdict | None
    lot: LotOfVerdict | None
    item: ItemOfVerdict | None
    notices: list[NoticeTold]
    receipt: Annotated[str | None, Field(description="The address `/s/{receipt}`; null when nothing was stored.")]
    checked_at: Moment
    internal: Annotated[bool, Field(description="Told to a trusted device of the brand alone.")] = False
    api_checks: Annotated[
        int | None,
        Field(description="With an API key: how often it has checked this item; null where that is not counted."),
    ] = None


class CheckFault(Told):
    """Why one of many could not be read."""

    code: str
    title: str
    detail: str


class CheckRefused(Told):
    """One of many that could not be read; it stops no other."""

    error: CheckFault


class CheckGiven(Told):
    """What to check."""

    model_config = example({"uri": "https://id.example.com/01/09506000134352/21/0XES7CJNVN09GQYH?s=AQAB"})

    uri: Annotated[str, Field(description="A Digital Link, or a number as labels print it.")]


class ChecksGiven(Told):
    """What to check, up to 1,000."""

    model_config = example({"uris": ["https://id.example.com/01/09506000134352/21/0XES7CJNVN09GQYH?s=AQAB"]})

    uris: Annotated[list[str], Field(max_length=1000)]


class ChecksTold(Told):
    """Verdicts in the order of what was asked."""

    model_config = example({"results": [VERDICT]})

    results: list[VerdictTold | CheckRefused]


class KeysTold(Told):
    """The public keys of brands (RFC 7517), with those that were revoked beside them."""

    keys: list[dict[str, Any]]
    revoked: list[dict[str, Any]]


class ReadyTold(Told):
    """Whether scans can be answered in full."""

    model_config = example({"ready": True, "checks": {"database": True, "register": True, "partitions": True}})

    ready: bool
    checks: dict[str, bool]


class TokenQuery(Query):
    """The signature of a code."""

    s: Annotated[str | None, Field(description="The token; without one the code is unsigned.", examples=["AQAB"])] = (
        None
    )


class BrandQuery(Query):
    """Whose keys."""

    brand: Annotated[
        str | None,
        Field(
            description="Only the keys of this brand.",
            json_schema_extra={"format": "uuid"},
            examples=["b86e3f5b-b46a-4903-bafb-cfdb6272f304"],
        ),
    ] = None


RECEIPT = Param(
    name="receipt", text="The receipt, as a verdict names it.", pattern="[A-Za-z0-9_-]{21}[AQgw]",
    example="4Vo5_QArmwcfdIFIzP0JEA",
)  # fmt: skip


def described(
    name: str, method: str, path: str, tag: str, summary: str, description: str, tells: dict[int, Any], *,
    refuses: tuple[type[AuthsvcError], ...] = (), **rest: Any,
) -> Operation:  # fmt: skip
    """Describe an operation that is served elsewhere."""
    return Operation(
        name=name, method=method, path=path, tag=tag, summary=summary, description=description, scope=None,
        tells=tells, refuses=refuses, **rest,
    )  # fmt: skip


DESCRIBED = (
    described(
        "verify", "POST", "/api/v1/verify", "verify", "Check a code",
        "Reads only: it is nobody's first check and confirms nothing. With an API key it is counted under that key, "
        "in a counter of its own; without one it counts nothing. Forged, recalled and unknown codes are answers, "
        "not errors.",
        {200: VerdictTold}, body=CheckGiven, may_have_key=True,
        refuses=(BadInput, BadDigitalLink, TooLarge, TooManyRequests),
    ),
    described(
        "verify_bulk", "POST", "/api/v1/verify/bulk", "verify", "Check up to 1,000 codes",
        "One that cannot be read stops no other. Nothing is counted.",
        {200: ChecksTold}, body=ChecksGiven, may_have_key=True, refuses=(BadInput, TooLarge, TooManyRequests),
    ),
    described(
        "scan", "GET", "/01/{gtin}/21/{serial}", "scan", "Scan a code",
        "What the phone of a consumer opens: it counts. JSON for `Accept: application/json`, else the page. Programs "
        "that only want to know use `verify`.",
        {200: VerdictTold}, params=(GTIN, SERIAL), query=TokenQuery, also=HTML,
        refuses=(BadDigitalLink, NotFound, TooManyRequests),
    ),
    described(
        "receipt", "GET", "/s/{receipt}", "scan", "Show a frozen check",
        "The page of a check that was made; opening it counts nothing. It ends after 90 days.",
        {200: HTML}, params=(RECEIPT,), refuses=(NotFound, TooManyRequests),
    ),
    described(
        "seller_proof", "GET", "/check/proof/{secret}", "scan", "Show a seller's proof",
        "The page that says that the registered owner made this proof a few minutes ago. Looking counts nothing.",
        {200: HTML, 409: HTML}, params=(SECRET_IN_PATH,), refuses=(NotFound, TooManyRequests),
    ),
    described(
        "public_keys", "GET", "/.well-known/jwks.json", "keys", "Public keys",
        "Anybody can verify codes of format 1 with them, without this service.",
        {200: KeysTold}, query=BrandQuery, media=JWKS, refuses=(BadInput,),
    ),
    described("livez", "GET", "/livez", "health", "Whether the process runs", "", {200: TEXT}),
    described(
        "readyz", "GET", "/readyz", "health", "Whether scans can be answered in full",
        "Database, register, and tables for this month and the next.", {200: ReadyTold, 503: ReadyTold},
    ),
    described("metrics", "GET", "/metrics", "health", "Figures for Prometheus", "", {200: TEXT}),
)  # fmt: skip
