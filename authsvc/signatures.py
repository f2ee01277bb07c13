"""
Signatures: what a code is worth before any register is asked, and what is left to say when none answers.

The brand follows from the GTIN, its keys are held in memory, and a token of any other brand is forged.
"""

from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache

from authsvc.core import tokens
from authsvc.core.gs1 import DigitalLink, use_by
from authsvc.core.keyring import FORMAT_NAMES, RevocationMode, VerificationKey
from authsvc.core.verdicts import Facts, Mark, Signature
from authsvc.errors import BadToken
from authsvc.holdings import Holdings

_FORMAT_OF = {number: name for name, number in FORMAT_NAMES.items()}


def judge(
    held: Holdings, link: DigitalLink, token: str | None, at: datetime, *, is_typed: bool, has_history: bool = True
) -> tuple[Facts, VerificationKey | None]:
    """
    Return all that is known without the database, and the key that signed.

    *has_history* is false where it is clear from the start that the database will not be asked.
    """
    gtin = link.gtin or link.ais.get("02")
    product = held.register.find_product(gtin) if gtin else None
    brand = held.register.find_brand(link.sscc or gtin or "")
    if product is not None and (brand is None or product.brand_id != brand.id):
        product = None  # A case of another brand's goods: the signer of the case answers for it, not for the product.
    key = None
    if token is not None and brand is not None:
        try:
            key = tokens.verify(token, link.ais, brand.id, held.keyring)
            signature = _valid(key.kid, _FORMAT_OF[key.format])
        except BadToken as error:
            signature = Signature(Mark.FORGED, detail=error.detail)
    elif product is not None and product.token == "none":
        signature = Signature(Mark.NOT_EXPECTED)
    else:
        signature = Signature(Mark.ABSENT)
    facts = Facts(
        at=at,
        signature=signature,
        gtin=gtin,
        serial=link.serial,
        sscc=link.sscc,
        lot=link.lot,
        brand=brand,
        product=product,
        is_typed=is_typed,
        expires_on=_use_by(link, signature, at),
        contents=_contents(link, signature),
        has_history=has_history,
    )
    return facts, key


@lru_cache(maxsize=1024)
def _valid(kid: str, form: str) -> Signature:
    return Signature(Mark.VALID, kid, form)


def _use_by(link: DigitalLink, signature: Signature, at: datetime) -> date | None:
    """Return the use-by date that the label itself carries, where nobody can have changed it."""
    if link.expiry is None or signature.mark not in {Mark.VALID, Mark.NOT_EXPECTED}:
        return None
    return use_by(link.expiry, at.date())


def _contents(link: DigitalLink, signature: Signature) -> int | None:
    """Return how many items the label of a case says that it holds, where nobody can have changed it."""
    count = link.ais.get("37") if link.sscc is not None else None
    return int(count) if count and signature.mark in {Mark.VALID, Mark.NOT_EXPECTED} else None


def without_history(known: Facts, key: VerificationKey | None, run: int | None) -> Facts:
    """
    Return what can be said with no register at hand: the signature, and what a revocation says by itself.

    A key that was revoked from a time on, or for runs while *run* is unknown, cannot be decided so.
    """
    # A copy of so many facts takes 5 us.
    facts = replace(known, has_history=False) if known.has_history else known
    if key is None or key.revocation is None or key.revocation.mode is RevocationMode.STOP:
        return facts
    revocation = key.revocation
    if revocation.mode is RevocationMode.ALL or (run is not None and run in revocation.runs):
        return replace(facts, withdrawn_at=revocation.since or known.at)
    if revocation.mode is RevocationMode.RUN and run is not None:
        return facts
    return replace(facts, signature=replace(facts.signature, mark=Mark.UNDECIDED))
