"""People who own things: a phone that scans and registers, the claim code in the box, and the mails they get."""

import io
import itertools
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from scene import BASE_URL, Scene, Visitor
from sqlalchemy import select
from werkzeug.test import TestResponse

from authsvc import mails, signing_keys
from authsvc.core import claim_codes
from authsvc.core.gs1 import DigitalLink
from authsvc.models import Mail

_numbers = itertools.count(1)
_opened: dict[tuple[UUID, int], mails.Waiting] = {}
"""What is sealed in a mail, by its id and version: unsealed once, however often somebody looks into a mailbox."""

FROM_HERE = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Origin": BASE_URL}


def claim_code(scene: Scene, path: str) -> str:
    """Return what stands under the scratch field of an item."""
    link = DigitalLink.parse(path)
    with scene.owner_session() as session:
        brand = scene.rt.held.register.find_brand(link.gtin)
        key = signing_keys.load_claim_key(session, brand.id, 1, wrapping_key=scene.wrapping_key)
    return claim_codes.display(claim_codes.claim_code(key, brand.id, link.gtin, link.serial))


def letters(scene: Scene, to: str) -> list[tuple[str, str]]:
    """Return template and text of every mail that waits for an address, the oldest first."""
    with scene.owner_session() as session:
        rows = session.execute(
            select(Mail.id, Mail.version).where(Mail.state == "waiting").order_by(Mail.created_at, Mail.id)
        ).all()
        for row in rows:
            if row not in _opened:
                _opened[row] = mails.find_waiting(session, *row, seal_key=scene.rt.mail_key)
    return [
        (mail.draft.template, mails.write(mail, sender="no-reply@id.example.com").get_body(("plain",)).get_content())
        for mail in (_opened[row] for row in rows)
        if mail.draft.to == to
    ]


def link_in(letter: tuple[str, str]) -> str:
    """Return the path of the link in a mail."""
    return re.search(rf"^{BASE_URL}(/own\S*)$", letter[1].replace("\r", ""), re.MULTILINE)[1]


@dataclass
class Buyer:
    """Somebody with a phone and a mailbox."""

    scene: Scene
    email: str
    visitor: Visitor = None
    last: TestResponse | None = field(default=None, repr=False)
    sent: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        self.visitor = self.visitor or self.scene.visitor()

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        self.last = self.visitor.open(path)
        return self.last

    def post(self, path: str, token: str | None = None, **form: Any) -> TestResponse:
        """Send a form of the page that is open."""
        if token is None:
            found = re.search(r'name="form_token" value="([^"]+)"', self.last.text)
            token = found[1] if found else ""
        self.last = self.visitor.open(path, "POST", data={"form_token": token, **form}, headers=FROM_HERE)
        return self.last

    def scan(self, path: str) -> str:
        """Scan a code and return where its registration begins."""
        page = self.visitor.scan(path)
        return f"/own/register/{page.receipt}"

    def apply(self, path: str, **form: str) -> TestResponse:
        """Scan a code and send the form."""
        register = self.scan(path)
        self.get(register)
        return self.post(register, email=self.email, **form)

    def mails(self) -> list[str]:
        """Return the templates of the mails that this person got."""
        return [template for template, _ in letters(self.scene, self.email)]

    def follow(self, template: str) -> TestResponse:
        """Open the link of the latest mail of a kind, and press the button there."""
        letter = [letter for letter in letters(self.scene, self.email) if letter[0] == template][-1]
        self.get(link_in(letter))
        return self.post(link_in(letter))

    def register(self, path: str, **form: str) -> TestResponse:
        """Scan, apply and confirm."""
        assert self.apply(path, **form).status_code == 200, self.last.text
        return self.follow("owner-confirm")

    def field(self, name: str) -> str:
        """Return what a hidden field of the page that is open holds."""
        return re.search(rf'name="{name}" value="([^"]+)"', self.last.text)[1]

    def own(self, path: str, **form: str) -> str:
        """Register an item with its claim code and return the address of its page."""
        self.register(path, code=claim_code(self.scene, path), **form)
        return self.last.headers["Location"].partition("?")[0]

    def offer(self, item: str, how: str = "link") -> str:
        """Offer an item and return the path of the offer."""
        self.get(f"{item}/sell")
        self.post(f"{item}/offer", how=how, key=self.field("key"))
        assert self.last.status_code == 303, self.last.text
        self.get(f"{item}/sell")
        return re.search(r"(/own/take/[0-9A-Z]{16})<", self.last.text)[1]

    def ask_for(self, offer: str, path: str | None = None, **form: str) -> TestResponse:
        """Open an offer, scanning the item before, and send the form."""
        if path is not None:
            self.visitor.scan(path)
        self.get(offer)
        if 'name="key"' not in self.last.text:
            return self.last
        return self.post(offer, key=self.field("key"), **{"email": self.email, **form})

    def take(self, offer: str, path: str) -> TestResponse:
        """Accept an offer with the item in hand: at once where signed in, else by the link in the mail."""
        if self.ask_for(offer, path).status_code == 303:
            return self.last
        assert self.last.status_code == 200, self.last.text
        link = link_in([letter for letter in letters(self.scene, self.email) if letter[0] == "owner-take"][-1])
        self.get(link)
        self.sent = link, self.field("key")
        return self.post(link, key=self.sent[1])

    def title(self) -> str:
        """Return the heading of the page that is open."""
        return re.search(r"<h1[^>]*>(.*?)</h1>", self.last.text, re.DOTALL)[1]


