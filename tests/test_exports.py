"""Exports: what stands in the files, how it is kept, and whose eyes it never reaches."""

import csv
import io
import json
import tracemalloc
from datetime import UTC, date, datetime, timedelta

import openpyxl
import psycopg
import pytest
from cases import FAR, check, flagged_item, resolve

from authsvc import daily_counts, errand_work, errands, export_files, exports, workbooks
from authsvc.audit import Actor
from authsvc.core.clones import FactKind
from authsvc.errors import BadInput, BadKey, Conflict, NotFound
from authsvc.exports import COLUMNS, Asked, Format, Kind
from authsvc.runtime import new_id

ADA = Actor("staff", new_id(), "Ada <ada@halden.example>")


@pytest.fixture(autouse=True)
def nothing_under_way(scene, courier):
    scene.admin.execute("TRUNCATE errands CASCADE")
    yield
    scene.clock.ahead = timedelta()


def read_xlsx(raw):
    rows = []
    for sheet in openpyxl.load_workbook(io.BytesIO(raw)).worksheets:
        header, *cells = sheet.iter_rows(values_only=True)
        rows += [dict(zip(header, row, strict=True)) for row in cells]
    return rows


READERS = {
    Format.CSV: lambda raw: list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))),
    Format.JSONL: lambda raw: [json.loads(line) for line in raw.decode().splitlines()],
    Format.XLSX: read_xlsx,
}


def order(scene, brand=None, **asked):
    today = scene.clock().date()
    form = {"kind": "scans", "format": "csv", "first": str(today - timedelta(days=60)), "last": str(today), **asked}
    number = new_id()
    with scene.owner_session() as session:
        errands.order(session, (brand or scene.halden).id, errands.EXPORT, Asked.read(form, today=today).stored(), ADA,
                      id=number, now=scene.clock())  # fmt: skip
    return number


def get(scene, number, brand=None):
    with scene.owner_session() as session:
        return errands.get_errand(session, (brand or scene.halden).id, number, errands.EXPORT)


def content(scene, number, brand=None):
    brand = brand or scene.halden
    found = get(scene, number, brand)
    assert found.state == "done", found.fault
    with scene.owner_session() as session:
        return b"".join(
            export_files.read(session, number, brand.id, n, key=scene.wrapping_key)
            for n in range(1, found.result["parts"] + 1)
        )


def export(scene, courier, brand=None, **asked):
    """Have a file made and return its rows."""
    number = order(scene, brand, **asked)
    errand_work.do_errand(courier, scene.url, number)
    raw = content(scene, number, brand)
    assert len(raw) == get(scene, number, brand).result["bytes"]
    return READERS[Format(asked.get("format", "csv"))](raw)


def count_days(scene):
    with psycopg.connect(scene.url, autocommit=True) as connection:
        daily_counts.count(connection, now=scene.clock())


@pytest.mark.parametrize("form", list(Format))
def test_scans_are_told_with_what_was_refused_and_without_what_ties_people_together(scene, courier, form):
    product = scene.add_product(name="=HYPERLINK(1)")
    codes = scene.issue(product, lot="L7")
    visitor, link = scene.visitor(), codes.link()
    visitor.confirm(visitor.scan(f"{link.path()}?s={link.extension('s')}"))
    scene.visitor().scan(f"{link.path()}?s=AAAA")
    scene.visitor(agent="curl/8").scan(codes.path())

    rows = export(scene, courier, kind="scans", format=form.value, gtin=product.gtin)

    first, forged, bot = rows
    assert list(first) == [name for name, _ in COLUMNS[Kind.SCANS]]
    assert (first["verdict"], first["outcome"], first["serial"], first["lot"]) == (
        "first-check", "authentic", link.serial, "L7",
    )  # fmt: skip
    assert (forged["verdict"], forged["outcome"], forged["serial"]) == ("forged", "invalid", link.serial)
    assert bot["automated"] == "bot"
    assert datetime.fromisoformat(first["at"]).tzinfo == UTC
    assert first["at"].endswith("Z")
    name = {"csv": "'=HYPERLINK(1)"}.get(form.value, "=HYPERLINK(1)")
    assert first["product"] == name
    stored, prefix, receipt = scene.row(
        "SELECT encode(visitor, 'hex'), encode(prefix, 'hex'), id::text FROM scans WHERE sgtin = %s", link.sgtin
    )
    assert first["visitor"] == stored
    everything = json.dumps(rows)
    assert prefix not in everything
    assert receipt not in everything


