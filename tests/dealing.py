"""Dealers for tests: let in by the console's use case, signed in by their mail, with lists of codes."""

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from owning import FROM_HERE, letters, link_in
from scene import BASE_URL, Scene, Visitor
from werkzeug.test import TestResponse

from authsvc import dealers
from authsvc.runtime import new_id
from authsvc.web.rendering import country_names

_numbers = itertools.count(1)


@dataclass
class Shop:
    """A dealer, the browser in its shop, and the key of its till."""

    scene: Scene
    country: str = "DE"
    brand: Any = None
    visitor: Visitor = None
    key: str = ""
    last: TestResponse | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.brand = self.brand or self.scene.halden
        self.email = f"shop{next(_numbers)}@example.com"
        self.name = f"Shop {self.email}"
        with self.scene.owner_session() as session:
            self.info = dealers.add(
                session, self.brand.id, name=self.name, country=self.country, email=self.email, by="A test",
                countries=country_names(), now=self.scene.clock(), new_id=new_id,
            )  # fmt: skip
        self.visitor = self.scene.visitor()

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        self.last = self.visitor.open(path)
        return self.last

    def post(self, path: str, **form: Any) -> TestResponse:
        """Send a form of the page that is open."""
        found = re.search(r'name="form_token" value="([^"]+)"', self.last.text)
        token = found[1] if found else ""
        self.last = self.visitor.open(path, "POST", data={"form_token": token, **form}, headers=FROM_HERE)
        return self.last

    def sign_in(self) -> "Shop":
        """Ask for a link, and use it."""
        self.get("/own/dealer/sign-in")
        self.post("/own/dealer/sign-in", email=self.email.upper())
        link = link_in(letters(self.scene, self.email)[-1])
        self.get(link)
        assert self.post(link).status_code == 303
        return self

    def act(self, act: str, *codes: str, **form: Any) -> TestResponse:
        """Send a list by the page."""
        self.get("/own/dealer")
        return self.post("/own/dealer/list", act=act, codes="\n".join(codes), **form)

    def faults(self) -> list[str]:
        """Return what the lines of the last list say."""
        return re.findall(r"Stands in the way</b><span>([^<]+)</span>", self.last.text)

    def make_key(self) -> str:
        """Make a key on the page and keep it."""
        self.get("/own/dealer/access")
        self.post("/own/dealer/access/keys", name="Till")
        self.key = re.search(r'id="key">([^<]+)<', self.last.text)[1]
        return self.key

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> TestResponse:
        """Ask the API."""
        headers = {"Authorization": f"Bearer {self.key if key is None else key}", "Accept": "application/json"}
        return self.visitor.client.open(path, method=method, json=body, headers=headers, base_url=BASE_URL)
