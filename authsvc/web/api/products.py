"""Products: what they are, and imports that register or change them, checked by the worker."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from authsvc import catalogue, errands, product_work
from authsvc.core import product_texts
from authsvc.core.register import Product
from authsvc.core.tongues import NAMES
from authsvc.core.unit_data import MOST as MOST_FACTS
from authsvc.errands import PRODUCTS, Errand
from authsvc.errors import ChangedMeanwhile, Conflict, NotFound, VersionNeeded
from authsvc.web.api import pages
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import GTIN, Param, operation
from authsvc.web.api.shapes import (
    INTEGRAL,
    Given,
    Gtin,
    Json,
    Moment,
    PageQuery,
    PageTold,
    Stored,
    Told,
    example,
    left_out,
    line,
    text,
)

MOST_BYTES = 2 * 2**20
MOST_ROWS = 1_000
IMPORT = Param(
    name="import_id",
    text="The import, as its answer named it.",
    pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    example="7d0a2f6e-93c1-4b58-a2f0-5be1c46d9a10",
    format="uuid",
    read=UUID,
)
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Language = Annotated[str, StringConstraints(pattern=f"^({'|'.join(sorted(NAMES))})$")]
Granular = Literal["batch", "serial", "hybrid"]


class ProductTold(Told):
    """A product."""

    model_config = example(
        {
            "gtin": "09506000134352", "name": "Meridian 38", "granularity": "serial", "category": "watch",
            "description": "Automatic, 38 mm", "warranty_months": 24, "claim": "none", "token": "ed25519",
            "release": "on-issue", "tracking": "scans", "markets": ["CH", "DE"], "attributes": {"noun": "watch"},
            "language": "en", "texts": {"de": {"description": "Automatik, 38 mm"}},
        }
    )  # fmt: skip

    gtin: Gtin
    name: str
    granularity: Granular
    category: str | None
    description: str | None
    warranty_months: int | None
    claim: Literal["required", "optional", "none"]
    token: Literal["ed25519", "compact", "none"]
    release: Literal["on-issue", "on-commission"]
    tracking: Literal["none", "scans"]
    markets: list[str]
    attributes: dict[str, Any]
    language: Annotated[str | None, Field(description="Of name, description and facts; null where it was not said.")]
    texts: Annotated[dict[str, dict[str, Any]], Field(description="The same in other languages, by their tags.")]


class ProductsTold(PageTold):
    """Products in the order of their GTIN."""

    products: list[ProductTold]


class ProductText(Given):
    """What a product is called and said to be in one language. What is left out stays; null empties it."""

    name: Annotated[str, line(200)] | None = left_out()
    description: Annotated[str, text(2000)] | None = left_out()
    facts: (
        Annotated[
            list[Annotated[list[Annotated[str, line(2000)]], Field(min_length=2, max_length=2)]],
            Field(max_length=MOST_FACTS, description="Pairs, in the order of the public facts of the product."),
        ]
        | None
    ) = left_out()


class ProductChange(Given):
    """What to change of a product. What is left out stays as it is; null empties a fact."""

    model_config = example({"description": "Automatic, 38 mm, steel", "warranty_months": 36})

    name: Annotated[str, line(200)] = left_out()
    category: Annotated[str, line(100)] | None = left_out()
    description: Annotated[str, text(2000)] | None = left_out()
    warranty_months: Annotated[int, Field(ge=0, le=1200), INTEGRAL] | None = left_out()
    claim: Literal["required", "optional", "none"] = left_out()
    token: Literal["ed25519", "compact", "none"] = left_out()
    release: Literal["on-issue", "on-commission"] = left_out()
    tracking: Literal["none", "scans"] = left_out()
    markets: Annotated[list[Country], Field(max_length=250)] = left_out()
    attributes: dict[Stored, Json] = left_out()
    language: Language | None = left_out()
    texts: dict[Language, ProductText | None] = left_out()


class ProductRow(ProductChange):
    """A product of an import: registered where the GTIN is new, changed where it is the brand's."""

    model_config = example(
        {"gtin": "09506000134352", "name": "Meridian 38", "granularity": "serial", "warranty_months": 24}
    )

    gtin: Gtin
    name: Annotated[str, line(200)]
    granularity: Granular


class ImportGiven(Given):
    """Products to register or change, all of them or none."""

    model_config = example(
        {
            "products": [
                {"gtin": "09506000134352", "name": "Meridian 38", "granularity": "serial", "warranty_months": 24}
            ],
            "dry_run": False,
        }
    )

    products: Annotated[list[ProductRow], Field(min_length=1, max_length=MOST_ROWS)]
    dry_run: Annotated[bool, Field(description="Only say what it would do.")] = False


class ImportTold(Told):
    """How an import fares. Ask again until `state` is done or failed; that takes the worker a second or two."""

    model_config = example(
        {
            "id": "7d0a2f6e-93c1-4b58-a2f0-5be1c46d9a10", "state": "done", "dry_run": False, "created": 1,
            "changed": 0, "faults": [], "created_at": "2026-11-23T12:53:30Z", "ended_at": "2026-11-23T12:53:31Z",
        }
    )  # fmt: skip

    id: UUID
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    dry_run: bool
    created: Annotated[int | None, Field(description="How many were, or would be, registered; null until it is done.")]
    changed: Annotated[int | None, Field(description="How many were, or would be, changed; null until it is done.")]
    faults: Annotated[list[str], Field(description="Every fault with its row and field; rows count from 1.")]
    created_at: Moment
    ended_at: Moment | None


