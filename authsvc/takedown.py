"""
The letter by which a brand asks a marketplace to take offers down, filled from a case.

It states what the case holds and nothing more: which listings were named to the brand and by how many people, what was
seen of the codes, what somebody of the brand has confirmed. It claims no infringement: which right is relied upon is
for the brand's counsel to add, and the place for it is left open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

PLACEHOLDER = "[to be completed by counsel: the right that is relied upon, and its registration]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter as parts; ``paragraphs`` and ``listings`` are plain text."""

    date: date
    sender: str
    contact: str | None
    recipient: str
    subject: str
    opening: tuple[str, ...]
    listings: tuple[str, ...]
    facts: tuple[str, ...]
    closing: tuple[str, ...]

    def text(self) -> str:
        """Write the letter as plain text, for a marketplace's own form."""
        parts = [
            self.sender, *([self.contact] if self.contact else []), "", f"{self.date:%-d %B %Y}", "",
            f"To: {self.recipient}", f"Subject: {self.subject}", "", *_spaced(self.opening),
            *(f"  {number}. {listing}" for number, listing in enumerate(self.listings, 1)), "",
            *(["What is known to us:", *(f"  - {fact}" for fact in self.facts), ""] if self.facts else []),
            *_spaced(self.closing), self.sender,
        ]  # fmt: skip
        return "\n".join(parts) + "\n"


def write(
    outline: Mapping[str, Any], *, recipient: str, on: date, countries: Mapping[str, str] = {}
) -> Letter | None:  # fmt: skip
    """
    Write the letter of a case from the *outline* of its evidence; None where the case names no listing or shop.

    *countries* has the name of each country by its code.
    """
    brand, case = outline["brand"], outline["case"]
    places: dict[str, list[Mapping[str, Any]]] = {}
    for report in outline["reports"]:
        if place := report["listing_url"] or _shop(report):
            places.setdefault(place, []).append(report)
    if not places:
        return None
    return Letter(
        date=on,
        sender=brand["name"],
        contact=brand["contact"],
        recipient=recipient or "[name and address of the marketplace]",
        subject=f"Request to review and remove offers (our reference: case {case['number']})",
        opening=(
            "Dear Sir or Madam,",
            (
                f"{brand['name']} asks you to review the offers named below and to remove those that your rules do not "
                "allow. Customers have told us that goods offered there carry our name."
            ),
        ),
        listings=tuple(_listing(place, reports) for place, reports in places.items()),
        facts=tuple(_facts(outline, countries)),
        closing=(
            f"Legal basis: {PLACEHOLDER}",
            "Please confirm receipt under our reference, and keep the data of the seller for a possible inquiry.",
            "Please tell us what you have decided.",
            "On request we send the evidence, sealed so that you can check that it was not changed.",
            "Yours faithfully,",
        ),
    )


# --- Private ---------------------------------------------------------------------------------------------------------


def _spaced(paragraphs: Sequence[str]) -> list[str]:
    return [line for paragraph in paragraphs for line in (paragraph, "")]


def _shop(report: Mapping[str, Any]) -> str | None:
    parts = [part for part in (report["shop_name"], report["shop_address"]) if part]
    return ", ".join(parts) or None


def _listing(place: str, reports: Sequence[Mapping[str, Any]]) -> str:
    prices = sorted({report["price"] for report in reports if report["price"]})
    said = f"{place} (named to us in {_count(len(reports), 'report')}, first on {min(r['at'] for r in reports)[:10]}"
    return said + (f"; price stated: {', '.join(prices)})" if prices else ")")


def _facts(outline: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    facts = []
    reported = {report["item"] for report in outline["reports"] if report["item"]}
    for item in outline["items"]:
        name = item["product"] or "an item"
        code = f"{name}, GTIN {item['gtin']}, serial {item['serial']}" if item["gtin"] else f"case {item['sscc']}"
        countries = sorted(names.get(code, code) for code in item["countries"])
        said = f"Code of {code}: checked {_count(item['scans_counted'], 'time')}"
        if countries:
            said += f", seen from {', '.join(countries)} as far as networks tell"
        if _is_confirmed_copy(outline, item["key"]):
            said += "; a member of our staff has confirmed that copies of this code are in circulation"
        if item["key"] in reported:
            said += "; a customer who named an offer above had scanned this code"
        facts.append(f"{said}.")
    return facts


def _is_confirmed_copy(outline: Mapping[str, Any], key: str) -> bool:
    return any(
        found["kind"] == "confirmed-clone" and found["undone_at"] is None
        for alert in outline["alerts"]
        if alert["key"] == key
        for found in alert["resolutions"]
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
