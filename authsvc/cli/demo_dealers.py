"""A dealer of the demo: it holds watches and has sold one, by the service's own acts, so that its stock shows."""

from collections.abc import Sequence
from datetime import timedelta

from authsvc import catalogue, dealer_stock, dealers, signing_keys
from authsvc.cli.workplace import Workplace
from authsvc.core.gs1 import DigitalLink
from authsvc.core.register import Brand
from authsvc.investigations import Subject
from authsvc.item_rows import ItemName
from authsvc.runtime import new_id

EMAIL, NAME, COUNTRY = "shop@example.com", "Uhren Meier", "CH"
SOLD_AGO = timedelta(days=3)


def play(place: Workplace, brand: Brand, held: Sequence[str], sold: str) -> None:
    """Let a dealer in who holds some items and has sold one."""
    now = place.now()
    with place.sessions.begin() as session:
        keys = signing_keys.load_serial_keys(session, brand.id, wrapping_key=place.wrapping_key)
        dealer = dealers.add(
            session, brand.id, name=NAME, country=COUNTRY, email=EMAIL, by=place.actor.name, countries={COUNTRY},
            now=now, new_id=new_id,
        )  # fmt: skip
        place.record(session, brand.id, "dealer.add", str(dealer.id), {"name": dealer.name, "country": dealer.country})
        for uri in (*held, sold):
            link = DigitalLink.parse(uri)
            product = catalogue.get_product(session, str(link.gtin))
            name = ItemName(brand=brand, key=product.gtin, serial=link.serial, serial_keys=keys)
            dealer_stock.receive(session, Subject(name, product), dealer, now=now)
        dealer_stock.sell(
            session, Subject(name, product), dealer, on=(now - SOLD_AGO).date(), country=COUNTRY, now=now, new_id=new_id
        )
