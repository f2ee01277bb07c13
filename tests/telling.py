"""EPCIS events for tests, as partners tell them: that an item was packed in a case."""

from authsvc.core.gs1 import check_digit

CASE = f"https://id.gs1.org/00/09506000134352001{check_digit('09506000134352001')}"


def packing(story, **values):
    child = story.link(3)
    return {
        "type": "AggregationEvent", "eventTime": "2026-05-01T12:00:00.000+02:00", "eventTimeZoneOffset": "+02:00",
        "parentID": CASE, "action": "ADD", "bizStep": "packing",
        "childEPCs": [f"https://id.gs1.org/01/{child.gtin}/21/{child.serial}"], **values,
    }  # fmt: skip


def envelope(*events):
    return {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"], "type": "EPCISDocument",
        "schemaVersion": "2.0", "creationDate": "2026-05-01T12:00:00Z", "epcisBody": {"eventList": list(events)},
    }  # fmt: skip
