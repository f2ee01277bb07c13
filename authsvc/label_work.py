"""
Labels by the worker: the codes of a run, which lie here as a file, printed on sheets of PDF.

The file of codes is read piece by piece and the PDF is kept like any file that the worker makes. What cannot be read at
its size is refused with what would fit, as the command does.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from authsvc import catalogue, errands, export_files, run_orders, sandboxes
from authsvc.deliveries import Courier
from authsvc.errands import Errand
from authsvc.errors import BadInput, NotFound
from authsvc.labels import fitting, sheets, templates
from authsvc.labels.codes import Code, Label, read_codes
from authsvc.labels.fitting import Kind, Symbology
from authsvc.labels.layouts import Layout
from authsvc.labels.templates import Stock, Template

DPI = 600
Tell = Callable[[int, int | None], None]


def asked(order_id: UUID, *, template: str, symbol: str) -> dict[str, str]:
    """
    Return what an errand of this kind keeps.

    Raises:
        BadInput: There is no such template or symbol.
    """
    templates.get_template(template, templates.builtin_templates())
    if symbol not in list(Kind):
        raise BadInput(f"A symbol is {', '.join(Kind)}, got {symbol!r}.")
    return {"order": str(order_id), "template": template, "symbol": symbol}


def draw(courier: Courier, errand: Errand, tell: Tell) -> Mapping[str, Any]:
    """
    Print the labels of a run and keep the file.

    Raises:
        BadInput: A symbol does not fit the label, or there are too many.
        NotFound: The codes are not kept any more.
        Stopped: Somebody has cancelled it.
    """
    template = templates.get_template(errand.asked["template"], templates.builtin_templates())
    layout = Layout(template=template, symbology=Symbology(Kind(errand.asked["symbol"])), dpi=DPI)
    with courier.sessions.begin() as session:
        export_files.remove(session, errand.id)
        order = run_orders.get(session, errand.brand_id, UUID(errand.asked["order"]))
        product = catalogue.get_product(session, order.gtin)
        name = sandboxes.label_name(session, product)
    if order.order.count > sheets.MOST:
        raise BadInput(f"A file has {sheets.MOST:,} labels at most here; `authsvc labels` prints more, in parts.")
    if not order.result:
        raise NotFound("The codes of this run are not issued.")
    first = next(_codes(courier, errand, order.id, order.result["parts"]))
    fit = layout.fit(first.uri)
    labels = (
        Label.of(code, name, courier.now().date()) for code in _codes(courier, errand, order.id, order.result["parts"])
    )
    target = io.BytesIO()
    title = f"{name}, run {order.run}"
    count = sheets.write(
        target, labels, layout, _stock(template), title=title, progress=lambda done: tell(done, order.order.count)
    )
    said = fitting.advise(template, first.uri, layout.symbology, fit, DPI)
    if first.claim_code and not template.has_claim:
        said.append("This label has no scratch field, so the claim codes are not on it: put them inside the box.")
    return {"labels": count, "run": order.run, "advice": said, **_keep(courier, errand, target.getvalue())}


# --- Private ---------------------------------------------------------------------------------------------------------


def _stock(template: Template) -> Stock:
    if template.stock is not None:
        return templates.builtin_stocks()[template.stock]
    return Stock.grid(template, page="a4", margin=10.0, gap=3.0)


def _codes(courier: Courier, errand: Errand, order_id: UUID, parts: int) -> Iterator[Code]:
    return read_codes(_lines(courier, errand.brand_id, order_id, parts))


def _lines(courier: Courier, brand_id: UUID, order_id: UUID, parts: int) -> Iterator[str]:
    """Yield the lines of a file of codes, across the ends of its pieces."""
    rest = ""
    for number in range(1, parts + 1):
        with courier.sessions() as session:
            piece = export_files.read(session, order_id, brand_id, number, key=courier.wrapping_key)
        *lines, rest = (rest + piece.decode("ascii")).split("\n")
        yield from (f"{line}\n" for line in lines)
    if rest:
        yield rest


def _keep(courier: Courier, errand: Errand, content: bytes) -> dict[str, Any]:
    pieces = [content[at : at + export_files.PIECE] for at in range(0, len(content), export_files.PIECE)]
    for number, piece in enumerate(pieces, start=1):
        with courier.sessions.begin() as session:
            errands.tell(session, errand, done=errand.done, total=None)
            export_files.store(
                session, errand.id, errand.brand_id, number, piece, key=courier.wrapping_key, random=courier.random
            )
    return {"bytes": len(content), "parts": len(pieces), "sha256": hashlib.sha256(content).hexdigest()}
