"""
What a process holds in memory: the register of brands and products, the keyring and the keys behind serials.

It answers "whose code is this, and is its signature good" with the database down. A process asks for the version of
the register every second and loads anew when it has changed, so a new product or a revoked key is known everywhere
within seconds and without a restart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from authsvc.connections import Connections, Row
from authsvc.core import keyring as kr
from authsvc.core.clones import weights
from authsvc.core.clones.base_rates import Traffic, brand_of, bustle, shift
from authsvc.core.devices import Device, DeviceKind
from authsvc.core.looks import Look
from authsvc.core.register import Brand, Granularity, Product, Register, Release
from authsvc.core.seals import SealKey
from authsvc.core.serials import SerialKey
from authsvc.core.wrapping import unwrap


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """One consistent state of everything held in memory; a state equals itself alone, so it can key a cache."""

    version: int
    register: Register
    keyring: kr.Keyring
    serial_keys: Mapping[UUID, Mapping[str, SerialKey]]
    devices: Mapping[bytes, Device] = field(default_factory=dict)
    seals: tuple[SealKey, ...] = ()

    def serial_keys_of(self, brand_id: UUID) -> Mapping[str, SerialKey]:
        """Return the serial keys of a brand by epoch; a retired epoch still decodes."""
        return self.serial_keys.get(brand_id, {})


LOADING_S = 30.0
"""How long loading may take: it holds up nobody, and a register of 100,000 products takes seconds."""

NOTHING = Holdings(0, Register({}, {}), kr.Keyring(()), {})


def find_version(connections: Connections) -> int:
    """Return the version of the register in the database."""
    row = connections.fetch("SELECT version FROM register_version", {})
    return int(row.version) if row else 0


def load(connections: Connections, wrapping_key: bytes) -> Holdings:
    """
    Read everything in one snapshot.

    Raises:
        Unavailable: The database does not answer.
        BadKey: A stored key does not open with this installation's secret.
    """
    with connections.transaction(wait_s=LOADING_S) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL statement_timeout = 0")
        version = connection.execute("SELECT version FROM register_version").fetchone()
        brands = connection.execute(_BRANDS).fetchall()
        products = connection.execute(_PRODUCTS).fetchall()
        signing = connection.execute("SELECT * FROM signing_keys ORDER BY brand_id, key_id").fetchall()
        serial = connection.execute("SELECT * FROM serial_keys").fetchall()
        devices = connection.execute("SELECT * FROM trusted_devices WHERE revoked_at IS NULL").fetchall()
        rates = connection.execute("SELECT * FROM base_rates").fetchall()
        seals = connection.execute(_SEALS).fetchall()
    serial_keys: dict[UUID, dict[str, SerialKey]] = {}
    for row in serial:
        raw = unwrap(wrapping_key, row.wrapped, brand_id=row.brand_id, purpose="serial", number=row.epoch)
        serial_keys.setdefault(row.brand_id, {})[row.epoch] = SerialKey(row.epoch, raw)
    usual = _traffic(rates)
    return Holdings(
        version.version if version else 0,
        Register({row.id: _brand(row) for row in brands}, {row.gtin: _product(row, usual) for row in products}),
        kr.Keyring(_signing_key(row, wrapping_key) for row in signing),
        serial_keys,
        {bytes(row.secret_hash): Device(row.id, row.brand_id, DeviceKind(row.kind)) for row in devices},
        tuple(_seal(row) for row in seals),
    )


def read_products(connection: psycopg.Connection[Any], brand_id: UUID) -> dict[str, Product]:
    """Return the products of one brand as a process would hold them; *connection* is another than the scans'."""

    def read(statement: str) -> list[Any]:
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(statement, {"brand_id": brand_id}).fetchall()

    usual = _traffic(read("SELECT * FROM base_rates WHERE brand_id = %(brand_id)s"))
    return {row.gtin: _product(row, usual) for row in read(f"{_PRODUCTS} WHERE p.brand_id = %(brand_id)s")}


