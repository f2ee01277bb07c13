"""
Registrations: the first claim of ownership of an item, which starts its warranty.

A person applies with an address, and with the claim code where the product has one; nothing is written of them until
they have followed the link in the mail. Then the row of the item is locked and the claim is decided there:

* The claim code, right and unspent, makes the owner at once, also over somebody whose claim is still pending: whoever
  scans in a shop cannot take the warranty of the buyer.
* Without one a claim is pending for 14 days, and confirmed when nobody has proved possession by then.
* Whoever bought an item used, without its code, sends a proof of purchase; where the product asks for the code, that
  waits for the brand. Their warranty counts from the first sale or check that is known, not from their own purchase.
* The first confirmed registration spends the code. From then on it moves nothing, and its use is evidence.

The clone rules hear of it in the same transaction.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from authsvc import dealer_stock, investigations, item_rows, languages, owners, signing_keys
from authsvc.core import claim_codes, units
from authsvc.core.clones import UNKNOWN_PLACE, Fact, FactKind, Place
from authsvc.core.register import Product
from authsvc.core.verdicts import Disposition
from authsvc.core.warranties import Warranty, warranty
from authsvc.errors import AlreadyRegistered, BadInput, Conflict, WrongClaimCode
from authsvc.investigations import Subject
from authsvc.languages import later
from authsvc.models import Item, ItemFact, Registration, Run
from authsvc.owners import Person
from authsvc.ownership import Registered, State, find_present, is_over, read

PENDING = timedelta(days=14)
BY = "owner"
"""Who says so, of the facts that are recorded here."""

_LONGEST_SHOP = 120
_CLOSED = {
    Disposition.STOLEN: later(
        "This item is reported stolen, so it cannot be registered now. Ask the brand if you hold it."
    ),
    Disposition.LOST: later(
        "This item is reported lost, so it cannot be registered now. Ask the brand if you hold it."
    ),
    Disposition.BLOCKED: later("This code is blocked, so it cannot be registered now. Ask the brand if you hold it."),
    Disposition.DESTROYED: later(
        "This item is reported destroyed, so it cannot be registered now. Ask the brand if you hold it."
    ),
}


class Standing(StrEnum):
    """How an application would fare: open to it, held by somebody without a proof, or owned."""

    OPEN = "open"
    CONTESTED = "contested"
    OWNED = "owned"

    def check(self) -> None:
        """
        Refuse what could not succeed.

        Raises:
            AlreadyRegistered: Somebody holds the item, and this proof does not end their claim.
        """
        if self is Standing.CONTESTED:
            raise AlreadyRegistered(
                "Somebody has registered this item without a proof. With the claim code you can still register it."
            )
        if self is Standing.OWNED:
            raise AlreadyRegistered(
                "This item has an owner. If you bought it, ask the seller to offer it to you on their page."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of the service that ownership needs: to open claim keys, and to seal and find people."""

    wrapping: bytes = field(repr=False)
    people: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """
    What somebody asks for, kept in the link of a mail until they confirm.

    ``has_code`` says that the right claim code was given, ``needs_code`` that it is still to be given: after many
    wrong codes for an item nobody's code is looked at before their address is confirmed. ``visitor`` is the
    pseudonym of the browser that has scanned the item. ``is_used`` says that it was bought used, ``has_file`` that a
    proof of purchase came with it.
    """

    gtin: str
    serial: str
    email: str = field(repr=False)
    purchased_on: str = ""
    shop: str = field(default="", repr=False)
    visitor: str = ""
    language: str = languages.DEFAULT
    has_code: bool = False
    needs_code: bool = False
    is_used: bool = False
    has_file: bool = False

    def write(self) -> dict[str, Any]:
        """Return the application as a link keeps it."""
        return asdict(self)

    @classmethod
    def read(cls, content: dict[str, Any]) -> Self:
        """Return what ``write`` wrote."""
        return cls(**content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a confirmed application came to; *superseded* is the person whose pending claim it has ended."""

    registration: Registered
    person: Person
    superseded: Person | None


def clean_shop(text: str) -> str:
    """
    Read the name of a shop.

    Raises:
        BadInput: It is longer than a name.
    """
    shop = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(shop) > _LONGEST_SHOP:
        raise BadInput("Write the shop in at most {most} characters.", most=_LONGEST_SHOP)
    return shop


def has_claim_code(session: Session, subject: Subject) -> bool:
    """Say whether a claim code was printed for an item."""
    return _claim_key_number(session, subject) is not None


def check_code(session: Session, subject: Subject, code: str, *, keys: Keys) -> None:
    """
    Accept a claim code, as typed, that is the one of the item.

    Raises:
        WrongClaimCode: It is not, or the item has none.
        BadInput: It is no claim code at all.
    """
    number = _claim_key_number(session, subject)
    if number is None:
        raise WrongClaimCode("No claim code was printed for this item. Leave the field empty.")
    if subject.name.serial is None or not claim_codes.matches(
        code, key=_claim_key(session, subject, number, keys), brand_id=subject.name.brand.id, gtin=subject.name.key,
        serial=subject.name.serial,
    ):  # fmt: skip
        raise WrongClaimCode(
            "This is not the claim code of this item. Compare every letter with what stands under the scratch field."
        )


def examine(
    session: Session,
    subject: Subject,
    code: str | None,
    *,
    keys: Keys,
    visitor: bytes | None,
    place: Place = UNKNOWN_PLACE,
    now: datetime,
    new_id: Callable[[], UUID],
) -> Standing:
    """
    Say how an application would fare at this moment; ``confirm`` decides anew, under the lock.

    A right code that is spent is recorded, and so this returns where it could raise: two people have the code, and the
    clone rules should know.

    Raises:
        WrongClaimCode: There is a *code*, and it is not that of the item.
        Conflict: The item is stolen, lost, blocked, destroyed, or in the stock of a dealer.
    """
    item = item_rows.lock(session, subject.name)
    _check_disposition(item)
    if code is not None:
        check_code(session, subject, code, keys=keys)
    present = find_present(session, item.sgtin, now=now)
    is_spent = _is_spent(session, item.sgtin, now=now)
    if is_spent and present is None:
        dealer_stock.check_not_held(session, item.sgtin)
    if code is not None and is_spent and present is not None and not _is_browser_of_owner(session, item.sgtin, visitor):
        _record_spent_code(session, subject, visitor, place=place, now=now, new_id=new_id)
    return Standing.OPEN if present is None else _standing(present, has_code=code is not None and not is_spent)


def confirm(
    session: Session,
    subject: Subject,
    product: Product,
    application: Application,
    *,
    keys: Keys,
    place: Place = UNKNOWN_PLACE,
    now: datetime,
    new_id: Callable[[], UUID],
    random: owners.Random,
) -> Outcome:
    """
    Register an item for the person who has confirmed their address.

    Raises:
        AlreadyRegistered: Somebody holds the item, and this proof does not end their claim.
        WrongClaimCode: The product asks for the code, and none was given.
        Conflict: The item is stolen, lost, blocked or destroyed, or in the stock of a dealer.
    """
    waits = product.claim == "required" and not application.has_code and has_claim_code(session, subject)
    # Bought used, without the code but with a proof: that waits for the brand, and for as long the code still wins.
    if waits and not (application.is_used and application.has_file):
        raise WrongClaimCode("This product is registered with its claim code. Look under the scratch field.")
    item = item_rows.lock(session, subject.name)
    _check_disposition(item)
    _settle(session, item.sgtin, now=now)
    person = owners.get_or_add(
        session, item.brand_id, application.email, key=keys.people, now=now, new_id=new_id, random=random,
        language=application.language,
    )  # fmt: skip
    history = list(
        session.scalars(select(Registration).where(Registration.sgtin == item.sgtin).order_by(Registration.version))
    )
    is_spent = any(row.confirmed_at for row in history)
    is_claim = application.has_code and not is_spent
    present = next((row for row in history if row.ended_at is None), None)
    if is_spent and present is None:
        dealer_stock.check_not_held(session, item.sgtin)
    superseded = None
    if present is not None:
        if present.owner_id == person.id and not (is_claim and present.state == State.PENDING):
            return Outcome(registration=read(present, now), person=person, superseded=None)
        _standing(read(present, now), has_code=is_claim).check()
        present.state, present.ended_at, present.sealed = State.SUPERSEDED.value, now, None
        session.flush()
        if present.owner_id != person.id:
            superseded = owners.get(session, present.owner_id, key=keys.people)
    purchased_on = date.fromisoformat(application.purchased_on) if application.purchased_on else None
    if (sale := dealer_stock.find_sale(session, item.sgtin)) is not None:
        # The dealer has entered the sale; a buyer cannot make the warranty longer by naming a later day.
        purchased_on = sale.on
    begins_on = purchased_on or now.date()
    if application.is_used:
        begins_on = min(begins_on, _first_known(session, item) or begins_on)
    granted = _inherited(history) or warranty(product.warranty_months, begins_on)
    number = new_id()
    row = Registration(
        sgtin=item.sgtin, version=len(history) + 1, id=number, brand_id=item.brand_id, owner_id=person.id,
        state=(State.CONFIRMED if is_claim else State.PENDING).value, has_claim=is_claim, is_used=application.is_used,
        registered_at=now, pending_until=None if is_claim or waits else now + PENDING,
        confirmed_at=now if is_claim else None, purchased_on=purchased_on,
        warranty_from=granted and granted.begins_on, warranty_until=granted and granted.ends_on,
        sealed=owners.seal(
            session, person, {"shop": application.shop}, key=keys.people, random=random, number=str(number)
        ),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _tell_rules(session, subject, application, keys=keys, is_claim=is_claim, place=place, now=now, new_id=new_id)
    return Outcome(registration=read(row, now), person=person, superseded=superseded)


# --- Private ---------------------------------------------------------------------------------------------------------


def _check_disposition(item: Item) -> None:
    if (said := _CLOSED.get(Disposition(item.disposition))) is not None:
        raise Conflict(said)


def _standing(present: Registered, *, has_code: bool) -> Standing:
    if present.state is State.PENDING:
        return Standing.OPEN if has_code else Standing.CONTESTED
    return Standing.OWNED


def _is_spent(session: Session, sgtin: str, *, now: datetime) -> bool:
    rows = session.scalars(select(Registration).where(Registration.sgtin == sgtin))
    return any(row.confirmed_at is not None or is_over(row, now) for row in rows)


def _is_browser_of_owner(session: Session, sgtin: str, visitor: bytes | None) -> bool:
    """Say whether the item was registered with this browser: an owner who types the code again is no second person."""
    facts = select(ItemFact.visitor).where(
        ItemFact.sgtin == sgtin, ItemFact.kind == FactKind.REGISTERED.value, ItemFact.withdrawn_at.is_(None)
    )
    return visitor is not None and visitor in {bytes(known) for known in session.scalars(facts) if known is not None}


def _settle(session: Session, sgtin: str, *, now: datetime) -> None:
    """Confirm what nobody has contested in time; the row of the item is locked."""
    for row in session.scalars(select(Registration).where(Registration.sgtin == sgtin).with_for_update()):
        if is_over(row, now):
            row.state, row.confirmed_at = State.CONFIRMED.value, row.pending_until
    session.flush()


def _inherited(history: list[Registration]) -> Warranty | None:
    """Return the warranty that an earlier owner has started: one whose registration never counted has started none."""
    for row in history:
        if (
            row.state != State.SUPERSEDED
            and row.confirmed_at is not None
            and row.warranty_from is not None
            and row.warranty_until is not None
        ):
            return Warranty(row.warranty_from, row.warranty_until)
    return None


def _first_known(session: Session, item: Item) -> date | None:
    """Return the day on which an item is known to have been with somebody: its sale, or else its first check."""
    sold = session.scalar(
        select(func.min(ItemFact.at)).where(
            ItemFact.sgtin == item.sgtin, ItemFact.kind == FactKind.SOLD.value, ItemFact.withdrawn_at.is_(None)
        )
    )
    known = sold or item.first_at
    return None if known is None else known.astimezone(UTC).date()


def _tell_rules(
    session: Session,
    subject: Subject,
    application: Application,
    *,
    keys: Keys,
    is_claim: bool,
    place: Place,
    now: datetime,
    new_id: Callable[[], UUID],
) -> None:
    """
    Let the clone rules hear of it.

    A spent code is no evidence here: nobody holds the item, so whoever had it has given it up, and the code with it.
    """
    visitor = bytes.fromhex(application.visitor) or None
    if is_claim:
        number = _claim_key_number(session, subject)
        assert number is not None  # the code was checked against this key
        key = _claim_key(session, subject, number, keys)
        name = subject.name
        code = claim_codes.claim_code(key, name.brand.id, name.key, name.serial or "")
        investigations.prove_by_claim_code(
            session, subject, code, claim_key=key, visitor=visitor, place=place, by=BY, now=now, new_id=new_id
        )
    registered = Fact(kind=FactKind.REGISTERED, at=now, visitor=visitor, place=place)
    investigations.record_fact(session, subject, registered, id=new_id(), by=BY, now=now)


def _record_spent_code(
    session: Session,
    subject: Subject,
    visitor: bytes | None,
    *,
    place: Place,
    now: datetime,
    new_id: Callable[[], UUID],
) -> None:
    """Record that the right code of an item came a second time: two people have it, and the rules should know."""
    claimed = Fact(kind=FactKind.CLAIMED, at=now, visitor=visitor, place=place)
    investigations.record_fact(session, subject, claimed, id=new_id(), by=BY, now=now)


def _claim_key_number(session: Session, subject: Subject) -> int | None:
    """Return the number of the claim key of an item: its own or that of its run. A unit of a batch has no code."""
    if units.split(subject.name.serial) is not None:
        return None
    item = item_rows.lock(session, subject.name)
    if item.claim_key is not None or item.run is None:
        return item.claim_key
    run = session.get(Run, (item.brand_id, item.run))
    return None if run is None else run.claim_key


def _claim_key(session: Session, subject: Subject, number: int, keys: Keys) -> bytes:
    return signing_keys.load_claim_key(session, subject.name.brand.id, number, wrapping_key=keys.wrapping)
