"""
What people add to a case: comments, which nobody changes, and files.

Whoever added something may take it away. Then its content is gone and its place stays: who, when, and the hash of a
file. The audit log keeps the hash of a comment's text, so that a text which somebody kept can be told from another.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from authsvc import audit, cases
from authsvc.audit import Actor
from authsvc.errors import BadInput, Conflict, Forbidden, NotFound
from authsvc.models import Case, CaseAttachment, CaseComment
from authsvc.uploads import Upload

MOST_FILES = 20
MOST_COMMENTS = 1_000
_LONGEST_TEXT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment; ``text`` is None once it was taken away."""

    id: UUID
    text: str | None
    author_id: UUID
    author: str
    at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of a case, without its content."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: bytes
    original_sha256: bytes
    added_by_id: UUID
    added_by: str
    at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class File:
    """A file of a case with its content."""

    attachment: Attachment
    content: bytes = field(repr=False)


def comment(
    session: Session, brand_id: UUID, case_id: UUID, text: str, *, id: UUID, by: Actor, now: datetime  # noqa: A002
) -> Comment:  # fmt: skip
    """
    Write a comment: plain text, its lines kept.

    Raises:
        NotFound: There is no such case.
        BadInput: The text is empty or too long.
        Conflict: The case has too many comments.
    """
    row = cases.lock(session, brand_id, case_id)
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise BadInput("Write something: an empty comment says nothing.")
    if len(text) > _LONGEST_TEXT:
        raise BadInput(f"A comment has {_LONGEST_TEXT:,} characters at most. Attach a longer text as a file.")
    if _count(session, CaseComment, brand_id, case_id) >= MOST_COMMENTS:
        raise Conflict(f"A case holds {MOST_COMMENTS:,} comments at most.")
    added = CaseComment(
        brand_id=brand_id, id=id, case_id=case_id, text=text, author_id=_person(by), author=by.name, at=now
    )
    session.add(added)
    details = {"comment": str(id), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    _record(session, row, by, "case.comment", details, now)
    return _comment(added)


def remove_comment(
    session: Session, brand_id: UUID, case_id: UUID, comment_id: UUID, *, by: Actor, now: datetime
) -> None:
    """
    Take one's own comment away; that it was there stays.

    Raises:
        NotFound: The case has no such comment.
        Forbidden: Somebody else wrote it.
        Conflict: It was taken away already.
    """
    row = cases.lock(session, brand_id, case_id)
    found = session.get(CaseComment, (brand_id, comment_id), populate_existing=True)
    if found is None or found.case_id != case_id:
        raise NotFound("There is no such comment.")
    _refuse_stranger(found.author_id, by)
    if found.removed_at is not None:
        raise Conflict("This comment was taken away already.")
    found.text, found.removed_at = None, now
    _record(session, row, by, "case.comment-remove", {"comment": str(comment_id)}, now)


def list_comments(session: Session, brand_id: UUID, case_id: UUID, *, latest: int = MOST_COMMENTS) -> list[Comment]:
    """Return the comments of a case, or the *latest* of them, the oldest first."""
    query = (
        select(CaseComment)
        .where(CaseComment.brand_id == brand_id, CaseComment.case_id == case_id)
        .order_by(CaseComment.at.desc(), CaseComment.id.desc())
        .limit(latest)
    )
    return [_comment(row) for row in session.scalars(query)][::-1]


def attach(
    session: Session, brand_id: UUID, case_id: UUID, upload: Upload, *, id: UUID, by: Actor, now: datetime  # noqa: A002
) -> Attachment:  # fmt: skip
    """
    Put a checked file into a case.

    Raises:
        NotFound: There is no such case.
        Conflict: The case holds as many files as it may.
    """
    row = cases.lock(session, brand_id, case_id)
    if _count(session, CaseAttachment, brand_id, case_id) >= MOST_FILES:
        raise Conflict(f"A case holds {MOST_FILES} files at most. Take one away first.")
    added = CaseAttachment(
        brand_id=brand_id, id=id, case_id=case_id, name=upload.name, media_type=upload.media_type,
        size=len(upload.content), sha256=upload.sha256, original_sha256=upload.original_sha256,
        content=upload.content, added_by_id=_person(by), added_by=by.name, at=now,
    )  # fmt: skip
    session.add(added)
    _record(session, row, by, "case.attach", {"name": upload.name, "sha256": upload.sha256.hex()}, now)
    return _attachment(added)


def remove_attachment(
    session: Session, brand_id: UUID, case_id: UUID, attachment_id: UUID, *, by: Actor, now: datetime
) -> str:
    """
    Take one's own file away; its name and hash stay. Return the name.

    Raises:
        NotFound: The case has no such file.
        Forbidden: Somebody else attached it.
        Conflict: It was taken away already.
    """
    row = cases.lock(session, brand_id, case_id)
    found = session.get(CaseAttachment, (brand_id, attachment_id), populate_existing=True)
    if found is None or found.case_id != case_id:
        raise NotFound("There is no such file.")
    _refuse_stranger(found.added_by_id, by)
    if found.removed_at is not None:
        raise Conflict("This file was taken away already.")
    found.content, found.removed_at = None, now
    _record(session, row, by, "case.attachment-remove", {"name": found.name, "sha256": found.sha256.hex()}, now)
    return found.name


def list_attachments(session: Session, brand_id: UUID, case_id: UUID) -> list[Attachment]:
    """Return the files of a case, the oldest first, without their contents."""
    query = (
        select(CaseAttachment)
        .where(CaseAttachment.brand_id == brand_id, CaseAttachment.case_id == case_id)
        .order_by(CaseAttachment.at, CaseAttachment.id)
    )
    return [_attachment(row) for row in session.scalars(query)]


def get_file(session: Session, brand_id: UUID, case_id: UUID, attachment_id: UUID) -> File:
    """
    Return a file with its content.

    Raises:
        NotFound: The case has no such file, or it was taken away.
    """
    found = session.get(CaseAttachment, (brand_id, attachment_id), options=(undefer(CaseAttachment.content),))
    if found is None or found.case_id != case_id or found.content is None:
        raise NotFound("There is no such file.")
    return File(_attachment(found), found.content)


# --- Private ---------------------------------------------------------------------------------------------------------


def _person(by: Actor) -> UUID:
    if by.id is None:
        raise Forbidden("Only a person writes in a case.")
    return by.id


def _refuse_stranger(author: UUID, by: Actor) -> None:
    if author != by.id:
        raise Forbidden("Only who added it may take it away.")


def _count(session: Session, table: type[CaseComment | CaseAttachment], brand_id: UUID, case_id: UUID) -> int:
    query = select(func.count()).where(
        table.brand_id == brand_id, table.case_id == case_id, table.removed_at.is_(None)
    )  # fmt: skip
    return session.scalar(query) or 0


def _record(session: Session, row: Case, by: Actor, act: str, details: Mapping[str, object], now: datetime) -> None:
    row.changed_at = max(row.changed_at, now)
    session.flush()
    audit.record(session, row.brand_id, by, act, cases.name_of(row.number), details, at=now)


def _comment(row: CaseComment) -> Comment:
    return Comment(
        id=row.id, text=row.text, author_id=row.author_id, author=row.author, at=row.at, removed_at=row.removed_at
    )


def _attachment(row: CaseAttachment) -> Attachment:
    return Attachment(
        id=row.id, name=row.name, media_type=row.media_type, size=row.size, sha256=row.sha256,
        original_sha256=row.original_sha256, added_by_id=row.added_by_id, added_by=row.added_by, at=row.at,
        removed_at=row.removed_at,
    )  # fmt: skip
