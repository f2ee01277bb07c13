"""
What one core does without I/O: offline verification against the bare signature check, and the same job with PyJWT.

Both sides of a comparison take turns in short spells, and the ratio is the middle one of the pairs.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any
from uuid import UUID

import jwt
import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign_open

from authsvc.core import serials, tokens
from authsvc.core.gs1 import DigitalLink
from authsvc.core.keyring import ED25519, Keyring, KeyState, VerificationKey
from benchmarks.figures import Figure, Report, median
from benchmarks.stand import GTIN, HOST

CODES = 2_000
SPELL_S = 0.1


def measure(report: Report, *, seconds: float) -> None:
    """Measure verification and the comparison with PyJWT."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key()
    raw = public.public_bytes_raw()
    brand = UUID(bytes=secrets.token_bytes(16), version=4)
    keyring = Keyring([VerificationKey(brand, 1, ED25519, KeyState.ACTIVE, public=public)])
    signer = tokens.Ed25519Signer(brand, 1, private)
    made = serials.derive(serials.SerialKey("0", secrets.token_bytes(32)), GTIN, 1, range(CODES))
    ais = [{"01": GTIN, "21": serial} for serial in made]
    uris = [DigitalLink.build(each).uri(f"https://{HOST}", s=tokens.issue(signer, each)) for each in ais]
    signed = [
        (private.sign(message), message) for message in (tokens.signed_message(ED25519, brand, 1, each) for each in ais)
    ]
    claims = [{"gtin": each["01"], "serial": each["21"]} for each in ais]
    webs = [jwt.encode(each, private, algorithm="EdDSA", headers={"kid": "1"}) for each in claims]

    def verify(uri: str) -> None:
        link = DigitalLink.parse(uri)
        tokens.verify(link.extension("s") or "", link.ais, brand, keyring)

    def verify_bare(pair: tuple[bytes, bytes]) -> None:
        crypto_sign_open(pair[0] + pair[1], raw)

    def verify_web(token: str) -> None:
        jwt.decode(token, public, algorithms=["EdDSA"])

    def issue(each: dict[str, str]) -> None:
        tokens.issue(signer, each)

    def issue_web(each: dict[str, str]) -> None:
        jwt.encode(each, private, algorithm="EdDSA", headers={"kid": "1"})

    checks = compare(seconds, endless(verify, uris), endless(verify_bare, signed), endless(verify_web, webs))
    signs = compare(seconds, endless(issue, ais), endless(issue_web, claims))
    report.raw["cores"] = {"verify": checks, "sign": signs}
    ours, bare, web = (median(rates) for rates in checks)
    mine, theirs = (median(rates) for rates in signs)
    token, link = tokens.issue(signer, ais[0]), uris[0]
    web_link = f"https://{HOST}/v?t={webs[0]}"
    report.add(
        Figure(
            "offline verify, link to verdict on its signature",
            ours,
            "/s",
            reference=f"{bare:,.0f} bare checks/s",
            ratio=median([a / b for a, b in zip(checks[0], checks[1], strict=True)]),
        ),
        Figure("verify, against PyJWT", ours, "/s", reference=f"{web:,.0f} /s", ratio=ours / web),
        Figure("sign, against PyJWT", mine, "/s", reference=f"{theirs:,.0f} /s", ratio=mine / theirs),
        Figure(
            "characters in the token, against PyJWT",
            len(token),
            "characters",
            reference=f"{len(webs[0])} characters",
            ratio=len(token) / len(webs[0]),
            detail=f"link {len(link)} against {len(web_link)}; QR version at level M "
            f"{_version(link)} against {_version(web_link)}; ours also names the item in the open",
        ),
    )


def _version(uri: str) -> int:
    return int(segno.make(uri, error="m", boost_error=False, micro=False).version)


def endless(act: Callable[[Any], None], values: Sequence[Any]) -> Callable[[float], float]:
    """Return a function that acts for so many seconds and returns the rate."""
    source = cycle(values)

    def spell(seconds: float) -> float:
        start = now = time.perf_counter()
        count = 0
        while now - start < seconds:
            for _ in range(20):
                act(next(source))
            count += 20
            now = time.perf_counter()
        return count / (now - start)

    return spell


def compare(seconds: float, *sides: Callable[[float], float]) -> list[list[float]]:
    """Let the sides take turns for about *seconds* each; return the rates of each side's spells."""
    rates: list[list[float]] = [[] for _ in sides]
    for _ in range(max(3, round(seconds / SPELL_S))):
        for side, seen in zip(sides, rates, strict=True):
            seen.append(side(SPELL_S))
    return rates
