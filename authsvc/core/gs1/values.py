"""
What the inside of an AI value must satisfy: check digits, dates, codes, ranges.

Each check is a predicate over one component of a value whose characters and length are already right (the table
sees to that), so a check may index and convert freely. ``CHECKS`` names them as the table does and gives the words
with which a refusal says what was expected.

Everything here is ASCII: ``str.isdigit`` alone would take digits of other scripts.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from typing import Final

from authsvc.errors import BadDigitalLink

from .code_lists import COUNTRY_LETTERS, COUNTRY_NUMBERS, CURRENCY_NUMBERS

_CLIP: Final = 48


def shown(text: str) -> str:
    """Quote what came for a refusal: clipped, and pure ASCII, so it can do no harm in a page, log or terminal."""
    return ascii(text) if len(text) <= _CLIP else f"{text[:_CLIP]!a}..."


def check_digit(digits: str) -> str:
    """
    Return the mod-10 check digit that belongs after *digits* (the body of a GTIN, SSCC, GLN or GSRN).

    Raises:
        BadDigitalLink: Anything but ASCII digits came.
    """
    if not (digits.isascii() and digits.isdigit()):
        raise BadDigitalLink(
            f"A check digit is worked out over the digits 0 to 9, got {shown(digits)}. Remove the rest."
        )
    return str(-_weighted(digits + "0") % 10)


def has_check_digit(digits: str) -> bool:
    """Tell whether the last of *digits* is the mod-10 check digit of those before it."""
    return _weighted(digits) % 10 == 0


def _weighted(digits: str) -> int:
    """Add up the digits, from the right with the weights 1, 3, 1, 3 and so on."""
    codes = digits.encode()
    # The bytes of "0" to "9" are 48 above their values, and 48 weighs 1 or 3 for every digit.
    return sum(codes[::-2]) + 3 * sum(codes[-2::-2]) - 48 * (len(codes) + 2 * (len(codes) // 2))


# The alphanumeric check pair (General Specifications, 7.9.5): primes weigh the characters from the right, modulo 1021.
_SET_82: Final = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_SET_32: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES: Final = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)


def has_check_pair(text: str) -> bool:
    """Tell whether *text*, 25 characters at most, ends in its alphanumeric check pair (GMN)."""
    body, pair = text[:-2], text[-2:]
    total = sum(_SET_82.index(char) * prime for char, prime in zip(reversed(body), _PRIMES, strict=False)) % 1021
    return pair == _SET_32[total >> 5] + _SET_32[total & 31]


_LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY: Final = 2


def _is_day(year: int, month: int, day: int) -> bool:
    if not (1 <= month <= 12 and 1 <= day <= _LONGEST_MONTHS[month - 1]):
        return False
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return is_leap or month != _FEBRUARY or day < _LONGEST_MONTHS[1]


def is_date(text: str) -> bool:
    """Tell whether YYMMDD names a day that exists (GS1's sliding century makes 00 the year 2000, a leap year)."""
    return _is_day(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))


def is_date_or_month(text: str) -> bool:
    """Tell whether YYMMDD names a day, or with 00 as its day a whole month."""
    return is_date(f"{text[:4]}01" if text.endswith("00") else text)


def use_by(text: str, today: date) -> date | None:
    """
    Return the last good day that a checked AI (17) names, or None where its century has no such day.

    The century is the one that brings the year nearest to *today* (GS1 General Specifications 7.12), and the day 00
    is the last of the month.
    """
    year, month, day = int(text[:2]), int(text[2:4]), int(text[4:])
    ahead = year - today.year % 100
    year += today.year // 100 * 100 + (-100 if ahead > 50 else 100 if ahead < -49 else 0)
    try:
        return date(year, month, day or monthrange(year, month)[1])
    except ValueError:
        return None  # 29 February of a year that is a leap year in the other century only


def _is_long_date(text: str) -> bool:
    return _is_day(int(text[:4]), int(text[4:6]), int(text[6:]))


def _is_hour(text: str) -> bool:
    return text < "24"


def _is_sixtieth(text: str) -> bool:
    return text < "60"


def _is_time(text: str) -> bool:
    return _is_hour(text[:2]) and _is_sixtieth(text[2:])


def _starts_with_prefix(text: str) -> bool:
    # The shortest GS1 Company Prefix has four digits. Whether it was ever given out, only GS1 can say.
    return len(text) >= 4 and text[:4].isdigit()


def _is_piece_of_total(text: str) -> bool:
    return "00" < text[:2] <= text[2:]


_POSITION = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)")


def _is_position(text: str) -> bool:
    match = _POSITION.fullmatch(text)
    return match is not None and int(match[1]) <= int(match[2])


_IBAN = re.compile(r"([A-Z]{2})[0-9]{2}[0-9A-Z]+")


