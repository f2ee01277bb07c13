"""
Certificates of a registration: one page of PDF with every font inside, for a drawer or an insurer.

It names the item, the owner by their address, and the days of the warranty, and says where anybody can check the code
anew. It proves nothing by itself, and says so: paper can be copied, so whoever is shown one checks the code. Its twin
is a signed receipt (JWS), which anybody can verify by the brand's JWKS; there the owner is masked. The certificate is
written in the language that is spoken, the receipt for programs.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from authsvc import languages, owners, sheets
from authsvc.core import units
from authsvc.core.register import Brand, Product
from authsvc.languages import gettext as _
from authsvc.ownership import Registered, number_of
from authsvc.seals import Sealer
from authsvc.sheets import Sheet

TYPE = "authsvc-registration"
"""The ``typ`` of a signed receipt: nothing else that the same key signs is taken for one."""


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
        return number_of(self.registered.id)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Label and value of every line, as it is spoken."""
        registered, granted = self.registered, self.registered.warranty
        gtin, _dot, serial = registered.sgtin.partition(".")
        rows = [
            (_("Product"), self.product.name),
            *_named(serial),
            (_("Product number (GTIN)"), gtin),
            (_("Registered owner"), self.owner),
            (_("Registered on"), languages.day(registered.registered_at.astimezone(UTC))),
            (_("Proof of possession"), _proof(registered)),
            (_("Owners so far"), languages.number(self.number_of_owners)),
        ]
        if registered.purchased_on is not None:
            rows.append((_("Bought on, as stated"), languages.day(registered.purchased_on)))
        if registered.shop:
            rows.append((_("Bought from, as stated"), registered.shop))
        if granted is not None:
            rows += [
                (_("Warranty from"), languages.day(granted.begins_on)),
                (_("Warranty until"), _("{day}, that day included").format(day=languages.day(granted.ends_on))),
            ]
        return rows


def sign(certificate: Certificate, sealer: Sealer) -> str:
    """Return the signed receipt: the same facts for programs, without the address of the owner and the shop."""
    registered, granted = certificate.registered, certificate.registered.warranty
    gtin, _dot, serial = registered.sgtin.partition(".")
    unit = units.split(serial)
    document = {
        "iss": certificate.address,
        "brand": certificate.brand.name,
        "brand_id": str(certificate.brand.id),
        "product": certificate.product.name,
        "gtin": gtin,
        "serial": None if unit else serial,
        **({"lot": unit[0], "unit": unit[1]} if unit else {}),
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
    """Draw a certificate as it is spoken; the same one at the same time is the same file, byte for byte."""
    language, made_on = languages.spoken(), languages.day(certificate.made_at.astimezone(UTC))
    made = _("Made on {day} by the register of {brand}.").format(day=made_on, brand=certificate.brand.name)
    return sheets.draw(
        Sheet(
            brand=certificate.brand.name,
            title=_("Certificate of registration"),
            number=certificate.number,
            subject=f"{certificate.product.name}, {certificate.registered.sgtin}",
            rows=certificate.rows,
            small_print=(
                made,
                _("A certificate can be copied. Before you rely on it, check the code on the item:"),
                certificate.address,
                _("The statutory rights of a buyer against the seller are not affected by this warranty."),
            ),
            number_words=_("Number {}"),
            language=language.code,
            leftward=language.direction == "rtl",
        )
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _named(serial: str) -> list[tuple[str, str]]:
    unit = units.split(serial)
    if unit is None:
        return [(_("Serial number"), serial)]
    return [(_("Batch"), unit[0]), (_("Unit number"), unit[1])]


def _proof(registered: Registered) -> str:
    if registered.has_claim:
        return _("Claim code")
    if registered.transfer_id is not None:
        return _("Transfer from the owner before")
    return _("None given, and not contested")
