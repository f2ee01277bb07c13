"""
``authsvc demo``: the whole service with a sample brand, its products and codes, on the embedded database.

Everything is made by the commands' own functions, so the demo shows what they do. A demo that was interrupted while it
was being made is made anew; a finished one starts from what is there.
"""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from uuid import uuid4

import click

from authsvc import alert_mails, brand_looks, catalogue, issuing, items, recalls, signing_keys
from authsvc.cli import demo_casework, demo_dealers, demo_login, demo_owners, demo_scans, serving
from authsvc.cli import issuing as issue_command
from authsvc.cli.brands import add_brand
from authsvc.cli.products import import_products
from authsvc.cli.setting_up import make_home
from authsvc.cli.workplace import Workplace, opened
from authsvc.config import DEMO_FILE, Config
from authsvc.core import tokens
from authsvc.core.gs1 import DigitalLink
from authsvc.core.recall_texts import Text
from authsvc.core.register import Brand
from authsvc.core.serials import derive
from authsvc.core.verdicts import Disposition
from authsvc.errors import Conflict
from authsvc.labels import sheets
from authsvc.labels.codes import Code, Label, read_codes
from authsvc.labels.layouts import Layout
from authsvc.labels.templates import DEFAULT, builtin_stocks, builtin_templates

UNFINISHED = "demo.unfinished"
WATCH, BATTERY, WINE, SHIRTS = "09506000134352", "09506000134369", "09506000134376", "09506000134383"
SANDBOX_WATCH = "09521234567899"
UNREGISTERED = "09506000134406"

_CARDS = (
    ("genuine", "first-check", "A genuine watch", "Nobody has checked it yet. Open it again: it knows you."),
    ("checked-before", "checked-before", "A watch that was checked before", "Somebody else looked at it once."),
    (
        "possible-copy",
        "possible-copy",
        "A copied watch label",
        "Twelve people in twelve countries say that they hold it.",
    ),
    ("forged", "forged", "A forged code", "One character of the signature was changed."),
    ("unknown", "unknown", "An unknown number", "No product of this number is registered."),
    (
        "not-issued",
        "not-issued",
        "Signed, but never issued",
        "The signature is good and the serial was never given out.",
    ),
    ("unsigned", "unsigned", "A label without its seal", "The number is right, the signature is missing."),
    ("recalled", "recalled", "A recalled watch", "Its batch B260801 was called back."),
    ("stolen", "stolen", "A stolen watch", "Its owner reported it."),
    ("lost", "lost", "A lost watch", "Its owner is looking for it."),
    ("blocked", "blocked", "A blocked code", "The brand has blocked it."),
    ("withdrawn", "withdrawn", "A withdrawn code", "The item was destroyed."),
    ("offered", "first-check", "A watch that its owner sells", "Take it over at /own/take within 72 hours."),
    ("sold", "first-check", "A watch that a dealer has sold", "Its warranty counts from the day of the sale."),
    ("released", "first-check", "A released battery", "Commissioned on the line, so its code is good."),
    ("not-released", "not-released", "A battery not yet released", "Its code was printed; the line has not let it go."),
    ("expired", "expired", "A battery past its date", "It was stored for too long."),
    (
        "batch",
        "lot-only",
        "A batch code on wine",
        "Every bottle has this code, and nothing is stored when you scan it.",
    ),
    ("case", "first-check", "A case of T-shirts", "A serialised case (SSCC) with 24 shirts of one batch."),
    ("shirt", "lot-only", "A T-shirt of the case", "The shirts carry the code of their batch."),
    ("test", "test", "A test code", "Issued by a sandbox brand, for trying out."),
)
"""Name, reason, title and sentence of every card, in the order of the index."""

