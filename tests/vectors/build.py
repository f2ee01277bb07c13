"""
Makes the golden vectors from a fixed seed: ``python tests/vectors/build.py`` writes them beside this file.

They are the promise to printed codes and to verifiers that others wrote: a file that has been released never changes.
A new token format brings a new file. The keys in them are public and sign nothing else.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from authsvc.core import claim_codes, serials
from authsvc.core.keyring import BrandKeysInfo, KeyState, Revocation, RevocationMode, VerificationKey, jwks
from authsvc.core.tokens import COMPACT, ED25519, Ed25519Signer, MacSigner, issue, signed_message

SEED = b"authsvc/vectors/1/"
HERE = Path(__file__).parent
PRIME = 2**255 - 19


def secret(name: str) -> bytes:
    return hashlib.sha256(SEED + name.encode()).digest()


def checked(digits: str) -> str:
    """Append the GS1 check digit."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


HALDEN, RIVAL = (UUID(bytes=secret(name)[:16], version=4) for name in ("brand/halden", "brand/rival"))
WATCH = checked("0950600013435")
RIVAL_SHIRT = checked("0950600099000")  # of RIVAL, whose longer prefix 95060009 beats HALDEN's 9506000
RIVAL_GTIN8 = checked("0000009506123")  # a GTIN-8: it has no company prefix, RIVAL lists it
CASE = checked("19506000134350"[:13])
SSCC = checked("39506000000000123")
SERIAL = "7K3M9QX2V4TD1RZ8"
BRANDS = {
    HALDEN: BrandKeysInfo(gcp=("9506000",)),
    RIVAL: BrandKeysInfo(gcp=("95060009",), gtins=(RIVAL_GTIN8,)),
}

LINKS: tuple[tuple[str, UUID, int, dict[str, str]], ...] = (
    ("an item", HALDEN, 1, {"01": WATCH, "21": SERIAL}),
    ("an item with its lot in the path", HALDEN, 1, {"01": WATCH, "10": "LOT-2026A", "21": SERIAL}),
    ("a lot", HALDEN, 1, {"01": WATCH, "10": "L1"}),
    ("a product variant, a lot and an item", HALDEN, 1, {"01": WATCH, "22": "2A", "10": "L1", "21": "x"}),
    (
        "AIs in the order of text, 3103 before 422",
        HALDEN,
        1,
        {"01": WATCH, "21": SERIAL, "17": "271231", "3103": "000195", "422": "528"},
    ),
    (
        "values that are escaped in the link and signed as they are",
        HALDEN,
        1,
        {"01": WATCH, "10": "A/B+C", "21": "%&'"},
    ),
    ("the longest serial and lot", HALDEN, 65535, {"01": WATCH, "10": "Z" * 20, "21": "9" * 20}),
    ("a logistic unit with its content", HALDEN, 1, {"00": SSCC, "02": CASE, "37": "24", "10": "LOT-2026A"}),
    ("AI 8030 is not signed", HALDEN, 1, {"01": WATCH, "21": SERIAL, "8030": "wJgJlkAIPiMK0EnEh6MLBL"}),
    ("another brand with the same key id, found by the longer prefix", RIVAL, 1, {"01": RIVAL_SHIRT, "21": SERIAL}),
    ("a GTIN-8, found because it is listed", RIVAL, 1, {"01": RIVAL_GTIN8, "21": SERIAL}),
    ("a retired key still verifies", HALDEN, 256, {"01": WATCH, "21": SERIAL}),
    ("a key published ahead of its use verifies", HALDEN, 3, {"01": WATCH, "21": SERIAL}),
)
PATH_AIS = ("00", "01", "22", "10", "21")


def uri(ais: dict[str, str], token: str | None) -> str:
    in_path = [ai for ai in PATH_AIS if ai in ais and not ("00" in ais and ai == "10")]
    path = "".join(f"/{ai}/{quote(ais[ai], safe='')}" for ai in in_path)
    query = [f"{ai}={quote(value, safe='')}" for ai, value in ais.items() if ai not in in_path]
    query += [] if token is None else [f"s={token}"]
    return f"https://id.example.com{path}" + ("?" + "&".join(query) if query else "")


