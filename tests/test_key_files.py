import os
import stat
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc import key_files
from authsvc.core.keyring import COMPACT, ED25519, KeyState, Revocation, RevocationMode, VerificationKey
from authsvc.errors import BadKey, KeyNotUsable

BRAND = UUID(int=7)
PASSPHRASE = b"correct horse"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def key(state=KeyState.ACTIVE, private=PRIVATE):
    revocation = Revocation(RevocationMode.ALL) if state is KeyState.REVOKED else None
    return VerificationKey(BRAND, 3, ED25519, state, public=private.public_key(), revocation=revocation)


@pytest.fixture
def stored(tmp_path):
    path = key_files.write_private(tmp_path / "keys", PASSPHRASE, BRAND, 3, PRIVATE)
    return tmp_path / "keys", path


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_stored_encrypted_and_for_its_owner_alone(stored):
    keys_dir, path = stored

    assert path == keys_dir / str(BRAND) / "3.pem"
    assert (mode(path), mode(path.parent), mode(keys_dir)) == (0o600, 0o700, 0o700)
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    public = serialization.load_pem_public_key(path.with_name("3.pub.pem").read_bytes())
    assert public == PRIVATE.public_key()
    assert mode(path.with_name("3.pub.pem")) == 0o644
    assert key_files.check_modes(keys_dir) == []


def test_modes_do_not_depend_on_the_umask(tmp_path):
    before = os.umask(0)
    try:
        path = key_files.write_private(tmp_path / "keys", PASSPHRASE, BRAND, 3, PRIVATE)
    finally:
        os.umask(before)

    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_a_key_is_never_written_over_another(stored):
    keys_dir, path = stored
    before = path.read_bytes()

    with pytest.raises(BadKey, match="never written over"):
        key_files.write_private(keys_dir, PASSPHRASE, BRAND, 3, Ed25519PrivateKey.generate())
    assert path.read_bytes() == before


def test_the_signer_signs_with_the_stored_key(stored):
    signer = key_files.load_signer(stored[0], PASSPHRASE, key())

    PRIVATE.public_key().verify(signer.sign(b"message"), b"message")
    assert (signer.brand_id, signer.key_id, signer.format) == (BRAND, 3, ED25519)


def test_a_mac_key_needs_no_file(tmp_path):
    mac = VerificationKey(BRAND, 4, COMPACT, KeyState.ACTIVE, mac=bytes(32))

    assert len(key_files.load_signer(tmp_path, b"", mac).sign(b"message")) == 12


@pytest.mark.parametrize("state", [KeyState.PENDING, KeyState.RETIRED, KeyState.REVOKED])
def test_only_an_active_key_signs(stored, state):
    with pytest.raises(KeyNotUsable, match=f"Key 3 is {state}"):
        key_files.load_signer(stored[0], PASSPHRASE, key(state))


@pytest.mark.parametrize(
    ("loosen", "fault"),
    [
        (lambda path: path.chmod(0o640), "mode 0640, allowed is 0600"),
        (lambda path: path.chmod(0o604), "mode 0604, allowed is 0600"),
        (lambda path: path.parent.chmod(0o750), "mode 0750, allowed is 0700"),
        (lambda path: path.parent.parent.chmod(0o711), "mode 0711, allowed is 0700"),
    ],
)
def test_a_looser_mode_is_found_and_stops_the_signer(stored, loosen, fault):
    loosen(stored[1])

    (found,) = key_files.check_modes(stored[0])
    assert fault in found
    with pytest.raises(BadKey, match=fault):
        key_files.load_signer(stored[0], PASSPHRASE, key())


def test_a_link_in_place_of_a_key_is_refused(stored, tmp_path):
    elsewhere = stored[1].rename(tmp_path / "elsewhere.pem")
    stored[1].symlink_to(elsewhere)

    (found,) = key_files.check_modes(stored[0])
    assert "symbolic link" in found


def test_a_key_of_another_user_is_refused(stored, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4711)

    faults = key_files.check_modes(stored[0])
    assert len(faults) == 3
    assert all("this process runs as user 4711" in fault for fault in faults)


def test_tighter_modes_are_welcome(stored):
    stored[1].chmod(0o400)

    assert key_files.check_modes(stored[0]) == []


def test_a_wrong_passphrase_opens_nothing(stored):
    with pytest.raises(BadKey, match="does not open with the passphrase"):
        key_files.load_signer(stored[0], b"wrong", key())


def test_a_file_of_another_key_is_refused(stored):
    with pytest.raises(BadKey, match="holds another key"):
        key_files.load_signer(stored[0], PASSPHRASE, key(private=Ed25519PrivateKey.generate()))


def test_a_missing_key_is_named(stored):
    stored[1].unlink()

    with pytest.raises(BadKey, match="cannot be read: No such file"):
        key_files.load_signer(stored[0], PASSPHRASE, key())


def test_no_keys_have_no_faults(tmp_path):
    assert key_files.check_modes(tmp_path / "nowhere") == []


@pytest.mark.parametrize(("content", "file_mode"), [("", 0o600), ("secret", 0o644)])
def test_a_passphrase_is_neither_empty_nor_public(tmp_path, content, file_mode):
    file = tmp_path / "passphrase"
    file.write_text(content)
    file.chmod(file_mode)

    with pytest.raises(BadKey):
        key_files.read_passphrase(file)


def test_a_mounted_passphrase_may_be_a_link(tmp_path):
    file = tmp_path / "..data"
    file.write_text("secret\n")
    file.chmod(0o400)
    (tmp_path / "passphrase").symlink_to(file)

    assert key_files.read_passphrase(tmp_path / "passphrase") == b"secret"
