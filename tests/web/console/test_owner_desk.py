"""The desk for owners: proofs are seen and noted, a mailbox moves after the wait and no sooner, services are noted."""

import io
import re
from datetime import timedelta
from uuid import UUID

import owning
import pytest
from owning import Buyer, claim_code, letters

from authsvc.audit import Actor
from authsvc.core.gs1 import DigitalLink
from authsvc.investigations import Subject
from authsvc.runtime import new_id
from authsvc.staff import Role
from authsvc.unit_records import PARTNER, NewRecord, append

DAYS = timedelta(days=1)
PDF = b"%PDF-1.7\n% a receipt\n%%EOF\n"


@pytest.fixture
def operator(cast):
    person = cast.add(Role.OPERATOR)
    person.sign_in()
    return person


@pytest.fixture
def later(scene, operator):
    """Move the time on, and sign the operator in again."""
    moved = []

    def move(by):
        scene.clock.ahead += by
        moved.append(by)
        operator.sign_in()

    yield move
    scene.clock.ahead -= sum(moved, timedelta())


@pytest.fixture(scope="module")
def watches(scene):
    product = scene.add_product(
        name="Meridian 44", warranty_months="24", claim="required", attributes={"noun": "watch"}
    )
    return scene.issue(product, 40)


def owners_of(scene, request_id):
    return scene.rows(
        "SELECT r.state, r.owner_id = q.asker_id, r.warranty_until = first.warranty_until FROM owner_requests q "
        "JOIN registrations r ON r.sgtin = q.sgtin JOIN registrations first ON first.sgtin = q.sgtin "
        "AND first.version = 1 WHERE q.id = %s ORDER BY r.version",
        request_id,
    )


def decide(person, page, decision, reason="The invoice has the serial number"):
    person.get(f"{page}/decide")
    return person.post(f"{page}/decide", decision=decision, reason=reason)


def noted(scene, act):
    return scene.row("SELECT details FROM audit_events WHERE act = %s ORDER BY at DESC LIMIT 1", act)[0]


def test_a_mailbox_moves_after_the_wait_and_not_before(scene, operator, later):
    number = owning.lost_mailbox(scene)
    page = f"/console/owners/requests/{number}"
    assert "Waits for the owner" in operator.get("/console/owners").text
    shown = operator.get(page).text
    assert "g•••@e•••.com" in shown
    assert not re.search(r"(gone|new)[0-9]+@", shown)
    file = re.search(r"/console/owners/files/[0-9a-f-]+", shown)[0]
    got = operator.get(file)
    assert (got.mimetype, got.data[:5]) == ("application/pdf", b"%PDF-")
    assert "owner.file" in str(scene.rows("SELECT act FROM audit_events ORDER BY at DESC LIMIT 1"))
    assert "Move it" not in operator.get(f"{page}/decide").text
    assert decide(operator, page, "granted").status_code == 400
    assert owners_of(scene, number) == [("confirmed", False, True)]

    later(14 * DAYS)
    assert "Nobody can take that back" in operator.get(f"{page}/decide").text
    assert decide(operator, page, "granted").status_code == 303

    assert owners_of(scene, number) == [("recovered", False, True), ("confirmed", True, True)]
    assert noted(scene, "owner.mailbox")["decision"] == "granted"
    (asker,) = scene.row(
        "SELECT count(*) FROM owner_files f JOIN registrations r ON r.id = f.about JOIN owner_requests q "
        "ON q.sgtin = r.sgtin AND q.asker_id = f.owner_id WHERE q.id = %s AND r.ended_at IS NULL",
        number,
    )
    assert asker == 1
    sgtin = scene.row("SELECT sgtin FROM owner_requests WHERE id = %s", number)[0]
    # The same person under a new address is no second owner.
    assert scene.row("SELECT owners FROM authsvc_item_owners(%s, %s, now() + interval '15 days')", sgtin,
                     scene.halden.id) == (1,)  # fmt: skip
    assert decide(operator, page, "refused").status_code == 409


