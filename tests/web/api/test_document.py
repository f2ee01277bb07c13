"""The OpenAPI document: well-formed, complete, and shown as a page."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from authsvc.web.api.document import document
from authsvc.web.api.operations import OPERATIONS


@pytest.fixture(scope="module")
def openapi(scene):
    answer = scene.visitor().open("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json


def test_every_route_of_the_api_is_described(scene, openapi):
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in scene.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1")
    }
    described = {(path, method) for path, methods in openapi["paths"].items() for method in methods}
    assert served <= described
    assert {path for path, _ in described - served} == {
        "/01/{gtin}/21/{serial}", "/s/{receipt}", "/check/proof/{secret}", "/.well-known/jwks.json", "/livez",
        "/readyz", "/metrics",
    }  # fmt: skip


def test_every_example_fits_its_shape(openapi):
    schemas = openapi["components"]["schemas"]
    seen = 0
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", ()):
            Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}).validate(
                example
            )
            seen += 1
    assert seen > 20


def test_every_operation_says_what_it_is_and_every_reference_leads_somewhere(openapi):
    text = json.dumps(openapi)
    for name in {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in openapi["components"]["schemas"], name
    ids = [one["operationId"] for methods in openapi["paths"].values() for one in methods.values()]
    assert len(set(ids)) == len(ids) >= len(OPERATIONS) + 9
    for methods in openapi["paths"].values():
        for one in methods.values():
            assert one["summary"], one
            assert one["description"], one
    assert 'Told"' not in text


def test_the_document_names_the_address_of_the_service():
    assert document("https://x.example")["servers"] == [{"url": "https://x.example"}]


def test_the_page_shows_every_operation(scene, openapi):
    page = scene.visitor().open("/api/docs").text
    for path, methods in openapi["paths"].items():
        for one in methods.values():
            assert f'id="{one["operationId"]}"' in page
            assert f"<code>{path}</code>" in page
