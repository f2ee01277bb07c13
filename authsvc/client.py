"""
A client of the API for Python programs: standard library only, so that this one file can be copied and used alone.

::

    client = Client("https://id.example.com", os.environ["AUTHSVC_KEY"])
    order = client.order_codes(gtin="09506000134352", lot="B1", count=500)
    done = client.wait_for_order(order["id"])
    with open("codes.csv", "wb") as file:
        client.download_codes(done["id"], file)

Answers are typed dictionaries, as the document of the API has them; leave alone members that you do not know. A refusal
is raised as ``Refused`` with the code, the sentence and the faults of fields. Every write carries an idempotency key,
and is sent again when no answer came or the service was busy: it is done once.
"""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, Literal, NotRequired, Self, TypedDict
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

TRIES = 4
TIMEOUT_S = 30.0
_AGAIN = frozenset({429, 503})

Granularity = Literal["batch", "serial", "hybrid"]
Act = Literal["block", "unblock", "stolen", "lost", "found"]


class Fault(TypedDict):
    """What is wrong with one field."""

    at: str
    expected: str


class Product(TypedDict):
    """A product."""

    gtin: str
    name: str
    granularity: Granularity
    category: str | None
    description: str | None
    warranty_months: int | None
    claim: str
    token: str
    release: str
    tracking: str
    markets: list[str]
    attributes: dict[str, Any]


class ProductGiven(TypedDict):
    """A product to register, or to change where the GTIN is the brand's. What is left out stays as it was."""

    gtin: str
    name: str
    granularity: Granularity
    category: NotRequired[str | None]
    description: NotRequired[str | None]
    warranty_months: NotRequired[int | None]
    claim: NotRequired[str]
    token: NotRequired[str]
    release: NotRequired[str]
    tracking: NotRequired[str]
    markets: NotRequired[list[str]]
    attributes: NotRequired[dict[str, Any]]


class Import(TypedDict):
    """How an import of products fares."""

    id: str
    state: str
    dry_run: bool
    created: int | None
    changed: int | None
    faults: list[str]


class Lot(TypedDict):
    """A lot."""

    gtin: str
    lot: str
    made_on: str | None
    expires_on: str | None
    origin: str | None
    ingredients: str | None
    certificates: str | None
    codes: int


class Order(TypedDict):
    """An order of codes."""

    id: str
    state: str
    gtin: str
    lot: str | None
    count: int
    run: int | None
    made: int
    fault: str | None


class Item(TypedDict):
    """An item."""

    sgtin: str
    disposition: str
    run: int | None
    lot: str | None
    scans: int
    is_flagged: bool
    facts: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    recalls: list[dict[str, Any]]
    registrations: list[dict[str, Any]]


class Draft(TypedDict):
    """A recall that is not announced, and what it would hit."""

    id: str
    gtin: str
    scope: str
    covers: int
    owners: int


class Recall(TypedDict):
    """A recall."""

    id: int
    gtin: str
    scope: str
    reason: str
    remedy: str | None
    language: str
    texts: dict[str, dict[str, str | None]]
    covered: int
    recalled_at: str
    lifted_at: str | None