_BRANDS = """
SELECT b.*, ARRAY(SELECT p.prefix FROM brand_prefixes p WHERE p.brand_id = b.id ORDER BY p.prefix) AS prefixes,
  ARRAY(SELECT h.host FROM brand_hosts h WHERE h.brand_id = b.id ORDER BY h.position) AS hosts
FROM brands b
"""


_PRODUCTS = """
SELECT p.*, coalesce(p.target_rate, b.target_rate) AS rate, coalesce(p.has_lifecycle, b.has_lifecycle) AS is_recorded
FROM products p JOIN brands b ON b.id = p.brand_id
"""
"""What a product does not set for itself is its brand's to say."""


_SEALS = "SELECT brand_id, number, public_key, created_at, retired_at, revoked_at FROM evidence_keys"
"""Not the wrapped halves: the scan path publishes these keys and may not read what seals."""


def _seal(row: Row) -> SealKey:
    return SealKey(
        brand_id=row.brand_id,
        number=row.number,
        public=kr.load_public(row.public_key),
        not_before=row.created_at,
        is_active=row.retired_at is None,
        revoked_at=row.revoked_at,
    )


def _brand(row: Row) -> Brand:
    return Brand(
        id=row.id,
        slug=row.slug,
        name=row.name,
        is_sandbox=row.is_sandbox,
        sandbox_of=row.sandbox_of,
        prefixes=tuple(row.prefixes),
        hosts=tuple(row.hosts),
        contact=row.contact,
        look=Look(row.colour, row.colour_dark, row.logo) if row.colour else None,
    )


_Usual = Mapping[UUID, tuple[Mapping[str, Traffic], Traffic]]
"""What has been learned of a brand's products, and of the brand as a whole."""


def _traffic(rates: Sequence[Row]) -> _Usual:
    """Return what has been learned of each brand and its products."""
    brands: dict[UUID, dict[str, Traffic]] = {}
    for row in rates:
        traffic = Traffic(row.items, row.visitors, row.judged, row.high)
        brands.setdefault(row.brand_id, {})[row.gtin] = traffic
    return {brand_id: (products, brand_of(products)) for brand_id, products in brands.items()}


def _product(row: Row, usual: _Usual) -> Product:
    products, whole = usual.get(row.brand_id, ({}, Traffic()))
    own = products.get(row.gtin, Traffic())
    return Product(
        gtin=row.gtin,
        brand_id=row.brand_id,
        name=row.name,
        granularity=Granularity(row.granularity),
        category=row.category,
        description=row.description,
        image=row.image,
        warranty_months=row.warranty_months,
        claim=row.claim,
        token=row.token,
        release=Release(row.release),
        is_tracked=row.tracking != "none",
        markets=tuple(row.markets),
        copy_threshold=row.copy_threshold,
        target_rate=row.rate,
        has_lifecycle=row.is_recorded,
        bustle=bustle(own, whole),
        lot_format=row.lot_format,
        serial_format=row.serial_format,
        serial_from=row.serial_from,
        shift=shift(whole, weights.LIFECYCLE if row.is_recorded else weights.SCANS),
        attributes=row.attributes,
        language=row.language,
        texts=row.texts,
    )


def _signing_key(row: Row, wrapping_key: bytes) -> kr.VerificationKey:
    revocation = None
    if row.revocation_mode is not None:
        mode = kr.RevocationMode(row.revocation_mode)
        revocation = kr.Revocation(mode, row.revoked_from or row.revoked_at, frozenset(row.revoked_runs))
    mac = None
    if row.wrapped_mac is not None:
        mac = unwrap(wrapping_key, row.wrapped_mac, brand_id=row.brand_id, purpose="mac", number=str(row.key_id))
    return kr.VerificationKey(
        brand_id=row.brand_id,
        key_id=row.key_id,
        format=kr.FORMAT_NAMES[row.format],
        state=kr.KeyState(row.state),
        public=kr.load_public(row.public_key) if row.public_key is not None else None,
        mac=mac,
        not_before=row.created_at,
        revocation=revocation,
    )
