"""
Private signing keys on disk: ``{keys_dir}/{brand_id}/{key_id}.pem``, encrypted, readable by their owner alone.

What must stay true: a private key is never written over another, never in clear text, and never opened from a place
that somebody else can read or write. ``check_modes`` is run at start-up, and whatever it finds stops the process: a key
that others could read must be revoked, and silence would hide that.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc.core.keyring import KeyState, VerificationKey
from authsvc.core.tokens import Ed25519Signer, MacSigner, Signer
from authsvc.errors import BadKey, KeyNotUsable

FOLDER_MODE = 0o700
PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644
_PUBLIC_SUFFIX = ".pub.pem"


def write_private(keys_dir: Path, passphrase: bytes, brand_id: UUID, key_id: int, private: Ed25519PrivateKey) -> Path:
    """
    Store a new private key, encrypted, and its public half beside it; return the path of the private one.

    Raises:
        BadKey: There is a key with this number already, or the folder cannot be written.
    """
    folder = keys_dir / str(brand_id)
    encrypted = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    try:
        for place in keys_dir, folder:
            place.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        path = folder / f"{key_id}.pem"
        write_new(path, encrypted, PRIVATE_MODE)
        write_new(folder / f"{key_id}{_PUBLIC_SUFFIX}", public, PUBLIC_MODE)
    except FileExistsError as error:
        raise BadKey(f"{error.filename} is there already; a key is never written over another.") from None
    except OSError as error:
        raise BadKey(f"The key cannot be stored: {error}.") from None
    return path


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist yet, so that it and its name outlast a power cut."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)  # The umask may have taken more away than we asked for, or the file's reader.
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_signer(keys_dir: Path, passphrase: bytes, key: VerificationKey) -> Signer:
    """
    Open the signing half of *key*.

    Raises:
        KeyNotUsable: The key is not active.
        BadKey: The file is missing, readable by others, does not open, or holds another key.
    """
    if key.state is not KeyState.ACTIVE:
        raise KeyNotUsable(f"Key {key.key_id} is {key.state}; only an active key signs.")
    if key.mac is not None:
        return MacSigner(key.brand_id, key.key_id, key.mac)
    path = keys_dir / str(key.brand_id) / f"{key.key_id}.pem"
    faults = [fault for place in (keys_dir, path.parent, path) for fault in _faults_of(place)]
    if faults:
        raise BadKey("\n".join(faults))
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), passphrase)
    except (OSError, ValueError, TypeError) as error:
        raise BadKey(
            f"The private key {path} does not open with the passphrase of this installation: {error}"
        ) from None
    if not isinstance(private, Ed25519PrivateKey) or key.public is None or private.public_key() != key.public:
        raise BadKey(f"{path} holds another key than the one registered as key {key.key_id}.")
    return Ed25519Signer(key.brand_id, key.key_id, private)


def read_passphrase(path: Path) -> bytes:
    """
    Read the passphrase of the private keys.

    Raises:
        BadKey: The file is missing, empty or readable by others.
    """
    # Orchestrators mount secrets behind symbolic links: what counts is the file that they lead to.
    faults = _faults_of(path.resolve())
    if faults:
        raise BadKey("\n".join(faults))
    passphrase = path.read_bytes().strip()
    if not passphrase:
        raise BadKey(f"{path} is empty; it must hold the passphrase of the private keys.")
    return passphrase


def check_modes(keys_dir: Path) -> list[str]:
    """Return a sentence for every folder or private key that somebody else could read, replace or own."""
    if not keys_dir.exists():
        return []
    return [fault for path in (keys_dir, *_secret_places(keys_dir)) for fault in _faults_of(path)]


def _secret_places(keys_dir: Path) -> Iterator[Path]:
    for path in sorted(keys_dir.rglob("*")):
        if path.is_dir() or (path.suffix == ".pem" and not path.name.endswith(_PUBLIC_SUFFIX)):
            yield path


def _faults_of(path: Path) -> list[str]:
    try:
        found = path.lstat()
    except OSError as error:
        return [f"{path} cannot be read: {error.strerror}."]
    if stat.S_ISLNK(found.st_mode):
        return [f"{path} is a symbolic link; keep keys in their own place, so that their modes can be checked."]
    faults = []
    allowed = FOLDER_MODE if stat.S_ISDIR(found.st_mode) else PRIVATE_MODE
    mode = stat.S_IMODE(found.st_mode)
    if mode & ~allowed:
        faults.append(f"{path} has mode {mode:04o}, allowed is {allowed:04o}: run `chmod {allowed:o} {path}`.")
    if found.st_uid != os.geteuid():
        faults.append(f"{path} belongs to user {found.st_uid}, and this process runs as user {os.geteuid()}.")
    return faults
