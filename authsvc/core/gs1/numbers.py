"""
GS1's numbers with a check digit as programs write them, and what is wrong with one: expected, got, what to do.

People may write a GTIN in every length (``sgtin.normalise_gtin``); a program writes the one form that is stored.
"""

from dataclasses import dataclass
from typing import Final

from .values import check_digit, has_check_digit, shown


@dataclass(frozen=True, slots=True)
class NumberKind:
    """A kind of number: its name behind its article, its digits, and the shorter forms that zeros make one of it."""

    name: str
    digits: int
    shorter: tuple[int, ...] = ()

    def find_fault(self, text: str) -> str | None:
        """Return what was expected in the place of *text*, and what mends it; None where it is right."""
        is_number = text.isascii() and text.isdigit()
        if is_number and len(text) == self.digits and has_check_digit(text):
            return None
        expected = f"{self.name}: {self.digits} digits with a right check digit, got {shown(text)}"
        return f"{expected}; {self._advise(text) if is_number else 'write its digits alone'}"

    def _advise(self, digits: str) -> str:
        missing = self.digits - len(digits)
        if missing and len(digits) not in self.shorter:
            count = "1 digit is" if abs(missing) == 1 else f"{abs(missing)} digits are"
            return f"{count} {'missing' if missing > 0 else 'too many'}"
        if not has_check_digit(digits):
            zeros = f", and {missing} zeros belong before it" if missing > 1 else ", and a 0 before it" * bool(missing)
            return f"the check digit should be {check_digit(digits[:-1])}{zeros}: look for a typing error"
        return f"put zeros before it: {digits.zfill(self.digits)}"


GTIN: Final = NumberKind("a GTIN-14", 14, shorter=(8, 12, 13))
SSCC: Final = NumberKind("an SSCC", 18)
GLN: Final = NumberKind("a GLN", 13)
