"""
Places: where a scan seems to come from, and how much that can be believed.

A place is never a point. A country is its centre and a radius, a city is rounded and has the radius of the database's
own error; a relay or VPN has no place at all, because the person behind it may be anywhere. Nothing here keeps an
address: it comes in, a country goes out.

Which networks are data centres and relays is read from ``data/networks.bin``. Whether a network is fixed or mobile
cannot be told from free data, so those two kinds come only from a caller who knows.

Files are mapped read-only and no reader holds a position: threads and forked workers share one ``Locator``. Replace a
database by renaming a new file over it; writing into the mapped one would change what a running process reads.
"""

import csv
import math
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

import maxminddb

from authsvc.core.clones import UNKNOWN_PLACE, Network, Place
from authsvc.errors import BadConfig

DATA = Path(__file__).parent / "data"
COUNTRIES_FILE = DATA / "countries.csv"
COUNTRY_DATABASE = DATA / "country.mmdb"
NETWORKS_FILE = DATA / "networks.bin"

NETWORKS_MAGIC = b"authsvc/networks/1\n"
KINDS = (Network.UNKNOWN, Network.DATACENTRE, Network.RELAY, None)
"""What a byte of the networks file means; None is a reserved range, which is nowhere. Append only."""

SMALLEST_RADIUS_KM = 20.0
"""A city state, or a database that claims to know the street, is still not a point."""

USUAL_ERROR_KM = 200.0
"""For a position without a radius: half of all mobile addresses are placed further off than 190 km."""

_MAPPED = b"\0" * 10 + b"\xff\xff"  # ::ffff:0:0/96, an IPv4 address in IPv6 clothes.
_NOWHERE = (UNKNOWN_PLACE, Network.UNKNOWN)


class Locator:
    """Finds the place and the kind of network of an address, in microseconds and without a network call."""

    def __init__(self, database: Path = COUNTRY_DATABASE) -> None:
        """
        Open *database*, a MaxMind DB file of countries or of cities.

        Raises:
            BadConfig: It cannot be read or is no such file.
        """
        try:
            # The extension of the library looks up in 1 us; where it was not built, the same file takes 12 us.
            self._reader = maxminddb.open_database(database, maxminddb.MODE_AUTO)
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise BadConfig(f"The places database {database} cannot be read as a MaxMind DB file: {error}.") from error
        self._countries = read_countries()
        self._networks = Networks.read()

    def locate(self, address: str) -> tuple[Place, Network]:
        """Return the place and the kind of network of *address*; what is no public address is nowhere."""
        try:
            packed = inet_pton(AF_INET6 if ":" in address else AF_INET, address)
        except (OSError, ValueError):
            return _NOWHERE
        if packed.startswith(_MAPPED) and len(packed) == 16:
            packed = packed[12:]
            address = inet_ntop(AF_INET, packed)
        network = self._networks.kind(packed)
        if network is None:
            return _NOWHERE
        if network is Network.RELAY:
            return UNKNOWN_PLACE, network
        try:
            record = self._reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            # An IPv6 address in a database of IPv4, or a damaged record: a place is never worth failing a scan.
            return UNKNOWN_PLACE, network
        return self._place(record), network

    def _place(self, record: object) -> Place:
        """Read the two shapes in use: nested as in GeoLite2 and DB-IP, or flat."""
        if not isinstance(record, dict):
            return UNKNOWN_PLACE
        country = record.get("country")
        code = country.get("iso_code") if isinstance(country, dict) else record.get("country_code", country)
        whole = self._countries.get(code) if isinstance(code, str) else None
        position = record.get("location")
        if not isinstance(position, dict):
            position = record
        latitude = _number(position.get("latitude"), 90)
        longitude = _number(position.get("longitude"), 180)
        if latitude is None or longitude is None:
            return whole or UNKNOWN_PLACE
        radius = _number(position.get("accuracy_radius"), 20_000) or USUAL_ERROR_KM
        # One decimal is 11 km: finer would be a claim that the database cannot keep, and personal data for nothing.
        return Place(
            whole.country if whole else None,
            round(latitude, 1),
            round(longitude, 1),
            max(SMALLEST_RADIUS_KM, radius),
        )