def private(brand: UUID, key_id: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret(f"ed25519/{brand}.{key_id}"))


def public_keys() -> list[VerificationKey]:
    def key(brand: UUID, key_id: int, state: KeyState, revocation: Revocation | None = None) -> VerificationKey:
        since = datetime(2026, 1, 5, tzinfo=UTC)
        public = private(brand, key_id).public_key()
        return VerificationKey(brand, key_id, ED25519, state, public, not_before=since, revocation=revocation)

    at = datetime(2026, 3, 1, tzinfo=UTC)
    return [
        key(HALDEN, 1, KeyState.ACTIVE),
        key(HALDEN, 3, KeyState.PENDING),
        key(HALDEN, 256, KeyState.RETIRED),
        key(HALDEN, 65535, KeyState.ACTIVE),
        key(HALDEN, 11, KeyState.REVOKED, Revocation(RevocationMode.STOP)),
        key(HALDEN, 12, KeyState.REVOKED, Revocation(RevocationMode.FROM, at)),
        key(HALDEN, 13, KeyState.REVOKED, Revocation(RevocationMode.RUN, runs=frozenset({7}))),
        key(HALDEN, 14, KeyState.REVOKED, Revocation(RevocationMode.ALL)),
        key(RIVAL, 1, KeyState.ACTIVE),
    ]


def signed(note: str, signer: Ed25519Signer | MacSigner, ais: dict[str, str]) -> dict[str, object]:
    token = issue(signer, ais)
    return {
        "note": note,
        "brand_id": str(signer.brand_id),
        "key_id": signer.key_id,
        "ais": ais,
        "message": signed_message(signer.format, signer.brand_id, signer.key_id, ais).hex(),
        "token": token,
        "uri": uri(ais, token),
    }


def mutations(token: str) -> list[tuple[str, str, str]]:
    """Return what must be refused in place of a good token of format 1: note, detail, token."""
    last, urlsafe = token[-1], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spellings = [character for character in urlsafe if character != last]
    same_bytes = [c for c in spellings if urlsafe.index(c) >> 4 == urlsafe.index(last) >> 4]
    return [
        ("empty", "format", ""),
        *[("another spelling of the same bytes", "encoding", token[:-1] + c) for c in same_bytes],
        ("the other base64 alphabet", "encoding", token.replace("-", "+").replace("_", "/")),
        ("padded", "encoding", token + "=="),
        ("a space before it", "encoding", " " + token),
        ("a line end after it", "encoding", token + "\n"),
        ("not ASCII", "encoding", "\u0661" + token[1:]),
        ("a character short", "encoding", token[:-1]),
        ("a byte short", "length", token[:-2]),
        ("three bytes long", "length", token + "AAAA"[:2] + "AA"),
        ("format 0", "format", "AA" + token[2:]),
        ("format 3", "format", "Aw" + token[2:]),
        ("format 2 with the length of format 1", "length", "Ag" + token[2:]),
        ("a key id that the brand does not have", "unknown-key", "AQAC" + token[4:]),
        ("key id 0", "unknown-key", "AQAA" + token[4:]),
        ("another key of the brand", "signature", "AQEA" + token[4:]),
        ("a bit of R changed", "signature", token[:4] + ("A" if token[4] != "A" else "B") + token[5:]),
        ("a bit of S changed", "signature", token[:60] + ("A" if token[60] != "A" else "B") + token[61:]),
        ("R and S all zero", "signature", token[:4] + "A" * 86),
    ]


def weak_keys() -> list[dict[str, str]]:
    """Return public keys that a verifier must refuse to load: small order, not canonical, no point, wrong length."""
    order_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
    small = (0, 1, PRIME - 1, order_8, PRIME - order_8, PRIME, PRIME + 1)
    weak = [("small order", y, sign) for y in small for sign in (0, 1)]
    weak += [("not canonical", PRIME + over, sign) for over in range(2, 19) for sign in (0, 1)]
    weak += [("no point of the curve", 2, sign) for sign in (0, 1)]
    raw = [(note, (y | sign << 255).to_bytes(32, "little").hex()) for note, y, sign in weak]
    raw += [("31 bytes", "11" * 31), ("33 bytes", "11" * 33), ("no byte", "")]
    return [{"note": note, "public_key": text} for note, text in raw]


