"""
GS1 Lightweight Messaging for the verification of product identifiers: from what is known of an item to its answer.

A wholesaler asks whether a pack that came back is one that the maker has sold: GTIN, serial, batch and expiry must
match. The standard has a reason for each of them, and none for a copied or stolen item: that one is not verified,
without a reason. Under release 1.3 of the US guideline there are words for more, and they begin with a capital.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from authsvc.core.gs1 import use_by
from authsvc.core.verdicts import Facts, Reason, Verdict

CONTEXTS: Final = frozenset({"dscsaSaleableReturn"})
LINK_TYPE: Final = "verificationService"

NO_SERIAL: Final = "No_match_GTIN_Serial"
NO_LOT: Final = "No_match_GTIN_Serial_Lot"
NO_EXPIRY: Final = "No_match_GTIN_Serial_Expiry"
NEITHER: Final = "No_match_GTIN_Serial_Lot_Expiry"
NO_REASON: Final = "No_reason_provided"
NOT_TO_SELL: Final = "Not_for_re-distribution"
"""Of the US guideline alone."""

_GOOD = frozenset({Reason.UNSIGNED, Reason.FIRST_CHECK, Reason.CHECKED_BEFORE, Reason.CHECKED_BY_YOU})
"""What the number of an item that matches can get at best: it has no signature to show."""

_SAID = {
    Reason.RECALLED: "Recalled",
    Reason.EXPIRED: "Expired",
    Reason.STOLEN: "Suspect",
    Reason.LOST: "Suspect",
    Reason.BLOCKED: "Suspect",
    Reason.POSSIBLE_COPY: "Suspect",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether an item is verified; if not, the reason of the standard, and what else may be told."""

    is_verified: bool
    reason: str | None = None
    info: str | None = None

    def document(self) -> Mapping[str, Any]:
        """Return the member ``data`` of a response."""
        found: dict[str, Any] = {"verified": self.is_verified}
        if self.reason is not None:
            found["verificationFailureReason"] = self.reason
        if self.info is not None:
            found["additionalInfo"] = self.info
        return found


def judge(verdict: Verdict, lot: str, expiry: date | None, *, is_us_guideline: bool) -> Finding:
    """Say whether what was asked is what is known; *expiry* None asks for no expiry."""
    facts = verdict.facts
    if not facts.is_issued:
        return Finding(is_verified=False, reason=NO_SERIAL)
    reason = _mismatch(facts, lot, expiry)
    # That the number has no signature stands before what is worse for a pack: that it has expired.
    bad = [found for found in (verdict.reason, *verdict.notices) if found not in _GOOD]
    if reason is None and not bad:
        return Finding(is_verified=True)
    said = _SAID.get(bad[0]) if bad else None
    if is_us_guideline:
        return Finding(is_verified=False, reason=reason or (NOT_TO_SELL if said == "Suspect" else NO_REASON), info=said)
    return Finding(is_verified=False, reason=reason or NO_REASON, info="recalled" if said == "Recalled" else None)


def parse_expiry(text: str, today: date) -> date | None:
    """Read YYMMDD, where the day 00 is the last of the month; None for what is no day."""
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return use_by(text, today)
    except ValueError:
        return None


def response(finding: Finding, *, responder: str, correlation: str, at: datetime) -> dict[str, Any]:
    """Return the message that answers."""
    at = at.astimezone(UTC)
    return {
        "verificationTimestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
        "responderGLN": responder,
        "data": finding.document(),
        "corrUUID": correlation,
    }


def _mismatch(facts: Facts, lot: str, expiry: date | None) -> str | None:
    is_lot = facts.lot == lot
    is_expiry = expiry is None or facts.expires_on == expiry
    if is_lot and is_expiry:
        return None
    if is_expiry:
        return NO_LOT
    return NO_EXPIRY if is_lot else NEITHER