def test_a_refusal_and_a_stop_leave_the_item_where_it_is(scene, operator, later):
    refused, stopped = owning.lost_mailbox(scene), owning.lost_mailbox(scene)
    scene.admin.execute("UPDATE owner_requests SET state = 'stopped', ended_at = now() WHERE id = %s", (stopped,))
    later(15 * DAYS)

    assert decide(operator, f"/console/owners/requests/{refused}", "refused").status_code == 303
    assert decide(operator, f"/console/owners/requests/{stopped}", "granted").status_code in {400, 409}

    for number in (refused, stopped):
        assert owners_of(scene, number) == [("confirmed", False, True)]


def test_an_item_that_has_moved_on_is_not_given_away(scene, operator, later):
    number = owning.lost_mailbox(scene)
    later(15 * DAYS)
    scene.admin.execute(
        "UPDATE registrations SET state = 'released', ended_at = now() WHERE id = "
        "(SELECT registration_id FROM owner_requests WHERE id = %s)",
        (number,),
    )

    assert decide(operator, f"/console/owners/requests/{number}", "granted").status_code == 409
    assert owners_of(scene, number) == [("released", False, True)]


@pytest.mark.parametrize(("decision", "state"), [("taken", "confirmed"), ("declined", "refused")])
def test_a_registration_of_what_was_bought_used_is_decided_by_its_proof(scene, operator, watches, decision, state):
    path, person = watches.path(), Buyer(scene, f"used-{decision}@example.com")
    person.register(path, bought="used", proof=(io.BytesIO(PDF), "contract.pdf"))
    number = UUID(person.last.headers["Location"].rpartition("/")[2].partition("?")[0])
    page = f"/console/owners/registrations/{number}"
    assert str(number) in operator.get("/console/owners").text
    assert "contract.pdf" in operator.get(page).text

    assert decide(operator, page, decision).status_code == 303

    assert scene.row("SELECT state FROM registrations WHERE id = %s", number) == (state,)
    assert letters(scene, person.email)[-1][0] == "owner-proof-decided"
    assert str(number) not in operator.get("/console/owners").text
    assert decide(operator, page, decision).status_code == 409
    again = Buyer(scene, f"code-{decision}@example.com")
    again.apply(path, code=claim_code(scene, path))
    # Once the brand has said that it counts, the code moves nothing; refused, it was never used.
    assert (again.last.status_code == 200) == (decision == "declined")


def note(scene, path, **values):
    """Let a partner of the brand add a service as a record, as by API."""
    link = DigitalLink.parse(path)
    subject = Subject.of(scene.rt.held, link.gtin, link.serial)
    given = NewRecord(kind="service", at=scene.clock(), values=values)
    with scene.owner_session() as session:
        append(
            session,
            subject.name,
            given,
            id=new_id(),
            by=Actor("key", new_id(), "Atelier"),
            permission=PARTNER,
            now=scene.clock(),
        )


def test_a_service_is_noted_by_the_desk_and_read_by_the_owner_and_the_next(scene, operator, watches):
    path = watches.path()
    seller, taker = Buyer(scene, "served@example.com"), Buyer(scene, "served-next@example.com")
    item = seller.own(path)
    page = f"/console/items/{DigitalLink.parse(path).sgtin}/services"
    operator.get(page)
    assert operator.post(page, done_on="2999-01-01", what="Oiled", done_by="Atelier").status_code == 400
    for what in ("Movement oiled", "Written by mistake"):
        assert operator.post(page, done_on="2026-03-04", what=what, done_by="Atelier Biel").status_code == 303
    wrong = scene.row("SELECT id FROM item_records WHERE text = 'Written by mistake'")[0]
    assert operator.post(f"{page}/{wrong}/withdraw").status_code == 303

    note(scene, path, work="Seal replaced")

    shown = seller.get(item).text

    assert shown.count("Movement oiled") == 1
    assert "Work: Seal replaced" in shown
    assert "Atelier Biel" in shown
    assert "by mistake" not in shown
    assert operator.email not in shown
    assert "Taken back" in operator.get(page).text
    taker.take(seller.offer(item, how="present"), path)
    assert "Movement oiled" in taker.get(taker.last.headers["Location"]).text
