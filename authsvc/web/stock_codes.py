"""The codes of a dealer's list: which items they name. Whoever receives an item shows its signed code."""

from collections.abc import Sequence

from authsvc import signatures
from authsvc.core.check_lists import is_link
from authsvc.core.stock_lists import Line
from authsvc.core.verdicts import Mark
from authsvc.dealer_lists import Act, Entry
from authsvc.dealers import DealerInfo
from authsvc.errors import AuthsvcError, BadInput, Conflict, NotFound
from authsvc.investigations import Subject
from authsvc.runtime import Runtime
from authsvc.web import lookups


def entries(rt: Runtime, dealer: DealerInfo, act: Act, lines: Sequence[Line]) -> list[Entry]:
    """Return each line with its item, or with why it has none; an item that an earlier line names is a fault."""
    found: list[Entry] = []
    places: dict[str, int] = {}
    for line in lines:
        try:
            subject = _subject(rt, dealer, act, line.code)
            # One spelling may be a link and another a number: what counts is the item.
            if (first := places.setdefault(subject.sgtin, line.place)) != line.place:
                raise BadInput("Line {line} names this item already.", line=first)
            found.append(Entry(line, subject))
        except AuthsvcError as error:
            found.append(Entry(line, None, error))
    return found


def _subject(rt: Runtime, dealer: DealerInfo, act: Act, code: str) -> Subject:
    link = lookups.read(code)
    if link.serial is None or link.gtin is None:
        raise BadInput("This is the code of a batch or a case. Name single items.")
    brand = rt.held.register.find_brand(link.gtin)
    if brand is None or brand.id != dealer.brand_id:
        raise NotFound("This is not an item of the brand that has let you in.")
    if act is Act.RECEIVE:
        token = link.extension("s") if is_link(code) else None
        facts, _ = signatures.judge(rt.held, link, token, rt.now(), is_typed=not is_link(code))
        if facts.signature.mark is Mark.FORGED:
            raise Conflict("The code is forged. Do not sell the item, and contact the brand.")
        if facts.signature.mark not in {Mark.VALID, Mark.UNDECIDED, Mark.NOT_EXPECTED}:
            raise BadInput(
                "Receive an item by the link in its square code: a number alone does not show that you hold it."
            )
    return Subject.of(rt.held, link.gtin, link.serial)
