"""Service records on the page of an item: added by hand, and taken back where one was noted in error."""

from uuid import UUID

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from authsvc import service_records
from authsvc.errors import BadInput
from authsvc.investigations import Subject
from authsvc.staff import Role
from authsvc.web.console import guard, item_keys, item_words, rendering
from authsvc.web.site import runtime

Page = str | tuple[str, int] | BaseResponse


@guard.page("/items/<key>/services", role=Role.VIEWER, nav="Items")
def services(key: str) -> str:
    """Show the services of an item, and where the next is added."""
    return _page(key, item_keys.get_subject(key))


@guard.page("/items/<key>/services", role=Role.OPERATOR, methods=["POST"])
def add_service(key: str) -> Page:
    """Note a service; its owner sees it at once, and so does every owner after them."""
    subject, me = item_keys.get_subject(key), guard.me()
    try:
        service = service_records.parse(
            *(request.form.get(name, "") for name in ("done_on", "what", "done_by")), today=guard.now().date()
        )
    except BadInput as error:
        return _page(key, subject, fault=str(error)), error.status
    with guard.session() as session:
        made = service_records.add(session, subject, service, id=runtime().new_id(), by=me.actor, now=guard.now())
        me.record(session, "item.service", subject.name.sgtin, {"id": str(made.id), "day": made.done_on.isoformat()})
    return guard.done("The service is noted.", f"/console/items/{key}/services")


@guard.page("/items/<key>/services/<uuid:record_id>/withdraw", role=Role.OPERATOR, methods=["POST"])
def withdraw_service(key: str, record_id: UUID) -> Page:
    """Take back a record that was noted in error."""
    subject, me = item_keys.get_subject(key), guard.me()
    with guard.session() as session:
        service_records.withdraw(session, subject, record_id, id=runtime().new_id(), by=me.actor, now=guard.now())
        me.record(session, "item.service", subject.name.sgtin, {"withdrawn": str(record_id)})
    return guard.done("The record is taken back. Its owner sees it no more.", f"/console/items/{key}/services")


# --- Private ---------------------------------------------------------------------------------------------------------


def _page(key: str, subject: Subject, *, fault: str | None = None) -> str:
    with guard.session() as session:
        found = service_records.list_of(session, subject.name.sgtin, with_withdrawn=True)
    return rendering.show(
        "console/services.html",
        title=f"Services of {item_words.title(subject)}",
        key=key,
        sgtin=subject.name.sgtin,
        found=found,
        may_add=guard.me().role.may(Role.OPERATOR),
        typed={name: request.form.get(name, "")[:600] for name in ("done_on", "what", "done_by")},
        fault=fault,
    )
