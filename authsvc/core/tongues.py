"""
What the words of a verdict need of a language: its sentences, and how it writes a day and a month.

English is the language of the texts themselves, so it needs no catalogue. The others are in ``authsvc.languages``.
"""

from datetime import date, datetime
from typing import Protocol

NAMES = {
    "bg": "Български", "cs": "Čeština", "da": "Dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English",
    "es": "Español", "et": "Eesti", "fi": "Suomi", "fr": "Français", "ga": "Gaeilge", "hr": "Hrvatski",
    "hu": "Magyar", "it": "Italiano", "lt": "Lietuvių", "lv": "Latviešu", "mt": "Malti", "nl": "Nederlands",
    "pl": "Polski", "pt": "Português", "ro": "Română", "sk": "Slovenčina", "sl": "Slovenščina", "sv": "Svenska",
    "ar": "العربية",
}  # fmt: skip
"""Every language that is to be offered, by the name that its readers look for: those of the Union, and Arabic."""


class Tongue(Protocol):
    """A language, as far as words need it. What it has said is remembered, so it is told from others by hash."""

    def __hash__(self) -> int:
        """Tell it from other languages."""

    @property
    def code(self) -> str:
        """Its tag: "de"."""

    @property
    def is_english(self) -> bool:
        """Whether it is the language in which the texts are written."""

    def gettext(self, message: str) -> str:
        """Return *message* in this language, or as it is where nobody has translated it."""

    def day(self, moment: datetime | date | None) -> str:
        """Spell a day."""

    def month(self, moment: datetime | date | None) -> str:
        """Spell a month with its year."""


def day(moment: datetime | date | None) -> str:
    """Spell a day: "23 Nov 2026"; "an unknown day" for None."""
    return UNKNOWN_DAY if moment is None else f"{moment.day} {moment:%b %Y}"


def month(moment: datetime | date | None) -> str:
    """Spell a month: "May 2026"; "an unknown month" for None."""
    return UNKNOWN_MONTH if moment is None else f"{_MONTHS[moment.month - 1]} {moment.year}"


class _English:
    code = "en"
    is_english = True
    day = staticmethod(day)
    month = staticmethod(month)

    def gettext(self, message: str) -> str:
        return message


UNKNOWN_DAY, UNKNOWN_MONTH = "an unknown day", "an unknown month"
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
ENGLISH: Tongue = _English()
