"""
Telling owners: who holds an item of a recall is mailed when it is announced, and when it is lifted again.

The job is queued by the commit of the recall. It goes through the owners in steps; each step notes whom it tells and
queues their mails in one transaction, so a job that is cut off or run twice tells nobody twice. Of the lifting hears
who heard of the recall. Whoever registers an item later sees the recall on its page.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from authsvc import languages, mails, owners, recall_counts, signing_keys
from authsvc.core import recall_texts
from authsvc.core.recall_texts import Text
from authsvc.errors import NotFound
from authsvc.models import Product, Recall, RecallItem
from authsvc.recall_targets import Scope

STEP = 500
"""Owners of one transaction: some hundred milliseconds of sealing."""

ANNOUNCED, LIFTED = "announced", "lifted"
_SHOWN = 20
_NONCE_BYTES = 12
_TEMPLATES = {ANNOUNCED: "owner-recall", LIFTED: "owner-recall-lifted"}

_NOTE = text("""
INSERT INTO recall_notices (recall_id, owner_id, kind, brand_id, items, at)
VALUES (:recall, :owner, :kind, :brand, :items, :at) ON CONFLICT DO NOTHING RETURNING owner_id""")

_TOLD = text("""
SELECT n.owner_id, n.items FROM recall_notices n
WHERE n.recall_id = :recall AND n.kind = 'announced' AND n.owner_id > :after ORDER BY n.owner_id LIMIT :limit""")


def tell(
    session: Session,
    recall_id: int,
    *,
    after: UUID,
    link: str,
    wrapping_key: bytes,
    people_key: bytes,
    seal_key: bytes,
    random: Callable[[int], bytes],
    now: datetime,
) -> UUID | None:
    """
    Queue the mails to the next owners beyond *after*, and return how far this came; None when all were told.

    The row of the recall is shared until the commit: a recall that is being lifted waits, and then tells these too.
    """
    recall = session.get(Recall, recall_id, with_for_update={"read": True}, populate_existing=True)
    if recall is None or not recall.tells_owners:
        return None
    kind = ANNOUNCED if recall.lifted_at is None else LIFTED
    product = session.get_one(Product, recall.gtin)
    if kind == ANNOUNCED:
        concerned = _concerned(session, recall, after, wrapping_key)
    else:
        told = session.execute(_TOLD, {"recall": recall_id, "after": after, "limit": STEP})
        concerned = [(row.owner_id, (), row.items) for row in told]
    original, texts = Text(recall.language, recall.reason, recall.remedy), recall_texts.read(recall.texts)
    for owner_id, sgtins, count in concerned:
        noted = {
            "recall": recall_id, "owner": owner_id, "kind": kind, "brand": recall.brand_id, "items": count, "at": now,
        }  # fmt: skip
        if not count or session.execute(_NOTE, noted).one_or_none() is None:
            continue
        try:
            person = owners.get(session, owner_id, key=people_key)
        except NotFound:
            continue  # erased meanwhile: there is nobody to write to
        shown = [sgtin.partition(".")[2] for sgtin in sgtins[:_SHOWN]]
        said = recall_texts.choose(original, texts, person.language)
        draft = mails.Draft(
            id=uuid5(owner_id, f"recall/{recall_id}/{kind}"),
            brand_id=recall.brand_id,
            template=_TEMPLATES[kind],
            to=person.email,
            language=person.language,
            values={
                "product": product.name,
                "reason": said.reason,
                "remedy": said.remedy or "",
                "count": count,
                "serials": shown,
                "more": max(count - len(shown), 0),
                "day": languages.get(person.language).day(recall.recalled_at),
                "link": link,
            },
        )
        mails.enqueue(session, draft, seal_key=seal_key, nonce=random(_NONCE_BYTES), now=now)
    return concerned[-1][0] if len(concerned) == STEP else None


# --- Private ---------------------------------------------------------------------------------------------------------


def _concerned(
    session: Session, recall: Recall, after: UUID, wrapping_key: bytes
) -> list[tuple[UUID, tuple[str, ...], int]]:
    listed: list[str] = []
    if recall.listed is not None:
        listed = list(session.scalars(select(RecallItem.sgtin).where(RecallItem.recall_id == recall.id)))
    found = recall_counts.find_concerned(
        session,
        recall.brand_id,
        recall.gtin,
        Scope.of(recall, listed),
        serial_keys=signing_keys.load_serial_keys(session, recall.brand_id, wrapping_key=wrapping_key),
        after=after,
        limit=STEP,
    )
    return [(one.owner_id, one.sgtins, len(one.sgtins)) for one in found]
