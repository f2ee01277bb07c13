"""
Formats of lot numbers and serials, as a brand defines them for a product.

A lot format is a pattern: ``#`` is a digit, ``@`` a capital letter, ``$`` either, ``{YY}``, ``{YYYY}``, ``{MM}``,
``{DD}``, ``{DDD}`` (day of the year) and ``{WW}`` (week) a part of a date; every other character is itself. None of
the signs can stand in a lot number, so none needs to be escaped (GS1 General Specifications, figure 7.11-1).

A serial format is a source and what its numbers look like: ``derived``; ``random prefix=HL length=16
alphabet=crockford``; ``imported length=8-12 alphabet=digits``; and ``imei`` for 15 digits with their check digit.
Both are stored in the one spelling that ``str`` gives.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from math import log2
from typing import Self

from authsvc.core.serials import ALPHABET as CROCKFORD
from authsvc.errors import BadInput

LONGEST = 20
"""Characters of a lot number and of a serial (AI 10, AI 21)."""
LEAST_RANDOM_BITS = 50
"""Of a serial that is drawn: so that a million of them do not meet each other, nor a guess."""

_PARTS = {
    "{YYYY}": "2[0-9]{3}",
    "{YY}": "[0-9]{2}",
    "{MM}": "(?:0[1-9]|1[0-2])",
    "{DDD}": "(?:00[1-9]|0[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-6])",
    "{DD}": "(?:0[1-9]|[12][0-9]|3[01])",
    "{WW}": "(?:0[1-9]|[1-4][0-9]|5[0-3])",
    "#": "[0-9]",
    "@": "[A-Z]",
    "$": "[A-Z0-9]",
}
_WIDTHS = {"{YYYY}": 4, "{DDD}": 3, "{YY}": 2, "{MM}": 2, "{DD}": 2, "{WW}": 2}
_DATES = {"{YYYY}": "%Y", "{YY}": "%y", "{MM}": "%m", "{DDD}": "%j", "{DD}": "%d", "{WW}": "%V"}
_LITERAL = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"
_split = re.compile(r"\{[A-Z]+\}|.", re.DOTALL).findall
_is_literal = re.compile(_LITERAL).fullmatch


@dataclass(frozen=True, slots=True)
class LotFormat:
    """What the lot numbers of a product look like."""

    pattern: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read a pattern.

        Raises:
            BadInput: It holds a sign that has no meaning, or a number of it could be too long.
        """
        parts = tuple(_split(text.strip()))
        for part in parts:
            if part not in _PARTS and not _is_literal(part):
                raise BadInput(
                    f"{part} means nothing in the format of a lot number. Use # for a digit, @ for a letter, $ for "
                    "either, {YY} {YYYY} {MM} {DD} {DDD} {WW} for a date, and letters, digits and marks as themselves."
                )
        width = sum(_WIDTHS.get(part, 1) for part in parts)
        if not 1 <= width <= LONGEST:
            raise BadInput(f"A lot number has 1 to {LONGEST} characters, and this format makes {width}.")
        return cls("".join(parts), parts)

    def __str__(self) -> str:
        return self.pattern

    def find_fault(self, lot: str) -> str | None:
        """Say what is wrong with a lot number, as the end of a sentence; None where it fits."""
        expression = "".join(_PARTS.get(part) or re.escape(part) for part in self.parts)
        if re.fullmatch(expression, lot):
            return None
        return f"does not follow the format {self.pattern} of this product, such as {self.example(date(2026, 9, 28))}"

    def example(self, day: date) -> str:
        """Return a lot number of this format, as of a lot of that day."""
        counted = {"#": "1", "@": "A", "$": "A"}
        return "".join(f"{day:{_DATES[part]}}" if part in _DATES else counted.get(part, part) for part in self.parts)


class Source(StrEnum):
    """Where the serials of a product come from."""

    DERIVED = "derived"
    RANDOM = "random"
    IMPORTED = "imported"