_RECALL_TEXTS = (
    Text(
        "de",
        "Die Krone kann sich lösen und Wasser eindringen lassen",
        "Bringen Sie die Uhr in ein Halden-Geschäft, dort erhält sie eine neue Krone.",
    ),
    Text(
        "fr",
        "La couronne peut se détacher et laisser pénétrer de l\u2019eau",
        "Apportez la montre dans une boutique Halden, où elle recevra une nouvelle couronne.",
    ),
    Text(
        "ar",
        "قد ينفصل تاج الساعة فيدخل الماء إليها",
        "أحضر الساعة إلى أي متجر من متاجر Halden للحصول على تاج جديد.",
    ),
)
"""What its recall says in further languages; in all others it stands in English."""

_REGISTERED = frozenset({"genuine", "checked-before", "possible-copy", "sold", "released"})
"""The cards from which an item can be registered."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One card of the index: what to scan, and the answer that it shows."""

    name: str
    reason: str
    title: str
    text: str
    uri: str

    def entry(self) -> dict[str, str]:
        """Return the card as the index reads it: the address without its host, which the server knows best."""
        link = DigitalLink.parse(self.uri)
        token = link.extension("s")
        path = link.path() + ("" if token is None else ("&" if "?" in link.path() else "?") + f"s={token}")
        return {"name": self.name, "reason": self.reason, "title": self.title, "text": self.text, "path": path}


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"), show_default=True,
              help="Folder for the sample CSV files and the sheet of symbols.")  # fmt: skip
def demo(port: int, host: str, out: Path) -> None:
    """Show the whole service with sample data, until Ctrl-C."""
    serving.check_address(host, port)
    home = Path(os.environ.get("AUTHSVC_HOME", "var")).absolute()
    os.environ.setdefault("AUTHSVC_BASE_URL", f"http://{host}:{port}")
    os.environ["AUTHSVC_DEMO"] = "1"
    if (home / UNFINISHED).exists():
        click.echo("The last demo was interrupted while it was made; making it anew.")
        shutil.rmtree(home)
    if not (home / DEMO_FILE).exists():
        _refuse_real(home)
        click.echo("Making the sample brand Halden, its products and codes …")
        make(home, out)
    base = os.environ["AUTHSVC_BASE_URL"]
    config = Config.from_env(os.environ)
    login = demo_login.get(config)
    click.echo(
        f"\n  Check a code    {base}/\n"
        f"  Every answer    {base}/demo\n"
        f"  Mail it sends   {base}/demo/outbox\n"
        f"  A dealer        {base}/own/dealer/sign-in  (as {demo_dealers.EMAIL}; the link is in the mail)\n"
        f"  Console         {base}/console/  (sign in as {login.email}, password {login.password})\n"
        f"  Public keys     {base}/.well-known/jwks.json\n"
        f"  Sample codes    {out}/  (CSV files, and sheet.pdf to print)\n\n"
        "The pages answer in a few seconds.\n"
        "Ctrl-C stops the service and its database. The next start goes on from here."
    )
    if host == "127.0.0.1":
        click.echo("To try the symbols with a phone: make demo HOST=<the address of this computer in your network>")
    serving.run(config, host=host, port=port)
    click.echo("Stopped.")


def make(home: Path, out: Path) -> None:
    """Make the sample data in *home* and the files in *out*."""
    home.mkdir(parents=True, exist_ok=True)
    (home / UNFINISHED).touch()
    make_home(home)
    out.mkdir(parents=True, exist_ok=True)
    with opened(Config.from_env(os.environ)) as place:
        samples = list(_samples(place, out))
        demo_login.make(place)
    document = {"brand": "Halden", "entries": [sample.entry() for sample in samples]}
    (home / DEMO_FILE).write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    (home / UNFINISHED).unlink()


def _refuse_real(home: Path) -> None:
    if home.exists() and any(home.iterdir()):
        raise Conflict(
            f"{home} is already in use and is no demo. Name an empty folder: AUTHSVC_HOME=var/demo authsvc demo"
        )


