"""``authsvc verify-evidence`` and ``authsvc keys evidence``, on files alone."""

import io
import json
import zipfile

import pytest

from authsvc import evidence_bundles, evidence_files, evidence_keys
from authsvc.core import seals
from authsvc.core.keyring import load_public
from authsvc.models import EvidenceKey


@pytest.fixture
def sealed(halden, place, tmp_path):
    """Return a folder with a bundle, one sealed file and the published keys."""
    halden("keys", "evidence", "--brand", "halden", "--rotate")
    with place.sessions.begin() as session:
        (row,) = session.query(EvidenceKey).all()
        sealer = evidence_keys.get_sealer(
            session, row.brand_id, wrapping_key=place.wrapping_key, random=place.random, now=place.now()
        )
        key = seals.SealKey(
            brand_id=row.brand_id, number=1, public=load_public(row.public_key), not_before=row.created_at
        )  # fmt: skip
    document = {
        "brand": {"id": str(row.brand_id), "name": "Halden"}, "case": {"number": 3, "title": "Watches"},
        "exported": {"at": "2026-05-01T12:00:00Z", "by": "Ada"},
        "alerts": [1], "items": [1, 2], "reports": [], "attachments": [],
    }  # fmt: skip
    with (tmp_path / "case.zip").open("wb") as target:
        evidence_bundles.write(
            target, document, evidence_files.canonical(document), b"%PDF", [], sealer, jwks_url="x", now=place.now()
        )  # fmt: skip
    (tmp_path / "letter.pdf").write_bytes(b"%PDF a letter")
    (tmp_path / "letter.pdf.jws").write_text(sealer.seal(b"%PDF a letter"))
    (tmp_path / "jwks.json").write_text(json.dumps(seals.members([key])))
    return tmp_path


def test_a_bundle_and_a_file_are_checked_with_published_keys_alone(halden, sealed, monkeypatch):
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", "postgresql://nowhere.example/none")
    found = halden("verify-evidence", sealed / "case.zip", "--jwks", sealed / "jwks.json")

    assert "The seal holds" in found.out
    assert "Case 3 of Halden: Watches" in found.out
    assert "1 alert, 2 items, 0 reports, 0 attachments" in found.out
    found = halden("verify-evidence", sealed / "letter.pdf", "--jwks", sealed / "jwks.json", "--json")
    assert json.loads(found.out)["kid"].endswith(".evidence.1")


def test_a_changed_byte_is_refused(halden, sealed):
    (sealed / "letter.pdf").write_bytes(b"%PDF a better")
    found = halden("verify-evidence", sealed / "letter.pdf", "--jwks", sealed / "jwks.json", code=1)
    assert "was changed" in found.err

    source = zipfile.ZipFile(sealed / "case.zip")
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"Watches", b"Clocks!"))
    (sealed / "case.zip").write_bytes(changed.getvalue())
    found = halden("verify-evidence", sealed / "case.zip", "--jwks", sealed / "jwks.json", code=1)
    assert "was changed" in found.err


def test_what_is_missing_is_said(halden, sealed):
    (sealed / "letter.pdf.jws").unlink()

    assert "no seal" in halden("verify-evidence", sealed / "letter.pdf", "--jwks", sealed / "jwks.json", code=1).err
    (sealed / "jwks.json").write_text('{"keys": []}')
    assert "none named" in halden("verify-evidence", sealed / "case.zip", "--jwks", sealed / "jwks.json", code=1).err
    (sealed / "jwks.json").write_text("nonsense")
    halden("verify-evidence", sealed / "case.zip", "--jwks", sealed / "jwks.json", code=1)


def test_keys_that_seal_are_listed_replaced_and_withdrawn(halden):
    assert "sealed nothing yet" in halden("keys", "evidence", "--brand", "halden").err
    halden("keys", "evidence", "--brand", "halden", "--rotate")
    halden("keys", "evidence", "--brand", "halden", "--rotate")
    found = halden("keys", "evidence", "--brand", "halden", "--revoke", 2).out

    assert [line.split()[1] for line in found.splitlines() if ".evidence." in line] == ["retired", "revoked"]
    halden("keys", "evidence", "--brand", "halden", "--revoke", 2, code=1)
    halden("keys", "evidence", "--brand", "halden", "--revoke", 9, code=1)
    halden("keys", "evidence", "--brand", "halden", "--rotate", "--revoke", 1, code=2)
