"""
Help for a refund: one sheet that says what was checked, when, and what the register answered.

For whoever made the check and reported it, to lay before a seller, a market or a bank. It says what the register knows
and nothing of anybody's conduct; what the person has stated is named as theirs. It is no seal: a good answer on it
speaks of a code, and says that labels can be copied. It is written in the language that is spoken: whoever sends it
to a seller or a bank abroad asks for the page in theirs first.
"""

from dataclasses import dataclass
from datetime import date, datetime

from authsvc import languages, sheets
from authsvc.core import wording
from authsvc.core.register import Brand
from authsvc.core.verdicts import Verdict
from authsvc.languages import gettext as _
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
    """Draw the sheet as it is spoken; the same one at the same time is the same file, byte for byte."""
    check, language = help_.check, languages.spoken()
    values = {"number": help_.number, "reference": check.reference}
    return sheets.draw(
        Sheet(
            brand=help_.brand.name,
            title=_("What a code check found"),
            number=help_.number,
            subject=_("Check {reference}, report {number}").format(**values),
            rows=(*_checked(check), *_stated(help_.stated)),
            small_print=(
                _("Report {number} of {moment}.").format(moment=languages.moment(help_.reported_at), **values),
                _("This sheet was made on {moment} from the register of {brand}.").format(
                    moment=languages.moment(help_.made_at), brand=help_.brand.name
                ),
                _("It says what the register answered for one code. A label can be copied, and a code can be misread."),
                _("So it does not say whether the item itself is real, nor who knew of it."),
                _("What is named as stated comes from the person who reported. Nobody looked into it for this sheet."),
                _("Whoever has the item can check its code anew: {link}").format(link=help_.address),
            ),
            number_words=_("Number {}"),
            language=language.code,
            leftward=language.direction == "rtl",
        )
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _checked(check: Check) -> list[tuple[str, str]]:
    facts, spoken = check.then.facts, languages.spoken()
    then, notices = wording.words(check.then, spoken), wording.notice_words(check.then, spoken)
    how = _("a number, typed by hand") if facts.is_typed else _("the code on the label, scanned")
    rows = [
        ("", _("What was checked")),
        (_("Product"), facts.product.name if facts.product else _("not in the register")),
        *_known((_("Product number (GTIN)"), facts.gtin)),
        *_known((_("Serial number"), facts.serial or facts.sscc), (_("Batch"), facts.lot)),
        (_("Checked at"), languages.moment(check.at)),
        (_("How it was checked"), how),
        (_("Reference of the check"), check.reference),
        ("", _("What the register answered")),
        (_("Result"), then.title),
        (_("Full answer"), then.whole_text),
    ]
    rows += [(_("Also said"), f"{said.title}. {said.text}") for _reason, said in notices]
    if (check.then.reason, check.then.notices) != (check.now.reason, check.now.notices):
        now = wording.words(check.now, spoken)
        rows.append((_("Known since then"), f"{now.title}. {now.whole_text}"))
    return [*rows, (_("Look it up"), check.address)]


def _stated(stated: Stated) -> list[tuple[str, str]]:
    known = _known(
        (_("Shop"), stated.shop),
        (_("Address of the offer"), stated.listing),
        (_("Seller"), stated.seller),
        (_("Bought on"), languages.day(stated.bought_on) if stated.bought_on else None),
        (_("Price"), stated.price),
    )
    return [("", _("As stated by the person who reported")), *known] if known else []


def _known(*rows: tuple[str, str | None]) -> list[tuple[str, str]]:
    return [(label, value) for label, value in rows if value]
