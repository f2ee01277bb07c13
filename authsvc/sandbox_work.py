"""
Sandboxes at work: made and wiped by the worker for the console, or by a command, in steps that may be begun anew.

A sandbox needs keys that sign, which only a worker and the commands can store. What was begun and cut off is gone on
with: a sandbox without a key is given one, and a wipe is one commit.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from authsvc import audit, catalogue, key_files, sandboxes, signing_keys
from authsvc.config import Config
from authsvc.core.keyring import FORMAT_NAMES
from authsvc.core.register import Brand
from authsvc.errors import BadInput, NotFound

MAKE, WIPE = "make", "wipe"


class Place(Protocol):
    """What a worker and a command both bring along."""

    @property
    def config(self) -> Config:
        """Where the private keys are."""

    @property
    def sessions(self) -> sessionmaker[Session]:
        """Sessions of the owner of the tables."""

    @property
    def wrapping_key(self) -> bytes:
        """What the keys of brands are wrapped with."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock."""

    @property
    def random(self) -> Callable[[int], bytes]:
        """Randomness."""


def perform(place: Place, act: str, brand_id: UUID, by: audit.Actor) -> Mapping[str, Any]:
    """
    Make the sandbox of a brand, or wipe it; return what came of it.

    Raises:
        NotFound: There is nothing to wipe.
        Conflict: There is nothing to make.
    """
    if act == MAKE:
        made = make(place, brand_id, by)
        return {"act": act, "slug": made.slug, "prefix": made.prefixes[0]}
    if act == WIPE:
        return {"act": act, "rows": wipe(place, brand_id, by)}
    raise BadInput(f"A sandbox is made or wiped, got {act!r}.")


def make(place: Place, brand_id: UUID, by: audit.Actor) -> Brand:
    """Make the sandbox of a brand with keys that sign; one that has been made without is given them."""
    with place.sessions.begin() as session:
        brand = catalogue.get_brand_by_id(session, brand_id)
        known = sandboxes.find(session, brand_id)
        if known is None or _has_keys(session, known.id):
            sandbox = sandboxes.make(
                session, brand, id=UUID(bytes=place.random(16), version=4), wrapping_key=place.wrapping_key,
                random=place.random, now=place.now(),
            )  # fmt: skip
            details = {"name": sandbox.name, "prefixes": list(sandbox.prefixes), "sandbox_of": brand.slug}
            audit.record(session, sandbox.id, by, "brand.add", sandbox.slug, details, at=place.now())
            audit.record(session, brand.id, by, "sandbox.make", sandbox.slug, at=place.now())
        else:
            sandbox = catalogue.get_brand_by_id(session, known.id)
    for form in FORMAT_NAMES:
        _add_key(place, sandbox.id, form, by)
    return sandbox


def wipe(place: Place, brand_id: UUID, by: audit.Actor) -> int:
    """Wipe the sandbox of a brand, in one commit; return how many rows have gone."""
    with place.sessions.begin() as session:
        known = sandboxes.find(session, brand_id)
        if known is None:
            raise NotFound("The brand has no sandbox.")
        sandbox = catalogue.get_brand_by_id(session, known.id)
        rows = sandboxes.wipe(session, sandbox, now=place.now())
        for each in (sandbox.id, brand_id):
            audit.record(session, each, by, "sandbox.wipe", sandbox.slug, {"rows": rows}, at=place.now())
    return rows


# --- Private ---------------------------------------------------------------------------------------------------------


def _has_keys(session: Session, brand_id: UUID) -> bool:
    return {key.format for key in signing_keys.list_keys(session, brand_id)} >= FORMAT_NAMES.keys()


def _add_key(place: Place, brand_id: UUID, form: str, by: audit.Actor) -> None:
    """Give a sandbox the key of a format that it lacks: the number first, for it must never come again."""
    with place.sessions.begin() as session:
        if any(key.format == form for key in signing_keys.list_keys(session, brand_id)):
            return
        key_id = signing_keys.reserve_key_id(session, brand_id)
    with place.sessions.begin() as session:
        new = signing_keys.new_key(
            session, brand_id, key_id, format=form, state=None, now=place.now(), wrapping_key=place.wrapping_key,
            random=place.random,
        )  # fmt: skip
        if new.private is not None:
            # Before the commit: a key that the register knows can always sign.
            passphrase = key_files.read_passphrase(place.config.passphrase_file)
            key_files.write_private(place.config.keys_dir, passphrase, brand_id, key_id, new.private)
        details = {"format": form, "state": new.info.state.value}
        audit.record(session, brand_id, by, "key.new", str(key_id), details, at=place.now())
