"""
Recalls: looked at as a draft, then announced; lifted again, never deleted.

A program takes the two steps that the console has: it writes a draft, reads what it would hit, and announces just that.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from authsvc import languages, recall_drafts, recalls
from authsvc.core import recall_texts, serials
from authsvc.core.recall_texts import Text
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.recall_drafts import Draft
from authsvc.recalls import Preview, RecallInfo, Target
from authsvc.web.api import pages, products
from authsvc.web.api.door import Call, Reply
from authsvc.web.api.operations import Param, number, operation
from authsvc.web.api.shapes import Given, Gtin, LotNumber, Moment, PageQuery, PageTold, Serial, Told, example, text

MOST_BYTES = 2 * 2**20
MOST_LISTED = 50_000
RECALL = number("recall_id", "Number of the recall.", "1")
DRAFT = Param(
    name="draft_id",
    text="The draft, as its answer named it.",
    pattern="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    example="a81c5f03-2f77-4a0e-9a35-6c1f0f7d2b64",
    format="uuid",
    read=UUID,
)


LANGUAGE_PATTERN = f"^({'|'.join(sorted(languages.NAMES))})$"
Language = Annotated[
    str, StringConstraints(pattern=LANGUAGE_PATTERN), Field(description="A language of the pages, by its tag.")
]
_GERMAN = {"reason": "Das Armband kann reißen", "remedy": "Bringen Sie es in ein Geschäft; es wird repariert."}


class TargetTold(Told):
    """What a recall is of."""

    lot: str | None
    run: int | None
    index_from: int | None
    index_to: int | None
    serial_from: str | None
    serial_to: str | None
    listed: Annotated[int | None, Field(description="How many items a list names.")]
    made_from: Moment | None
    made_until: Moment | None


class TextTold(Told):
    """What a recall says in one language."""

    reason: str
    remedy: str | None = None


class RecallTold(TargetTold):
    """A recall. `covered` is the number of issued codes that it concerns now, `told` how many owners were mailed."""

    model_config = example(
        {
            "id": 1, "gtin": "09506000134352", "scope": "batch B1", "lot": "B1", "run": None, "index_from": None,
            "index_to": None, "serial_from": None, "serial_to": None, "listed": None, "made_from": None,
            "made_until": None, "reason": "The strap may break", "remedy": "Bring it to a shop; it is mended for free.",
            "language": "en", "texts": {"de": _GERMAN},
            "tells_owners": True, "covered": 500, "told": 0, "recalled_at": "2026-06-01T09:00:00Z", "lifted_at": None,
        }
    )  # fmt: skip

    id: int
    gtin: Gtin
    scope: Annotated[str, Field(description="The same in words that go after “recall of”.")]
    reason: str
    remedy: str | None
    language: Annotated[str, Field(description="The language of reason and remedy.")]
    texts: Annotated[dict[str, TextTold], Field(description="The same in other languages, by their tags.")]
    tells_owners: bool
    covered: int
    told: int
    recalled_at: Moment
    lifted_at: Moment | None


class RecallsTold(PageTold):
    """Recalls, the latest first; those that were lifted among them."""

    recalls: list[RecallTold]


class Window(Given):
    """Days in UTC on which codes were issued."""

    first: date
    last: date


class Range(Given):
    """The first and the last serial of a range; both are part of it."""

    first: Serial
    last: Serial


class TextGiven(Given):
    """What a recall says in one language: a reason, and what to do where the original says it."""

    reason: Annotated[str, text(recall_texts.LONGEST)]
    remedy: Annotated[str, text(recall_texts.LONGEST)] | None = None


class TextsGiven(Given):
    """Texts of a recall by their languages. Null takes one away; languages that are not named keep theirs."""

    model_config = example({"texts": {"de": _GERMAN}})

    texts: dict[Language, TextGiven | None] = Field(
        default_factory=dict, description="Reason and remedy in other languages."
    )
    language: Annotated[
        Language | None, Field(description="The language of the reason that was announced, if another was said.")
    ] = None


class DraftGiven(Given):
    """
    A recall to look at.

    What it is of: a `lot`, a range (`between`, which may lie in a `lot`), `serials`, or a production window (`made`);
    with none of them, the whole product.
    """

    model_config = example(
        {
            "gtin": "09506000134352", "lot": "B1", "reason": "The strap may break",
            "remedy": "Bring it to a shop; it is mended for free.", "tells_owners": True,
            "language": "en", "texts": {"de": _GERMAN},
        }
    )  # fmt: skip

    gtin: Gtin
    lot: LotNumber | None = None
    between: Range | None = None
    serials: Annotated[list[Serial], Field(min_length=1, max_length=MOST_LISTED)] | None = None
    made: Window | None = None
    reason: Annotated[str, text(recall_texts.LONGEST), Field(description="The person who scans the item reads it.")]
    remedy: Annotated[str, text(recall_texts.LONGEST), Field(description="What that person should do.")] | None = None
    language: Annotated[Language, Field(description="The language of reason and remedy.")] = languages.DEFAULT
    texts: dict[Language, TextGiven] = Field(
        default_factory=dict, description="Both in other languages, by their tags."
    )
    tells_owners: Annotated[bool, Field(description="Mail the owners who are known.")] = False


class SparedTold(Told):
    """What a coarser recall would hit beside these items."""

    items: int
    beside: Annotated[str, Field(description="The coarser recall: product, lot or lots.")]


class DraftTold(Told):
    """A draft, and what it would hit if it were announced now. It is kept for a day."""

    model_config = example(
        {
            "id": "a81c5f03-2f77-4a0e-9a35-6c1f0f7d2b64", "gtin": "09506000134352", "scope": "batch B1",
            "reason": "The strap may break", "remedy": "Bring it to a shop; it is mended for free.",
            "language": "en", "texts": {"de": _GERMAN},
            "tells_owners": True, "covers": 500, "owners": 12, "spares": {"items": 3500, "beside": "product"},
            "made_by": "ERP (7Q2M4K9X)",
        }
    )  # fmt: skip

    id: UUID
    gtin: Gtin
    scope: str
    reason: str
    remedy: str | None
    language: str
    texts: dict[str, TextTold]
    tells_owners: bool
    covers: Annotated[int, Field(description="Issued codes that it would hit.")]
    owners: Annotated[int, Field(description="Known owners of such items.")]
    spares: SparedTold | None
    made_by: str


class RecallsQuery(PageQuery):
    """Which recalls."""

    gtin: Annotated[Gtin | None, Field(description="Of one product.", examples=["09506000134352"])] = None


@operation("GET", "/recalls", scope="recalls:read", tells={200: RecallsTold})
def list_recalls(call: Call, query: RecallsQuery) -> Reply:
    """List recalls."""
    before = pages.read(query.cursor, (int,))
    rows = recalls.list_recalls(
        call.session, query.gtin, brand_id=call.caller.brand_id, before=min(before[0], 2**63 - 1) if before else None,
        limit=query.limit + 1,
    )  # fmt: skip
    shown, following = pages.cut(rows, query.limit, lambda recall: (recall.id,))
    told = RecallsTold(recalls=[_told(recall) for recall in shown], next=following)
    return Reply(told=told, headers=pages.link(following))


@operation("GET", "/recalls/{recall_id}", scope="recalls:read", params=(RECALL,), tells={200: RecallTold},
           refuses=(NotFound,))  # fmt: skip
def get_recall(call: Call, recall_id: int) -> Reply:
    """
    Show a recall.

    What it is of, what people read, how much it hits.
    """
    return Reply(told=_told(_find(call, recall_id)))


@operation("POST", "/recalls/{recall_id}/lift", scope="recalls:write", params=(RECALL,), tells={200: RecallTold},
           refuses=(NotFound, Conflict))  # fmt: skip
def lift_recall(call: Call, recall_id: int) -> Reply:
    """
    Lift a recall.

    It ends, and its row stays.
    """
    _find(call, recall_id)
    ended = recalls.lift(call.session, recall_id, brand_id=call.caller.brand_id, now=call.at)
    call.record("recall.lift", str(ended.id), {"gtin": ended.gtin, "scope": ended.scope})
    return Reply(told=_told(ended))


@operation("POST", "/recalls/{recall_id}/texts", scope="recalls:write", params=(RECALL,), tells={200: RecallTold},
           refuses=(BadInput, NotFound))  # fmt: skip
def add_recall_texts(call: Call, recall_id: int, body: TextsGiven) -> Reply:
    """
    Say a recall in further languages.

    Pages show them from now on. What was announced stays; whoever was mailed gets no second mail.
    """
    before = _find(call, recall_id)
    given = {tag: None if text is None else Text(tag, text.reason, text.remedy) for tag, text in body.texts.items()}
    after = recalls.add_texts(call.session, recall_id, given, brand_id=call.caller.brand_id, language=body.language)
    if details := recalls.changes(before, after):
        call.record("recall.texts", str(after.id), details)
    return Reply(told=_told(after))


@operation("POST", "/recalls/drafts", scope="recalls:write", tells={201: DraftTold}, refuses=(BadInput, NotFound),
           most_bytes=MOST_BYTES)  # fmt: skip
def draft_recall(call: Call, body: DraftGiven) -> Reply:
    """
    Draft a recall.

    Write it down and see what it would hit; nothing is announced yet.
    """
    if sum(part is not None for part in (body.between, body.serials, body.made)) > 1:
        raise BadInput("Say one of between, serials and made: a recall has one shape.")
    product = products.find(call, body.gtin)
    draft = Draft(
        id=call.rt.new_id(),
        gtin=product.gtin,
        target=_target(body),
        reason=body.reason,
        remedy=body.remedy,
        language=body.language,
        texts=tuple(Text(tag, said.reason, said.remedy) for tag, said in body.texts.items()),
        tells_owners=body.tells_owners,
        made_by=call.caller.actor.name,
    )
    found = recalls.preview(call.session, product, draft.target, serial_keys=_keys(call), now=call.at)
    recall_drafts.write(call.session, call.caller.brand_id, draft, now=call.at)
    place = f"/api/v1/recalls/drafts/{draft.id}"
    return Reply(told=_draft(draft, found), status=201, headers={"Location": place})


@operation("GET", "/recalls/drafts/{draft_id}", scope="recalls:read", params=(DRAFT,), tells={200: DraftTold},
           refuses=(BadInput, NotFound))  # fmt: skip
def get_draft(call: Call, draft_id: UUID) -> Reply:
    """
    Show a draft.

    With what it would hit as it counts now.
    """
    draft = recall_drafts.get(call.session, call.caller.brand_id, draft_id)
    product = products.find(call, draft.gtin)
    found = recalls.preview(call.session, product, draft.target, serial_keys=_keys(call), now=call.at)
    return Reply(told=_draft(draft, found))


@operation("POST", "/recalls/drafts/{draft_id}/announce", scope="recalls:write", params=(DRAFT,),
           tells={200: RecallTold, 201: RecallTold}, refuses=(BadInput, NotFound))  # fmt: skip
def announce_recall(call: Call, draft_id: UUID) -> Reply:
    """
    Announce a recall.

    Every page says it from now on. A draft that was announced before, by whomever, answers 200 with its recall.
    """
    brand_id = call.caller.brand_id
    product = products.find(call, recall_drafts.find_gtin(call.session, brand_id, draft_id))
    made, is_new = recall_drafts.announce(call.session, product, draft_id, serial_keys=_keys(call), now=call.at)
    if is_new:
        call.record("recall.announce", str(made.id), recalls.announced(made))
    place = {"Location": f"/api/v1/recalls/{made.id}"} if is_new else {}
    return Reply(told=_told(made), status=201 if is_new else 200, headers=place)


@operation("DELETE", "/recalls/drafts/{draft_id}", scope="recalls:write", params=(DRAFT,), tells={204: None},
           refuses=(NotFound,))  # fmt: skip
def drop_draft(call: Call, draft_id: UUID) -> Reply:
    """Forget a draft."""
    recall_drafts.drop(call.session, call.caller.brand_id, draft_id)
    return Reply(status=204)


# --- Private ---------------------------------------------------------------------------------------------------------


def _find(call: Call, recall_id: int) -> RecallInfo:
    try:
        return recalls.get_recall(call.session, recall_id, brand_id=call.caller.brand_id)
    except NotFound:
        raise NotFound(f"The brand has no recall {recall_id}.") from None


def _target(body: DraftGiven) -> Target:
    listed = tuple(enumerate(dict.fromkeys(body.serials or ()), 1))
    return Target(
        lot=body.lot,
        between=(body.between.first, body.between.last) if body.between else None,
        listed=listed,
        made=(body.made.first, body.made.last) if body.made else None,
    )


def _keys(call: Call) -> Mapping[str, serials.SerialKey]:
    return call.rt.held.serial_keys_of(call.caller.brand_id)


def _draft(draft: Draft, found: Preview) -> DraftTold:
    spared = found.spares
    return DraftTold(
        id=draft.id,
        gtin=draft.gtin,
        scope=recalls.describe(found.scope),
        reason=draft.reason,
        remedy=draft.remedy,
        language=draft.language,
        texts=_texts(recall_texts.write(draft.texts)),
        tells_owners=draft.tells_owners,
        covers=found.covered,
        owners=found.owners,
        spares=SparedTold(items=spared.items, beside=spared.beside) if spared else None,
        made_by=draft.made_by,
    )


def _texts(stored: Mapping[str, Any]) -> dict[str, TextTold]:
    return {tag: TextTold(**said) for tag, said in stored.items()}


def _told(found: RecallInfo) -> RecallTold:
    names = TargetTold.model_fields
    return RecallTold(
        **{name: getattr(found, name) for name in names},
        id=found.id,
        gtin=found.gtin,
        scope=found.scope,
        reason=found.reason,
        remedy=found.remedy,
        language=found.language,
        texts=_texts(found.texts),
        tells_owners=found.tells_owners,
        covered=found.covered,
        told=found.told,
        recalled_at=found.recalled_at,
        lifted_at=found.lifted_at,
    )
