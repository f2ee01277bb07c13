"""
A scene for tests of the scan path: brands with keys, products and issued codes in a real database, and visitors.

Everything is made by the use cases that operators use, and committed. Time, place and network are the scene's to say:
``clock`` moves when a test moves it, and an address decides the kind of network. Codes come fresh, one a call, so that
the tests of a module share one database and one application and still meet items that nobody has scanned.
"""

import itertools
import random
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from browsing import BASE_URL, PHONE, Page, Visitor
from flask import Flask
from sqlalchemy.orm import Session

from authsvc import catalogue, db, issuing, items, recalls, runtime, scanning, serial_rows, signing_keys
from authsvc.app import create_app
from authsvc.config import Config
from authsvc.connections import Connections
from authsvc.core import codes, serials, tokens
from authsvc.core.clones import Network, Place
from authsvc.core.gs1 import DigitalLink, check_digit
from authsvc.core.keyring import KeyState, Revocation
from authsvc.core.register import Brand, Product
from authsvc.core.verdicts import Disposition
from authsvc.core.wrapping import derive_key
from authsvc.runtime import Runtime
from authsvc.web.limits import Limits

__all__ = [
    "BASE_URL", "BERLIN", "DATACENTRE", "PHONE", "SECRET", "Clock", "Codes", "Page", "Scene", "Visitor",
    "derive", "forge", "session_of", "sign",
]  # fmt: skip

SECRET = bytes(range(32))
DATACENTRE = "203.0.113.7"
BERLIN = Place("DE", 52.5, 13.4, 300.0)


