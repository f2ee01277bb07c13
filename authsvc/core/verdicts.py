"""
Verdicts: everything known about one scan, turned into one answer.

``decide`` is pure and total. The order of ``RULES`` is the order of precedence of the design, worst first: the first
rule that applies is the headline, the others that apply are notices. A verdict is a value, never an exception.

The subject of a good verdict is *this code*, never *this product*: a label can be copied, and a valid signature proves
only who issued it. The words are in ``wording``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from authsvc.core.recall_texts import Text, choose
from authsvc.core.records import Record
from authsvc.core.register import Brand, Product, Release
from authsvc.core.unit_data import Attribute
from authsvc.core.values import lean_dataclass
from authsvc.core.warranties import Warranty


class Outcome(StrEnum):
    """The verdict for machines."""

    AUTHENTIC = "authentic"
    INVALID = "invalid"
    WITHDRAWN = "withdrawn"
    SUSPECT = "suspect"
    INFORMATIONAL = "informational"
    NONE = "none"


class Reason(StrEnum):
    """Why: chooses the words. Stored with every scan; never rename or reuse one."""

    TEST = "test"
    FORGED = "forged"
    NOT_ISSUED = "not-issued"
    UNKNOWN = "unknown"
    RECALLED = "recalled"
    STOLEN = "stolen"
    LOST = "lost"
    BLOCKED = "blocked"
    WITHDRAWN = "withdrawn"
    POSSIBLE_COPY = "possible-copy"
    UNSIGNED = "unsigned"
    NOT_RELEASED = "not-released"
    EXPIRED = "expired"
    CHECKED_BY_YOU = "checked-by-you"
    FIRST_CHECK = "first-check"
    CHECKED_BEFORE = "checked-before"
    LOT_ONLY = "lot-only"
    UNAVAILABLE = "unavailable"

    # As a key it is asked for its hash a dozen times in a scan, and that of an enumeration is made by the interpreter.
    __hash__ = str.__hash__


OUTCOMES: dict[Reason, Outcome] = {
    Reason.TEST: Outcome.INFORMATIONAL,
    Reason.FORGED: Outcome.INVALID,
    Reason.NOT_ISSUED: Outcome.INVALID,
    Reason.UNKNOWN: Outcome.INVALID,
    Reason.RECALLED: Outcome.WITHDRAWN,
    Reason.STOLEN: Outcome.WITHDRAWN,
    Reason.LOST: Outcome.WITHDRAWN,
    Reason.BLOCKED: Outcome.WITHDRAWN,
    Reason.WITHDRAWN: Outcome.WITHDRAWN,
    Reason.POSSIBLE_COPY: Outcome.SUSPECT,
    Reason.UNSIGNED: Outcome.SUSPECT,
    Reason.NOT_RELEASED: Outcome.SUSPECT,
    Reason.EXPIRED: Outcome.WITHDRAWN,
    Reason.CHECKED_BY_YOU: Outcome.AUTHENTIC,
    Reason.FIRST_CHECK: Outcome.AUTHENTIC,
    Reason.CHECKED_BEFORE: Outcome.AUTHENTIC,
    Reason.LOT_ONLY: Outcome.INFORMATIONAL,
    Reason.UNAVAILABLE: Outcome.NONE,
}


class Disposition(StrEnum):
    """The condition of an item (CBV 2.0 terms where CBV has one)."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    RECALLED = "recalled"
    STOLEN = "stolen"
    LOST = "lost"
    BLOCKED = "blocked"
    DESTROYED = "destroyed"

    __hash__ = str.__hash__


class Mark(StrEnum):
    """What the signature check gave."""

    VALID = "valid"
    FORGED = "forged"
    UNDECIDED = "undecided"  # Good bytes under a key that was withdrawn in part: only the register knows which part.
    ABSENT = "absent"
    NOT_EXPECTED = "not-expected"  # The labels of this product carry no token.

    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature check: its mark and, where the token is good, who signed in which format."""

    mark: Mark
    kid: str | None = None
    format: str | None = None
    detail: str | None = None


NO_SIGNATURE = Signature(Mark.ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A recall in force that covers the code; *reason* and *remedy* are in *language*, *texts* say it in others."""

    reason: str
    recalled_at: datetime
    lot: str | None = None
    remedy: str | None = None
    language: str = "en"
    texts: tuple[Text, ...] = ()

    def said_in(self, language: str) -> Text:
        """Return what it says to a reader of a language."""
        return choose(Text(self.language, self.reason, self.remedy), self.texts, language)


