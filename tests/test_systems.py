"""Autonomous systems: looked up in a database of the operator, and none of its oddities may fail a scan."""

import pytest

from authsvc.errors import BadConfig
from authsvc.places import COUNTRY_DATABASE, Systems


def _value(value) -> bytes:
    """Encode a value as MaxMind DB 2.0 has it; a number may come with its size."""
    if isinstance(value, dict):
        return bytes([7 << 5 | len(value)]) + b"".join(_value(k) + _value(v) for k, v in value.items())
    if isinstance(value, str):
        raw = value.encode()
        assert len(raw) < 29
        return bytes([2 << 5 | len(raw)]) + raw
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(_value, value))
    number, size = value if isinstance(value, tuple) else (value, 4)
    raw = number.to_bytes(size, "big").lstrip(b"\0")
    if size == 8:
        return bytes([len(raw), 9 - 7]) + raw
    return bytes([(5 if size == 2 else 6) << 5 | len(raw)]) + raw


def database(low, high) -> bytes:
    """Return a database of IPv4 with one record below 128.0.0.0 and one above."""
    data = _value(low)
    pointers = [1 + 16, 1 + 16 + len(data)]
    tree = b"".join(pointer.to_bytes(3, "big") for pointer in pointers)
    metadata = {
        "binary_format_major_version": (2, 2), "binary_format_minor_version": (0, 2), "build_epoch": (1, 8),
        "database_type": "ASN", "description": {"en": "test"}, "ip_version": (4, 2), "languages": ["en"],
        "node_count": 1, "record_size": (24, 2),
    }  # fmt: skip
    return tree + bytes(16) + data + _value(high) + b"\xab\xcd\xefMaxMind.com" + _value(metadata)


@pytest.mark.parametrize(
    ("record", "number"),
    [
        ({"autonomous_system_number": 64496, "organization": "X"}, 64496),
        ({"asn": "AS64497"}, 64497),
        ({"asn": "64498"}, 64498),
        ({"asn": "none"}, None),
        ({"autonomous_system_number": 0}, None),
        ({"organization": "X"}, None),
        ("AS64496", None),
    ],
)
def test_a_system_is_read_in_the_shapes_in_use(tmp_path, record, number):
    file = tmp_path / "asn.mmdb"
    file.write_bytes(database(record, {"asn": "AS65000"}))
    systems = Systems(file)

    assert systems.find("81.2.69.142") == number
    assert systems.find("203.0.113.9") == 65000


@pytest.mark.parametrize("address", ["", "nonsense", "2001:db8::1"])
def test_an_address_that_cannot_be_looked_up_has_none(tmp_path, address):
    file = tmp_path / "asn.mmdb"
    file.write_bytes(database({"asn": "AS64496"}, {"asn": "AS65000"}))

    assert Systems(file).find(address) is None


def test_a_database_of_something_else_has_none():
    assert Systems(COUNTRY_DATABASE).find("81.2.69.142") is None


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "asn.mmdb"
    file.write_bytes(b"x")

    with pytest.raises(BadConfig, match=r"ASN database .*asn\.mmdb"):
        Systems(file)
