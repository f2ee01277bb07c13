"""Evidence files: complete, in one spelling, sealed so that anybody can check, and refused when a byte differs."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from casework import ANALYST, full_case
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc import (
    case_files,
    evidence_bundles,
    evidence_files,
    evidence_keys,
    seals,
)
from authsvc.core import base64url, tokens
from authsvc.core.keyring import ED25519, Keyring, KeyState, PublicKeySet, VerificationKey
from authsvc.errors import BadSeal, BadToken
from authsvc.evidence_bundles import Member
from authsvc.seals import Sealer


@pytest.fixture
def session(scene):
    with scene._sessions() as session:
        yield session
        session.rollback()


@pytest.fixture(scope="module")
def keys(scene):
    """Return a JWKS as the service publishes it, once a key that seals is there."""
    with scene.owner_session() as session:
        for brand in scene.halden, scene.rival:
            evidence_keys.get_sealer(
                session, brand.id, wrapping_key=scene.wrapping_key, random=scene.random, now=scene.clock()
            )
    scene.refresh()
    return scene.visitor().open("/.well-known/jwks.json").json


def sealer(session, scene, brand=None):
    return evidence_keys.get_sealer(
        session, (brand or scene.halden).id, wrapping_key=scene.wrapping_key, random=scene.random, now=scene.clock()
    )


def bundle(session, scene, case, *, change=None, extra=()):
    """Return a bundle of a case, after *change* had its way with the parts."""
    document = evidence_files.gather(session, scene.halden.id, case.id, by=ANALYST, now=scene.clock())
    files = [
        Member(
            evidence_bundles.member_name(n, file.name),
            case_files.get_file(session, scene.halden.id, case.id, file.id).content,
        )
        for n, file in enumerate(case_files.list_attachments(session, scene.halden.id, case.id), 1)
    ]
    target = io.BytesIO()
    evidence_bundles.write(
        target, document, evidence_files.canonical(document), b"%PDF a page", files, sealer(session, scene),
        jwks_url="https://id.example.com/.well-known/jwks.json", now=scene.clock(),
    )  # fmt: skip
    if change is None and not extra:
        return target
    parts = {name: zipfile.ZipFile(target).read(name) for name in zipfile.ZipFile(target).namelist()}
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in parts.items():
            if (content := change(name, content) if change else content) is not None:
                archive.writestr(name, content)
        for name in extra:
            archive.writestr(name, b"x")
    return changed


def test_the_document_holds_all_that_belongs_to_a_case(session, scene):
    case, link = full_case(session, scene)

    document = evidence_files.gather(session, scene.halden.id, case.id, by=ANALYST, now=scene.clock())

    (alert,), (item,), (told,) = document["alerts"], document["items"], document["reports"]
    assert document["case"]["number"] == case.number
    assert len(alert["evidence"]["sightings"]) == 2
    assert (item["gtin"], item["serial"], item["product"]) == (link.gtin, link.serial, "Meridian 36")
    assert [scan["country"] for scan in item["scans"]] == ["IT", "VN"]
    assert {len(scan["visitor"]) for scan in item["scans"]} == {32}
    assert (told["listing_url"], told["price"], len(told["photos"])) == ("https://market.example/offer/7", "20 EUR", 1)
    assert document["comments"][0]["text"] == "Bought one; it is a copy."
    assert [file["name"] for file in document["attachments"]] == ["receipt.pdf", "photo.jpg"]
    acts = {event["act"] for event in document["audit"]["events"]}
    assert {"case.open", "case.alerts-add", "case.report-add", "case.comment", "case.attach", "report.link"} <= acts


def test_no_contact_of_anybody_leaves_in_an_evidence_file(session, scene):
    case, _ = full_case(session, scene)

    text = evidence_files.canonical(
        evidence_files.gather(session, scene.halden.id, case.id, by=ANALYST, now=scene.clock())
    )  # fmt: skip

    assert b"who@example.com" not in text
    assert b'"left_contact":true' in text


def test_long_histories_are_cut_and_what_is_left_out_is_counted(session, scene, monkeypatch):
    monkeypatch.setattr(evidence_files, "MOST_SCANS", 1)
    case, _ = full_case(session, scene)

    (item,) = evidence_files.gather(session, scene.halden.id, case.id, by=ANALYST, now=scene.clock())["items"]

    assert (len(item["scans"]), item["scans_stored"], item["scans_left_out"]) == (1, 2, 1)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": [1.0, 0.00012345, -3.5, None, True]}, b'{"a":[1,0.0001,-3.5,null,true],"b":1}'),
        ({"é": 'q"\n\u2028'}, '{"é":"q\\"\\n\u2028"}'.encode()),
    ],
)
def test_a_document_has_one_spelling(value, written):
    assert evidence_files.canonical(value) == written


def test_a_bundle_is_checked_with_the_published_keys_alone(session, scene, keys):
    case, _ = full_case(session, scene)

    sealed, document = evidence_bundles.verify(bundle(session, scene, case), keys)

    assert sealed.kid == f"{scene.halden.id}.evidence.1"
    assert document["case"]["title"] == "Watches from a market"


def flip(wanted, at):
    def change(name, content):
        if name != wanted:
            return content
        changed = bytearray(content)
        changed[at % len(changed)] ^= 1
        return bytes(changed)

    return change


@pytest.mark.parametrize("at", [0, 1, 100, -1])
@pytest.mark.parametrize(
    "name",
    ["evidence.json", "evidence.pdf", "files/01-receipt.pdf", "files/02-photo.jpg"],
)
def test_one_changed_byte_is_refused(session, scene, keys, name, at):
    case, _ = full_case(session, scene)

    with pytest.raises(BadSeal):
        evidence_bundles.verify(bundle(session, scene, case, change=flip(name, at)), keys)


@pytest.mark.parametrize("at", range(0, 200, 9))
def test_one_changed_letter_of_a_seal_is_refused(session, scene, keys, at):
    content = b"a file"
    seal = sealer(session, scene).seal(content)
    at %= len(seal)
    changed = seal[:at] + ("A" if seal[at] != "A" else "B") + seal[at + 1 :]

    seals.verify(content, seal, keys)
    with pytest.raises(BadSeal):
        seals.verify(content, changed, keys)


@pytest.mark.parametrize("gone", ["evidence.json", "evidence.json.jws", "evidence.pdf", "files/02-photo.jpg"])
def test_a_bundle_that_lacks_a_part_is_refused(session, scene, keys, gone):
    case, _ = full_case(session, scene)
    without = bundle(session, scene, case, change=lambda name, content: None if name == gone else content)

    with pytest.raises(BadSeal):
        evidence_bundles.verify(without, keys)


def test_a_bundle_with_something_added_is_refused(session, scene, keys):
    case, _ = full_case(session, scene)

    with pytest.raises(BadSeal, match="does not list"):
        evidence_bundles.verify(bundle(session, scene, case, extra=("files/99-more.txt",)), keys)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + bytes(50)])
def test_what_is_no_bundle_is_refused(content, keys):
    with pytest.raises(BadSeal):
        evidence_bundles.verify(io.BytesIO(content), keys)


def test_a_bundle_that_would_fill_the_memory_is_refused_unread(keys, monkeypatch):
    monkeypatch.setattr(evidence_bundles, "_MOST_BYTES", 1000)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("evidence.json", bytes(1001))

    with pytest.raises(BadSeal, match="too much"):
        evidence_bundles.verify(target, keys)


# --- The keys ---------------------------------------------------------------------------------------------------------


def test_a_seal_of_a_rival_does_not_pass_for_the_evidence_of_a_brand(session, scene, keys, monkeypatch):
    case, _ = full_case(session, scene)
    theirs = sealer(session, scene, scene.rival)
    monkeypatch.setitem(globals(), "sealer", lambda *_: theirs)

    with pytest.raises(BadSeal, match="not of the brand"):
        evidence_bundles.verify(bundle(session, scene, case), keys)


def test_the_first_export_makes_the_key_and_later_ones_use_it(session, scene):
    assert sealer(session, scene).kid == sealer(session, scene).kid


def test_first_exports_at_the_same_moment_make_one_key(scene):
    brand = scene.add_brand("racing", "7777770")

    def ask(_):
        with scene.owner_session() as session:
            return sealer(session, scene, brand).kid

    with ThreadPoolExecutor(6) as pool:
        kids = set(pool.map(ask, range(6)))

    assert kids == {f"{brand.id}.evidence.1"}
    assert scene.row("SELECT count(*) FROM evidence_keys WHERE brand_id = %s", brand.id) == (1,)


def test_a_retired_key_still_verifies_and_a_revoked_one_does_not(scene):
    brand = scene.add_brand("sealing", "7777779")
    with scene.owner_session() as session:
        old = sealer(session, scene, brand).seal(b"x")
        evidence_keys.rotate(
            session, brand.id, wrapping_key=scene.wrapping_key, random=scene.random, now=scene.clock()
        )  # fmt: skip
        new = sealer(session, scene, brand).seal(b"x")
    scene.refresh()
    keys = scene.visitor().open(f"/.well-known/jwks.json?brand={brand.id}").json
    assert seals.verify(b"x", old, keys).kid.endswith(".evidence.1")
    assert seals.verify(b"x", new, keys).kid.endswith(".evidence.2")

    with scene.owner_session() as session:
        evidence_keys.revoke(session, brand.id, 2, now=scene.clock())
    scene.refresh()
    keys = scene.visitor().open(f"/.well-known/jwks.json?brand={brand.id}").json
    seals.verify(b"x", old, keys)
    with pytest.raises(BadSeal, match="withdrawn"):
        seals.verify(b"x", new, keys)
    with scene.owner_session() as session:
        assert sealer(session, scene, brand).number == 3


def test_a_sealing_key_verifies_no_item_token(scene, session, keys):
    """Neither by its name nor by what it signs: whoever steals it from a web process prints no code."""
    thief, link = sealer(session, scene), scene.codes.link()
    published = PublicKeySet.parse(keys)
    forger = tokens.Ed25519Signer(scene.halden.id, thief.number, thief.private)

    assert f"{scene.halden.id}.evidence.1" in {member["kid"] for member in keys["keys"]}
    assert {key.kid for key in published.keyring if key.brand_id == scene.halden.id} == {f"{scene.halden.id}.1"}
    with pytest.raises(BadToken):
        tokens.verify(tokens.issue(forger, link.ais), link.ais, scene.halden.id, published.keyring)
    with pytest.raises(BadToken):
        tokens.verify(tokens.issue(forger, link.ais), link.ais, scene.halden.id, scene.rt.held.keyring)


def test_one_key_for_both_would_still_tell_seals_and_tokens_apart(scene, session, keys):
    """What is signed differs too: a seal's message begins with eyJ, a token's with authsvc/token/."""
    thief, link = sealer(session, scene), scene.codes.link()
    forger = tokens.Ed25519Signer(scene.halden.id, 1, thief.private)
    token = tokens.issue(forger, link.ais)
    ring = Keyring([VerificationKey(scene.halden.id, 1, ED25519, KeyState.ACTIVE, thief.private.public_key())])
    tokens.verify(token, link.ais, scene.halden.id, ring)
    raw, seal = base64url.decode(token), thief.seal(b"authsvc/token/")

    head, _, signature = seal.split(".")
    with pytest.raises(BadToken):
        tokens.verify(base64url.encode(raw[:3] + base64url.decode(signature)), link.ais, scene.halden.id, ring)
    with pytest.raises(BadSeal):
        seals.verify(b"authsvc/token/", f"{head}..{base64url.encode(raw[3:])}", keys)


def test_the_key_of_a_token_makes_no_seal(scene, keys):
    signer = scene.signer(scene.halden)
    fake = Sealer(brand_id=scene.halden.id, number=1, private=signer.private)

    with pytest.raises(BadSeal):
        seals.verify(b"x", fake.seal(b"x"), keys)
    head = base64url.encode(json.dumps({"alg": "EdDSA", "kid": f"{scene.halden.id}.1", "typ": seals.TYPE}).encode())
    with pytest.raises(BadSeal, match="none named"):
        seals.verify(b"x", f"{head}..{base64url.encode(bytes(64))}", keys)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": seals.TYPE},
        {"alg": "HS256", "typ": seals.TYPE},
        {"alg": "EdDSA"},
        {"alg": "EdDSA", "typ": "JWT"},
        {"alg": "EdDSA", "typ": seals.TYPE, "crit": ["b64"], "b64": False},
        {"alg": "EdDSA", "typ": seals.TYPE, "jwk": {"kty": "OKP"}},
    ],
)
def test_a_header_that_says_anything_else_is_refused(scene, session, keys, header):
    thief = sealer(session, scene)
    head = base64url.encode(json.dumps({**header, "kid": thief.kid}).encode())
    signature = thief.private.sign(f"{head}.{base64url.encode(b'x')}".encode())

    with pytest.raises(BadSeal):
        seals.verify(b"x", f"{head}..{base64url.encode(signature)}", keys)


@pytest.mark.parametrize("seal", ["", ".", "..", "a..b", "a.b.c", "\u00e9..x", "x" * 3000])
def test_what_is_no_seal_is_refused(keys, seal):
    with pytest.raises(BadSeal):
        seals.verify(b"x", seal, keys)


def test_an_unknown_key_is_refused(scene, keys):
    stranger = Sealer(brand_id=scene.halden.id, number=9, private=Ed25519PrivateKey.generate())

    with pytest.raises(BadSeal, match="none named"):
        seals.verify(b"x", stranger.seal(b"x"), keys)