ALPHABETS = {
    "digits": "0123456789",
    "capitals": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "crockford": CROCKFORD,
}
"""The characters of a serial, by name; ``any`` is every character that GS1 allows."""
ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialFormat:
    """
    What the serials of a product look like.

    *shortest* and *longest* count the prefix and the check digit (``luhn``, the one of an IMEI).
    """

    source: Source = Source.DERIVED
    prefix: str = ""
    shortest: int = 1
    longest: int = LONGEST
    alphabet: str = ANY
    has_check_digit: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read a format.

        Raises:
            BadInput: It says nothing that a serial could follow, and what instead.
        """
        words = text.split()
        if words[:1] == ["imei"]:
            words[:1] = ["imported", "length=15", "alphabet=digits", "check=luhn"]
        try:
            source = Source(words[0] if words else "")
        except ValueError:
            raise BadInput(f"A serial format begins with derived, random, imported or imei, got {text!r}.") from None
        given = _settings(words[1:])
        if source is Source.DERIVED and given:
            raise BadInput("Derived serials have 16 characters of their own; they take no prefix, length or alphabet.")
        shortest, longest = _length(given.get("length"), source)
        found = cls(
            source=source,
            prefix=given.get("prefix", ""),
            shortest=shortest,
            longest=longest,
            alphabet=given.get("alphabet", "crockford" if source is Source.RANDOM else ANY),
            has_check_digit=given.get("check") == "luhn",
        )
        found._check()
        return found

    def __str__(self) -> str:
        if self.source is Source.DERIVED:
            return "derived"
        length = f"{self.shortest}-{self.longest}" if self.shortest != self.longest else str(self.longest)
        said = [self.source.value, f"prefix={self.prefix}" if self.prefix else ""]
        said += [f"length={length}", f"alphabet={self.alphabet}", "check=luhn" if self.has_check_digit else ""]
        return " ".join(filter(None, said))

    def find_fault(self, serial: str) -> str | None:
        """Say what is wrong with a serial, as the end of a sentence; None where it fits. GS1's rules are not asked."""
        if not self.shortest <= len(serial) <= self.longest:
            wanted = str(self.longest) if self.shortest == self.longest else f"{self.shortest} to {self.longest}"
            return f"has {len(serial)} characters, and a serial of this product has {wanted}"
        if not serial.startswith(self.prefix):
            return f"does not begin with {self.prefix}, as a serial of this product does"
        if self.alphabet != ANY and not _only(self.alphabet)(serial, len(self.prefix)):
            return f"has a character that is not among {ALPHABETS[self.alphabet]}"
        if self.has_check_digit and luhn(serial[len(self.prefix) : -1]) != serial[-1]:
            return f"has a wrong check digit: expected {luhn(serial[len(self.prefix) : -1])}, got {serial[-1]}"
        return None

    def draw(self, random_bytes: Callable[[int], bytes]) -> str:
        """Draw a serial of a random format; pass ``secrets.token_bytes``."""
        letters = ALPHABETS[self.alphabet]
        body, count = "", self._drawn
        while len(body) < count:
            # Bytes beyond the last whole round of the alphabet are dropped, so that every letter is as likely.
            last = 256 - 256 % len(letters)
            body += "".join(letters[byte % len(letters)] for byte in random_bytes(2 * count) if byte < last)
        body = body[:count]
        return f"{self.prefix}{body}{luhn(body) if self.has_check_digit else ''}"

    @property
    def _drawn(self) -> int:
        return self.longest - len(self.prefix) - self.has_check_digit

    def _check(self) -> None:
        if self.alphabet != ANY and self.alphabet not in ALPHABETS:
            raise BadInput(f"The alphabet of a serial is {ANY}, {', '.join(ALPHABETS)}, got {self.alphabet!r}.")
        if not all(map(_is_literal, self.prefix)) or len(self.prefix) + self.has_check_digit >= self.longest:
            raise BadInput(f"The prefix {self.prefix!r} leaves no room for a number, or cannot stand in a serial.")
        if self.has_check_digit and self.alphabet != "digits":
            raise BadInput("A check digit needs alphabet=digits.")
        if self.source is not Source.RANDOM:
            return
        if self.alphabet == ANY or self.shortest != self.longest:
            raise BadInput("A random serial needs one length and one of the alphabets by name.")
        if self._drawn * log2(len(ALPHABETS[self.alphabet])) < LEAST_RANDOM_BITS:
            raise BadInput(
                f"A random serial needs {LEAST_RANDOM_BITS} random bits: 16 digits or 10 letters beside its prefix."
            )
        if self.longest == 16 and self.alphabet == "crockford" and not self.prefix:
            raise BadInput("16 characters of this alphabet are what derived serials have; choose another length.")


@lru_cache(maxsize=1024)
def lot_format(text: str) -> LotFormat:
    """Return a stored lot format, read once."""
    return LotFormat.parse(text)


@lru_cache(maxsize=1024)
def serial_format(text: str | None) -> SerialFormat | None:
    """Return a stored serial format, read once; None where the product has none and takes every source."""
    return None if text is None else SerialFormat.parse(text)


def luhn(digits: str) -> str:
    """Return the check digit of an IMEI (3GPP TS 23.003, annex B; ISO/IEC 7812-1)."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


# --- Private ---------------------------------------------------------------------------------------------------------

_SETTINGS = ("prefix", "length", "alphabet", "check")


def _settings(words: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for word in words:
        name, mark, value = word.partition("=")
        if name not in _SETTINGS or not mark or not value or name in given:
            raise BadInput(f"After its source a serial format says {', '.join(_SETTINGS)}, each once; got {word!r}.")
        given[name] = value
    if given.get("check", "luhn") != "luhn":
        raise BadInput(f"The check digit of a serial is luhn, got {given['check']!r}.")
    return given


def _length(text: str | None, source: Source) -> tuple[int, int]:
    if text is None:
        return (15, 15) if source is Source.RANDOM else (1, LONGEST)
    first, _, last = text.partition("-")
    last = last or first
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        raise BadInput(f"The length of a serial is a number or a range such as 8-12, got {text!r}.")
    if not 1 <= int(first) <= int(last) <= LONGEST:
        raise BadInput(f"A serial has 1 to {LONGEST} characters, got the length {text}.")
    return int(first), int(last)


@lru_cache(maxsize=8)
def _only(alphabet: str) -> Callable[[str, int], object]:
    return re.compile(f"[{re.escape(ALPHABETS[alphabet])}]*").fullmatch
