"""
GS1 identifiers: the strict Digital Link parser and builder, check digits and the rules of every AI.

Nothing outside this package reads or writes a Digital Link, an AI value or a check digit. The names below are
the whole interface; a value that came out of them is right, and the rest of the service never checks it again.
"""

from .digital_link import DigitalLink
from .numbers import GLN, GTIN, SSCC
from .sgtin import human_readable, normalise_gtin, parse_bracketed, parse_sgtin
from .values import check_digit, use_by

__all__ = [
    "GLN",
    "GTIN",
    "SSCC",
    "DigitalLink",
    "check_digit",
    "human_readable",
    "normalise_gtin",
    "parse_bracketed",
    "parse_sgtin",
    "use_by",
]
