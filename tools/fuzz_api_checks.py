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
    if problem.get("type", "").endswith("/bad-fields") and not _is_more_than_shape(problem):
        raise AssertionError(f"It fits its shape, and was refused as {problem}")


def _is_more_than_shape(problem: dict[str, object]) -> bool:
    """Say whether only that was wrong which no shape can say: a cursor that is none of ours, a check digit."""
    errors = problem.get("errors")
    return isinstance(errors, list) and all(
        fault["at"] == "query.cursor" or "the check digit should be" in fault["expected"] for fault in errors
    )
