"""
The API for programs, off the way of scans: what it can do is in ``operations``, how it is served in ``door``.

A family of operations is a module of this package, imported here; the order is that of the document.
"""

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
    "transfers",
    "verify",
    "webhooks",
]

for _operation in OPERATIONS:
    _rule = _operation.path.replace("{", "<").replace("}", ">")
    bp.add_url_rule(_rule, endpoint=_operation.name, view_func=serve(_operation), methods=[_operation.method])