def _is_iban(text: str) -> bool:
    match = _IBAN.fullmatch(text)
    if match is None or match[1] not in COUNTRY_LETTERS:
        return False
    # ISO 13616: the first four characters go to the end, letters count 10 to 35, and the whole is 1 modulo 97.
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


_ESCAPED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*+")


def _lengths(first: int, last: int, more: int = 0) -> str:
    """Return an expression for a digit from *first* to *last* followed by that many digits, and *more* on top."""
    return "(?:" + "|".join(f"{n}[0-9]{{{n + more}}}" for n in range(first, last + 1)) + ")"


# The North American coupon code: fields that open with their own length, then optional ones that open with their tag.
_PURCHASE = _lengths(1, 5) + "[0-49][0-9]{3}"
_COUPON = re.compile(
    _lengths(0, 6, 6) + "[0-9]{6}" + _lengths(1, 5) + _PURCHASE
    + f"(?:1[0-3]{_PURCHASE}(?:{_lengths(0, 6, 6)}|9))?"
    + f"(?:2{_PURCHASE}(?:{_lengths(0, 6, 6)}|9))?"
    + "(?:3(?P<end>[0-9]{6}))?(?:4(?P<start>[0-9]{6}))?"
    + f"(?:5{_lengths(0, 9, 6)})?(?:6{_lengths(1, 7, 6)})?"
    + "(?:9[01256][0-2][0-9][01])?"
)  # fmt: skip
_OFFER = re.compile("[01]" + _lengths(0, 6, 6) + "[0-9]{6}" + _lengths(0, 9, 6))


def _is_coupon(text: str) -> bool:
    match = _COUPON.fullmatch(text)
    if match is None:
        return False
    start, end = match["start"], match["end"]
    if not all(is_date(day) for day in (start, end) if day):
        return False
    return not (start and end) or start <= end


Check = Callable[[str], bool]
CHECKS: Final[dict[str, tuple[Check, str]]] = {
    "csum": (has_check_digit, "a right check digit at its end"),
    "csumalpha": (has_check_pair, "the right pair of check characters at its end"),
    "gcp": (_starts_with_prefix, "a GS1 company prefix, at least four digits, at its start"),
    "yymmdd": (is_date, "a day that exists, as YYMMDD"),
    "yymmd0": (is_date_or_month, "a day that exists, as YYMMDD, where DD may be 00"),
    "yyyymmdd": (_is_long_date, "a day that exists, as YYYYMMDD"),
    "hh": (_is_hour, "an hour from 00 to 23"),
    "sixtieth": (_is_sixtieth, "minutes and seconds from 00 to 59"),
    "hhmi": (_is_time, "a time from 0000 to 2359, as hhmm"),
    "iso3166": (COUNTRY_NUMBERS.__contains__, "three-digit country codes of ISO 3166"),
    "iso3166999": ((COUNTRY_NUMBERS | {"999"}).__contains__, "a three-digit country code of ISO 3166, or 999"),
    "iso3166alpha2": (COUNTRY_LETTERS.__contains__, "a two-letter country code of ISO 3166"),
    "iso4217": (CURRENCY_NUMBERS.__contains__, "a three-digit currency code of ISO 4217"),
    "pieceoftotal": (_is_piece_of_total, "a piece number from 01 to the total, then the total"),
    "posinseqslash": (_is_position, "a position and a total, like 1/3"),
    "iban": (_is_iban, "an IBAN with right check digits"),
    "pcenc": (lambda text: _ESCAPED.fullmatch(text) is not None, "percent signs followed by two hexadecimal digits"),
    "hyphen": (lambda text: text == "-", "nothing but a minus sign after the six digits"),
    "yesno": (lambda text: text in "01", "0 for no or 1 for yes"),
    "winding": (lambda text: text in "019", "a winding direction of 0, 1 or 9"),
    "iso5218": (lambda text: text in "0129", "a code of ISO 5218: 0, 1, 2 or 9"),
    "importeridx": (lambda text: text in "-_" or text.isalnum(), "a letter, digit, minus or underscore at its end"),
    "mediatype": (lambda text: "01" <= text <= "10" or text >= "80", "an AIDC media type, 01 to 10 or 80 to 99"),
    "latitude": (lambda text: int(text) <= 180 * 10**7, "a latitude from 0000000000 to 1800000000"),
    "longitude": (lambda text: int(text) <= 360 * 10**7, "a longitude from 0000000000 to 3600000000"),
    "zero": (lambda text: text == "0", "a 0 at its start"),
    "nonzero": (lambda text: text.strip("0") != "", "measures that are not all zeros"),
    "nozeroprefix": (lambda text: not text.startswith("0"), "no 0 at its start"),
    "hasnondigit": (lambda text: not text.isdigit(), "at least one character that is not a digit"),
    "couponcode": (_is_coupon, "a North American coupon code"),
    "couponposoffer": (lambda text: _OFFER.fullmatch(text) is not None, "a North American positive offer code"),
}