def test_numbers_are_numbers_and_a_text_is_never_a_formula(scene, courier):
    product = scene.add_product(name="-2+3+cmd|' /C calc'!A0")
    link = scene.issue(product).link()
    check(scene, link, place=FAR[1])

    raw_csv = order(scene, gtin=product.gtin)
    errand_work.do_errand(courier, scene.url, raw_csv)
    [sheet_row] = export(scene, courier, format="xlsx", gtin=product.gtin)

    line = content(scene, raw_csv).decode().splitlines()[1]
    assert ",-23.5,-46.6,200.0," in line
    assert "\"'-2+3+cmd" in line
    assert sheet_row["latitude"] == pytest.approx(-23.5)
    assert sheet_row["counted"] is True
    number = order(scene, format="xlsx", gtin=product.gtin)
    errand_work.do_errand(courier, scene.url, number)
    sheet = openpyxl.load_workbook(io.BytesIO(content(scene, number))).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "b"}


def test_alerts_are_told_with_what_was_decided(scene, courier):
    link, about = flagged_item(scene)
    resolve(scene, about, FactKind.FALSE_ALARM)

    [row] = export(scene, courier, kind="alerts", format="jsonl", gtin=link.gtin)

    assert list(row) == [name for name, _ in COLUMNS[Kind.ALERTS]]
    assert (row["serial"], row["resolution"], row["reason"], row["resolved_by"]) == (
        link.serial, "false-alarm", "looked at it", "ana",
    )  # fmt: skip
    assert row["opened_at"] <= row["closed_at"] == row["resolved_at"]
    assert row["severity"] in {"low", "medium", "high"}
    assert "VN" in row["countries"].split()


def test_counts_are_those_of_the_job_and_what_is_younger(scene, courier):
    product = scene.add_product()
    codes = scene.issue(product)
    for _ in range(3):
        scene.visitor().scan(codes.path())
    scene.clock.ahead = timedelta(minutes=30)
    count_days(scene)
    scene.visitor().scan(codes.path())
    scene.visitor().scan(f"{codes.link().path()}?s=AAAA")
    today = scene.clock().date().isoformat()

    rows = export(scene, courier, kind="counts", format="jsonl", gtin=product.gtin)

    assert [(row["verdict"], row["country"]) for row in rows] == [("first-check", "DE"), ("forged", "DE")]
    assert [row["count"] for row in rows] == [4, 1] or {row["day"] for row in rows} != {today}
    assert sum(row["count"] for row in rows) == 5
    assert {row["gtin"] for row in rows} == {product.gtin}


def test_only_the_days_that_were_asked_for(scene, courier):
    product = scene.add_product()
    link = scene.issue(product).link()
    for days in (0, 1, 2):
        scene.clock.ahead = timedelta(days=days)
        check(scene, link, place=FAR[days])
    middle = (scene.clock() - timedelta(days=1)).date().isoformat()

    rows = export(scene, courier, first=middle, last=middle, gtin=product.gtin)

    assert [row["at"][:10] for row in rows] == [middle]


def test_two_brands_get_each_their_own(scene, courier):
    ours, theirs = scene.add_product(), scene.add_product(scene.rival)
    for product in (ours, theirs):
        check(scene, scene.issue(product).link())

    rows = {brand.slug: export(scene, courier, brand) for brand in (scene.halden, scene.rival)}

    assert ours.gtin in {row["gtin"] for row in rows["halden"]}
    assert theirs.gtin not in {row["gtin"] for row in rows["halden"]}
    assert ours.gtin not in {row["gtin"] for row in rows["rival"]}
    assert export(scene, courier, scene.rival, gtin=ours.gtin) == []