class Refused(Exception):
    """The service refuses: *code* is for programs, the text for people, *errors* name fields."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or status))
        self.status = status
        self.code = str(problem.get("type", "")).rpartition("/")[2]
        self.errors: list[Fault] = list(problem.get("errors", ()))
        self.request = str(problem.get("instance", ""))


class NotAnswered(Exception):
    """The service did not answer, also when it was asked again."""


class Client:
    """Calls the API at *base_url* with one key; *sleep* waits between tries."""

    def __init__(
        self, base_url: str, key: str, *, timeout_s: float = TIMEOUT_S, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if not base_url.startswith(("https://", "http://")):
            raise ValueError("base_url begins with https:// (or http:// on your own machine).")
        self._base = base_url.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held open between calls."""

    # --- Products and lots ---

    def products(self) -> Iterator[Product]:
        """Yield the products of the brand."""
        return self._pages("/products", "products")

    def product(self, gtin: str) -> Product:
        """Return a product."""
        found: Product = self.call("GET", f"/products/{gtin}")
        return found

    def import_products(self, products: Sequence[ProductGiven], *, dry_run: bool = False) -> Import:
        """Register or change products; the worker does it, see ``wait_for_import``."""
        asked: Import = self.call("POST", "/products/imports", {"products": list(products), "dry_run": dry_run})
        return asked

    def wait_for_import(self, import_id: str, *, within_s: float = 60) -> Import:
        """Return an import once it is done; raises ``Refused`` with its faults where it was not accepted."""
        done: Import = self._wait(f"/products/imports/{import_id}", within_s)
        return done

    def save_lot(self, gtin: str, lot: str, *, version: str | None = None, **facts: str | None) -> Lot:
        """Add a lot, or change one that is as its *version* says; ``"*"`` changes it whatever it is now."""
        headers = {} if version is None else {"If-Match": version}
        saved: Lot = self.call("PUT", f"/lots/{gtin}/{spell(lot)}", facts, headers=headers)
        return saved

    def lots(self, gtin: str) -> Iterator[Lot]:
        """Yield the lots of a product, the latest first."""
        return self._pages(f"/lots?gtin={gtin}", "lots")

    # --- Codes ---

    def order_codes(self, *, gtin: str, count: int, lot: str | None = None, **more: Any) -> Order:
        """Order codes; *more* are ``mode``, ``level``, ``contents`` and ``expires_on``."""
        placed: Order = self.call("POST", "/runs/orders", {"gtin": gtin, "count": count, "lot": lot, **more})
        return placed

    def wait_for_order(self, order_id: str, *, within_s: float = 600) -> Order:
        """Return an order once its codes are issued; raises ``Refused`` where they are not."""
        done: Order = self._wait(f"/runs/orders/{order_id}", within_s)
        return done

    def download_codes(self, order_id: str, file: IO[bytes]) -> int:
        """Write the codes of an order as CSV; return how many bytes."""
        size = 0
        with self._send("GET", f"/runs/orders/{order_id}/codes", None, {}) as answer:
            while piece := answer.read(1 << 16):
                size += file.write(piece)
        return size

    # --- Items ---

    def item(self, sgtin: str) -> Item:
        """Return an item by GTIN, dot and serial number."""
        found: Item = self.call("GET", f"/items/{spell(sgtin)}")
        return found

    def act(self, sgtin: str, act: Act, *, reason: str) -> Item:
        """Block or unblock an item, or say that it was stolen, lost or found."""
        done: Item = self.call("POST", f"/items/{spell(sgtin)}/acts", {"act": act, "reason": reason})
        return done

    def add_fact(
        self, sgtin: str, kind: Literal["sold", "commissioned"], *, at: str, country: str | None = None
    ) -> str:
        """Add a fact to an item; return its id."""
        body = {"kind": kind, "at": at, "country": country}
        return str(self.call("POST", f"/items/{spell(sgtin)}/facts", body)["id"])

    def add_record(self, sgtin: str, kind: str, *, at: str, values: Mapping[str, float | str], text: str = "") -> str:
        """Add a record to an item, such as the health of its battery; return its id."""
        body = {"kind": kind, "at": at, "values": dict(values), "text": text}
        return str(self.call("POST", f"/items/{spell(sgtin)}/records", body)["id"])

    # --- The desk ---

    def cases(self) -> Iterator[dict[str, Any]]:
        """Yield the cases of the brand, the newest first."""
        return self._pages("/cases", "cases")

    def registrations(self, gtin: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the registrations of the brand or of a product, the newest first."""
        return self._pages("/registrations" + (f"?gtin={gtin}" if gtin else ""), "registrations")

    def transfers(self, gtin: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the transfers of the brand or of a product, the newest first."""
        return self._pages("/transfers" + (f"?gtin={gtin}" if gtin else ""), "transfers")

    # --- Recalls ---

    def draft_recall(self, *, gtin: str, reason: str, **more: Any) -> Draft:
        """Write a recall down and see what it would hit; *more* are ``lot``, ``between``, ``made``, ``texts``, …."""
        draft: Draft = self.call("POST", "/recalls/drafts", {"gtin": gtin, "reason": reason, **more})
        return draft

    def announce_recall(self, draft_id: str) -> Recall:
        """Announce a draft: every page says it from now on."""
        made: Recall = self.call("POST", f"/recalls/drafts/{draft_id}/announce")
        return made

    def add_recall_texts(self, recall_id: int, texts: Mapping[str, Mapping[str, str] | None]) -> Recall:
        """Say a recall in further languages: ``{"de": {"reason": …, "remedy": …}}``; None takes one away."""
        said: Recall = self.call("POST", f"/recalls/{recall_id}/texts", {"texts": texts})
        return said

    def lift_recall(self, recall_id: int) -> Recall:
        """End a recall."""
        ended: Recall = self.call("POST", f"/recalls/{recall_id}/lift")
        return ended

    def recalls(self, gtin: str | None = None) -> Iterator[Recall]:
        """Yield the recalls of the brand or of a product, the latest first."""
        return self._pages("/recalls" + (f"?gtin={gtin}" if gtin else ""), "recalls")

    # --- Everything else ---

    def verify(self, uri: str) -> dict[str, Any]:
        """Return the verdict of a code; it counts under the key, and is nobody's first check."""
        found: dict[str, Any] = self.call("POST", "/verify", {"uri": uri})
        return found

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] = {}
    ) -> Any:
        """Call any operation by its path behind ``/api/v1``, and return what it answers."""
        with self._send(method, path, body, headers) as answer:
            raw = answer.read()
        return json.loads(raw) if raw else None

    # --- Private ---

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Any:
        sent = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", **headers}
        if method != "GET":
            sent["Idempotency-Key"] = str(uuid.uuid4())
        data = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = Request(f"{self._base}/api/v1{path}", data, sent, method=method)  # noqa: S310  see __init__
        for left in reversed(range(TRIES)):
            try:
                return urlopen(request, timeout=self._timeout_s)  # noqa: S310  as above
            except HTTPError as error:
                with error:
                    problem = _problem(error)
                if error.code not in _AGAIN or not left:
                    raise Refused(error.code, problem) from None
                self._sleep(float(problem.get("retry_after") or 1))
            except (URLError, TimeoutError) as error:
                if not left:
                    raise NotAnswered(f"{self._base} does not answer: {error}") from error
                self._sleep(2.0 ** (TRIES - left - 1))
        raise AssertionError

    def _pages(self, path: str, name: str) -> Iterator[Any]:
        query, joint = {"limit": "200"}, "&" if "?" in path else "?"
        while True:
            page = self.call("GET", f"{path}{joint}{urlencode(query)}")
            yield from page[name]
            if page["next"] is None:
                return
            query["cursor"] = page["next"]

    def _wait(self, path: str, within_s: float) -> Any:
        waited, pause = 0.0, 0.2
        while True:
            found = self.call("GET", path)
            if found["state"] == "done":
                return found
            if found["state"] in {"failed", "cancelled", "refused"}:
                said = found.get("fault") or "; ".join(found.get("faults", ())) or f"It was {found['state']}."
                raise Refused(409, {"type": f"/{found['state']}", "detail": said})
            if waited >= within_s:
                raise NotAnswered(f"It is still {found['state']} after {within_s:.0f} s. Does a worker run?")
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 5.0)


def spell(name: str) -> str:
    """Write a lot or the key of an item as it stands in an address."""
    plain = quote(name, safe="")
    if plain == name and "~" not in name and not name.startswith(".") and not name.endswith("."):
        return name
    return "~" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _problem(error: HTTPError) -> Mapping[str, Any]:
    try:
        found = json.loads(error.read())
    except (ValueError, OSError):
        return {"detail": f"The service answers {error.code}."}
    return found if isinstance(found, dict) else {}