def dispute(scene: Scene, said: str = "I was not paid.") -> UUID:
    """Let an item of a product of its own pass on, and its seller dispute that; return the number of the transfer."""
    product = scene.add_product(
        name="Meridian 40", warranty_months="24", claim="required", attributes={"noun": "watch"}
    )
    path = scene.issue(product, 1).path()
    seller, taker = (Buyer(scene, f"{side}{product.gtin}@example.com") for side in ("seller", "taker"))
    item = seller.own(path)
    taker.take(seller.offer(item, how="present"), path)
    seller.get(f"{item}/sell")
    page = seller.last.headers["Location"]
    seller.get(page)
    assert seller.post(f"{page}/dispute", said=said).status_code == 303
    return UUID(page.rpartition("/")[2])


def lost_mailbox(scene: Scene) -> UUID:
    """Let somebody ask for an item because they have lost its mailbox; return the number of the request."""
    n = next(_numbers)
    product = scene.add_product(name="Meridian 42", warranty_months="24", claim="required")
    path = scene.issue(product, 1).path()
    Buyer(scene, f"gone{n}@example.com").own(path)
    recover(Buyer(scene, f"new{n}@example.com"), path)
    return UUID(str(scene.row("SELECT id FROM owner_requests WHERE kind = 'mailbox' AND sgtin = %s",
                              DigitalLink.parse(path).sgtin)[0]))  # fmt: skip


def recover(buyer: Buyer, path: str, **form: str) -> TestResponse:
    """Scan an item that one has lost the mailbox of, show what proves it, and confirm the new address."""
    page = buyer.scan(path).replace("/register/", "/recover/")
    buyer.get(page)
    proof = (io.BytesIO(b"%PDF-1.7\n% a receipt\n%%EOF\n"), "receipt.pdf")
    answer = buyer.post(page, **{"email": buyer.email, "code": claim_code(buyer.scene, path), "proof": proof, **form})
    return answer if answer.status_code != 200 else buyer.follow("owner-recover-confirm")


def holders(scene, path):
    """Return the registrations of an item, the oldest first."""
    return scene.rows(
        "SELECT version, state, warranty_until::text FROM registrations WHERE sgtin = %s ORDER BY version",
        DigitalLink.parse(path).sgtin,
    )


def confirm(seller, taker):
    """Open the page that the mail leads to, and confirm."""
    page = re.search(r"(/own/transfers/\S+)", [text for name, text in letters(seller.scene, seller.email)
                                               if name == "owner-accepted"][-1])[1]  # fmt: skip
    seller.get(page)
    return seller.post(f"{page}/confirm", buyer=seller.field("buyer"))