def token_v1() -> dict[str, object]:
    good = [
        signed(note, Ed25519Signer(brand, key_id, private(brand, key_id)), ais) for note, brand, key_id, ais in LINKS
    ]
    ais = LINKS[1][3]
    signer = Ed25519Signer(HALDEN, 1, private(HALDEN, 1))
    token = issue(signer, ais)
    foreign = issue(Ed25519Signer(RIVAL, 1, private(RIVAL, 1)), ais)
    changed = {
        "another serial": ais | {"21": SERIAL[:-1] + "9"},
        "another case": ais | {"21": SERIAL.lower()},
        "another lot": ais | {"10": "LOT-2026B"},
        "no lot": {"01": WATCH, "21": SERIAL},
        "an expiry date added": ais | {"17": "271231"},
        "another product of the brand": ais | {"01": checked("0950600013436")},
        "another brand with the same key id": ais | {"01": RIVAL_SHIRT},
        "a character moved from the lot to the serial": ais | {"10": "LOT-2026", "21": "A" + SERIAL},
    }
    refused = [
        {"note": note, "detail": "signature", "ais": a, "token": token, "uri": uri(a, token)}
        for note, a in changed.items()
    ]
    refused += [
        {"note": note, "detail": detail, "ais": ais, "token": bad, "uri": uri(ais, quote(bad, safe="="))}
        for note, detail, bad in [
            *mutations(token),
            ("signed by another brand with the same key id", "signature", foreign),
        ]
    ]
    revoked = {
        "stop-issuing": ("good", 11),
        "from-time": ("ask online", 12),
        "run": ("ask online", 13),
        "all": ("withdrawn", 14),
    }
    return {
        "format": ED25519,
        "private_keys": {key.kid: private(key.brand_id, key.key_id).private_bytes_raw().hex() for key in public_keys()},
        "jwks": jwks(public_keys(), BRANDS),
        "brands": [
            {"note": "the prefix is compared from digit 2", "key": WATCH, "brand_id": str(HALDEN)},
            {"note": "the indicator digit is not compared", "key": CASE, "brand_id": str(HALDEN)},
            {"note": "an SSCC, from digit 2 too", "key": SSCC, "brand_id": str(HALDEN)},
            {"note": "the longest prefix wins", "key": RIVAL_SHIRT, "brand_id": str(RIVAL)},
            {"note": "a GTIN-8 that is listed", "key": RIVAL_GTIN8, "brand_id": str(RIVAL)},
            {"note": "a GTIN-8 that is not listed", "key": checked("0000009506000"), "brand_id": None},
            {"note": "a case of a GTIN-8 that is not listed", "key": checked("1000009506000"), "brand_id": None},
            {"note": "nobody's prefix", "key": checked("0400638133393"), "brand_id": None},
        ],
        "good": good,
        "refused": refused,
        "revoked": [
            signed(mode, Ed25519Signer(HALDEN, key_id, private(HALDEN, key_id)), ais) | {"offline": answer}
            for mode, (answer, key_id) in revoked.items()
        ],
        "weak_keys": weak_keys(),
    }


def token_v2() -> dict[str, object]:
    keys = {(brand, key_id): secret(f"mac/{brand}.{key_id}") for brand, key_id in ((HALDEN, 2), (RIVAL, 2))}
    good = [
        signed("an item", MacSigner(HALDEN, 2, keys[HALDEN, 2]), {"01": WATCH, "21": SERIAL}),
        signed("a lot", MacSigner(HALDEN, 2, keys[HALDEN, 2]), {"01": WATCH, "10": "L1"}),
        signed(
            "another brand with the same key id", MacSigner(RIVAL, 2, keys[RIVAL, 2]), {"01": RIVAL_SHIRT, "21": SERIAL}
        ),
    ]
    ais = {"01": WATCH, "21": SERIAL}
    token = issue(MacSigner(HALDEN, 2, keys[HALDEN, 2]), ais)
    return {
        "format": COMPACT,
        "mac_keys": {f"{brand}.{key_id}": key.hex() for (brand, key_id), key in keys.items()},
        "good": good,
        "refused": [
            {"note": note, "detail": detail, "brand_id": str(HALDEN), "ais": changed, "token": bad}
            for note, detail, changed, bad in (
                ("another serial", "signature", ais | {"21": "x"}, token),
                ("a bit changed", "signature", ais, token[:-1] + ("A" if token[-1] != "A" else "B")),
                ("format 1 with the length of format 2", "length", ais, "AQ" + token[2:]),
                ("a byte short", "encoding", ais, token[:-1]),
                ("two bytes short", "length", ais, issue(MacSigner(HALDEN, 2, keys[HALDEN, 2]), ais)[:-4]),
                ("a key id that the brand does not have", "unknown-key", ais, "AgAB" + token[4:]),
            )
        ],
    }


