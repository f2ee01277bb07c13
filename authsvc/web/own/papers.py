"""
What lies with an item on its owner's page: proofs of purchase, papers of the product, and the services that it had.

A proof is handed out as a download that no browser opens as a page of ours, to its owner alone.
"""

from dataclasses import dataclass
from uuid import UUID

from flask import Response, request

from authsvc import conditions, languages, owner_files, owner_requests, service_records
from authsvc.core.register import Product
from authsvc.errors import BadInput, Conflict, TooLarge
from authsvc.owner_attempts import FILE_OF_PERSON
from authsvc.owner_files import File
from authsvc.owner_requests import Request
from authsvc.owners import Person
from authsvc.ownership import Registered
from authsvc.service_records import ServiceRecord
from authsvc.web import downloads
from authsvc.web.own import door, handing, items
from authsvc.web.own.door import Page, bp
from authsvc.web.site import runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What lies with an item."""

    files: list[File]
    documents: list[tuple[str, str]]
    services: list[ServiceRecord]
    has_room: bool
    requests: list[Request]


def around(person: Person, registered: Registered) -> Papers:
    """Return what lies with an item that somebody holds."""
    with door.database(person.brand_id) as session:
        files = owner_files.list_about(session, person, registered.id, key=runtime().people_key)
        requests = owner_requests.list_for(session, registered.id, now=door.now())
        services = service_records.list_of(session, registered.sgtin)
    product = handing.subject_of(registered.sgtin).product
    return Papers(
        files=files, documents=[] if product is None else documents(product), services=services,
        has_room=len(files) < owner_files.MOST, requests=requests,
    )  # fmt: skip


def documents(product: Product) -> list[tuple[str, str]]:
    """Return title and address of the papers that a brand has named for a product: manuals, care, declarations."""
    listed = product.attributes.get("documents")
    if not isinstance(listed, list | tuple):
        return []
    return [
        (str(pair[0]), str(pair[1]))
        for pair in listed
        if isinstance(pair, list | tuple) and len(pair) == 2 and str(pair[1]).startswith("https://")
    ]


@bp.post("/items/<uuid:registration_id>/proofs")
@door.takes_files
def add_proof(registration_id: UUID) -> Page:
    """Keep a proof of purchase with an item."""
    who, rt = door.signed(), runtime()
    with door.database(who.brand_id) as session:
        person, registered = items.get(session, who, registration_id)
        condition = conditions.find(session, registered.sgtin)
    try:
        upload = door.get_file(limit=FILE_OF_PERSON, who=str(who.owner_id))
        with door.database(who.brand_id) as session:
            person, registered = items.get(session, who, registration_id)
            owner_files.add(
                session, person, registered.id, upload, key=rt.people_key, random=rt.random, new_id=rt.new_id,
                now=door.now(),
            )  # fmt: skip
    except (BadInput, TooLarge, Conflict) as error:
        return items.show(person, registered, condition, file_fault=languages.of_error(error))
    return door.go(f"/items/{registration_id}#papers")


@bp.get("/files/<uuid:file_id>")
def proof_file(file_id: UUID) -> Response:
    """Hand out a file to its owner."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        file, content = owner_files.get_of(session, door.person(session, who), file_id, key=runtime().people_key)
    return downloads.download(file.name, file.media_type, content)


@bp.post("/files/<uuid:file_id>/remove")
def remove_file(file_id: UUID) -> Page:
    """Delete a file of its owner."""
    who = door.signed()
    with door.database(who.brand_id) as session:
        about = owner_files.remove(session, door.person(session, who), file_id)
    back = request.form.get("back")
    return door.go("" if back == "list" else f"/items/{about}#papers")