def test_rows_are_read_within_the_brand_whatever_the_statement_says(scene, courier, monkeypatch):
    check(scene, scene.issue(scene.add_product(scene.rival)).link())
    monkeypatch.setattr(exports.sql, "SCANS", exports.sql.SCANS.replace("s.brand_id = %(brand_id)s", "true"))

    rows = export(scene, courier)

    assert rows
    assert not {row["gtin"] for row in rows if row["gtin"].startswith("09521101")}


def test_a_file_lies_encrypted_and_each_piece_at_its_place(scene, courier, monkeypatch):
    monkeypatch.setattr(export_files, "PIECE", 300)
    product = scene.add_product()
    codes = scene.issue(product)
    for _ in range(6):
        check(scene, codes.link())
    number = order(scene, gtin=product.gtin)
    errand_work.do_errand(courier, scene.url, number)
    parts = scene.rows("SELECT content FROM errand_parts WHERE errand_id = %s ORDER BY number", number)

    assert len(parts) > 3
    assert not any(product.gtin.encode() in bytes(part) for (part,) in parts)
    assert content(scene, number).count(product.gtin.encode()) == 6
    scene.admin.execute(
        "UPDATE errand_parts SET content = (SELECT content FROM errand_parts WHERE errand_id = %(e)s AND number = 2) "
        "WHERE errand_id = %(e)s AND number = 1", {"e": number},
    )  # fmt: skip
    with pytest.raises(BadKey):
        content(scene, number)


def test_a_file_is_kept_for_a_week_and_then_gone(scene, courier):
    number = order(scene)
    errand_work.do_errand(courier, scene.url, number)
    scene.clock.ahead += timedelta(days=6, hours=23)
    errand_work.sweep(courier)
    assert content(scene, number)

    scene.clock.ahead += timedelta(hours=2)
    errand_work.sweep(courier)

    assert scene.rows("SELECT 1 FROM errand_parts WHERE errand_id = %s", number) == []
    with pytest.raises(NotFound):
        get(scene, number)


def test_of_what_was_cancelled_or_removed_nothing_is_kept(scene, courier):
    removed, cancelled = order(scene), order(scene)
    errand_work.do_errand(courier, scene.url, removed)
    with scene.owner_session() as session:
        errands.discard(session, scene.halden.id, removed, errands.EXPORT)
        errands.cancel(session, scene.halden.id, cancelled, errands.EXPORT, now=scene.clock())
    with pytest.raises(Conflict), scene.owner_session() as session:
        errands.discard(session, scene.halden.id, removed, errands.EXPORT)
    errand_work.do_errand(courier, scene.url, cancelled)

    errand_work.sweep(courier)

    assert scene.rows("SELECT 1 FROM errand_parts") == []


def test_an_export_stops_half_way_when_it_is_cancelled(scene, courier, monkeypatch):
    monkeypatch.setattr(export_files, "PIECE", 300)
    product = scene.add_product()
    codes = scene.issue(product)
    for _ in range(6):
        check(scene, codes.link())
    number = order(scene, gtin=product.gtin)
    keep = export_files.store

    def store(session, errand_id, brand_id, place, piece, **more):
        keep(session, errand_id, brand_id, place, piece, **more)
        if place == 2:
            session.commit()
            with scene.owner_session() as other:
                errands.cancel(other, scene.halden.id, number, errands.EXPORT, now=scene.clock())

    monkeypatch.setattr(export_files, "store", store)
    errand_work.do_errand(courier, scene.url, number)

    assert get(scene, number).state == "cancelled"
    assert scene.row("SELECT max(number) FROM errand_parts WHERE errand_id = %s", number) == (2,)


def test_a_second_turn_begins_the_file_anew(scene, courier):
    number = order(scene)
    with scene.owner_session() as session:
        errands.take_up(session, number, now=scene.clock())
        for place in range(1, 4):
            export_files.store(session, number, scene.halden.id, place, b"left over", key=scene.wrapping_key,
                               random=scene.random)  # fmt: skip

    errand_work.do_errand(courier, scene.url, number)

    assert b"left over" not in content(scene, number)
    assert (
        scene.row("SELECT count(*) FROM errand_parts WHERE errand_id = %s", number)[0]
        == (get(scene, number).result["parts"])
    )


