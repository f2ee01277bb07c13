"""What people put into a case: comments and files."""

from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as BaseResponse

from authsvc import case_files, cases, uploads
from authsvc.errors import BadInput, TooLarge
from authsvc.staff import Role
from authsvc.web import downloads
from authsvc.web.console import guard
from authsvc.web.console.cases import path, show_page
from authsvc.web.site import runtime

_ROOM = 64 * 1024
"""Bytes of a form beside its file."""
Page = tuple[str, int] | BaseResponse


@guard.page("/cases/<uuid:case_id>/comments", role=Role.ANALYST, methods=["POST"], most_bytes=2 * _ROOM)
def comment(case_id: UUID) -> Page:
    """Write a comment."""
    me = guard.me()
    try:
        with guard.session() as session:
            case_files.comment(
                session, me.brand_id, case_id, request.form.get("text", ""), id=runtime().new_id(), by=me.actor,
                now=guard.now(),
            )  # fmt: skip
    except BadInput as error:
        return show_page(case_id, faults={"text": str(error)}), 400
    return guard.done("The comment is added.", f"{path(case_id)}")


@guard.page("/cases/<uuid:case_id>/comments/<uuid:comment_id>/remove", role=Role.ANALYST, methods=["POST"])
def remove_comment(case_id: UUID, comment_id: UUID) -> BaseResponse:
    """Take one's own comment away."""
    me = guard.me()
    with guard.session() as session:
        case_files.remove_comment(session, me.brand_id, case_id, comment_id, by=me.actor, now=guard.now())
    return guard.done("The comment is taken away. That it was there stays.", path(case_id))


@guard.page(
    "/cases/<uuid:case_id>/attachments", role=Role.ANALYST, methods=["POST"], most_bytes=uploads.MOST_BYTES + _ROOM
)
def attach(case_id: UUID) -> Page:
    """Take a file in."""
    me = guard.me()
    with guard.session() as session:
        cases.get_case(session, me.brand_id, case_id)
    try:
        given = request.files.get("file")
        content = b"" if given is None else given.stream.read(uploads.MOST_BYTES + 1)
        # Between two transactions: a picture is drawn anew, and holds no connection meanwhile.
        upload = uploads.check("" if given is None else given.filename or "", content)
        with guard.session() as session:
            added = case_files.attach(
                session, me.brand_id, case_id, upload, id=runtime().new_id(), by=me.actor, now=guard.now()
            )
    except (BadInput, TooLarge) as error:
        return show_page(case_id, faults={"file": str(error)}), error.status
    return guard.done(f"{added.name} is attached.", path(case_id))


@guard.page("/cases/<uuid:case_id>/attachments/<uuid:attachment_id>", role=Role.VIEWER)
def file(case_id: UUID, attachment_id: UUID) -> Response:
    """Send a file of a case as a download, whatever it is."""
    with guard.session() as session:
        found = case_files.get_file(session, guard.me().brand_id, case_id, attachment_id)
    return downloads.download(found.attachment.name, found.attachment.media_type, found.content)


@guard.page("/cases/<uuid:case_id>/attachments/<uuid:attachment_id>/remove", role=Role.ANALYST, methods=["POST"])
def remove_attachment(case_id: UUID, attachment_id: UUID) -> BaseResponse:
    """Take away a file that one has attached."""
    me = guard.me()
    with guard.session() as session:
        name = case_files.remove_attachment(
            session, me.brand_id, case_id, attachment_id, by=me.actor, now=guard.now()
        )  # fmt: skip
    return guard.done(f"{name} is taken away. Its name and hash stay.", path(case_id))
