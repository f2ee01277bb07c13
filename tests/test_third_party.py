"""
A stranger's verifier, written from docs/token-format.md alone, against codes that the commands really issued.

``Stranger`` imports nothing of authsvc and shares no line with the sample of that page. Two brands both have key id 1.
"""

import base64
import binascii
import contextlib
import csv
import io
import itertools
import json
import re
import string
import uuid
from pathlib import Path
from urllib.parse import unquote_to_bytes

import psycopg
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.engine import make_url

from authsvc.app import create_app
from authsvc.cli import main

COUNT = 2000
WATCH, BAG, OTHER_WATCH, SHIRTS = "09506000134352", "09521101530001", "09506000134376", "09506000134369"
PRODUCTS = f"""gtin,brand,name,granularity
{WATCH},halden,Halden Watch,serial
{OTHER_WATCH},halden,Halden Diver,serial
{SHIRTS},halden,Halden Shirts,hybrid
{BAG},rival,Rival Bag,serial
"""
BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


# --- The stranger ----------------------------------------------------------------------------------------------------


class RefusedError(Exception):
    """The code is not accepted, and why."""


class Stranger:
    """Verifies with published keys. Section numbers are those of the page."""

    def __init__(self, jwks):
        self.keys, self.standing_alone, self.prefixes = {}, {}, {}
        for key in [*jwks["keys"], *jwks["revoked"]]:
            if (key["kty"], key["crv"], key["alg"], key["use"]) != ("OKP", "Ed25519", "EdDSA", "sig"):
                continue
            self.keys[key["kid"]] = key
            self.standing_alone |= dict.fromkeys(key.get("gtins", ()), key["brand_id"])
            self.prefixes |= dict.fromkeys(key.get("gcp", ()), key["brand_id"])

    def verify(self, link):
        """Return the kid of the key that signed *link*; raise RefusedError where it proves nothing."""
        ais, token = self.take_apart(link)
        signed = self.decode(token)
        if signed[:1] != b"\x01" or len(signed) != 67:
            raise RefusedError("format")
        brand = self.brand_of(ais)
        kid = f"{brand}.{signed[1] * 256 + signed[2]}"
        if kid not in self.keys:
            raise RefusedError("key")
        message = io.BytesIO()
        message.write(b"authsvc/token/\x01" + uuid.UUID(brand).bytes + signed[1:3])  # section 3
        for ai, value in sorted(ais.items()):
            if ai != "8030":
                message.write(bytes([len(ai)]) + ai.encode() + bytes([len(value)]) + value.encode())
        try:
            public = Ed25519PublicKey.from_public_bytes(self.decode(self.keys[kid]["x"]))
            public.verify(signed[3:], message.getvalue())
        except InvalidSignature:
            raise RefusedError("signature") from None
        if self.keys[kid]["status"] == "revoked" and self.keys[kid]["mode"] != "stop-issuing":
            raise RefusedError("revoked")  # section 5, and this stranger does not ask online
        return kid

    @staticmethod
    def take_apart(link):
        """Section 1."""
        path, _, query = link.partition("#")[0].partition("?")
        segments = path.split("/")
        for start, ai in enumerate(segments):
            size = {"00": 18, "01": 14}.get(ai)
            if size and re.fullmatch(rf"[0-9]{{{size}}}", "".join(segments[start + 1 : start + 2])):
                break
        else:
            raise RefusedError("no primary key")
        pairs = [tuple(segments[at : at + 2]) for at in range(start, len(segments), 2)]
        pairs += [tuple(part.split("=", 1)) for part in query.split("&") if "=" in part]
        ais, token = {}, None
        for name, value in pairs:
            if name == "s" and token is None:
                token = value
            elif name == "s" or name in ais:
                raise RefusedError("twice")
            elif name.isascii() and name.isdigit():
                ais[name] = unquote_to_bytes(value).decode()
        if token is None:
            raise RefusedError("unsigned")
        return ais, token

    @staticmethod
    def decode(text):
        """Section 2: one spelling only."""
        with contextlib.suppress(binascii.Error, ValueError):
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).decode().rstrip("=") == text:
                return raw
        raise RefusedError("encoding")

    def brand_of(self, ais):
        """Section 4."""
        key = ais.get("01") or ais["00"]
        if key in self.standing_alone:
            return self.standing_alone[key]
        if "01" in ais and key[1:6] == "00000":
            raise RefusedError("a GTIN-8 of nobody")
        for length in range(len(key), 3, -1):
            if (brand := self.prefixes.get(key[1 : 1 + length])) is not None:
                return brand
        raise RefusedError("no brand")