@lean_dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    Everything known about one presentation of a code.

    ``is_issued`` is None where nobody could say (a forged code, or a database that does not answer).
    ``lot_recall`` is the recall of the lot that a forged or unknown code merely names.
    ``withdrawn_at`` is when the key behind the code was revoked, where its mode does not spare the item.
    ``mine_at`` is when the same visitor, by a cookie that came back, first saw the item; None for anybody else.
    ``warranty`` is there where a registration that counts has begun it. ``owners`` and ``is_offered`` are looked up for
    readers that only ask, and None for a scan. ``contents`` is how many items the label of a case says that it holds.
    ``has_history`` is false when the database did not answer: only the signature is then known.
    ``data`` and ``records`` are what everybody may see of the lot and of the item; of the product it is in ``product``.
    """

    at: datetime
    signature: Signature
    gtin: str | None = None
    serial: str | None = None
    sscc: str | None = None
    lot: str | None = None
    brand: Brand | None = None
    product: Product | None = None
    is_typed: bool = False
    is_issued: bool | None = None
    withdrawn_at: datetime | None = None
    is_commissioned: bool = True
    disposition: Disposition = Disposition.ACTIVE
    disposition_at: datetime | None = None
    recall: Recall | None = None
    lot_recall: Recall | None = None
    expires_on: date | None = None
    contents: int | None = None
    is_flagged: bool = False
    scan_number: int | None = None
    first_at: datetime | None = None
    mine_at: datetime | None = None
    warranty: Warranty | None = None
    owners: int | None = None
    is_offered: bool | None = None
    has_history: bool = True
    data: tuple[Attribute, ...] = ()
    records: tuple[Record, ...] = ()

    @property
    def item_key(self) -> str:
        """The key under which the code is stored."""
        return item_key(self.gtin, self.serial, self.sscc, self.lot)

    @property
    def is_item(self) -> bool:
        """Whether the code names one item or one case, not a whole lot."""
        return self.serial is not None or self.sscc is not None


@lean_dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: the headline, the further notices, and the facts they rest on."""

    reason: Reason
    notices: tuple[Reason, ...]
    facts: Facts

    @property
    def outcome(self) -> Outcome:
        """
        The verdict for machines.

        A product whose labels carry no token can be known, never authentic: nothing was proven.
        """
        outcome = OUTCOMES[self.reason]
        if outcome is Outcome.AUTHENTIC and self.facts.signature.mark is Mark.NOT_EXPECTED:
            return Outcome.INFORMATIONAL
        return outcome


def may_follow(verdict: Verdict) -> bool:
    """Say whether news may come of what was checked: it was issued, and nothing says yet that it should not be used."""
    facts = verdict.facts
    if verdict.reason not in _MAY_CHANGE or facts.is_issued is not True or facts.gtin is None:
        return False
    is_known = facts.signature.mark is Mark.VALID or facts.signature.mark is Mark.NOT_EXPECTED
    return is_known and facts.product is not None and facts.product.is_tracked


def item_key(gtin: str | None, serial: str | None, sscc: str | None, lot: str | None) -> str:
    """Return the key under which a code is stored: ``{gtin}.{serial}``, ``00.{sscc}``, or ``{gtin}..{lot}``."""
    if sscc is not None:
        return f"00.{sscc}"
    return f"{gtin}.{serial}" if serial is not None else f"{gtin}..{lot or ''}"


def decide(facts: Facts) -> Verdict:
    """Apply the rules in their order: the first that applies is the headline, the rest are notices."""
    applicable = (reason for reason, applies in RULES if applies(facts))
    headline = next(applicable)
    if headline in _ENDS_HERE:
        return Verdict(headline, (), facts)
    return Verdict(headline, tuple(reason for reason in applicable if reason not in _SILENT), facts)


def _is_test(facts: Facts) -> bool:
    return facts.brand is not None and facts.brand.is_sandbox


