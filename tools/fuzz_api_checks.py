"""Checks that only we can make, loaded by Schemathesis (``SCHEMATHESIS_HOOKS``)."""

import schemathesis
from schemathesis.generation import GenerationMode


@schemathesis.check
def good_shape_is_not_refused_as_bad(_ctx: object, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """Fail where a request that fits its shape is refused for its shape."""
    meta = case.meta
    if meta is None or meta.generation.mode is not GenerationMode.POSITIVE or response.status_code != 400:
        return
    if "json" not in response.headers.get("content-type", [""])[0]:
        return
    problem = response.json()
    if problem.get("type", "").endswith("/bad-fields") and not _is_cursor(problem):
        raise AssertionError(f"It fits its shape, and was refused as {problem}")


def _is_cursor(problem: dict[str, object]) -> bool:
    """Say whether only a cursor was wrong: it has the form of one, and is none of ours."""
    errors = problem.get("errors")
    return isinstance(errors, list) and [fault["at"] for fault in errors] == ["query.cursor"]