# --- What was issued -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issued(postgres, tmp_path_factory):
    """Return the links that ``authsvc issue`` wrote, by file, and the stranger with the keys that the service shows."""
    folder = tmp_path_factory.mktemp("third-party")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE third_party TEMPLATE authsvc_template")
    url = make_url(postgres).set(database="third_party").render_as_string(hide_password=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHSVC_HOME", str(folder / "home"))
        patch.setenv("AUTHSVC_DATABASE_URL", url)
        patch.setenv("AUTHSVC_BASE_URL", "https://id.example.com/check")
        run("init")
        for slug, prefix in (("halden", "9506000"), ("rival", "9521101")):
            run("brands", "add", slug, "--name", slug.title(), "--gcp", prefix)
            run("keys", "new", "--brand", slug)
        run("keys", "new", "--brand", "halden", "--pending")
        (folder / "products.csv").write_text(PRODUCTS)
        run("products", "import", folder / "products.csv")
        orders = {
            "watches": ["--gtin", WATCH, "--lot", "B/26-1", "--lot-in-link", "--expiry", "2046-12-31"],
            "bags": ["--gtin", BAG],
            "cases": ["--gtin", SHIRTS, "--lot", "T1", "--contents", "24"],
        }
        links = {}
        for name, order in orders.items():
            file = folder / f"{name}.csv"
            run("issue", *order, "--count", COUNT if name != "cases" else 50, "--format", "ed25519", "--out", file)
            with file.open(newline="") as lines:
                links[name] = [row["uri"] for row in csv.DictReader(lines)]
        app = create_app()
        published = json.loads(app.test_client().get("/.well-known/jwks.json").data)
        app.extensions["authsvc"].keeper.stop()
        app.extensions["authsvc"].connections.close()
    return links, Stranger(published)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert not ended.value.code, arguments


@pytest.fixture(scope="module")
def stranger(issued):
    return issued[1]


@pytest.fixture(scope="module")
def watch(issued):
    return issued[0]["watches"][0]


@pytest.fixture(scope="module")
def bag(issued):
    return issued[0]["bags"][0]


def token_of(link):
    return re.search(r"[?&]s=([^&]*)", link)[1]


# --- What the stranger says ------------------------------------------------------------------------------------------


def test_every_issued_code_is_accepted(issued):
    links, stranger = issued

    kids = {name: {stranger.verify(link) for link in group} for name, group in links.items()}

    assert {name: len(set(group)) for name, group in links.items()} == {"watches": COUNT, "bags": COUNT, "cases": 50}
    assert all(len(found) == 1 for found in kids.values())
    assert kids["watches"] == kids["cases"] != kids["bags"]
    assert {kid.rpartition(".")[2] for found in kids.values() for kid in found} == {"1"}


def test_the_lot_and_the_expiry_date_are_in_what_was_signed(stranger, watch):
    ais, _ = stranger.take_apart(watch)

    assert {ai: ais[ai] for ai in ("01", "10", "17")} == {"01": WATCH, "10": "B/26-1", "17": "461231"}
    assert len(ais["21"]) == 16


def test_host_stem_order_and_extension_parameters_may_change(stranger, watch):
    path = watch[watch.index("/01/") :].partition("?")[0]
    moved = f"http://elsewhere.example{path}?utm=x&s={token_of(watch)}&17=461231#top"

    assert stranger.verify(moved) == stranger.verify(watch)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"/01/{WATCH}", f"/01/{OTHER_WATCH}"),
        (f"/01/{WATCH}", f"/01/{BAG}"),
        (f"/01/{WATCH}", "/01/00000000012348"),
        (f"/01/{WATCH}", "/01/04006381333931"),
        ("/10/B%2F26-1", "/10/B%2F26-2"),
        ("/10/B%2F26-1", "/10/b%2F26-1"),
        ("/10/B%2F26-1", ""),
        ("17=461231", "17=471231"),
        ("17=461231", "15=461231"),
        ("17=461231&", ""),
        ("17=461231", "17=461231&11=260101"),
        ("17=461231", "17=461231&3922=1"),
    ],
)
def test_a_changed_added_or_removed_ai_is_refused(stranger, watch, old, new):
    assert watch.count(old) == 1

    with pytest.raises(RefusedError, match=r"signature|brand|nobody"):
        stranger.verify(watch.replace(old, new))


def test_every_change_of_the_serial_is_refused(stranger, watch):
    serial = stranger.take_apart(watch)[0]["21"]
    others = {serial[:at] + ("0" if serial[at] != "0" else "1") + serial[at + 1 :] for at in range(16)}
    others |= {serial.lower(), serial[:-1], serial + "0", serial[::-1]} - {serial}

    for other in others:
        with pytest.raises(RefusedError, match="signature"):
            stranger.verify(watch.replace(f"/21/{serial}", f"/21/{other}"))


def test_every_other_character_at_every_position_of_the_token_is_refused(stranger, bag):
    token = token_of(bag)

    for at, other in itertools.product(range(len(token)), BASE64URL + "=+/. "):
        if other != token[at]:
            changed = token[:at] + other + token[at + 1 :]
            with pytest.raises(RefusedError):
                stranger.verify(bag.replace(token, changed))


@pytest.mark.parametrize("key_id", [0, 2, 3, 256, 257, 65535])
def test_another_key_id_is_refused(stranger, watch, key_id):
    raw = Stranger.decode(token_of(watch))
    changed = base64.urlsafe_b64encode(raw[:1] + key_id.to_bytes(2, "big") + raw[3:]).decode().rstrip("=")

    # Key 2 is published too, so there it is the signature that fails; the others do not exist.
    with pytest.raises(RefusedError, match="signature" if key_id == 2 else "key"):
        stranger.verify(watch.replace(token_of(watch), changed))


def test_the_token_of_another_code_or_brand_is_refused(issued, stranger, watch, bag):
    for link, other in ((watch, bag), (bag, watch), (watch, issued[0]["watches"][1])):
        with pytest.raises(RefusedError, match="signature"):
            stranger.verify(link.replace(token_of(link), token_of(other)))


@pytest.mark.parametrize(("change", "why"), [("", "unsigned"), ("s=", "format"), ("s={0}&s={0}", "twice")])
def test_no_token_an_empty_one_and_two_are_refused(stranger, bag, change, why):
    token = token_of(bag)

    with pytest.raises(RefusedError, match=why):
        stranger.verify(bag.replace(f"s={token}", change.format(token)))


def test_the_stranger_uses_nothing_of_ours():
    source = Path(__file__).read_text(encoding="utf-8")
    program = source[source.index("class Stranger") : source.index("# --- What was issued")]

    assert "authsvc" not in program.replace('b"authsvc/token/\\x01"', "")
