"""Somebody of the demo who owns a watch and offers it, by the service's own acts, so that a transfer can be tried."""

from authsvc import catalogue, offer_codes, owners, registrations, signing_keys, transfers
from authsvc.cli.workplace import Workplace
from authsvc.core import transfer_codes
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Brand
from authsvc.core.wrapping import derive_key
from authsvc.investigations import Subject
from authsvc.item_rows import ItemName
from authsvc.runtime import new_id

OWNER = "owner@example.com"


def offer(place: Workplace, brand: Brand, uri: str) -> str:
    """Register an item for somebody, let them offer it, and return the code of the offer."""
    link = DigitalLink.parse(uri)
    people = derive_key(place.config.secret, owners.PURPOSE)
    now = place.now()
    with place.sessions.begin() as session:
        keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key)
        product = catalogue.get_product(session, str(link.gtin))
        name = ItemName(brand=brand, key=product.gtin, serial=link.serial, serial_keys=keys)
        subject = Subject(name, product)
        application = registrations.Application(
            gtin=product.gtin, serial=str(link.serial), email=OWNER, has_code=True
        )  # fmt: skip
        outcome = registrations.confirm(
            session, subject, product, application, keys=registrations.Keys(wrapping=place.wrapping_key, people=people),
            now=now, new_id=new_id, random=place.random,
        )  # fmt: skip
        made = transfers.offer(
            session, subject, outcome.person, outcome.registration.id, id=new_id(), is_present=False, now=now,
            new_id=new_id,
        )  # fmt: skip
        return transfer_codes.display(offer_codes.keep(session, made, key=people, now=now))
