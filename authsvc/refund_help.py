"""
Help for a refund: one sheet that says what was checked, when, and what the register answered.

For whoever made the check and reported it, to lay before a seller, a market or a bank. It says what the register knows
and nothing of anybody's conduct; what the person has stated is named as theirs. It is no seal: a good answer on it
speaks of a code, and says that labels can be copied.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from authsvc import sheets
from authsvc.core import tongues, wording
from authsvc.core.register import Brand
from authsvc.core.verdicts import Verdict
from authsvc.sheets import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check as the sheet tells of it: ``then`` at its time, ``now`` with what became known since."""

    at: datetime
    reference: str
    address: str
    then: Verdict
    now: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the person who reported has stated of the purchase."""

    shop: str | None
    listing: str | None
    seller: str | None
    bought_on: date | None
    price: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundHelp:
    """What the sheet says. *address* is where the service answers."""

    brand: Brand
    number: str
    reported_at: datetime
    check: Check
    stated: Stated
    made_at: datetime
    address: str


def draw(help_: RefundHelp) -> bytes:
    """Draw the sheet; the same one at the same time is the same file, byte for byte."""
    check = help_.check
    return sheets.draw(
        Sheet(
            brand=help_.brand.name,
            title="What a code check found",
            number=help_.number,
            subject=f"Check {check.reference}, report {help_.number}",
            rows=(*_checked(check), *_stated(help_.stated)),
            small_print=(
                f"Report {help_.number} of {_moment(help_.reported_at)}.",
                f"This sheet was made on {_moment(help_.made_at)} from the register of {help_.brand.name}.",
                "It says what the register answered for one code. A label can be copied, and a code can be misread.",
                "So it does not say whether the item itself is real, nor who knew of it.",
                "What is named as stated comes from the person who reported, and was not looked into for this sheet.",
                f"Whoever has the item can check its code anew: {help_.address}",
            ),
        )
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _checked(check: Check) -> list[tuple[str, str]]:
    facts, then = check.then.facts, wording.words(check.then)
    rows = [
        ("", "What was checked"),
        ("Product", facts.product.name if facts.product else "not in the register"),
        ("Product number (GTIN)", facts.gtin or "none"),
        ("Serial number", facts.serial or facts.sscc or "none"),
        ("Batch", facts.lot or "not known"),
        ("Checked on", _moment(check.at)),
        ("How", "a number, typed by hand" if facts.is_typed else "the code on the label, scanned"),
        ("Reference of the check", check.reference),
        ("", "What the register answered"),
        ("Result", then.title),
        ("In full", then.whole_text),
    ]
    rows += [("Also", f"{said.title}. {said.text}") for _, said in wording.notice_words(check.then)]
    if (check.then.reason, check.then.notices) != (check.now.reason, check.now.notices):
        now = wording.words(check.now)
        rows.append(("Known since then", f"{now.title}. {now.whole_text}"))
    return [*rows, ("Look it up", check.address)]


def _stated(stated: Stated) -> list[tuple[str, str]]:
    rows = [
        ("Shop", stated.shop),
        ("Offer", stated.listing),
        ("Seller", stated.seller),
        ("Bought on", f"{stated.bought_on:%d %b %Y}" if stated.bought_on else None),
        ("Price", stated.price),
    ]
    known = [(label, value) for label, value in rows if value]
    return [("", "As stated by the person who reported"), *known] if known else []


def _moment(at: datetime) -> str:
    return f"{tongues.day(at.astimezone(UTC))}, {at.astimezone(UTC):%H:%M} UTC"
