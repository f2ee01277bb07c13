"""What leaves the console with a case: its evidence as a sealed bundle, and the letter to a marketplace."""

import io
from uuid import UUID

from flask import Response, request
from sqlalchemy.orm import Session

from authsvc import audit, case_files, cases, evidence_bundles, evidence_files, evidence_keys, takedown
from authsvc.core.wrapping import derive_key
from authsvc.errors import NotFound
from authsvc.evidence_bundles import Member
from authsvc.staff import Role
from authsvc.web import downloads
from authsvc.web.console import guard, rendering
from authsvc.web.papers import evidence as evidence_paper
from authsvc.web.papers import letter as letter_paper
from authsvc.web.rendering import country_names
from authsvc.web.site import runtime

ZIP = "application/zip"
_LONGEST_RECIPIENT = 300


@guard.page("/cases/<uuid:case_id>/evidence", role=Role.ANALYST, nav="Cases", step_up=True)
def evidence_form(case_id: UUID) -> str:
    """Show what an export holds and how its receiver checks it."""
    me = guard.me()
    with guard.session() as session:
        case = cases.get_case(session, me.brand_id, case_id)
        files = [file for file in case_files.list_attachments(session, me.brand_id, case_id) if not file.removed_at]
        comments = [said for said in case_files.list_comments(session, me.brand_id, case_id) if said.text]
    return rendering.show(
        "console/case_evidence.html", title="Export the evidence", case=case, files=len(files), comments=len(comments),
        jwks_url=_jwks_url(),
    )  # fmt: skip


@guard.page("/cases/<uuid:case_id>/evidence", role=Role.ANALYST, methods=["POST"], step_up=True)
def export(case_id: UUID) -> Response:
    """Seal the evidence and send it; that it was taken is an act, with the hash of what was."""
    me, rt, now = guard.me(), runtime(), guard.now()
    with guard.session() as session:
        document = evidence_files.gather(session, me.brand_id, case_id, by=me.actor, now=now)
        as_json = evidence_files.canonical(document)
        sealer = evidence_keys.get_sealer(
            session, me.brand_id, wrapping_key=derive_key(rt.config.secret, "wrapping"), random=rt.random, now=now
        )
        files = _files(session, me.brand_id, case_id)
        number = document["case"]["number"]
        audit.record(
            session, me.brand_id, me.actor, "case.export", cases.name_of(number),
            {"sha256": evidence_files.digest(as_json), "kid": sealer.kid}, at=now,
        )  # fmt: skip
    # After the transaction: setting pages takes its time, and holds no connection meanwhile.
    target = io.BytesIO()
    evidence_bundles.write(
        target, document, as_json, evidence_paper.write(document, as_json), files, sealer, jwks_url=_jwks_url(), now=now
    )  # fmt: skip
    return downloads.download(f"case-{number}-evidence.zip", ZIP, target.getvalue())


@guard.page("/cases/<uuid:case_id>/letter", role=Role.ANALYST, nav="Cases")
def letter(case_id: UUID) -> str:
    """Show the letter to a marketplace as it stands."""
    case, written = _letter(case_id)
    return rendering.show(
        "console/case_letter.html", title="Takedown letter", case=case, letter=written, recipient=_recipient(),
        placeholder=takedown.PLACEHOLDER,
    )  # fmt: skip


@guard.page("/cases/<uuid:case_id>/letter/file", role=Role.ANALYST)
def letter_file(case_id: UUID) -> Response:
    """Send the letter as PDF, or as text for a marketplace's own form."""
    case, written = _letter(case_id)
    if written is None:
        raise NotFound("The case names no listing and no shop, so there is nobody to write to.")
    kind = "txt" if request.args.get("as") == "text" else "pdf"
    me = guard.me()
    with guard.session() as session:
        details = {"to": written.recipient, "as": kind, "listings": len(written.listings)}
        me.record(session, "case.letter", case.subject, details)
    name = f"case-{case.number}-letter.{kind}"
    if kind == "txt":
        return downloads.download(name, "text/plain; charset=utf-8", written.text().encode())
    return downloads.download(name, "application/pdf", letter_paper.write(written))


# --- Private ---------------------------------------------------------------------------------------------------------


def _files(session: Session, brand_id: UUID, case_id: UUID) -> list[Member]:
    listed = case_files.list_attachments(session, brand_id, case_id)
    return [
        Member(
            evidence_bundles.member_name(position, file.name),
            case_files.get_file(session, brand_id, case_id, file.id).content,
        )
        for position, file in enumerate(listed, 1)
        if file.removed_at is None
    ]


def _letter(case_id: UUID) -> tuple[cases.Listed, takedown.Letter | None]:
    me, now = guard.me(), guard.now()
    with guard.session() as session:
        case = cases.get_case(session, me.brand_id, case_id)
        outline = evidence_files.outline(session, me.brand_id, case_id)
    return case, takedown.write(outline, recipient=_recipient(), on=now.date(), countries=country_names())


def _recipient() -> str:
    return " ".join(request.args.get("to", "").split())[:_LONGEST_RECIPIENT]


def _jwks_url() -> str:
    return f"{runtime().config.base_url}/.well-known/jwks.json?brand={guard.me().brand_id}"
