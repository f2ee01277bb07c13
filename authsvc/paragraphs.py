"""
Paragraphs of a paper, whatever their script: reportlab's where its own do, lines of ours where scripts meet.

A paragraph of reportlab breaks lines and then writes letter by letter. Where letters join, or a line runs leftward,
lines are broken first, each by its measure, and only then put in order.
"""

from html import escape

from reportlab.lib.colors import Color, black
from reportlab.lib.enums import TA_LEFT, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph

from authsvc.shaping import has_leftward
from authsvc.typefaces import Align, broken, draw_line, drawable, face, is_plain

_LONGEST_WORD = 24  # letters; a longer one is broken where the column ends


def paragraph(
    text: str,
    size: float = 9,
    *,
    bold: bool = False,
    colour: Color = black,
    leading: float = 1.4,
    before: float = 0,
    after: float = 1.2 * mm,
    indent: float = 0,
    leftward: bool = False,
) -> Flowable:
    """
    Return text as a paragraph that keeps its lines; *leading* is a share of *size*, the other measures are points.

    In a paper whose language is written *leftward* every paragraph stands at the right.
    """
    style = ParagraphStyle(
        face(bold=bold), fontName=face(bold=bold), fontSize=size, leading=size * leading, textColor=colour,
        spaceBefore=before, spaceAfter=after, leftIndent=0 if leftward else indent,
        rightIndent=indent if leftward else 0, alignment=TA_RIGHT if leftward else TA_LEFT,
        wordWrap="CJK" if any(len(word) > _LONGEST_WORD for word in text.split()) else None,
    )  # fmt: skip
    lines = [drawable(line, bold=bold) for line in text.split("\n")]
    if all(map(is_plain, lines)):
        # A paragraph of reportlab reads markup; what we write is text.
        return Paragraph("<br/>".join(map(escape, lines)), style)
    return Lines(lines, style, bold=bold, leftward=leftward)


class Lines(Flowable):  # type: ignore[misc]  # reportlab has no types
    """Lines of drawable text in a column, each shaped as a whole; those that are too wide are broken."""

    def __init__(self, lines: list[str], style: ParagraphStyle, *, bold: bool, leftward: bool) -> None:
        super().__init__()
        self.style = style  # where reportlab looks for the space around it
        self._given = lines
        self._broken = lines
        self._bold = bold
        self._leftward = leftward

    def getSpaceBefore(self) -> float:  # noqa: N802  reportlab's name
        """Return the space above it."""
        return float(self.style.spaceBefore)

    def getSpaceAfter(self) -> float:  # noqa: N802  reportlab's name
        """Return the space below it."""
        return float(self.style.spaceAfter)

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """Break the lines for a column and return how much room they take."""
        style = self.style
        column = (width - style.leftIndent - style.rightIndent) / mm
        self._broken = [part for line in self._given for part in broken(line, style.fontSize, column, bold=self._bold)]
        self.width, self.height = width, len(self._broken) * style.leading
        return self.width, self.height

    def split(self, width: float, height: float) -> list[Flowable]:
        """Return the part that fits and the rest, or nothing where no line fits."""
        self.wrap(width, height)
        room = int(height / self.style.leading)
        if room < 1:
            return []
        parts = [part for part in (self._broken[:room], self._broken[room:]) if part]
        return [Lines(part, self.style, bold=self._bold, leftward=self._leftward) for part in parts]

    def draw(self) -> None:
        """Draw the lines; called by reportlab."""
        page, style = self.canv, self.style
        page.setFillColor(style.textColor)
        x = self.width - style.rightIndent if self._leftward else style.leftIndent
        for number, line in enumerate(self._broken):
            y = self.height - number * style.leading - style.fontSize
            leftward = bool(has_leftward(line)) if self._leftward else None
            align: Align = "right" if self._leftward else "left"
            draw_line(page, x, y, line, style.fontSize, bold=self._bold, align=align, leftward=leftward)
