"""
Decisions: what somebody may decide about an alert, by what the alert is about, in the words of that kind.

One table, ``TABLE``, is read by the page of an alert, by the deed on many at once, by the API and by the undo; what it
does not hold for a kind, ``triage`` refuses. An act on an item belongs to alerts about an item alone: nobody blocks a
shop. Values of ``About`` are told by the API, values of ``Choice`` are stored: never rename or reuse one. A decision
that was stored before its kind lost it keeps its name (``name_of``).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

WAIT = "wait"
"""No decision: the alert sleeps. It is offered beside the decisions of every kind."""


class About(StrEnum):
    """What an alert is about. The first three have an item; the others have none."""

    ITEM = "item"
    UNIT = "unit"
    PAGE = "page"
    CODE = "code"
    LOT = "lot"
    RUN = "run"
    NETWORK = "network"
    SHOP = "shop"


class Choice(StrEnum):
    """What somebody may decide."""

    BLOCK = "block"
    WARN = "warn"
    CONFIRMED = "confirmed"
    FALSE_ALARM = "false-alarm"
    OWNER_ERROR = "owner-error"
    GREY_MARKET = "grey-market"
    TEST = "test"

    @property
    def resolution(self) -> str:
        """The kind of the resolution that it makes."""
        return "confirmed-clone" if self in {Choice.BLOCK, Choice.WARN} else self.value


ALONE = frozenset({Choice.BLOCK})
"""Decided one by one: it asks for proof of who somebody is, and for a last look."""


@dataclass(frozen=True, slots=True)
class Option:
    """
    A decision in the words of a kind.

    ``submit`` stands on the button. ``follows`` is what it changes beside what is foreseen for an item, ``done`` what
    is said once it is taken.
    """

    choice: Choice
    label: str
    small: str
    submit: str
    follows: tuple[str, ...] = ()
    done: str = ""


NOUNS: Mapping[About, tuple[str, str]] = {
    About.ITEM: ("an item", "items"),
    About.UNIT: ("a case or pallet", "cases or pallets"),
    About.PAGE: ("a result page", "result pages"),
    About.CODE: ("a code that was never issued", "codes that were never issued"),
    About.LOT: ("a batch", "batches"),
    About.RUN: ("codes printed side by side", "codes printed side by side"),
    About.NETWORK: ("a network", "networks"),
    About.SHOP: ("a shop", "shops"),
}
"""What each kind is called, one and many."""


def about(key: str, rule: str) -> About:
    """Say what an alert is about, by the key under which it is stored and its rule."""
    kind, slash, _ = key.partition("/")
    # A serial may have a slash, but the number of an item begins with digits.
    if slash and kind in {About.LOT, About.RUN, About.NETWORK, About.SHOP}:
        return About(kind)
    if ".." in key[:_AFTER_GTIN]:
        return About.LOT
    if rule == "signed-not-issued":
        return About.CODE
    if rule == "receipt-copied":
        return About.PAGE
    return About.UNIT if key.startswith("00.") else About.ITEM


def offered(kind: About) -> tuple[Option, ...]:
    """Return the decisions that fit alerts of a kind, in the order in which they are offered."""
    return TABLE[kind]


def find(kind: About, choice: Choice) -> Option | None:
    """Return a decision in the words of a kind; None where it does not fit."""
    return next((option for option in TABLE[kind] if option.choice is choice), None)


def name_of(kind: About, choice: str) -> str:
    """Return how a stored decision is called, also one that fits its kind no more or was never known here."""
    if choice not in set(Choice):
        return choice.replace("-", " ").capitalize()
    option = find(kind, Choice(choice)) or _OF_ANY[Choice(choice)]
    return option.label


def refusal(kind: About, choice: Choice) -> str:
    """Say why a decision does not fit alerts of a kind, and which do."""
    fitting = ", ".join(f"“{option.label}”" for option in TABLE[kind])
    return f"“{_OF_ANY[choice].label}” does not fit an alert about {NOUNS[kind][0]}. What fits: {fitting}."


@dataclass(frozen=True, slots=True)
class Shared:
    """What may be decided about alerts of several kinds at once, and why the rest is missing."""

    options: tuple[Option, ...]
    missing: tuple[str, ...]


def shared(kinds: Collection[About]) -> Shared:
    """Return the decisions that fit every one of *kinds*; where there is but one, in its own words."""
    ordered = [kind for kind in About if kind in set(kinds)]
    options, missing = [], []
    for choice in Choice:
        fits = [option for kind in ordered if (option := find(kind, choice)) is not None]
        if not fits:
            continue
        word = (fits[0] if len(ordered) == 1 else _OF_ANY[choice]).label
        if choice in ALONE:
            missing.append(f"“{word}” is decided one by one: it asks for proof of who you are.")
        elif len(fits) == len(ordered):
            options.append(fits[0] if len(ordered) == 1 else _OF_ANY[choice])
        else:
            unfit = _listed([NOUNS[kind][1] for kind in ordered if find(kind, choice) is None])
            missing.append(f"“{word}” does not fit alerts about {unfit}.")
    return Shared(tuple(options), tuple(missing))


def undone(kind: About, *, is_open: bool = True) -> str:
    """Say that a decision was taken back, and that the alert *is open* again where no newer one is."""
    said = f"The decision is taken back; the alert about {NOUNS[kind][0]} "
    return said + ("is open again." if is_open else "stays closed, since a newer one about the same is open.")


# --- Private ---------------------------------------------------------------------------------------------------------


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


_AFTER_GTIN = 16
"""Where the keys of batches of old had a second full stop in place of a serial."""
_NO_ITEM = "No item is blocked, and nobody who scans sees a difference."
_AGAIN = "The rule keeps quiet about it for 28 days."
_REPORTED_AGAIN = "Three more people who report the shop raise a new alert."
_HARMLESS = "Harmless: explained"
_TEST = Option(
    Choice.TEST, "Our own test", "Our own people tried something out", "Close as our own test", (_NO_ITEM,),
    "The alert is closed as a test.",
)  # fmt: skip


def _items(noun: str, unit: str) -> tuple[Option, ...]:
    """Return the decisions about what has a code of its own."""
    return (
        Option(Choice.BLOCK, f"Copied code: block this {noun}", "Nobody should use this code any more",
               f"Go on to block the {noun}",
               done=f"The {noun} is blocked and the alert is closed. You can undo it here."),
        Option(Choice.WARN, "Copied code: keep it open and warn", f"The genuine {unit} is still out there",
               "Warn people and close"),
        Option(Choice.FALSE_ALARM, "Not a copy: false alarm", "Nothing is wrong; the rule was too eager",
               "Close as false alarm"),
        Option(Choice.GREY_MARKET, "Not a copy: grey market", "Genuine goods, sold where they should not be",
               "Close as grey market"),
        Option(Choice.TEST, "Not a copy: our own test", "Our own people tried something out", "Close as our own test"),
    )  # fmt: skip


_ITEM = _items("serial", "item")
_OWNER_ERROR = Option(
    Choice.OWNER_ERROR, "Not a copy: owner error", "The owner or a shop did something odd", "Close as owner error"
)
_LATER = "Each of its codes goes on being judged by itself."

TABLE: Mapping[About, tuple[Option, ...]] = {
    About.ITEM: (*_ITEM[:3], _OWNER_ERROR, *_ITEM[3:]),
    About.UNIT: _items("code", "case or pallet"),
    About.PAGE: (
        Option(Choice.CONFIRMED, "Passed off as proof", "The address of this result is printed or posted to deceive",
               "Confirm and close", ("The result page stays as it is; the item can be blocked on its own page.",),
               "The alert is closed: the result page is passed off as proof."),
        Option(Choice.FALSE_ALARM, _HARMLESS, "People shared the result, a forum or a chat showed it",
               "Close as harmless", (), "The alert is closed as harmless."),
        Option(Choice.TEST, _TEST.label, _TEST.small, _TEST.submit, (), _TEST.done),
    ),
    About.CODE: (
        Option(Choice.CONFIRMED, "Forged with our key", "Somebody else can sign: treat the signing key as leaked",
               "Confirm and close",
               ("The code stays refused as never issued.", "The key goes on verifying until you revoke it."),
               "The alert is closed: the code was forged with a signing key. Revoke that key next."),
        Option(Choice.FALSE_ALARM, _HARMLESS, "Such as a run that was voided, or serials that were not imported yet",
               "Close as harmless", ("The code stays refused as never issued.",), "The alert is closed as harmless."),
        Option(Choice.TEST, _TEST.label, _TEST.small, _TEST.submit, ("The code stays refused as never issued.",),
               _TEST.done),
    ),
    About.LOT: (
        Option(Choice.CONFIRMED, "Copies of this batch are about", "Many of its codes were copied, a few times each",
               "Confirm and close", (_NO_ITEM, _LATER, _AGAIN), "The alert is closed: copies of this batch are about."),
        Option(Choice.GREY_MARKET, "Genuine goods, grey market", "The batch is sold where it should not be",
               "Close as grey market", (_NO_ITEM, _AGAIN), "The alert is closed as grey market."),
        Option(Choice.FALSE_ALARM, _HARMLESS, "Such as a new shop, a fair or a campaign there", "Close as harmless",
               (_NO_ITEM, _AGAIN), "The alert is closed as harmless."),
        _TEST,
    ),
    About.RUN: (
        Option(Choice.CONFIRMED, "A whole stretch was copied", "Whoever had one code had its neighbours too",
               "Confirm and close", (_NO_ITEM, _LATER, _AGAIN),
               "The alert is closed: a stretch of this run was copied."),
        Option(Choice.FALSE_ALARM, _HARMLESS, "Such as one box that a shop or a family has scanned",
               "Close as harmless", (_NO_ITEM, _AGAIN), "The alert is closed as harmless."),
        _TEST,
    ),
    About.NETWORK: (
        Option(Choice.CONFIRMED, "Forged codes are tried from here", "Somebody invents codes, or prints them",
               "Confirm and close", (_NO_ITEM, "Its codes are refused as before.", _AGAIN),
               "The alert is closed: forged codes are tried from this network."),
        Option(Choice.FALSE_ALARM, _HARMLESS, "Such as a broken printer, or a reseller who checks a doubtful load",
               "Close as harmless", (_NO_ITEM, _AGAIN), "The alert is closed as harmless."),
        _TEST,
    ),
    About.SHOP: (
        Option(Choice.CONFIRMED, "Counterfeits are sold here", "The reports are right; a case and a letter come next",
               "Confirm and close", (_NO_ITEM, _REPORTED_AGAIN),
               "The alert is closed: counterfeits are sold here. Put it into a case to write the letter."),
        Option(Choice.GREY_MARKET, "Genuine goods, grey market", "The shop sells what was made for elsewhere",
               "Close as grey market", (_NO_ITEM, _REPORTED_AGAIN), "The alert is closed as grey market."),
        Option(Choice.FALSE_ALARM, _HARMLESS, "Such as a rival's reports, or one faulty delivery", "Close as harmless",
               (_NO_ITEM, _REPORTED_AGAIN), "The alert is closed as harmless."),
        Option(Choice.TEST, _TEST.label, "Our own people filed the reports", _TEST.submit, (_NO_ITEM,), _TEST.done),
    ),
}  # fmt: skip
"""The decisions of each kind. Adding one is a line here and its test."""

_OF_ANY: Mapping[Choice, Option] = {
    **{option.choice: option for option in TABLE[About.ITEM]},
    Choice.CONFIRMED: Option(
        Choice.CONFIRMED, "Confirmed: it is so", "What each alert suspects is true", "Confirm and close them"
    ),
    Choice.FALSE_ALARM: Option(
        Choice.FALSE_ALARM, "False alarm: harmless", "There is an explanation for all of them", "Close as false alarms"
    ),
    Choice.GREY_MARKET: Option(
        Choice.GREY_MARKET, "Grey market", "Genuine goods, sold where they should not be", "Close as grey market"
    ),
    Choice.TEST: Option(Choice.TEST, "Our own test", "Our own people tried something out", "Close as our own test"),
}
"""How a decision is called where it stands for no kind or for several."""
