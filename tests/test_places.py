import hashlib
import math
import os
import random
import struct
import threading

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core.clones import UNKNOWN_PLACE, Network
from authsvc.errors import BadConfig
from authsvc.places import (
    COUNTRIES_FILE,
    COUNTRY_DATABASE,
    DATA,
    NETWORKS_FILE,
    NETWORKS_MAGIC,
    SMALLEST_RADIUS_KM,
    USUAL_ERROR_KM,
    Locator,
    Networks,
    read_countries,
)

LOCATOR = Locator()
NOWHERE = (UNKNOWN_PLACE, Network.UNKNOWN)


class Database:
    """Stands in for an operator's file: whatever is asked, it has one record."""

    def __init__(self, record):
        self.record = record

    def get(self, address):
        if isinstance(self.record, Exception):
            raise self.record
        return self.record


def place_from(record):
    locator = Locator()
    locator._reader = Database(record)
    return locator.locate("91.7.1.1")[0]


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("91.7.1.1", "DE"),
        ("::ffff:91.7.1.1", "DE"),
        ("2a01:cb00::1", "FR"),
        ("133.242.0.1", "JP"),
        ("200.160.2.3", "BR"),
        ("41.0.4.1", "ZA"),
    ],
)
def test_an_address_has_a_country_with_a_radius(address, country):
    place, network = LOCATOR.locate(address)

    assert place.country == country
    assert place.radius_km >= SMALLEST_RADIUS_KM
    assert network is Network.UNKNOWN


@pytest.mark.parametrize(
    "address", ["52.95.110.1", "20.50.2.1", "95.216.1.1", "51.68.1.1", "34.90.1.1", "2a01:4f8::1", "2600:1f18::1"]
)
def test_a_rented_server_is_a_data_centre_with_a_place(address):
    place, network = LOCATOR.locate(address)

    assert network is Network.DATACENTRE
    assert place.country is not None


@pytest.mark.parametrize("address", ["172.224.226.1", "2a02:26f7:c0c0::1", "104.28.1.1", "140.248.1.1", "37.120.200.1"])
def test_a_relay_is_an_unknown_place(address):
    assert LOCATOR.locate(address) == (UNKNOWN_PLACE, Network.RELAY)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "100.64.0.1", "169.254.1.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "203.0.113.9", "224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "::1", "::ffff:10.0.0.1", "fe80::1", "fd00::1",
        "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::1", "2002:5b07:101::1", "64:ff9b::1",
        "", "1", "1.2.3", "fe80::1%eth0", "91.7.1.1 ", "91.7.1.1\0", "a.b.c.d", ":::", "\u0661.1.1.1", "\udc80",
    ],
)  # fmt: skip
def test_what_is_no_public_address_is_nowhere(address):
    assert LOCATOR.locate(address) == NOWHERE


@given(st.text() | st.ip_addresses().map(str))
def test_locate_never_raises(address):
    place, network = LOCATOR.locate(address)

    assert isinstance(network, Network)
    assert (place.country is None) == (place.radius_km is None)


CITY = {"country": {"iso_code": "DE"}, "location": {"latitude": 52.5244, "longitude": 13.4105, "accuracy_radius": 50}}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (CITY, ("DE", 52.5, 13.4, 50.0)),
        ({"country_code": "DE", "latitude": 52.5244, "longitude": 13.4105}, ("DE", 52.5, 13.4, USUAL_ERROR_KM)),
        ({**CITY, "location": {**CITY["location"], "accuracy_radius": 1}}, ("DE", 52.5, 13.4, SMALLEST_RADIUS_KM)),
        ({**CITY, "location": {**CITY["location"], "latitude": 91}}, ("DE", 51.1, 10.4, 337.0)),
        ({**CITY, "location": {**CITY["location"], "longitude": math.nan}}, ("DE", 51.1, 10.4, 337.0)),
        ({**CITY, "location": {**CITY["location"], "latitude": "52"}}, ("DE", 51.1, 10.4, 337.0)),
        ({"country": {"iso_code": "DE"}}, ("DE", 51.1, 10.4, 337.0)),
        ({"country": "DE"}, ("DE", 51.1, 10.4, 337.0)),
        ({"country_code": "AN"}, (None, None, None, None)),  # A country that is no more.
        ({"country_code": ["DE"]}, (None, None, None, None)),
        ({"country": None}, (None, None, None, None)),
        ("DE", (None, None, None, None)),
        (None, (None, None, None, None)),
        (ValueError("an IPv6 address in an IPv4 database"), (None, None, None, None)),
        (maxminddb.InvalidDatabaseError("damaged"), (None, None, None, None)),
    ],
)
def test_the_record_of_any_database_is_read_or_ignored(record, expected):
    place = place_from(record)

    assert (place.country, place.latitude, place.longitude, place.radius_km) == expected