class ProductsQuery(PageQuery):
    """Which products."""


@operation("GET", "/products", scope="products:read", tells={200: ProductsTold})
def list_products(call: Call, query: ProductsQuery) -> Reply:
    """List products."""
    after = pages.read(query.cursor, (str,))
    rows = catalogue.list_products(
        call.session, call.caller.brand_id, after=after[0] if after else None, limit=query.limit + 1
    )
    shown, following = pages.cut(rows, query.limit, lambda product: (product.gtin,))
    told = ProductsTold(products=[_told(product) for product in shown], next=following)
    return Reply(told=told, headers=pages.link(following))


@operation("GET", "/products/{gtin}", scope="products:read", params=(GTIN,), tells={200: ProductTold},
           refuses=(NotFound,), has_version=True)  # fmt: skip
def get_product(call: Call, gtin: str) -> Reply:
    """
    Show a product.

    Its version is in `ETag`.
    """
    found = find(call, gtin)
    return Reply.versioned(_told(found), product_work.version(found))


@operation("PATCH", "/products/{gtin}", scope="products:write", params=(GTIN,), tells={202: ImportTold},
           refuses=(NotFound, Conflict, ChangedMeanwhile, VersionNeeded), has_version=True)  # fmt: skip
def change_product(call: Call, gtin: str, body: ProductChange) -> Reply:
    """
    Change a product.

    The worker does it, and checks then once more that the product is as you have seen it. What codes that were issued
    rely on, such as granularity or token, cannot change after the first of them.
    """
    found = find(call, gtin)
    call.check_version(product_work.version(found))
    cells = _cells(body)
    row = {"gtin": found.gtin, "name": found.name, "granularity": found.granularity.value, **cells}
    seen = None if call.if_match is not None and call.if_match.star_tag else product_work.version(found)
    return _order(call, [row], is_dry=False, seen=seen)


@operation("POST", "/products/imports", scope="products:write", tells={202: ImportTold}, refuses=(Conflict,),
           most_bytes=MOST_BYTES)  # fmt: skip
def import_products(call: Call, body: ImportGiven) -> Reply:
    """
    Register or change products.

    The worker checks all rows together, since a GTIN belongs to one brand for ever. Where one row has a fault, nothing
    is changed, and every fault is named. What a row leaves out stays as it is.
    """
    rows = [_cells(row) for row in body.products]
    return _order(call, rows, is_dry=body.dry_run, seen=None)


@operation("GET", "/products/imports/{import_id}", scope="products:read", params=(IMPORT,), tells={200: ImportTold},
           refuses=(NotFound,))  # fmt: skip
def get_import(call: Call, import_id: UUID) -> Reply:
    """
    Show how an import fares.

    It is kept for a week.
    """
    return Reply(told=_import(errands.get_errand(call.session, call.caller.brand_id, import_id, PRODUCTS)))


def find(call: Call, gtin: str) -> Product:
    """
    Return a product of the key's brand; row-level security makes one of another as unknown as any.

    Raises:
        NotFound: The brand has none with this GTIN.
    """
    try:
        return catalogue.get_product(call.session, gtin)
    except NotFound:
        raise NotFound("The brand has no product with this GTIN.") from None


# --- Private ---------------------------------------------------------------------------------------------------------


def _cells(body: ProductChange) -> dict[str, Any]:
    """Return the cells of a product file that a change stands for."""
    cells = body.model_dump(exclude_unset=True)
    texts = cells.pop("texts", {})
    return {**cells, **product_texts.columns(texts)}


def _order(call: Call, rows: Sequence[Mapping[str, Any]], *, is_dry: bool, seen: str | None) -> Reply:
    number = call.rt.new_id()
    asked = product_work.asked(list(enumerate(rows, 1)), file=product_work.API, is_dry=is_dry, by="key", seen=seen)
    errands.order(call.session, call.caller.brand_id, PRODUCTS, asked, call.caller.actor, id=number, now=call.at)
    call.record("product.order", str(number), {"file": product_work.API, "is_dry": is_dry, "rows": len(rows)})
    placed = errands.get_errand(call.session, call.caller.brand_id, number, PRODUCTS)
    return Reply(told=_import(placed), status=202, headers={"Location": f"/api/v1/products/imports/{number}"})


def _import(errand: Errand) -> ImportTold:
    is_done = errand.state == "done"
    return ImportTold(
        id=errand.id,
        state=errand.state,  # type: ignore[arg-type]  # the database holds it to these
        dry_run=bool(errand.asked["is_dry"]),
        created=int(errand.result.get("created", 0)) if is_done else None,
        changed=int(errand.result.get("updated", 0)) if is_done else None,
        faults=(errand.fault or "").splitlines(),
        created_at=errand.created_at,
        ended_at=errand.ended_at,
    )


def _told(product: Product) -> ProductTold:
    return ProductTold(
        gtin=product.gtin,
        name=product.name,
        granularity=product.granularity.value,
        category=product.category,
        description=product.description,
        warranty_months=product.warranty_months,
        claim=product.claim,  # type: ignore[arg-type]  # checked when it was registered
        token=product.token,  # type: ignore[arg-type]  # as above
        release=product.release.value,
        tracking="scans" if product.is_tracked else "none",
        markets=list(product.markets),
        attributes=dict(product.attributes),
        language=product.language,
        texts={tag: dict(parts) for tag, parts in product.texts.items()},
    )
