import json

import pytest

from authsvc.core.traces import Event, Kind, read_line, write_line, write_time
from authsvc.errors import BadInput

SCAN = {
    "event": "scan",
    "at": "2026-01-05T10:11:12Z",
    "gtin": "09506000134352",
    "serial": "7K3M9QX2V4TD1RZ8",
    "visitor": "v1",
    "country": "IT",
    "latitude": 45.5,
    "longitude": 9.2,
    "radius_km": 200,
    "network": "mobile",
    "prefix": "p1",
    "automated": False,
    "confirmed": True,
    "channel": "camera",
}


def test_a_scan_is_read():
    event = read_line(json.dumps(SCAN))

    assert event == Event(
        Kind.SCAN, 1767607872, "09506000134352", "7K3M9QX2V4TD1RZ8", "v1", "IT", 45.5, 9.2, 200.0, "mobile", "p1",
        is_automated=False, is_confirmed=True, channel="camera",
    )  # fmt: skip


def test_everything_but_the_item_and_the_time_may_be_missing_or_null():
    bare = {key: SCAN[key] for key in ("event", "at", "gtin", "serial")}

    assert read_line(json.dumps(bare)) == read_line(json.dumps(dict.fromkeys(SCAN) | bare))


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Kind.SCAN, {"visitor": "v", "country": "IT", "latitude": 1.5, "longitude": 2.5, "is_confirmed": True}),
        (Kind.SCAN, {"is_automated": True, "channel": "shared", "network": "datacentre", "prefix": "p"}),
        (Kind.COMMISSIONED, {"markets": ("IT", "FR"), "lot": "L1"}),
        (Kind.COMMISSIONED, {}),
        (Kind.SOLD, {}),
        (Kind.REGISTERED, {"visitor": "v"}),
        (Kind.TRANSFERRED, {"visitor": "v"}),
        (Kind.CLAIMED, {}),
    ],
)
def test_what_is_written_is_read_again(kind, more):
    event = Event(kind, 1767607872, "09506000134352", "S1", **more)

    assert read_line(write_line(event)) == event


@pytest.mark.parametrize("at", [0, 951_782_400, 1_767_571_199, 4_102_444_800])
def test_times_are_written_and_read_alike(at):
    assert read_line(json.dumps(SCAN | {"at": write_time(at)})).at == at


@pytest.mark.parametrize("at", ["2026-01-05T12:11:12+02:00", "2026-01-05T10:11:12.900Z", "20260105T101112Z"])
def test_other_spellings_of_a_time_are_read(at):
    assert read_line(json.dumps(SCAN | {"at": at})).at == 1767607872


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "1",
        json.dumps(SCAN | {"event": "stolen"}),
        json.dumps(SCAN | {"event": None}),
        json.dumps(SCAN | {"event": ["scan"]}),
        json.dumps(SCAN | {"at": None}),
        json.dumps(SCAN | {"at": 1767607872}),
        json.dumps(SCAN | {"at": "2026-01-05T10:11:12"}),
        json.dumps(SCAN | {"at": "2026-02-30T10:11:12Z"}),
        json.dumps(SCAN | {"at": "yesterday"}),
        json.dumps(SCAN | {"gtin": None}),
        json.dumps(SCAN | {"gtin": ""}),
        json.dumps(SCAN | {"serial": 7}),
        json.dumps(SCAN | {"visitor": 7}),
        json.dumps(SCAN | {"latitude": 91}),
        json.dumps(SCAN | {"latitude": True}),
        json.dumps(SCAN | {"longitude": "9.2"}),
        json.dumps(SCAN | {"radius_km": -1}),
        json.dumps(SCAN | {"markets": "IT"}),
        json.dumps(SCAN | {"markets": [1]}),
    ],
)
def test_a_line_that_is_no_event_is_refused(line):
    with pytest.raises(BadInput):
        read_line(line)