def test_a_sheet_that_is_full_goes_on_in_the_next(monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 3)
    rows = [(n, f"row {n}") for n in range(5)]

    pieces = export_files.write(
        Format.XLSX, ("n", "text"), rows, title="scans", made_at=datetime(2026, 5, 1, tzinfo=UTC)
    )

    raw = b"".join(pieces)
    assert [row["n"] for row in read_xlsx(raw)] == [0, 1, 2, 3, 4]
    assert openpyxl.load_workbook(io.BytesIO(raw)).sheetnames == ["scans", "scans 2", "scans 3"]


@pytest.mark.parametrize(
    "text", ["=1+1", "=", "#REF!", "#N/A", "+1", "-1", "@x", " =1", "1", "2026-05-01", "\t=1", "TRUE"]
)
def test_a_text_stays_the_text_that_it_is(text):
    made = export_files.write(Format.XLSX, ("a",), [(text,)], title="t", made_at=datetime(2026, 5, 1, tzinfo=UTC))

    [sheet] = openpyxl.load_workbook(io.BytesIO(b"".join(made))).worksheets
    assert (sheet["A2"].value, sheet["A2"].data_type) == (text, "s")


def test_what_no_sheet_can_hold_is_left_out(scene):
    made = export_files.write(
        Format.XLSX, ("a",), [("x\x0bY" + "z" * 40_000,)], title="t", made_at=datetime(2026, 5, 1, tzinfo=UTC)
    )

    [row] = read_xlsx(b"".join(made))
    assert row["a"].startswith("xYzz")
    assert len(row["a"]) == 32_767


@pytest.mark.parametrize("form", list(Format))
def test_memory_does_not_grow_with_the_rows(form):
    def peak(count):
        rows = ((n, f"row {n} " + "x" * 800, None) for n in range(count))
        tracemalloc.start()
        for _ in export_files.write(
            form, ("n", "text", "none"), rows, title="t", made_at=datetime(2026, 5, 1, tzinfo=UTC)
        ):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(6_000) < 4 * export_files.PIECE


def test_a_disk_that_is_full_is_told_and_no_path(scene, courier, monkeypatch):
    def refuse(*_args, **_values):
        raise OSError(28, "No space left on device", "/var/secret/place")

    monkeypatch.setattr(export_files, "write", refuse)
    number = order(scene)

    errand_work.do_errand(courier, scene.url, number)

    assert (get(scene, number).state, get(scene, number).fault) == (
        "failed", "The worker cannot write the file: No space left on device.",
    )  # fmt: skip


@pytest.mark.parametrize("form", list(Format))
def test_an_empty_export_has_its_header(form):
    raw = b"".join(export_files.write(form, ("a", "b"), [], title="t", made_at=datetime(2026, 5, 1, tzinfo=UTC)))

    assert READERS[form](raw) == []
    if form is Format.CSV:
        assert raw.decode("utf-8-sig") == '"a","b"\r\n'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "owners"}, "Say what you want"),
        ({"format": "pdf"}, "Say what you want"),
        ({"first": "yesterday"}, "Give the first"),
        ({"first": ""}, "Give the first"),
        ({"first": "2026-05-03"}, "not later than"),
        ({"first": "1999-12-31"}, "not before the year 2000"),
        ({"last": "2026-05-11"}, "today at the latest"),
        ({"last": "9999-12-31"}, "today at the latest"),
    ],
)
def test_what_makes_no_sense_is_refused(change, words):
    form = {"kind": "scans", "format": "csv", "first": "2026-05-01", "last": "2026-05-02", "gtin": ""}

    assert Asked.read(form, today=date(2026, 5, 10)).name == "scans-20260501-20260502.csv"
    with pytest.raises(BadInput, match=words):
        Asked.read(form | change, today=date(2026, 5, 10))


def test_a_brand_keeps_few_files(scene, courier, monkeypatch):
    monkeypatch.setattr(errands, "MOST_KEPT", 2)
    for _ in range(2):
        export(scene, courier)

    with pytest.raises(Conflict, match="kept already"):
        order(scene)
