"""
The OpenAPI 3.1 document, made of the declarations: every operation, every status it can answer, every shape.

Our own, because what pydantic 2 writes is JSON Schema 2020-12, which OpenAPI 3.1 takes as it is; the libraries for
Flask bring validation, serving or a version of their own along, and would describe what the door does a second time.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from authsvc.core.api_keys import SCOPES
from authsvc.errors import (
    AnsweredBefore,
    ApiKeyNeeded,
    AuthsvcError,
    BadFields,
    ChangedMeanwhile,
    IdempotencyKeyNeeded,
    IdempotencyKeyReused,
    ScopeNeeded,
    SignInNeeded,
    TooLarge,
    TooManyRequests,
    Unavailable,
    VersionNeeded,
    WrongMediaType,
)
from authsvc.web.api.described import DESCRIBED
from authsvc.web.api.described_machines import MACHINES
from authsvc.web.api.described_partners import DEALER_KEY, PARTNERS
from authsvc.web.api.operations import OPERATIONS, Operation, Param
from authsvc.web.api.shapes import PageTold, Problem, Told
from authsvc.web.wire import HTML, PROBLEM

KEY = "apiKey"
TAGS: Mapping[str, str] = {
    "products": "One GTIN each. They are registered and changed by imports, which the worker checks.",
    "lots": "What is true of many items at once: dates and facts. The console says “batch”.",
    "runs": "Issues of codes: ordered, issued by the worker, downloaded.",
    "items": "Single physical items: their condition, and what happened to them.",
    "recalls": "Looked at as a draft, announced, lifted.",
    "alerts": "What the clone rules have found, and what was decided.",
    "cases": "Inquiries over alerts, with a state, comments, and what belongs together.",
    "registrations": "Who owns an item, without saying who that is: each registration, and its warranty.",
    "transfers": "How items pass from one owner to the next, and what is disputed.",
    "webhooks": "Where the brand is told of events as they happen; signed as Standard Webhooks 1.0 has it.",
    "sandbox": "For keys of a sandbox alone: what people do, played.",
    "epcis": "What happened, as EPCIS 2.0 events, for the systems of partners.",
    "lines": "For the machines on a production line.",
    "dealer": "For dealers of a brand, with the key that a dealer makes on its page.",
    "permits": "For platforms that sell for an owner, with the permit that the owner gave.",
    "verify": "What is known of a code, without counting it as a scan.",
    "scan": "What consumers and resellers open.",
    "keys": "Public keys, to verify codes without this service.",
    "health": "For whoever runs the service.",
}
ABOUT = """\
Send the key of your program with every request: `Authorization: Bearer authsvc_…`. A key has scopes; `write` of a
family holds its `read`.

* **Nothing is done twice.** Every POST carries an `Idempotency-Key`, a text of your own that is new for each request.
  The same request under the same key, within 24 hours, is answered as before, with `Idempotency-Replayed: true`.