class Clock:
    """The time of a scene: the real one, moved by what tests added."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def locate(address: str) -> tuple[Place, Network]:
    """Say where an address is: all in Berlin, and one of them in a data centre."""
    return BERLIN, Network.DATACENTRE if address == DATACENTRE else Network.FIXED


@dataclass(frozen=True)
class Codes:
    """The codes of one run, made as the file for the printer has them."""

    recipe: codes.Recipe
    fresh: Iterator[int]
    texts: tuple[str, ...] = ()

    @property
    def run(self) -> int:
        """The number of the run."""
        return self.recipe.run

    def uri(self, index: int | None = None) -> str:
        """Return the URI of one code; without an index, of the next that nobody has asked for."""
        index = next(self.fresh) if index is None else index
        items = (self.texts[index],) if self.texts else range(index, index + 1)
        return next(codes.lines(self.recipe, items)).partition(",")[0]

    def path(self, index: int | None = None) -> str:
        """Return path and query of one code, as a phone requests them."""
        return urlsplit(self.uri(index))._replace(scheme="", netloc="").geturl()

    def link(self, index: int | None = None) -> DigitalLink:
        """Return one code as the parser reads it."""
        return DigitalLink.parse(self.uri(index))


class Scene:
    """See the module."""

    def __init__(self, url: str, home: Path, **settings: Any) -> None:
        self.url = url
        self.random = random.Random(7).randbytes
        self.clock = Clock()
        self.wrapping_key = derive_key(SECRET, "wrapping")
        config = Config(
            home=home,
            secret=SECRET,
            base_url=BASE_URL,
            database_url=url,
            keys_dir=home,
            passphrase_file=home / "passphrase",
            poll_s=0.2,
        )
        self.config = replace(config, **settings)
        self.admin = psycopg.connect(url, autocommit=True)
        self._engine = db.make_engine(url)
        self._sessions = db.make_sessions(self._engine)
        self._apps: list[Runtime] = []
        self._served: list[Flask] = []
        self._numbers = itertools.count(1)
        self._addresses = itertools.count(256)
        self._signers: dict[tuple[UUID, str], tokens.Signer] = {}
        self.halden = self.add_brand("halden", "9506000")
        self.rival = self.add_brand("rival", "9521101")
        self.app = self.start()
        self.watch = self.add_product(name="Meridian 36", attributes={"noun": "watch"})
        self.codes = self.issue(self.watch, 4000, lot="L2410")

    # --- What operators do ---

    def add_brand(self, slug: str, *prefixes: str, **values: Any) -> Brand:
        """Register a brand with its keys; its first signing key is active."""
        brand = Brand(
            id=UUID(bytes=self.random(16), version=4), slug=slug, name=slug.title(), prefixes=prefixes, **values
        )
        with self._sessions.begin() as session:
            catalogue.add_brand(session, brand, now=self.clock())
            signing_keys.add_serial_key(session, brand.id, wrapping_key=self.wrapping_key, random=self.random)
            signing_keys.add_claim_key(session, brand.id, wrapping_key=self.wrapping_key, random=self.random)
        self.add_key(brand)
        return brand

    def add_key(self, brand: Brand, format: str = "ed25519") -> tokens.Signer:  # noqa: A002  the word of the format
        """Make a key that signs from now on."""
        with self._sessions.begin() as session:
            key_id = signing_keys.reserve_key_id(session, brand.id)
            new = signing_keys.new_key(
                session, brand.id, key_id, format=format, state=KeyState.ACTIVE, now=self.clock(),
                wrapping_key=self.wrapping_key, random=self.random,
            )  # fmt: skip
            signer: tokens.Signer
            if new.private is not None:
                signer = tokens.Ed25519Signer(brand.id, key_id, new.private)
            else:
                key = signing_keys.get_active_key(session, brand.id, format, wrapping_key=self.wrapping_key)
                assert key.mac is not None
                signer = tokens.MacSigner(brand.id, key_id, key.mac)
        self._signers[brand.id, format] = signer
        self.refresh()
        return signer

    def signer(self, brand: Brand, format: str = "ed25519") -> tokens.Signer:  # noqa: A002  the word of the format
        """Return the active key of a brand."""
        return self._signers[brand.id, format]

    def add_product(self, brand: Brand | None = None, granularity: str = "serial", **cells: Any) -> Product:
        """Register a product under a GTIN of its own."""
        brand = brand or self.halden
        prefix = brand.prefixes[0]
        digits = f"0{prefix}{next(self._numbers):0{12 - len(prefix)}}"
        row = {
            "gtin": digits + check_digit(digits), "brand": brand.slug, "name": "Meridian",
            "granularity": granularity, **cells,
        }  # fmt: skip
        with self._sessions.begin() as session:
            catalogue.import_products(session, [(2, row)], read_image=lambda _: b"", now=self.clock())
            product = catalogue.get_product(session, str(row["gtin"]))
        self.refresh()
        return product

    def issue(
        self, product: Product, count: int = 50, *, lot: str | None = None, texts: tuple[str, ...] = (),
        closes: bool = True, signer: tokens.Signer | None = None, **order: Any,
    ) -> Codes:  # fmt: skip
        """Issue a run; *texts* are imported serials. A run that is not closed has failed half-way."""
        brand = next(b for b in (self.halden, self.rival, *self.brands()) if b.id == product.brand_id)
        if signer is None and product.token != "none":
            signer = self._signers[brand.id, product.token]
        mode = issuing.Mode.IMPORTED if texts else issuing.Mode.DERIVED
        lots_in_link = order.pop("is_lot_in_link", False)
        wanted = issuing.Order(count=len(texts) or count, lot=lot, mode=mode, **order)
        with self._sessions.begin() as session:
            key = signer and signing_keys.get_active_key(
                session, brand.id, product.token, wrapping_key=self.wrapping_key
            )
            serial_keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=self.wrapping_key)
            run = issuing.open_run(session, brand, product, wanted, key=key or None, now=self.clock())
            recipe = issuing.make_recipe(
                brand, product, run, base_url=BASE_URL, signer=signer, serial_keys=serial_keys, claim_key=None,
                is_lot_in_link=lots_in_link,
            )  # fmt: skip
        if closes:
            with self._sessions.begin() as session:
                if texts:
                    serial_rows.load(
                        session, brand, product, enumerate(texts, 2), run=run.number, lot=lot, claim_key=None,
                        expires_on=wanted.expires_on, serial_keys=serial_keys,
                    )  # fmt: skip
                issuing.close_run(session, brand, product, run, now=self.clock())
        return Codes(recipe, itertools.count(), texts)

    def brands(self) -> list[Brand]:
        """Return every brand of the database."""
        with self._sessions() as session:
            return catalogue.list_brands(session)

    def recall(self, product: Product, **what: Any) -> int:
        """Announce a recall."""
        texts = {"reason": "The strap may break"}
        texts |= {
            name: what.pop(name) for name in ("reason", "remedy", "language", "texts", "tells_owners") if name in what
        }
        with self._sessions.begin() as session:
            keys = signing_keys.load_serial_keys(session, product.brand_id, wrapping_key=self.wrapping_key)
            target = recalls.Target(**what)
            return recalls.recall(session, product, target, serial_keys=keys, now=self.clock(), **texts).id

    def set_disposition(self, link: DigitalLink, disposition: Disposition) -> None:
        """Say in what condition an item or case is."""
        key = link.sscc or link.gtin
        with self._sessions.begin() as session:
            brand = next(b for b in self.brands() if str(key).startswith(b.prefixes, 1))
            keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=self.wrapping_key)
            items.set_disposition(
                session, brand, str(key), link.serial, disposition, reason="as told", serial_keys=keys,
                now=self.clock(),
            )  # fmt: skip

    def commission(self, product: Product, run: int, first: int, last: int) -> None:
        """Commission a range of a run."""
        with self._sessions.begin() as session:
            items.commission_range(session, catalogue.get_brand_by_id(session, product.brand_id), product.gtin, run,
                                   first, last, now=self.clock())  # fmt: skip

    def revoke(self, signer: tokens.Signer, revocation: Revocation) -> None:
        """Revoke a key, and let the application know at once."""
        with self._sessions.begin() as session:
            signing_keys.revoke(session, signer.brand_id, signer.key_id, revocation, reason="leaked", now=self.clock())
        self.refresh()

    # --- The service ---

    def start(self, *, runs_on: Connections | None = None, given: Mapping[str, Any] = {}, **settings: Any) -> Flask:
        """Start an application on the scene's database or others; its runtime may be *given* others."""
        config = replace(self.config, **settings)
        connections = runs_on or Connections(
            config.database_url or "", role=db.SCAN_ROLE, wait_s=config.breaker_wait_s, probe_s=0.1
        )
        rt = replace(Runtime.make(config, connections, locate), now=self.clock, **given)
        self._apps.append(rt)
        self._served.append(create_app(config, runtime=rt))
        return self._served[-1]

    @property
    def rt(self) -> Runtime:
        """The runtime of the application that all tests share."""
        return self._apps[0]

    def forget_limits(self) -> Limits:
        """Give the shared application new counts, and return them."""
        counted = Limits("memory://", self.rt.limit_key)
        self.app.extensions["authsvc.limits"] = self.app.wsgi_app._limits = counted
        return counted

    def refresh(self) -> None:
        """Let every application see the register as it is now, without waiting for its next look."""
        for rt in self._apps:
            rt.keeper.refresh()

    def visitor(self, app: Flask | None = None, *, address: str | None = None, agent: str = PHONE) -> Visitor:
        """Send in somebody new, from a network of their own."""
        n = next(self._addresses)
        return Visitor(app or self.app, address or f"81.{n >> 8 & 255}.{n & 255}.{n >> 16 & 255}", agent)

    def presentation(self, **values: Any) -> scanning.Presentation:
        """Return somebody new who shows a code, for tests that ask ``scanning`` itself."""
        return scanning.Presentation(
            **{
                "id": runtime.new_id(), "at": self.clock(), "visitor": self.random(16), "prefix": self.random(8),
                "is_known": False, "place": BERLIN, "network": Network.FIXED, **values,
            }
        )  # fmt: skip

    def scan(self, link: DigitalLink, seen: scanning.Presentation | None = None, **values: Any) -> scanning.Checked:
        """Scan a code without HTTP."""
        rt = self.rt
        token = values.pop("token", link.extension("s"))
        seen = seen or self.presentation(**values)
        return scanning.scan(rt.held, rt.connections, link, token, seen, at=seen.at, new_id=rt.new_id)

    # --- What is stored ---

    def owner_session(self) -> AbstractContextManager[Session]:
        """Open a transaction as the owner of the tables, as commands do."""
        return self._sessions.begin()

    def rows(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        """Return what a statement says, run as the owner of the tables."""
        return self.admin.execute(statement, params).fetchall()

    def reconnect(self) -> None:
        """Connect anew after the server was away."""
        self.admin.close()
        self._engine.dispose()
        self.admin = psycopg.connect(self.url, autocommit=True)

    def row(self, statement: str, *params: Any) -> tuple[Any, ...]:
        """Return the one row of a statement."""
        (only,) = self.rows(statement, *params)
        return only

    def counts(self, path: str) -> tuple[int, int]:
        """Return how many scans of a code were counted and confirmed."""
        link = DigitalLink.parse(path)
        key = f"00.{link.sscc}" if link.sscc else link.sgtin
        return next(iter(self.rows("SELECT counted, confirmed FROM items WHERE sgtin = %s", key)), (0, 0))

    def fingerprint(self) -> dict[str, str]:
        """Return a digest of every row of every table, and of who wrote it: a row that was written as it is counts."""
        names = [n for (n,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
        digest = "SELECT count(*) || md5(coalesce(string_agg(concat_ws('|', ctid, xmin, xmax, t), '|'), '')) FROM {} t"
        return {name: str(self.row(digest.format(name))[0]) for name in names}

    def close(self) -> None:
        """Stop every application."""
        for app in self._served:
            app.extensions["authsvc.feed"].close()
            app.extensions["authsvc.desk"].close()
        for rt in self._apps:
            rt.keeper.stop()
            rt.connections.close()
        self._engine.dispose()
        self.admin.close()


def forge(path: str) -> str:
    """Change one character in the middle of a token."""
    at = path.index("s=") + 40
    return path[:at] + ("A" if path[at] != "A" else "B") + path[at + 1 :]


def sign(signer: tokens.Signer, ais: Mapping[str, str]) -> str:
    """Return path and query of any AIs under a good signature: what a thief of the key could print."""
    link = DigitalLink.build(ais)
    path = link.path()
    return f"{path}{'&' if '?' in path else '?'}s={tokens.issue(signer, link.ais)}"


def derive(scene: Scene, gtin: str, run: int, index: int) -> str:
    """Return a serial of any run, issued or not, under Halden's serial key."""
    return next(serials.derive(scene.rt.held.serial_keys_of(scene.halden.id)["0"], gtin, run, range(index, index + 1)))


def session_of(scene: Scene) -> Session:
    """Return a session of the scene's database."""
    return scene._sessions()
