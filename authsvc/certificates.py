"""
Certificates of a registration: one page of PDF with every font inside, for a drawer or an insurer.

It names the item, the owner by their address, and the days of the warranty, and says where anybody can check the code
anew. It proves nothing by itself, and says so: paper can be copied, so whoever is shown one checks the code. Its twin
is a signed receipt (JWS), which anybody can verify by the brand's JWKS; there the owner is masked.
"""

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from authsvc import owners
from authsvc.core.register import Brand, Product
from authsvc.ownership import Registered
from authsvc.seals import Sealer
from authsvc.typefaces import drawable, face, width_mm

TYPE = "authsvc-registration"
"""The ``typ`` of a signed receipt: nothing else that the same key signs is taken for one."""

_INK, _GREY, _LINE = (0.07, 0.09, 0.11), (0.29, 0.33, 0.38), (0.87, 0.89, 0.91)
_LEFT, _RIGHT = 25.0, 185.0
_VALUE = 75.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says. *address* is where the service answers."""

    brand: Brand
    product: Product
    registered: Registered
    owner: str
    number_of_owners: int
    made_at: datetime
    address: str

    @property
    def number(self) -> str:
        """The number of the registration, as a person quotes it."""
        text = self.registered.id.hex[-12:].upper()
        return f"{text[:4]}-{text[4:8]}-{text[8:]}"

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Label and value of every line."""
        registered, granted = self.registered, self.registered.warranty
        gtin, _, serial = registered.sgtin.partition(".")
        rows = [
            ("Product", self.product.name),
            ("Serial number", serial),
            ("Product number (GTIN)", gtin),
            ("Registered owner", self.owner),
            ("Registered on", _day(registered.registered_at)),
            ("Proof of possession", _proof(registered)),
            ("Owners so far", str(self.number_of_owners)),
        ]
        if registered.purchased_on is not None:
            rows.append(("Bought on, as stated", f"{registered.purchased_on:%d %b %Y}"))
        if registered.shop:
            rows.append(("Bought from, as stated", registered.shop))
        if granted is not None:
            rows += [
                ("Warranty from", f"{granted.begins_on:%d %b %Y}"),
                ("Warranty until", f"{granted.ends_on:%d %b %Y}, that day included"),
            ]
        return rows


def sign(certificate: Certificate, sealer: Sealer) -> str:
    """Return the signed receipt: the same facts for programs, without the address of the owner and the shop."""
    registered, granted = certificate.registered, certificate.registered.warranty
    gtin, _, serial = registered.sgtin.partition(".")
    document = {
        "iss": certificate.address,
        "brand": certificate.brand.name,
        "brand_id": str(certificate.brand.id),
        "product": certificate.product.name,
        "gtin": gtin,
        "serial": serial,
        "number": certificate.number,
        "version": registered.version,
        "owner": owners.mask(certificate.owner),
        "registered_at": registered.registered_at.astimezone(UTC).isoformat(timespec="seconds"),
        "has_claim": registered.has_claim,
        "owners": certificate.number_of_owners,
        "warranty": granted and {"from": granted.begins_on.isoformat(), "until": granted.ends_on.isoformat()},
        "made_at": certificate.made_at.astimezone(UTC).isoformat(timespec="seconds"),
    }
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return sealer.sign(content, TYPE)


def draw(certificate: Certificate) -> bytes:
    """Draw a certificate; the same one at the same time is the same file, byte for byte."""
    target = io.BytesIO()
    page = Canvas(target, pagesize=A4, invariant=True, initialFontName=face())
    page.setTitle(drawable(f"Certificate {certificate.number}"))
    page.setAuthor(drawable(certificate.brand.name))
    page.setSubject(drawable(f"{certificate.product.name}, {certificate.registered.sgtin}"))
    _text(page, certificate.brand.name.upper(), _LEFT, 265, 11, bold=True)
    _text(page, "Certificate of registration", _LEFT, 248, 24, bold=True)
    _text(page, f"Number {certificate.number}", _LEFT, 239, 10, ink=_GREY)
    height = 222.0
    for label, value in certificate.rows:
        height = _row(page, label, value, height)
    height -= 10
    for line in (
        f"Made on {_day(certificate.made_at)} by the register of {certificate.brand.name}.",
        "A certificate can be copied. Before you rely on it, check the code on the item:",
        certificate.address,
        "The statutory rights of a buyer against the seller are not affected by this warranty.",
    ):
        _text(page, line, _LEFT, height, 9, ink=_GREY)
        height -= 5.5
    page.showPage()
    page.save()
    return target.getvalue()


# --- Private ---------------------------------------------------------------------------------------------------------


def _proof(registered: Registered) -> str:
    if registered.has_claim:
        return "claim code"
    return "none given, not contested" if registered.transfer_id is None else "handed over by the owner before"


def _row(page: Canvas, label: str, value: str, height: float) -> float:
    _text(page, label, _LEFT, height, 10, ink=_GREY)
    for line in _lines(drawable(value, bold=True), 10.5):
        _text(page, line, _VALUE, height, 10.5, bold=True)
        height -= 5.5
    page.setStrokeColorRGB(*_LINE)
    page.setLineWidth(0.5)
    page.line(_LEFT * mm, (height + 1.5) * mm, _RIGHT * mm, (height + 1.5) * mm)
    return height - 5.5


def _lines(text: str, size: float) -> list[str]:
    """Break a value where it would leave the page, between words if there are any."""
    lines = [""]
    for word in text.split(" "):
        for piece in _pieces(word, size):
            longer = f"{lines[-1]} {piece}".strip()
            if width_mm(longer, size, bold=True) <= _RIGHT - _VALUE:
                lines[-1] = longer
            else:
                lines.append(piece)
    return lines


def _pieces(word: str, size: float) -> list[str]:
    """Cut a word that alone is wider than the column."""
    pieces = [""]
    for letter in word:
        if width_mm(pieces[-1] + letter, size, bold=True) > _RIGHT - _VALUE:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _text(
    page: Canvas,
    text: str,
    x: float,
    y: float,
    size: float,
    *,
    bold: bool = False,
    ink: tuple[float, float, float] = _INK,
) -> None:
    page.setFont(face(bold=bold), size)
    page.setFillColorRGB(*ink)
    page.drawString(x * mm, y * mm, drawable(text, bold=bold))


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%d %b %Y}"
