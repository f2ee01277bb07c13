"""What comes back of a scan: nothing that was known before is lost on the way into facts."""

from dataclasses import fields, replace
from types import SimpleNamespace
from uuid import UUID

import pytest
from verdict_pages import AT, FACTS

from authsvc import scan_rows
from authsvc.core.verdicts import Facts
from authsvc.prepared import ELEMENTS

ROW = SimpleNamespace(
    lot=None, disposition=None, disposition_at=None, recall_id=None, first_valid_at=None, any_run=1, flagged_at=None,
    is_commissioned=False, expires_on=None, scan_number=1, first_at=AT, mine_at=None, lot_data=None, unit_data=None,
    held_at=None, warranty_from=None, warranty_until=None,
)  # fmt: skip
OF_THE_ROW = {
    "is_issued", "is_commissioned", "disposition", "disposition_at", "recall", "withdrawn_at", "expires_on",
    "is_flagged", "scan_number", "first_at", "mine_at", "warranty", "data", "records",
}  # fmt: skip


@pytest.mark.parametrize("name", [fact.name for fact in fields(Facts) if fact.name not in OF_THE_ROW])
def test_what_the_row_does_not_say_stays_as_it_was_known(name):
    said = object()
    known = FACTS if name == "at" else replace(FACTS, **{name: said})

    assert getattr(scan_rows.with_row(known, ROW, None), name) is getattr(known, name)


def test_a_time_of_utc_is_written_with_its_zone():
    assert ELEMENTS[type(AT)](AT) == b"2026-11-23T10:14:05+00:00"
    assert ELEMENTS[UUID](UUID(int=1)) == b"0" * 31 + b"1"
