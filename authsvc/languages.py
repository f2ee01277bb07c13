"""
The languages of the public pages and mails: which there are, which one a reader gets, and how it says things.

The texts in the code are English and are the keys of the catalogues in ``authsvc/translations``; ``docs/languages.md``
says how one is added. A reader gets the language that the address names (``?lang=de``), else the best of what their
browser asks for, else English. Nothing is remembered: a choice travels in the links of the pages (``carry``), so no
cookie is needed for it.

What is being said belongs to one request or one mail: it is set at the edge and read where words are made, in
templates most of all. Whoever sets nothing speaks English, as the console does. Catalogues are read once, and no words
are looked up in a catalogue on disk.
"""

import gettext as catalogues
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import parse_qs

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_skeleton
from babel.numbers import format_decimal

from authsvc.core import tongues
from authsvc.errors import AuthsvcError, BadDigitalLink

FOLDER = Path(__file__).parent / "translations"
DOMAIN = "messages"
DEFAULT = "en"
PARAMETER = "lang"
NAMES = tongues.NAMES
"""Every language that is to be offered, by the name that its readers look for."""

UNREADABLE = (
    "We cannot read this as a number or a link of a label. Compare it with the label, or paste the whole link again."
)
"""What stands, in other languages, for the many ways in which a number can be wrong. In English each has its own."""

_RIGHT_TO_LEFT = frozenset({"ar"})
_DAY, _MONTH = "yMMMd", "yMMMM"  # skeletons of CLDR: the order and the full stops are the language's own


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language: its catalogue, and how it writes days and numbers."""

    code: str
    catalogue: catalogues.NullTranslations = field(repr=False)

    @property
    def name(self) -> str:
        """How the language calls itself."""
        return NAMES.get(self.code, self.code)

    @property
    def direction(self) -> str:
        """Where lines begin: ``ltr`` or ``rtl``."""
        return "rtl" if self.code in _RIGHT_TO_LEFT else "ltr"

    @property
    def is_english(self) -> bool:
        """Whether it is the language in which the texts are written."""
        return self.code == DEFAULT

    def gettext(self, message: str) -> str:
        """Return *message* in this language, or as it is where nobody has translated it."""
        return self.catalogue.gettext(message)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """Return a message that counts, in the form that this *number* takes."""
        return self.catalogue.ngettext(one, many, number)

    def day(self, moment: datetime | date | None) -> str:
        """Spell a day: "23 Nov 2026", „23. Nov. 2026“."""
        if moment is None:
            return self.gettext(tongues.UNKNOWN_DAY)
        return _spelt(self.code, _DAY, moment.date() if isinstance(moment, datetime) else moment)

    def month(self, moment: datetime | date | None) -> str:
        """Spell a month with its year: "May 2026", „Mai 2026“."""
        if moment is None:
            return self.gettext(tongues.UNKNOWN_MONTH)
        return _spelt(self.code, _MONTH, date(moment.year, moment.month, 1))

    def number(self, value: int) -> str:
        """Write a number with its thousands apart, in the digits of the serial numbers beside it."""
        return format_decimal(value, locale=self.code, numbering_system="latn")


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is spoken now: the *language*, whether the address names it, and where its page can be had in another."""

    language: Language
    is_chosen: bool = False
    here: str = ""


# --- Which there are -------------------------------------------------------------------------------------------------


@cache
def offered() -> tuple[Language, ...]:
    """Return the languages that can be chosen, in the order of their codes: English, and each with a catalogue."""
    return tuple(get(code) for code in sorted(NAMES) if code == DEFAULT or _file(code).exists())


def get(code: str) -> Language:
    """Return the language called *code*; one without a catalogue speaks English."""
    # A reader may name anything: what is no language is neither looked for on the disk nor remembered.
    return _read(code) if code in NAMES else _read(DEFAULT)


# --- Which one a reader gets -----------------------------------------------------------------------------------------


def choose(query: str, accepted: str) -> tuple[Language, bool]:
    """Return the language for a query string and an ``Accept-Language``, and whether it was chosen by the address."""
    if PARAMETER in query and (named := parse_qs(query).get(PARAMETER)) and named[-1] in _codes():
        return get(named[-1]), True
    return best(accepted), False


@lru_cache(maxsize=1024)
def best(accepted: str) -> Language:
    """Return the offered language that an ``Accept-Language`` prefers."""
    wished: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:400].split(",")):
        found = _ACCEPTED.fullmatch(part.strip())
        if found and (quality := float(found[2] or 1)) > 0:
            wished.append((-quality, place, found[1].replace("-", "_")))
    return get(negotiate_locale([code for _, _, code in sorted(wished)], _codes()) or DEFAULT)


def carry(page: str, code: str) -> str:
    """Let every link and form of a page lead on in the language that was chosen."""
    return _LEADS_ON.sub(lambda link: link[1] + carried(link[2], code, amp="&amp;") + link[3], page)