def serial_vectors() -> dict[str, object]:
    keys = {epoch: serials.SerialKey(epoch, secret(f"serial/{epoch}")) for epoch in ("0", "7")}
    places = [(1, 0), (1, 1), (1, 2), (1, 2**23 - 1), (1, 2**23), (2, 0), (4711, 999_999_999)]
    places += [(serials.MAX_RUN, serials.MAX_CODES - 1)]
    good = [
        {
            "epoch": key.epoch,
            "gtin": gtin,
            "run": run,
            "index": index,
            "plain": serials.crockford(run << 51 | index << 17, 15),
            "serial": next(serials.derive(key, gtin, run, range(index, index + 1))),
        }
        for key in keys.values()
        for gtin in (WATCH, RIVAL_GTIN8)
        for run, index in places
    ]
    serial = str(good[0]["serial"])
    other = "A" if serial[-1] != "A" else "B"
    none = [
        ("another GTIN", serial, CASE),
        ("another character: the low bits are not zero", serial[:-1] + other, WATCH),
        ("an epoch without a key", "Z" + serial[1:], WATCH),
        ("lower case is not folded", serial.lower(), WATCH),
        ("a character that is not in the alphabet", serial[:-1] + "U", WATCH),
        ("15 characters", serial[:-1], WATCH),
        ("17 characters", serial + "0", WATCH),
        ("a line end", serial[:-1] + "\n", WATCH),
        ("none", "", WATCH),
    ]
    return {
        "alphabet": serials.ALPHABET,
        "serial_keys": {key.epoch: key.key.hex() for key in keys.values()},
        "derived": good,
        "not_derived": [{"note": note, "serial": text, "gtin": gtin} for note, text, gtin in none],
    }


def claim_code_vectors() -> dict[str, object]:
    key = secret("claim")
    items = [
        (HALDEN, WATCH, SERIAL),
        (HALDEN, WATCH, "1"),
        (HALDEN, CASE, SERIAL),
        (RIVAL, WATCH, SERIAL),
        (RIVAL, RIVAL_GTIN8, "A/B%"),
    ]
    return {
        "claim_key": key.hex(),
        "codes": [
            {
                "brand_id": str(brand),
                "gtin": gtin,
                "serial": serial,
                "code": claim_codes.claim_code(key, brand, gtin, serial),
            }
            for brand, gtin, serial in items
        ],
        "typed": [
            {"typed": "7K3M-9QX2", "code": "7K3M9QX2"},
            {"typed": " 7k3m 9qx2\n", "code": "7K3M9QX2"},
            {"typed": "oOiI-lL01", "code": "00111101"},
            {"typed": "7K3M\u20139QX2", "code": "7K3M9QX2"},
            {"typed": "7K3M9QX", "code": None},
            {"typed": "7K3M9QX22", "code": None},
            {"typed": "7K3M9QXU", "code": None},
            {"typed": "7K3M9QX\u0131", "code": None},
            {"typed": "\uff17K3M9QX2", "code": None},
            {"typed": "7K3M.9QX2", "code": None},
            {"typed": "", "code": None},
        ],
    }


def build() -> dict[str, str]:
    """Return the text of every vector file by its name."""
    documents = {
        "token_v1.json": token_v1(),
        "token_v2.json": token_v2(),
        "serials.json": serial_vectors(),
        "claim_codes.json": claim_code_vectors(),
    }
    return {name: json.dumps(document, indent=1) + "\n" for name, document in documents.items()}


if __name__ == "__main__":
    for name, text in build().items():
        (HERE / name).write_text(text, encoding="ascii")
