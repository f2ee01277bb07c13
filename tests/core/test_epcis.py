import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from authsvc.core import epcis
from authsvc.core.epcis import Event

AT = datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
GTIN = "09506000134352"
SCHEMA = Path(epcis.__file__).parents[1] / "data" / "gs1" / "epcis-json-schema.json"
HASHES = Path(__file__).parents[1] / "vectors" / "gs1"
VECTORS = {
    name: vector
    for file in ("epcis_hashes.json", "epcis_hash_packing.json")
    for name, vector in json.loads((HASHES / file).read_text()).items()
}

EVENTS = {
    "items": Event(
        action="ADD", step="commissioning", disposition="active", at=AT, recorded_at=AT,
        epcs=[epcis.item(GTIN, "7K3M9QX2V4TD1RZ9"), epcis.item(GTIN, "7K3M9QX2V4TD1RZ8")],
        ilmd={"lotNumber": "L2410", "itemExpirationDate": "2028-01-31"}, own={"run": 12, "first": 0, "last": 1},
    ),
    "class": Event(
        action="ADD", step="commissioning", disposition="active", at=AT, recorded_at=AT,
        quantities=[(epcis.lot(GTIN, "L2410"), 5000)], own={"run": 12},
    ),
    "stolen": Event(
        action="OBSERVE", step="other", at=AT, recorded_at=AT, epcs=[epcis.item(GTIN, "A")], disposition="stolen",
        set=["stolen"], own={"previous": epcis.word("Disp-active")},
    ),
    "case": Event(
        action="OBSERVE", step="other", at=AT, recorded_at=AT, epcs=[epcis.case("106141412345678908")],
        disposition=epcis.word("Disp-lost"), set=[epcis.word("Disp-lost")], unset=["stolen"],
    ),
    "product": Event(
        action="OBSERVE", step="holding", at=AT, recorded_at=AT, quantities=[(epcis.lot(GTIN, None), None)],
        disposition="recalled",
    ),
    "transfer": Event(
        type="TransactionEvent", action="ADD", step="accepting", at=AT, recorded_at=AT, epcs=[epcis.item(GTIN, "A/B")],
        transaction="urn:uuid:3f0c8a1e-5a0b-4c1d-9e2f-0a1b2c3d4e5f",
        owners=("urn:uuid:0197a1b2-7c3d-4e4f-8a5b-6c7d8e9f0a1b", "urn:uuid:0197a1b2-7c3d-4e4f-8a5b-6c7d8e9f0a1c"),
    ),
    "packing": Event(
        type="AggregationEvent", action="ADD", step="packing", disposition="in_progress", at=AT, recorded_at=AT,
        parent=epcis.case("106141412345678908"), quantities=[(epcis.lot(GTIN, "L2410"), 12)], own={"run": 12},
    ),
}  # fmt: skip


def test_the_schema_is_the_one_that_was_brought_in():
    digest, name = (SCHEMA.parent / "CHECKSUMS").read_text().split()

    assert (name, hashlib.sha256(SCHEMA.read_bytes()).hexdigest()) == (SCHEMA.name, digest)


@pytest.mark.parametrize("name", EVENTS)
def test_number_is_the_hash_that_gs1s_reference_implementation_gives(name):
    assert epcis.plain(EVENTS[name]) == VECTORS[name]["plain"]
    assert epcis.number(EVENTS[name]) == VECTORS[name]["number"]


def test_number_does_not_depend_on_when_it_was_recorded():
    said = {"action": "ADD", "step": "commissioning", "at": AT, "epcs": [epcis.item(GTIN, "A")]}

    assert epcis.number(Event(recorded_at=AT, **said)) == epcis.number(Event(recorded_at=AT.replace(day=9), **said))
    assert epcis.number(Event(recorded_at=AT, **said)) != epcis.number(Event(recorded_at=AT, **said | {"step": "x"}))


@pytest.mark.parametrize("write", [epcis.event_document, epcis.query_document])
def test_documents_are_valid_with_formats_checked(write):
    schema = json.loads(SCHEMA.read_text())
    checked = jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
    document = write([epcis.document(event) for event in EVENTS.values()], now=AT)
    spoiled = json.loads(json.dumps(document).replace('"commissioning"', '"authenticating"'))

    assert list(checked.iter_errors(document)) == []
    assert list(checked.iter_errors(spoiled)) != []