def _is_forged(facts: Facts) -> bool:
    return facts.signature.mark is Mark.FORGED


def _is_unavailable(facts: Facts) -> bool:
    # A key that was revoked altogether is known without a database, and says more than "try again".
    return not facts.has_history and facts.withdrawn_at is None


def _is_not_issued(facts: Facts) -> bool:
    return facts.is_issued is False and facts.signature.mark is Mark.VALID


def _is_unknown(facts: Facts) -> bool:
    return facts.brand is None or facts.is_issued is False


def _is_recalled(facts: Facts) -> bool:
    return facts.recall is not None or facts.disposition is Disposition.RECALLED


def _has(disposition: Disposition) -> Callable[[Facts], bool]:
    return lambda facts: facts.disposition is disposition


def _is_withdrawn(facts: Facts) -> bool:
    gone = facts.disposition is Disposition.INACTIVE or facts.disposition is Disposition.DESTROYED
    return gone or facts.withdrawn_at is not None


def _is_possible_copy(facts: Facts) -> bool:
    return facts.is_flagged


def _is_unsigned(facts: Facts) -> bool:
    return facts.signature.mark is Mark.ABSENT


def _is_not_released(facts: Facts) -> bool:
    product = facts.product
    return product is not None and product.release is Release.ON_COMMISSION and not facts.is_commissioned


def _is_expired(facts: Facts) -> bool:
    # The use-by date is the last good day (AI 17); the day ends when it has ended everywhere on earth, so nobody
    # reads "passed" while it is still that day where they stand.
    return facts.expires_on is not None and (facts.at.date() - facts.expires_on).days > 1


def _is_lot_only(facts: Facts) -> bool:
    return not facts.is_item


def _is_checked_by_you(facts: Facts) -> bool:
    return facts.mine_at is not None


def _is_first_check(facts: Facts) -> bool:
    return facts.scan_number == 1


def _always(_facts: Facts) -> bool:
    return True


RULES: tuple[tuple[Reason, Callable[[Facts], bool]], ...] = (
    (Reason.TEST, _is_test),
    (Reason.FORGED, _is_forged),
    (Reason.UNAVAILABLE, _is_unavailable),
    (Reason.NOT_ISSUED, _is_not_issued),
    (Reason.UNKNOWN, _is_unknown),
    (Reason.RECALLED, _is_recalled),
    (Reason.STOLEN, _has(Disposition.STOLEN)),
    (Reason.LOST, _has(Disposition.LOST)),
    (Reason.BLOCKED, _has(Disposition.BLOCKED)),
    (Reason.WITHDRAWN, _is_withdrawn),
    (Reason.POSSIBLE_COPY, _is_possible_copy),
    (Reason.UNSIGNED, _is_unsigned),
    (Reason.NOT_RELEASED, _is_not_released),
    (Reason.EXPIRED, _is_expired),
    (Reason.LOT_ONLY, _is_lot_only),
    (Reason.CHECKED_BY_YOU, _is_checked_by_you),
    (Reason.FIRST_CHECK, _is_first_check),
    (Reason.CHECKED_BEFORE, _always),
)
"""
Precedence, worst first. ``unavailable`` stands behind ``forged``: without a database a wrong signature is still wrong,
and everything after it needs the database. ``lot-only`` stands before the checks that count, which a lot never has.
"""

_SILENT = {
    Reason.CHECKED_BY_YOU,
    Reason.FIRST_CHECK,
    Reason.CHECKED_BEFORE,
    Reason.LOT_ONLY,
    Reason.FORGED,
    Reason.UNKNOWN,
}
"""Never notices: they only say that nothing worse is known, or speak for the whole code."""

_MAY_CHANGE = {
    Reason.FIRST_CHECK, Reason.CHECKED_BEFORE, Reason.CHECKED_BY_YOU, Reason.POSSIBLE_COPY, Reason.NOT_RELEASED,
}  # fmt: skip

_ENDS_HERE = {Reason.FORGED, Reason.UNAVAILABLE, Reason.NOT_ISSUED, Reason.UNKNOWN}
"""Headlines after which nothing else is known of the code: it is not ours, or nobody could look it up."""