def carried(address: str, code: str, *, amp: str = "&") -> str:
    """Return an address that asks for a language."""
    path, mark, query = address.partition("?")
    kept = [part for part in query.split(amp) if part and not part.startswith(f"{PARAMETER}=")]
    return f"{path}?{amp.join([*kept, f'{PARAMETER}={code}'])}" if mark else f"{path}?{PARAMETER}={code}"


# --- What is spoken now ----------------------------------------------------------------------------------------------


class speaking:  # noqa: N801  used like a function; a generator would cost each page twice as much
    """Speak a language inside of the block."""

    __slots__ = ("_said", "_token")

    def __init__(self, language: Language | str, *, is_chosen: bool = False, here: str = "") -> None:
        self._said = Spoken(get(language) if isinstance(language, str) else language, is_chosen, here)

    def __enter__(self) -> Spoken:
        """Begin to speak it."""
        self._token = _SPOKEN.set(self._said)
        return self._said

    def __exit__(self, *_fault: object) -> None:
        """Speak what was spoken before."""
        _SPOKEN.reset(self._token)


def speak(spoken: Spoken) -> None:
    """Speak as *spoken* says from now on; each request of a thread says it anew."""
    _SPOKEN.set(spoken)


def now_spoken() -> Spoken:
    """Return what is spoken, with the place that it is spoken at."""
    return _SPOKEN.get()


def spoken() -> Language:
    """Return the language that is spoken."""
    return _SPOKEN.get().language


def gettext(message: str) -> str:
    """Say *message* in the language that is spoken."""
    return _SPOKEN.get().language.gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """Say a message that counts in the language that is spoken."""
    return _SPOKEN.get().language.ngettext(one, many, number)


def later(message: str) -> str:
    """Mark a text for the catalogues that is said later, by ``gettext``."""
    return message


def day(moment: datetime | date | None) -> str:
    """Spell a day as it is spoken."""
    return spoken().day(moment)


def month(at: datetime) -> str:
    """Spell a month as it is spoken, where a day could tell who was there."""
    return spoken().month(at.astimezone(UTC))


def moment(at: datetime) -> str:
    """Word a time in full: "23 Nov 2026, 10:14 UTC"."""
    return _moment(spoken(), at.timestamp() // 60)


def number(value: int) -> str:
    """Write a number as it is spoken."""
    return spoken().number(value)


def of_error(error: AuthsvcError) -> str:
    """Say what a refusal says in the language that is spoken; its values, such as a limit, are put in afterwards."""
    language = spoken()
    said = language.gettext(error.sentence)
    if isinstance(error, BadDigitalLink) and said == error.sentence and not language.is_english:
        said = language.gettext(UNREADABLE)
    return said.format(**{name: _said(value) for name, value in error.values.items()}) if error.values else said


def country(code: str, name: str) -> str:
    """Return how a country is called; *name* is what it is in English, and where nobody has translated it."""
    language = spoken()
    return name if language.is_english else Locale.parse(language.code).territories.get(code, name)


def in_english(code: str) -> str:
    """Return how English calls a language, for the console."""
    return str(Locale.parse(code).get_language_name(DEFAULT))


def all_in_english() -> dict[str, str]:
    """Return every language by its tag, with what English calls it; in the order of that."""
    return dict(sorted(((tag, in_english(tag)) for tag in NAMES), key=lambda one: one[1]))


# --- Private ---------------------------------------------------------------------------------------------------------


@cache
def _read(code: str) -> Language:
    if code == DEFAULT or not _file(code).exists():
        return Language(DEFAULT, catalogues.NullTranslations())
    with _file(code).open("rb") as file:
        return Language(code, catalogues.GNUTranslations(file))


def _file(code: str) -> Path:
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.mo"


def _said(value: object) -> object:
    """Write a value of a refusal as it is spoken."""
    if isinstance(value, date):
        return day(value)
    return number(value) if isinstance(value, int) else value


@cache
def _codes() -> tuple[str, ...]:
    return tuple(language.code for language in offered())


@lru_cache(maxsize=4096)
def _spelt(code: str, skeleton: str, day: date) -> str:
    # CLDR takes 40 us for a day; a page has three of them, and most are of this month.
    if code == DEFAULT:
        return tongues.day(day) if skeleton == _DAY else tongues.month(day)
    return format_skeleton(skeleton, day, locale=Locale.parse(code))


@lru_cache(maxsize=1024)
def _moment(language: Language, minute: float) -> str:
    # Many checks are of one minute.
    at = datetime.fromtimestamp(minute * 60, UTC)
    return language.gettext(_MOMENT).format(day=language.day(at), clock=f"{at.hour:02}:{at.minute:02}")


_MOMENT = later("{day}, {clock} UTC")
_ACCEPTED = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)(?:\s*;\s*q=([01](?:\.\d{0,3})?))?")
_LEADS_ON = re.compile(r'(<(?:a|form)\b[^>]*?\s(?:href|action)=")(/(?!language")[^"#]*)(["#])')
_SPOKEN: ContextVar[Spoken] = ContextVar("spoken", default=Spoken(get(DEFAULT)))  # noqa: B039  frozen, English
