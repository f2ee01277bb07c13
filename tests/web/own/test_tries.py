"""Tries of claim codes and people who race: counted before anything is looked at, and one owner at the end."""

import re
import threading

from owning import Buyer, claim_code, letters, link_in

from authsvc import owner_attempts
from authsvc.core.gs1 import DigitalLink
from authsvc.web.own import door


def present(scene, path):
    return scene.rows(
        "SELECT state, has_claim FROM registrations WHERE sgtin = %s AND ended_at IS NULL",
        DigitalLink.parse(path).sgtin,
    )


def test_five_wrong_codes_from_one_network_wait_and_the_item_is_not_locked(scene, watches, buyer, stranger):
    path = watches.path()
    register = stranger.scan(path)
    stranger.get(register)
    for _ in range(5):
        assert stranger.post(register, email=stranger.email, code="00000000").status_code == 400
    assert stranger.post(register, email=stranger.email, code="00000000").status_code == 429
    assert "not locked" in stranger.last.text

    buyer.register(path, code=claim_code(scene, path))

    assert buyer.last.status_code == 303


def fill(scene, sgtin):
    """Let a thousand wrong codes have been tried for an item today."""
    scene.admin.execute("DELETE FROM owner_attempts")
    with scene.app.test_request_context(base_url="https://id.example.com"):
        assert not door.count((owner_attempts.CODE_OF_ITEM, sgtin)).beyond
        scene.admin.execute("UPDATE owner_attempts SET count = 999")
        assert not door.count((owner_attempts.CODE_OF_ITEM, sgtin)).beyond
        assert door.count((owner_attempts.CODE_OF_ITEM, sgtin)).beyond


def test_past_a_thousand_tries_a_code_needs_a_confirmed_address_and_the_owner_still_claims(scene, watches, buyer):
    path = watches.path()
    fill(scene, DigitalLink.parse(path).sgtin)

    buyer.apply(path, code="00000000")
    assert buyer.last.status_code == 200
    assert "type your claim code again" in buyer.last.text
    link = link_in(letters(scene, buyer.email)[-1])
    buyer.get(link)
    for _ in range(4):
        assert buyer.post(link, code="00000000").status_code == 400
    buyer.post(link, code=claim_code(scene, path))

    assert buyer.last.status_code == 303
    assert present(scene, path)[0][:2] == ("confirmed", True)


def test_tries_behind_a_confirmed_address_are_counted_too(scene, watches, buyer):
    path = watches.path()
    fill(scene, DigitalLink.parse(path).sgtin)
    buyer.apply(path, code="00000000")
    link = link_in(letters(scene, buyer.email)[-1])
    buyer.get(link)

    found = [
        buyer.post(link, token=None if n == 0 else token(buyer, link), code="00000000").status_code for n in range(6)
    ]

    assert found == [400] * 5 + [429]


def token(buyer, link):
    return re.search(r'name="form_token" value="([^"]+)"', buyer.get(link).text)[1]


def test_no_code_is_looked_at_where_nothing_can_be_counted(scene, watches, buyer):
    path = watches.path()
    register = buyer.scan(path)
    buyer.get(register)
    scene.admin.execute("ALTER TABLE owner_attempts RENAME TO away")
    try:
        buyer.post(register, email=buyer.email, code=claim_code(scene, path))
    finally:
        scene.admin.execute("ALTER TABLE away RENAME TO owner_attempts")

    assert buyer.last.status_code >= 500
    assert buyer.mails() == []


def test_one_address_is_not_flooded_with_mail(scene, watches, buyer):
    for _ in range(5):
        path = watches.path()
        assert buyer.apply(path, code=claim_code(scene, path)).status_code == 200
    path = watches.path()

    assert buyer.apply(path, code=claim_code(scene, path)).status_code == 429
    assert len(buyer.mails()) == 5


# --- Races -----------------------------------------------------------------------------------------------------------


def test_of_people_who_confirm_at_once_one_owns_the_item(scene, watches):
    for _ in range(6):
        path = watches.path()
        code = claim_code(scene, path)
        people = [Buyer(scene, f"racer{n}-{path[-6:]}@example.com".replace("_", "-")) for n in range(8)]
        links = []
        for person in people:
            person.apply(path, code=code)
            links.append(link_in(letters(scene, person.email)[-1]))
            person.get(links[-1])
        barrier = threading.Barrier(len(people))

        def confirm(person, link, barrier=barrier):
            barrier.wait()
            person.post(link)

        threads = [threading.Thread(target=confirm, args=pair) for pair in zip(people, links, strict=True)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]

        assert sorted(person.last.status_code for person in people) == [303] + [409] * 7
        assert len(present(scene, path)) == 1
