"""People of two brands and their browsers, for the tests of the console."""

import re
from dataclasses import dataclass, field

import pytest
from scene import BASE_URL, PHONE, Scene, Visitor
from werkzeug.test import TestResponse

from authsvc import staff, staff_proofs
from authsvc.runtime import new_id
from authsvc.staff import Role

FROM_HERE = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
PASSWORD = "seven green bottles on a wall"


@dataclass
class Person:
    """Somebody with an account, and a browser of their own."""

    scene: Scene
    email: str
    visitor: Visitor
    password: str = PASSWORD
    base_url: str = BASE_URL
    last: TestResponse | None = field(default=None, repr=False)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        self.last = self.visitor.open(path, headers={"Accept": "text/html", **headers}, base_url=self.base_url)
        return self.last

    def post(self, path: str, token: str | None = None, headers=None, **form: str) -> TestResponse:
        """Send a form, with the token that the pages of this browser carry now."""
        token = self.token() if token is None else token
        self.last = self.visitor.open(
            path, "POST", data={"form_token": token, **form},
            headers={**FROM_HERE, "Origin": self.base_url, **(headers or {})}, base_url=self.base_url,
        )  # fmt: skip
        return self.last

    def token(self) -> str:
        """Return the form token of this browser."""
        for path in ("/console/account", "/console/brands", "/console/sign-in"):
            found = re.search(r'name="form_token" value="([^"]+)"', self.get(path).text)
            if found:
                return found[1]
        raise AssertionError(self.last)

    def sign_in(self, password: str | None = None, to: str = "/console/") -> TestResponse:
        """Type e-mail address and password."""
        return self.post("/console/sign-in", email=self.email, password=password or self.password, next=to)

    def cookie(self, kind: str) -> str | None:
        """Return the value of a cookie of the console."""
        found = self.visitor.client.get_cookie(f"__Host-console-{kind}", domain="id.example.com")
        return found and found.value


@dataclass
class Cast:
    """Makes people."""

    scene: Scene
    count: int = 0

    def add(self, role: Role = Role.ADMIN, brand=None, email: str | None = None, **options) -> Person:
        """Give somebody an account in a brand, and a browser that is not signed in."""
        self.count += 1
        email = email or f"{role}{self.count}@{(brand or self.scene.halden).slug}.example"
        account_id = self.hire(email, role, brand)
        person = Person(self.scene, email, self.scene.visitor(agent=options.pop("agent", PHONE)), **options)
        person.account_id = account_id
        return person

    def hire(self, email: str, role: Role, brand=None):
        """Invite somebody and accept, as the use cases do it."""
        with self.scene.owner_session() as session:
            invited = staff.invite(
                session, brand or self.scene.halden, email, role, invited_by="A test", now=self.scene.clock(),
                new_id=new_id, random=self.scene.random,
            )  # fmt: skip
            known = staff_proofs.find(session, email)
            account_id = known.account_id if known else staff.open_account(
                session, email, email.partition("@")[0].title(), PASSWORD, now=self.scene.clock(), new_id=new_id
            )  # fmt: skip
            staff.accept(session, invited, account_id, now=self.scene.clock())
        return account_id


@pytest.fixture(scope="module")
def cast(scene) -> Cast:
    return Cast(scene)


@pytest.fixture
def admin(cast) -> Person:
    person = cast.add(Role.ADMIN)
    person.sign_in()
    return person


@pytest.fixture
def analyst(cast) -> Person:
    person = cast.add(Role.ANALYST)
    person.sign_in()
    return person


@pytest.fixture
def viewer(cast) -> Person:
    person = cast.add(Role.VIEWER)
    person.sign_in()
    return person
