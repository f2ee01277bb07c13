"""
Layouts: everything that the labels of one file share, from the template to the printer.

A layout draws the symbol of each label, fits it and reads it back, so that whatever prints labels (PDF, ZPL, pictures)
does so from the same modules at the same width.
"""

from dataclasses import dataclass, field

from authsvc import symbol_reading
from authsvc.labels.fitting import Fit, Symbology, fit
from authsvc.labels.templates import Template
from authsvc.symbols import Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """
    How the labels of one file are printed.

    *is_whole*: the printer has dots and no fractions of them. *logo* is a PNG or JPEG picture.
    """

    template: Template
    symbology: Symbology = field(default_factory=Symbology)
    x_dimension: float | None = None
    dpi: int = 600
    is_whole: bool = False
    logo: bytes | None = None
    has_outline: bool = False
    _fits: dict[int, Fit] = field(default_factory=dict, repr=False, compare=False)

    def fit(self, uri: str) -> Fit:
        """
        Return how wide a module of the symbol of *uri* is.

        Raises:
            BadInput: It cannot be printed or read on this label.
        """
        found = self._fits.get(len(uri))
        if found is None:
            found = fit(
                self.template, uri, self.symbology, x_dimension=self.x_dimension, dpi=self.dpi, is_whole=self.is_whole
            )
            self._fits[len(uri)] = found
        return found

    def draw(self, uri: str) -> tuple[Symbol, Fit]:
        """
        Return the symbol of a link, which was read back, and its fit.

        Raises:
            BadInput: It cannot be printed or read on this label.
        """
        found = self.fit(uri)
        symbol = self.symbology.draw(uri)
        symbol_reading.check(symbol, uri)
        return symbol, found

    def place(self, found: Fit) -> tuple[float, float]:
        """Return where the symbol begins, its quiet zone included, in mm from the corner of the label."""
        rest = (self.template.room - found.width) / 2
        return self.template.symbol_x + rest, self.template.symbol_y + rest