class Systems:
    """Finds the autonomous system of an address in a MaxMind DB file that the operator supplies."""

    def __init__(self, database: Path) -> None:
        """
        Open *database*, which has ``autonomous_system_number`` (GeoLite2 ASN, DB-IP) or ``asn``.

        Raises:
            BadConfig: It cannot be read or is no such file.
        """
        try:
            self._reader = maxminddb.open_database(database, maxminddb.MODE_AUTO)
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise BadConfig(f"The ASN database {database} cannot be read as a MaxMind DB file: {error}.") from error

    def find(self, address: str) -> int | None:
        """Return the number of the autonomous system of *address*, or None where none is known."""
        try:
            record = self._reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return None
        if not isinstance(record, dict):
            return None
        number = record.get("autonomous_system_number", record.get("asn"))
        if isinstance(number, str):
            number = number.upper().removeprefix("AS")
            number = int(number) if number.isascii() and number.isdigit() and len(number) <= 10 else None
        return number if isinstance(number, int) and 0 < number < 2**32 else None


class Networks:
    """Ranges of addresses that are known to be data centres, relays or reserved, as sorted starts with a kind each."""

    def __init__(self, starts_4: Sequence[int], kinds_4: bytes, starts_6: Sequence[int], kinds_6: bytes) -> None:
        self._starts_4, self._kinds_4 = starts_4, kinds_4
        self._starts_6, self._kinds_6 = starts_6, kinds_6

    @classmethod
    def read(cls, file: Path = NETWORKS_FILE) -> "Networks":
        """
        Read *file*: the magic, two counts, then starts and kinds of IPv4 and of the upper half of IPv6, little-endian.

        Raises:
            BadConfig: The file is not one that ``tools/places.py`` has written.
        """
        data = file.read_bytes()
        at = len(NETWORKS_MAGIC) + 8
        if not data.startswith(NETWORKS_MAGIC) or len(data) < at:
            raise BadConfig(f"{file} is not a file of networks: install authsvc again or run tools/places.py.")
        count_4, count_6 = struct.unpack_from("<II", data, at - 8)
        if len(data) != at + 5 * count_4 + 9 * count_6:
            raise BadConfig(f"{file} is cut short: install authsvc again or run tools/places.py.")
        starts_4, starts_6 = array("I"), array("Q")
        starts_4.frombytes(data[at : (at := at + 4 * count_4)])
        kinds_4 = data[at : (at := at + count_4)]
        starts_6.frombytes(data[at : (at := at + 8 * count_6)])
        if sys.byteorder == "big":
            starts_4.byteswap()
            starts_6.byteswap()
        return cls(starts_4, kinds_4, starts_6, data[at:])

    def kind(self, packed: bytes) -> Network | None:
        """Return the kind of the network of a packed address, or None when the address is reserved."""
        if len(packed) == 4:
            index = bisect_right(self._starts_4, int.from_bytes(packed)) - 1
            return KINDS[self._kinds_4[index]]
        index = bisect_right(self._starts_6, int.from_bytes(packed[:8])) - 1
        return KINDS[self._kinds_6[index]]


def read_countries(file: Path = COUNTRIES_FILE) -> Mapping[str, Place]:
    """Return every country as a place: its centre and a radius that holds most of it."""
    with file.open(encoding="ascii", newline="") as lines:
        return {
            row["country"]: Place(
                row["country"], float(row["latitude"]), float(row["longitude"]), float(row["radius_km"])
            )
            for row in csv.DictReader(lines)
        }


def _number(value: object, limit: float) -> float | None:
    """Return *value* as a number within *limit*, or None: what an operator's file holds is not to be trusted."""
    if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > limit:
        return None
    return float(value)