* **Nobody's change is lost.** What others may change too has a version in `ETag`; send it back as `If-Match`.
* **Lists** come in pages: send `next` as `cursor`, or follow the header `Link`, until it is null.
* **Limits** are per key; `RateLimit` says how much is left in this minute.
* **Problems** are problem documents (RFC 9457); `errors` names each field and what was expected there.
* All times are UTC. Unknown facts are null, never invented. Leave alone members that you do not know: more may come."""


@lru_cache(maxsize=4)
def text(base_url: str) -> str:
    """Return the document as it is served."""
    return json.dumps(document(base_url), ensure_ascii=False, indent=1)


def document(base_url: str) -> dict[str, Any]:
    """Return the document of the service at an address."""
    every = (*OPERATIONS, *DESCRIBED, *PARTNERS, *MACHINES)
    paths: dict[str, Any] = {}
    for operation in sorted(every, key=lambda one: list(TAGS).index(one.tag)):
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, base_url)
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "authsvc",
            "version": version("authsvc"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _schemas(every),
            "securitySchemes": {
                KEY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of a brand. Its scopes: "
                    + "; ".join(f"`{name}` ({said})" for name, said in SCOPES.items()),
                },
                DEALER_KEY: {"type": "http", "scheme": "bearer", "description": "The key of a dealer, `adk_…`."},
            },
        },
    }
    written = json.dumps(found).replace('Told"', '"')
    for module, name in _STATES.items():
        written = written.replace(f'authsvc__{module}__State"', f'{name}State"')
    renamed: dict[str, Any] = json.loads(written)
    return renamed


# --- Private ---------------------------------------------------------------------------------------------------------


class _Generator(GenerateJsonSchema):
    """Schemas without a title for every field: the name of the field says it."""

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        """Say of keys that have a form that there are no others."""
        found = super().dict_schema(schema)
        return found | {"additionalProperties": False} if "patternProperties" in found else found

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  pydantic's signature
        return False


def _shapes(operations: Sequence[Operation]) -> Iterator[tuple[type[BaseModel], Any]]:
    yield Problem, "serialization"
    for operation in operations:
        if operation.body is not None:
            yield operation.body, "validation"
        for told in operation.tells.values():
            if isinstance(told, type):
                yield told, "serialization"


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    wanted = list(dict.fromkeys(_shapes(operations)))
    _, found = models_json_schema(wanted, ref_template="#/components/schemas/{model}", schema_generator=_Generator)
    schemas: dict[str, Any] = found["$defs"]
    # What is left out of an answer where it does not apply is not always there.
    schemas["Problem"]["required"] = [name for name in schemas["Problem"]["required"] if name not in _RARE]
    if "VerdictTold" in schemas:
        required = schemas["VerdictTold"]["required"]
        schemas["VerdictTold"]["required"] = [name for name in required if name not in {"internal", "api_checks"}]
    renamed = {name.removesuffix("Told"): schema for name, schema in sorted(schemas.items())}
    assert len(renamed) == len(schemas), "two shapes share a name"
    return renamed


_STATES = {"cases": "Case", "handovers": "Transfer", "ownership": "Registration"}
"""Several families have states: what each is called in the document."""
_RARE = ("retry_after", "errors")


def _operation(operation: Operation, base_url: str) -> dict[str, Any]:
    said = [operation.description] if operation.description else []
    if operation.scope is not None:
        said.append(f"Needs the scope `{operation.scope}`.")
    found: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": "\n\n".join(said) or operation.summary,
        "security": _security(operation),
        "parameters": [*_parameters(operation)],
        "responses": _responses(operation, base_url),
    }
    if operation.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": _content(operation.body)}}
    return found


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.may_have_key:
        return [{}, {KEY: []}]
    key = KEY if operation.scope else operation.security
    return [{key: []}] if key else []


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    yield from (_path(param) for param in operation.params)
    if operation.query is not None:
        schema = operation.query.model_json_schema(schema_generator=_Generator)
        for name, one in schema.get("properties", {}).items():
            yield _query(name, one, schema)
    yield from ({"in": "header", "required": True, **header} for header in operation.headers)
    if operation.is_write:
        yield {
            "name": "Idempotency-Key", "in": "header", "required": operation.needs_idempotency_key,
            "description": "A text of your own, new for each request, such as a UUID.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            "example": "0a6f4b0e-6f57-4a62-9d3c-2f3d8f6d7c11",
        }  # fmt: skip
    if operation.is_versioned_write:
        yield {
            "name": "If-Match", "in": "header", "required": operation.method == "PATCH",
            "description": "The `ETag` of what you have seen; `*` changes it whatever it is now.",
            "schema": {"type": "string", "pattern": '^(\\*|"[0-9a-f]{20}")$'},
            "example": '"c0ffee5eedc0ffee5eed"' if operation.method == "PATCH" else "*",
        }  # fmt: skip


def _path(param: Param) -> dict[str, Any]:
    kind: dict[str, Any] = {"type": "string", "pattern": f"^({param.pattern})$"}
    if param.read is int:
        kind = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
    elif param.format:
        kind = {"type": "string", "format": param.format, "pattern": f"^{param.pattern}$"}
    given: object = int(param.example) if param.read is int else param.example
    return {"name": param.name, "in": "path", "required": True, "description": param.text, "schema": kind,
            "example": given}  # fmt: skip


def _query(name: str, given: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    one = copy.deepcopy(dict(given))
    kinds = [kind for kind in one.pop("anyOf", [one]) if kind.get("type") != "null"]
    kind = {**kinds[0]}
    if "$ref" in kind:
        kind = {**schema["$defs"][kind["$ref"].rpartition("/")[2]]}
    extra = {key: one[key] for key in ("default", "format") if one.get(key) is not None}
    found = {
        "name": name, "in": "query", "required": name in schema.get("required", ()),
        "description": one.get("description", ""),
        "schema": {key: value for key, value in {**kind, **extra}.items() if key not in {"description", "examples"}},
    }  # fmt: skip
    examples = one.get("examples") or kind.get("examples")
    return found | ({"example": examples[0]} if examples else {})


def _content(shape: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}
    example = _example_of(shape)
    return found if example is None else {**found, "example": example}


def _example_of(shape: type[BaseModel]) -> Any:
    extra = shape.model_config.get("json_schema_extra")
    examples = extra.get("examples") if isinstance(extra, dict) else None
    if isinstance(examples, list) and examples:
        return examples[0]
    if issubclass(shape, PageTold):
        # A page is a list of one kind of thing, which has an example of its own.
        ((name, field),) = ((name, field) for name, field in shape.model_fields.items() if name != "next")
        return {name: [_example_of(field.annotation.__args__[0])], "next": None}  # type: ignore[union-attr]
    return None


def _responses(operation: Operation, base_url: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, told in sorted(operation.tells.items()):
        entry: dict[str, Any] = {"description": _said(told), "headers": _headers(operation, status, told)}
        if isinstance(told, str):
            entry["content"] = {told.partition(";")[0]: {"schema": {"type": "string"}}}
        elif told is not None:
            entry["content"] = {operation.media: _content(told)}
            if operation.also is not None:
                entry["content"][operation.also.partition(";")[0]] = {"schema": {"type": "string"}}
        found[str(status)] = entry
    by_status: dict[int, list[type[AuthsvcError]]] = {}
    for error in _refusals(operation):
        by_status.setdefault(error.status, []).append(error)
    for status, errors in sorted(by_status.items()):
        if str(status) in found:
            continue
        found[str(status)] = _refused(operation, status, errors, base_url)
    return found


def _refusals(operation: Operation) -> list[type[AuthsvcError]]:
    """Return every refusal that may come: those of the operation, and those of the door before it."""
    found: list[type[AuthsvcError]] = [*operation.refuses]
    if operation.view is None:
        if operation.may_have_key:
            found += [ApiKeyNeeded, ScopeNeeded]
        return list(dict.fromkeys([*found, Unavailable]))
    found += [BadFields, ApiKeyNeeded, ScopeNeeded, TooManyRequests, Unavailable]
    if operation.needs_idempotency_key:
        found.append(IdempotencyKeyNeeded)
    if operation.is_write:
        found += [IdempotencyKeyReused, AnsweredBefore, TooLarge]
    if operation.body is not None:
        found.append(WrongMediaType)
    if operation.is_versioned_write:
        found += [ChangedMeanwhile, VersionNeeded]
    return list(dict.fromkeys(found))


def _refused(operation: Operation, status: int, errors: Sequence[type[AuthsvcError]], base_url: str) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers["Retry-After"] = _header("Seconds to wait.", {"type": "integer"})
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _header("How to come in.", _TEXT, SignInNeeded not in errors)
    is_page = operation.also is None and any(
        isinstance(told, str) and told.startswith("text/html") for told in operation.tells.values()
    )
    if is_page:
        content: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
    else:
        examples = {error.code: {"summary": error.title, "value": _example(error, base_url)} for error in errors}
        content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}}
    if operation.also is not None or is_page:
        # A browser is told in its language what a program is told in JSON.
        content |= {
            PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}},
            "text/html": {"schema": {"type": "string"}},
        }
    return {"description": "; ".join(error.title for error in errors), "headers": headers, "content": content}


def _example(error: type[AuthsvcError], base_url: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": f"{base_url}/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": " ".join((error.__doc__ or "").split()),
        "instance": "urn:request:4fc021141a33275f",
    }
    if error.status in {429, 503}:
        found["retry_after"] = 60 if error.status == HTTPStatus.TOO_MANY_REQUESTS else 5
    if error is BadFields:
        found["errors"] = [{"at": "query.limit", "expected": "less than or equal to 200"}]
    return found


def _headers(operation: Operation, status: int, told: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if operation.view is not None:
        found["RateLimit"] = _header("What is left of the limit of the key, and for how many seconds.", _TEXT)
        found["RateLimit-Policy"] = _header("The limit of the key.", _TEXT)
    if operation.is_write:
        found["Idempotency-Replayed"] = _header("The request was done before; this was its answer.", _TEXT, False)
    if operation.has_version and status in {200, 201}:
        found["ETag"] = _header("The version.", _TEXT)
    if operation.view is not None and status in {201, 202} and operation.name not in _WITHOUT_PLACE:
        found["Location"] = _header("Where it is.", _TEXT)
    if isinstance(told, type) and issubclass(told, PageTold):
        found["Link"] = _header("The next page, where there is one.", _TEXT, False)
    return found


_TEXT = {"type": "string"}
_WITHOUT_PLACE = ("add_fact", "add_record", "comment_on_case", "play_deed")


def _header(said: str, schema: Mapping[str, Any], required: bool = True) -> dict[str, Any]:
    return {"description": said, "required": required, "schema": dict(schema)}


def _said(told: Any) -> str:
    if isinstance(told, type) and issubclass(told, Told):
        return " ".join((told.__doc__ or "").split())
    if told is None:
        return "Done."
    return {"text/csv": "A file.", HTML: "A page."}.get(told, "A text.")
