"""What is wrong with a request, field by field: where it is, and what was expected there."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from authsvc.errors import BadFields

MOST_FAULTS = 20


def refusal(where: str, error: ValidationError) -> BadFields:
    """Return the refusal of a request whose *where* (body, query) is not of its shape."""
    faults = [
        {"at": ".".join([where, *_path(fault["loc"])]), "expected": _expected(fault)}
        for fault in error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
    ]
    return _refuse(faults)


def read_query(shape: type[BaseModel], given: MultiDict[str, str]) -> BaseModel:
    """
    Read the query of an address.

    Raises:
        BadFields: A parameter is wrong, unknown or given twice.
    """
    twice = [{"at": f"query.{name}", "expected": "one value"} for name in given if len(given.getlist(name)) > 1]
    if twice:
        raise _refuse(twice)
    try:
        return shape.model_validate(given.to_dict())
    except ValidationError as error:
        raise refusal("query", error) from None


def refuse_query(given: Mapping[str, str]) -> None:
    """
    Refuse a query where none is read: whoever wrote it expects it to do something.

    Raises:
        BadFields: Always.
    """
    raise _refuse([{"at": f"query.{name}"[:100], "expected": "nothing; there is no such parameter"} for name in given])


# --- Private ---------------------------------------------------------------------------------------------------------


def _refuse(faults: Sequence[Mapping[str, str]]) -> BadFields:
    said = "; ".join(f"{fault['at']}: expected {fault['expected']}" for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return BadFields(f"Not accepted, and nothing was changed. {said}{more}.", faults[:MOST_FAULTS])


def _path(loc: Sequence[int | str]) -> list[str]:
    return [str(part)[:80] for part in loc]


def _expected(fault: Mapping[str, Any]) -> str:
    """Say what was expected, from the words of the checker."""
    match fault["type"]:
        case "missing":
            return "a value; it is required"
        case "extra_forbidden":
            return "nothing; there is no such field"
        case "json_invalid":
            return "JSON"
    said = str(fault["msg"])
    for opening in ("Input should be ", "String should ", "Value error, ", "List should ", "Value should "):
        if said.startswith(opening):
            rest = said.removeprefix(opening)
            return f"a text that should {rest}" if opening == "String should " else rest
    return said