def _register(place: Workplace) -> Brand:
    """Register the brand of the demo and its sandbox, with their keys and products."""
    halden = Brand(id=uuid4(), slug="halden", name="Halden", prefixes=("9506000",))
    sandbox = Brand(id=uuid4(), slug="halden-test", name="Halden Test", prefixes=("9521234",), is_sandbox=True)
    for brand in (halden, sandbox):
        add_brand(place, brand)
        place.make_key(brand.id, "ed25519", None)
    with resources.as_file(resources.files("authsvc") / "data" / "demo") as folder:
        import_products(place, folder / "products.jsonl")
        import_products(place, folder / "sandbox.jsonl")
        with place.sessions.begin() as session:
            logo = (folder / "logo.png").read_bytes()
            brand_looks.set_look(session, halden.id, "#1f4b8f", "#93b8f2", logo)
    return halden


def _samples(place: Workplace, out: Path) -> Iterator[Sample]:
    """Register, issue and let things happen to the codes; yield a card for each answer."""
    halden = _register(place)
    watches = _issue(place, out, "watches", WATCH, issuing.Order(count=100, lot="B260915"))
    recalled = _issue(place, out, "watches-recalled", WATCH, issuing.Order(count=10, lot="B260801"))
    batteries = _issue(place, out, "batteries", BATTERY, issuing.Order(count=10, lot="V75-2609"))
    today = date.today()  # noqa: DTZ011  a calendar day on the label, wherever this runs
    old = today - timedelta(days=40)
    stored = _issue(place, out, "batteries-old", BATTERY, issuing.Order(count=2, lot="V75-2401", expires_on=old))
    wine = _issue(place, out, "wine", WINE, issuing.Order(count=1, lot="L24-117"))
    cases = _issue(place, out, "cases", SHIRTS, issuing.Order(count=5, lot="TS-0926", contents=24))
    shirt = _issue(place, out, "shirts", SHIRTS, issuing.Order(count=1, lot="TS-0926", is_lot_level=True))
    tests = _issue(place, out, "test-codes", SANDBOX_WATCH, issuing.Order(count=1, lot="TEST-1"))
    printed = [
        ("Meridian 38 Automatic", watches[:9]),
        ("Volta EV 75", batteries[:3]),
        ("Clos du Lac Rouge 2024", wine),
        ("Fjord T-shirt, case", cases),
        ("Fjord T-shirt", shirt),
    ]
    _print_sheet(out, printed, today)

    with place.sessions.begin() as session:
        keys = signing_keys.load_serial_keys(session, halden.id, wrapping_key=place.wrapping_key)
        now = place.now()
        items.commission_range(session, halden, BATTERY, 3, 0, 8, now=now)
        items.commission_range(session, halden, BATTERY, 4, 0, 1, now=now)
        for index, disposition, reason in (
            (2, Disposition.STOLEN, "Reported by its owner"),
            (3, Disposition.LOST, "Reported by its owner"),
            (4, Disposition.BLOCKED, "Copies of this label were seized"),
            (5, Disposition.INACTIVE, "Destroyed after a failed quality test"),
        ):
            serial = DigitalLink.parse(watches[index].uri).serial
            info = items.set_disposition(
                session, halden, WATCH, serial, disposition, reason=reason, serial_keys=keys,
                now=now - timedelta(days=7),
            )  # fmt: skip
            place.record(session, halden.id, "item.set", info.sgtin, {"to": disposition.value, "reason": reason})
        product = catalogue.get_product(session, WATCH)
        recall = recalls.recall(
            session,
            product,
            recalls.Target(lot="B260801"),
            reason="The crown can come off and let water in",
            remedy="Bring it to any Halden shop for a new crown.",
            texts=_RECALL_TEXTS,
            serial_keys=keys,
            now=now,
        )
        place.record(session, halden.id, "recall.announce", str(recall.id), recalls.announced(recall))
        never = next(iter(derive(keys["0"], WATCH, 1, range(5000, 5001))))
        key = signing_keys.get_active_key(session, halden.id, "ed25519", wrapping_key=place.wrapping_key)
        # What the scans below raise is mailed to them, and stands in the outbox of the demo.
        alert_mails.add_recipient(session, halden.id, "security@halden.example", now=now)
    never_issued = DigitalLink.build({"01": WATCH, "21": never})
    signed_never = never_issued.uri(place.config.base_url, s=tokens.issue(place.open_signer(key), never_issued.ais))
    stories = {"checked-before": 1, "stolen": 2, "possible-copy": 6, "two-places": 10, "owner": 11, "window": 12,
               "shared": 13}  # fmt: skip
    invented = [_forged(place, code.uri) for code in watches[20 : 20 + demo_scans.CODES_TRIED]]
    demo_scans.play(
        place, halden, {name: watches[n].uri for name, n in stories.items()}, signed_never=signed_never,
        forged=invented,
    )  # fmt: skip
    demo_casework.play(place, halden, {name: watches[n].uri for name, n in stories.items()})
    demo_scans.count(place)

    plain = DigitalLink.parse(watches[7].uri)
    stranger = DigitalLink.build({"01": UNREGISTERED, "21": "A1"})
    uris = {
        "genuine": watches[0].uri,
        "checked-before": watches[1].uri,
        "possible-copy": watches[6].uri,
        "forged": _forged(place, watches[7].uri),
        "unknown": stranger.uri(place.config.base_url),
        "not-issued": signed_never,
        "unsigned": plain.uri(place.config.base_url),
        "recalled": recalled[0].uri,
        "stolen": watches[2].uri,
        "lost": watches[3].uri,
        "blocked": watches[4].uri,
        "withdrawn": watches[5].uri,
        "offered": watches[14].uri,
        "sold": watches[15].uri,
        "released": batteries[0].uri,
        "not-released": batteries[9].uri,
        "expired": stored[0].uri,
        "batch": wine[0].uri,
        "case": cases[0].uri,
        "shirt": shirt[0].uri,
        "test": tests[0].uri,
    }
    # What stands under the scratch field of the label: without it nobody could try the registration.
    claims = {code.uri: code.claim_code for code in (*watches, *batteries)}
    demo_dealers.play(place, halden, [code.uri for code in watches[16:19]], uris["sold"])
    offered = demo_owners.offer(place, halden, uris["offered"])
    secrets = {
        **{name: f"Claim code: {claims[uris[name]]}." for name in _REGISTERED},
        "offered": f"Transfer code: {offered}. Its owner is {demo_owners.OWNER}.",
    }
    for name, reason, title, text in _CARDS:
        yield Sample(name, reason, title, f"{text} {secrets[name]}" if name in secrets else text, uris[name])


def _issue(place: Workplace, out: Path, name: str, gtin: str, order: issuing.Order) -> list[Code]:
    file = out / f"{name}.csv"
    file.unlink(missing_ok=True)
    level = "lot" if order.is_lot_level else None
    issue_command.issue_codes(place, gtin, order, file, level=level)
    with file.open(encoding="utf-8", newline="") as lines:
        return list(read_codes(lines))


def _print_sheet(out: Path, groups: list[tuple[str, list[Code]]], today: date) -> None:
    chosen = (Label.of(code, name, today) for name, codes in groups for code in codes)
    template = builtin_templates()[DEFAULT]
    stock = builtin_stocks()[template.stock or ""]
    sheets.write(out / "sheet.pdf", chosen, Layout(template=template), stock, title="Halden sample labels")


def _forged(place: Workplace, uri: str) -> str:
    link = DigitalLink.parse(uri)
    return link.uri(place.config.base_url, s=_broken(link.extension("s") or ""))


def _broken(token: str) -> str:
    """Change one character in the middle of a token."""
    middle = len(token) // 2
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