@pytest.mark.parametrize("content", [b"", b"not a database"])
def test_a_file_that_is_no_database_is_refused(tmp_path, content):
    file = tmp_path / "places.mmdb"
    file.write_bytes(content)

    with pytest.raises(BadConfig, match=r"places\.mmdb"):
        Locator(file)


def test_a_missing_database_is_refused(tmp_path):
    with pytest.raises(BadConfig, match="cannot be read"):
        Locator(tmp_path / "none.mmdb")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not a file of networks"),
        (NETWORKS_MAGIC, "not a file of networks"),
        (NETWORKS_MAGIC + struct.pack("<II", 2, 0) + b"\0" * 9, "cut short"),
    ],
)
def test_a_damaged_networks_file_is_refused(tmp_path, content, fault):
    file = tmp_path / "networks.bin"
    file.write_bytes(content)

    with pytest.raises(BadConfig, match=fault):
        Networks.read(file)


def test_a_range_holds_from_its_first_to_its_last_address(tmp_path):
    data = struct.pack("<II", 3, 1) + struct.pack("<III", 0, 100, 200) + bytes([0, 1, 3]) + b"\0" * 8 + b"\2"
    file = tmp_path / "networks.bin"
    file.write_bytes(NETWORKS_MAGIC + data)
    networks = Networks.read(file)
    found = [networks.kind(number.to_bytes(4)) for number in (99, 100, 199, 200, 2**32 - 1)]

    assert found == [Network.UNKNOWN, Network.DATACENTRE, Network.DATACENTRE, None, None]
    assert networks.kind(b"\xff" * 16) is Network.RELAY


def test_the_packaged_files_are_those_of_the_checksums():
    sums = dict(line.split()[::-1] for line in (DATA / "CHECKSUMS").read_text().splitlines())

    assert {name: hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name in sums} == sums
    assert set(sums) == {COUNTRY_DATABASE.name, NETWORKS_FILE.name}
    assert NETWORKS_FILE.stat().st_size < 1_000_000


def test_every_country_is_plausible():
    countries = read_countries()

    assert len(countries) == 250
    assert COUNTRIES_FILE.read_text().splitlines()[1:] == sorted(COUNTRIES_FILE.read_text().splitlines()[1:])
    for code, place in countries.items():
        assert len(code) == 2 and code.isupper() and code.isascii()  # noqa: PT018  one idea
        assert -90 <= place.latitude <= 90
        assert -180 <= place.longitude <= 180
        assert SMALLEST_RADIUS_KM <= place.radius_km <= 3500


@pytest.mark.parametrize(
    ("country", "latitude", "longitude"),
    [
        ("US", 40.7, -74.0), ("AU", -33.9, 151.2), ("CL", -33.4, -70.7), ("NO", 59.9, 10.8), ("JP", 35.7, 139.7),
        ("ID", -6.2, 106.8), ("IT", 38.1, 13.4), ("VN", 10.8, 106.7), ("KI", 1.3, 173.0), ("SG", 1.3, 103.8),
        ("NZ", -36.8, 174.8), ("SE", 55.6, 13.0),
    ],
)  # fmt: skip
def test_a_large_city_lies_within_twice_the_radius_of_its_country(country, latitude, longitude):
    place = read_countries()[country]
    a, b = math.radians(place.latitude), math.radians(latitude)
    turn = math.radians(longitude - place.longitude)
    distance = 6371 * math.acos(math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(turn))

    assert distance <= max(2.3 * place.radius_km, 50)


def test_the_countries_of_the_database_are_known():
    chance = random.Random(1)
    with maxminddb.open_database(COUNTRY_DATABASE) as database:
        records = [database.get(f"{chance.randrange(1, 224)}.{chance.randrange(256)}.1.1") for _ in range(30_000)]
    codes = {record["country_code"] for record in records if record}

    assert len(codes) > 150
    assert codes <= {*read_countries(), "AN"}  # AN, the Netherlands Antilles, is no more.


def test_threads_share_a_locator():
    wrong = []

    def ask():
        wrong.extend(n for n in range(2000) if LOCATOR.locate("91.7.1.1")[0].country != "DE")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def test_forked_processes_share_a_locator():
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:  # pragma: no cover  another process
            right = all(LOCATOR.locate("91.7.1.1")[0].country == "DE" for _ in range(500))
            os._exit(0 if right else 1)
        children.append(child)

    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
