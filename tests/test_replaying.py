import io
import json

import pytest

from authsvc.core.traces import Event, Kind, write_line
from authsvc.errors import BadInput
from authsvc.replaying import LONGEST_LINE, Policy, Replay, read_lines, read_trace
from authsvc.simulation import Simulation

START = 1_767_607_872
DAY = 86_400
USUAL = Policy()


def scan(at, serial="S1", visitor="v1", **more):
    return Event(Kind.SCAN, START + at, "09506000134352", serial, visitor, is_confirmed=True, **more)


def crowd(serial, size, *, since=0):
    """Return scans of one serial by many people in as many countries."""
    return [
        scan(since + n * DAY, serial, f"v{n}", prefix=f"p{n}", country=country, network="fixed")
        for n, country in zip(range(size), ("IT", "VN", "US", "BR", "ZA", "JP", "AU", "IN") * size, strict=False)
    ]


def replayed(events, folder, *, held=20_000, policy=USUAL):
    folder.mkdir(exist_ok=True)
    with Replay(policy, folder, held=held) as replay:
        return list(replay.run(events)), replay.tally


def test_a_serial_gets_one_alert_when_it_is_first_flagged(tmp_path):
    (alert,), tally = replayed(crowd("S1", 80), tmp_path)

    assert START < alert.at < START + 60 * DAY
    assert (alert.gtin, alert.serial) == ("09506000134352", "S1")
    assert alert.score == pytest.approx(sum(part.weight for part in alert.reasons))
    assert (tally.events, tally.scans, tally.items, tally.alerts) == (80, 80, 1, 1)
    row = json.loads(alert.line())
    assert list(row) == ["at", "gtin", "serial", "score", "reasons"]
    assert all(list(reason) == ["rule", "weight", "text"] for reason in row["reasons"])


def test_an_ordinary_item_gets_none(tmp_path):
    quiet = [scan(n * DAY, prefix="p1", country="IT") for n in range(80)]

    assert replayed(quiet, tmp_path)[0] == []


def test_what_is_put_aside_is_judged_like_what_is_held(tmp_path):
    simulation = Simulation(7)
    events = sorted((e for life in simulation.lives(range(1_500)) for e in life.events), key=lambda event: event.at)
    held, tally = replayed(events, tmp_path / "held")
    aside, tally_aside = replayed(events, tmp_path / "aside", held=5)

    assert len(held) > 5
    assert (aside, tally_aside) == (held, tally)
    assert tally.items == 1_500


def test_records_of_the_lifecycle_are_heeded_from_the_first_on_or_as_the_brand_says(tmp_path):
    made = Event(Kind.COMMISSIONED, START, "09506000134352", "other")
    with_records, _ = replayed([made, *crowd("S1", 40)], tmp_path / "a")
    told, _ = replayed(crowd("S1", 40), tmp_path / "b", policy=Policy(has_lifecycle=True))
    without, _ = replayed([made, *crowd("S1", 40)], tmp_path / "c", policy=Policy(has_lifecycle=False))
    rules = [{part.rule for part in some[0].reasons} for some in (with_records, told, without)]

    assert rules[0] == rules[1] == rules[2] | {"outside-its-market", "out-of-step-with-its-life", "away-from-its-owner"}


def test_a_stricter_rate_flags_later_and_a_hard_limit_at_its_number(tmp_path):
    (usual,), _ = replayed(crowd("S1", 60), tmp_path / "a")
    strict, _ = replayed(crowd("S1", 60), tmp_path / "b", policy=Policy(target_rate=1e-5))
    (limit,), _ = replayed(crowd("S1", 60), tmp_path / "c", policy=Policy(copy_threshold=2))

    assert not strict or strict[0].at > usual.at
    assert limit.at == START + DAY


def test_a_resolution_is_heeded(tmp_path):
    item = ("09506000134352", "S1")
    (alert,), _ = replayed(crowd("S1", 60), tmp_path / "a")
    before = [event for event in crowd("S1", 60) if event.at < alert.at]
    resolved = [*before, Event(Kind.FALSE_ALARM, alert.at - 1, *item), scan(alert.at - START, "S1", "one", prefix="x")]
    confirmed = [scan(0), Event(Kind.CONFIRMED_CLONE, START + 1, *item)]

    assert replayed(resolved, tmp_path / "b")[0] == []
    assert [each.reasons[0].rule for each in replayed(confirmed, tmp_path / "c")[0]] == ["confirmed-clone"]


def trace(*lines):
    return list(read_trace(read_lines(io.BytesIO(b"".join(line + b"\n" for line in lines)))))


def test_a_trace_is_read_empty_lines_are_skipped_and_equal_times_are_in_order():
    one, other = scan(0), scan(0, "S2")

    assert trace(write_line(one).encode(), b"", b"  ", write_line(other).encode()) == [one, other]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "Line 3: A line of a trace is a JSON object"),
        (b"[]", "Line 3: A line of a trace is a JSON object, got list."),
        (b"\xff", "Line 3: A line of a trace is a JSON object"),
        (b"[" * 60_000, "Line 3: A line of a trace is a JSON object"),
        (b" " * (LONGEST_LINE + 1), "Line 3: longer than 65,536 bytes."),
        (b'{"event":"sold","at":"0001-01-01T00:00:00+01:00","gtin":"1","serial":"1"}', "Line 3: at is a time of"),
        (
            write_line(scan(-1)).encode(),
            "Line 3: a trace ascends in time, but 2026-01-05T10:11:11Z comes after 2026-01",
        ),
    ],
)
def test_a_bad_line_is_refused_by_its_number(line, says):
    with pytest.raises(BadInput, match="^" + says.replace("(", r"\(")):
        trace(write_line(scan(0)).encode(), b"", line)


def test_whoever_waits_hears_how_far_it_is():
    heard = []
    lines = read_lines(io.BytesIO((b"x" * 999 + b"\n") * 2_500), heard.append)

    assert sum(1 for _ in lines) == 2_500
    assert heard == [1_000_000, 2_000_000]
