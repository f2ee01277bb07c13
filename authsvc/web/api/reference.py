"""The OpenAPI document as people read it: families, operations, fields, in words; for the page ``/api/docs``."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from authsvc.web.api import document

_CODE = re.compile(r"`([^`]+)`")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field or parameter, as a row of a table."""

    name: str
    kind: str
    shape: str | None
    is_needed: bool
    text: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One status that an operation can answer."""

    status: str
    text: str
    shape: str | None
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One operation."""

    id: str
    method: str
    path: str
    summary: str
    text: Markup
    scope: str | None
    parameters: tuple[Field, ...]
    body: str | None
    fields: tuple[Field, ...]
    request: str
    answer: str | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A group of operations."""

    name: str
    text: Markup
    operations: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One shape with its fields."""

    name: str
    text: Markup
    fields: tuple[Field, ...]


def about() -> Markup:
    """Return what holds for every operation."""
    return rich(document.ABOUT)


def families(found: Mapping[str, Any]) -> list[Family]:
    """Return the operations of a document by family."""
    by_tag: dict[str, list[Shown]] = {tag["name"]: [] for tag in found["tags"]}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_shown(found, path, method.upper(), operation))
    return [
        Family(name=tag["name"], text=rich(tag["description"]), operations=tuple(by_tag[tag["name"]]))
        for tag in found["tags"]
    ]


def shapes(found: Mapping[str, Any]) -> list[Shape]:
    """Return the shapes of a document that have fields."""
    schemas = found["components"]["schemas"]
    return [
        Shape(name=name, text=rich(schema.get("description", "")), fields=tuple(_fields(schema)))
        for name, schema in schemas.items()
        if schema.get("properties")
    ]


def rich(text: str) -> Markup:
    """Write the little of Markdown that descriptions use as HTML: paragraphs, lists, code, bold."""
    blocks = []
    for block in text.split("\n\n"):
        lines = block.strip().splitlines()
        if not lines:
            continue
        if lines[0].startswith("* "):
            items = re.split(r"(?:^|\n)\* ", block.strip())[1:]
            blocks.append(Markup("<ul class=bullets>{}</ul>").format(Markup("").join(map(_item, items))))
        else:
            blocks.append(Markup("<p>{}</p>").format(_inline(" ".join(lines))))
    return Markup("").join(blocks)


# --- Private ---------------------------------------------------------------------------------------------------------


def _item(text: str) -> Markup:
    return Markup("<li>{}</li>").format(_inline(" ".join(text.split())))


def _inline(text: str) -> Markup:
    marked = _CODE.sub(r"<code>\1</code>", str(escape(text)))
    return Markup(_BOLD.sub(r"<b>\1</b>", marked))  # noqa: S704  escaped in the line before; the tags are ours


def _shown(found: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Shown:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = content and content["schema"]["$ref"].rpartition("/")[2]
    schema = found["components"]["schemas"][body] if body else {}
    text, _, scope = operation["description"].partition("Needs the scope `")
    return Shown(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        text=rich(text if text.strip() != operation["summary"] else ""),
        scope=scope.rstrip("`.") or None,
        parameters=tuple(_parameter(one) for one in operation["parameters"]),
        body=body,
        fields=tuple(_fields(schema)),
        request=_curl(found, path, method, operation, content),
        answer=_sample(operation),
        answers=tuple(_answer(status, one) for status, one in operation["responses"].items()),
    )


def _parameter(one: Mapping[str, Any]) -> Field:
    place = {"header": "header", "query": "query", "path": "path"}[one["in"]]
    return Field(
        name=one["name"],
        kind=f"{place}, {_kind(one['schema'])[0]}",
        shape=None,
        is_needed=one.get("required", False),
        text=rich(one.get("description", "")),
    )


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    for name, one in schema.get("properties", {}).items():
        kind, shape = _kind(one)
        yield Field(
            name=name,
            kind=kind,
            shape=shape,
            is_needed=name in schema.get("required", ()),
            text=rich(one.get("description", "")),
        )


def _kind(one: Mapping[str, Any]) -> tuple[str, str | None]:
    """Say what a value is, and the shape that it leads to."""
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        return name, name
    if one.get("type") == "array":
        kind, shape = _kind(one.get("items", {}))
        return f"list of {kind}", shape
    if "anyOf" in one:
        kinds = [_kind(each) for each in one["anyOf"]]
        return " or ".join(kind for kind, _ in kinds), next((shape for _, shape in kinds if shape), None)
    return _plain_kind(one), None


def _plain_kind(one: Mapping[str, Any]) -> str:
    if "enum" in one:
        return "one of " + ", ".join(map(str, one["enum"]))
    if "const" in one:
        return str(one["const"])
    words = {"integer": "number", "boolean": "true or false", "string": "text"}
    word = words.get(one.get("type", "any"), one.get("type", "any"))
    if "format" in one:
        return {"date-time": "time", "date": "day"}.get(one["format"], str(one["format"]).upper())
    if "minimum" in one and "maximum" in one:
        return f"{word} {one['minimum']:,} to {one['maximum']:,}"
    return f"{word} up to {one['maxLength']:,}" if "maxLength" in one else word


def _answer(status: str, one: Mapping[str, Any]) -> Answer:
    codes: tuple[str, ...] = ()
    shape = None
    for content in one.get("content", {}).values():
        codes = codes or tuple(content.get("examples", {}))
        shape = shape or content["schema"].get("$ref", "").rpartition("/")[2] or None
    return Answer(status=status, text=one["description"], shape=shape, codes=codes)


def _sample(operation: Mapping[str, Any]) -> str | None:
    for status, one in operation["responses"].items():
        for content in one.get("content", {}).values():
            if status.startswith("2") and "example" in content:
                return json.dumps(content["example"], indent=2, ensure_ascii=False)
    return None


def _curl(
    found: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any], content: Mapping[str, Any] | None
) -> str:
    """Write the request as a command that people can paste."""
    query = []
    lines = ["curl" if method == "GET" else f"curl -X {method}"]
    if operation["security"] and operation["security"] != [{}]:
        lines.append('-H "Authorization: Bearer $KEY"')
    for one in operation["parameters"]:
        value = one.get("example")
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(value))
        elif one["in"] == "query" and one.get("required"):
            query.append(f"{one['name']}={value}")
        elif one["in"] == "header" and one.get("required"):
            lines.append(f"-H '{one['name']}: {value}'")
    if content is not None:
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d '{json.dumps(content.get('example'), ensure_ascii=False)}'")
    address = f"{found['servers'][0]['url']}{path}" + (f"?{'&'.join(query)}" if query else "")
    return " \\\n  ".join([*lines, f"'{address}'" if query else address])
