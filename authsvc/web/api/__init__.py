"""
The API for programs, off the way of scans: what it can do is in ``operations``, how it is served in ``door``.

A family of operations is a module of this package, imported here; the order is that of the document.
"""

import re

from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from authsvc.web.api import (
    alerts,
    cases,
    items,
    lots,
    products,
    published,
    recalls,
    records,
    registrations,
    runs,
    sandbox,
    transfers,
    verify,
    webhooks,
)
from authsvc.web.api.door import bp, serve
from authsvc.web.api.operations import OPERATIONS

__all__ = [
    "alerts",
    "bp",
    "cases",
    "items",
    "lots",
    "products",
    "published",
    "recalls",
    "records",
    "registrations",
    "runs",
    "sandbox",
    "transfers",
    "verify",
    "webhooks",
]


@bp.record_once
def _know_parts(state: BlueprintSetupState) -> None:
    """
    Let a part of a path match in its form alone, before the rules below are added to the application.

    So ``/products/imports`` is no product, and which methods it takes is said of it alone.
    """
    for one in OPERATIONS:
        for param in one.params:
            form = type(param.name, (BaseConverter,), {"regex": f"(?:{param.routed})"})
            state.app.url_map.converters[f"api_{param.name}"] = form


for _operation in OPERATIONS:
    _rule = re.sub(r"\{(\w+)\}", r"<api_\1:\1>", _operation.path)
    bp.add_url_rule(_rule, endpoint=_operation.name, view_func=serve(_operation), methods=[_operation.method])
