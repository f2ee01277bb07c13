"""
Advice on paper: the answer, the law, the reasons, and the costs as a table and a chart, as a PDF with its fonts inside.

All that the figures rest on is printed below them, so that whoever gets the paper alone can judge it.
"""

from collections.abc import Sequence
from datetime import date
from os import PathLike, fspath
from typing import BinaryIO, Final

from reportlab.lib.colors import Color, HexColor, black
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, SimpleDocTemplate, Spacer, Table, TableStyle

from authsvc.core.advice import Advice
from authsvc.core.categories import CATEGORIES
from authsvc.core.code_costs import PARTS, Cost
from authsvc.paragraphs import paragraph
from authsvc.typefaces import draw_line, face, width_mm

# Four colours that stay apart in grey and for the colour-blind, from dark to light.
COLOURS: Final = tuple(HexColor(value) for value in ("#12355b", "#2f7a8c", "#8dbf8b", "#e3c878"))

_WIDTH = A4[0] - 40 * mm
_LEADING = 1.35
_GREY = HexColor("#595959")
_LINE = HexColor("#c8c8c8")


def write(target: str | PathLike[str] | BinaryIO, advice: Advice, *, on: date, currency: str) -> None:
    """Write the advice of the day *on* as a PDF of one or two pages."""
    document = SimpleDocTemplate(
        fspath(target) if isinstance(target, PathLike) else target,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=18 * mm,
        title="Batch, serial or hybrid",
        creator="authsvc",
        initialFontName=face(),
    )
    document.build(_story(advice, on, currency))


def _story(advice: Advice, on: date, currency: str) -> list[Flowable]:
    case = advice.case
    story: list[Flowable] = [
        _paragraph("Batch, serial or hybrid", 9, colour=_GREY),
        _paragraph(advice.headline, 15, bold=True),
        _paragraph(
            f"{CATEGORIES[case.category].title.capitalize()}, {case.volume:,} units a year, worth {case.value:,.2f}"
            f" {currency} each; markets: {', '.join(case.markets) or 'not named'}; {on:%-d %B %Y}",
            9,
            colour=_GREY,
        ),
    ]
    if advice.rule is not None:
        story += [_heading("The rule that forces it"), _paragraph(f"{advice.rule.title}. {advice.rule.says}", 9.5)]
        story.append(_paragraph(f"{advice.rule.citation}.", 8, colour=_GREY))
    story.append(_heading("Reasons"))
    story.append(
        _table(
            [["Factor", "Speaks for", "Because"]]
            + [[reason.factor, reason.granularity.value, _paragraph(reason.text, 8.5)] for reason in advice.reasons],
            (30, 22, 118),
        )
    )
    if advice.notes:
        story.append(_heading("What else to know"))
        story += [_paragraph(f"• {note}", 8.5) for note in advice.notes]
    costs = [
        _heading(f"Costs of a year, in {currency}"),
        _cost_table(advice),
        Spacer(0, 3 * mm),
        _Chart(advice.costs.costs),
        Spacer(0, 2 * mm),
        _paragraph(advice.costs.premium_check, 9),
    ]
    story.append(KeepTogether(costs))
    rest = _table(
        [["Assumption", "Value", "Meaning"]]
        + [[name, f"{value:,g}", _paragraph(says, 8)] for name, value, says in advice.costs.assumptions.rows()],
        (38, 24, 108),
    )
    words = _paragraph("These are assumptions, not quotes: put your own figures in their place.", 8.5)
    story.append(KeepTogether([_heading("What the costs rest on"), words, rest]))
    return story


def _cost_table(advice: Advice) -> Table:
    costs = advice.costs.costs
    rows: list[list[object]] = [["", *(cost.granularity.value for cost in costs)]]
    rows += [[part, *(f"{cost.parts[k]:,.2f}" for cost in costs)] for k, part in enumerate(PARTS)]
    rows.append(["total", *(f"{cost.total:,.2f}" for cost in costs)])
    rows.append(["each item", *(f"{cost.per_item:.4f}" for cost in costs)])
    rows.append(["against batch", *(f"{advice.costs.premium(cost.granularity):+.0%}" for cost in costs)])
    table = _table(rows, (50, 40, 40, 40))
    table.setStyle(TableStyle([("ALIGN", (1, 0), (-1, -1), "RIGHT"), ("FONTNAME", (0, 5), (-1, 5), face(bold=True))]))
    return table


class _Chart(Flowable):  # type: ignore[misc]  # reportlab has no types
    """
    One bar for each granularity, its parts side by side, and what the colours mean.

    Drawn on the page itself: a drawing of reportlab.graphics begins with a font that is not embedded.
    """

    _BAR, _PITCH, _LEFT = 7 * mm, 10 * mm, 22 * mm

    def __init__(self, costs: Sequence[Cost]) -> None:
        super().__init__()
        self._costs = costs
        self.width, self.height = _WIDTH, len(costs) * self._PITCH + 7 * mm

    def draw(self) -> None:
        page = self.canv
        most = max(cost.total for cost in self._costs) or 1.0
        for number, cost in enumerate(self._costs):
            x, y = self._LEFT, self.height - (number + 1) * self._PITCH
            page.setFillColor(black)
            draw_line(page, 0, y + 2.2 * mm, cost.granularity.value, 8)
            for amount, colour in zip(cost.parts, COLOURS, strict=True):
                length = amount / most * (_WIDTH - 52 * mm)
                page.setFillColor(colour)
                page.rect(x, y, length, self._BAR, stroke=0, fill=1)
                x += length
            page.setFillColor(black)
            draw_line(page, x + 2 * mm, y + 2.2 * mm, f"{cost.total:,.0f}", 8)
        x = self._LEFT
        for part, colour in zip(PARTS, COLOURS, strict=True):
            page.setFillColor(colour)
            page.rect(x, 0, 3 * mm, 3 * mm, stroke=0, fill=1)
            page.setFillColor(_GREY)
            draw_line(page, x + 4 * mm, 0.4 * mm, part, 8)
            x += (9 + width_mm(part, 8)) * mm


def _heading(text: str) -> Flowable:
    return paragraph(text, 11, bold=True, before=4 * mm, leading=_LEADING, after=mm)


def _paragraph(text: str, size: float, *, bold: bool = False, colour: Color = black) -> Flowable:
    return paragraph(text, size, bold=bold, colour=colour, leading=_LEADING, after=mm)


def _table(rows: list[list[object]], widths: tuple[float, ...]) -> Table:
    table = Table(rows, [width * mm for width in widths], repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, 0), face(bold=True)),
                ("FONTNAME", (0, 1), (-1, -1), face()),
                ("FONTSIZE", (0, 0), (-1, -1), 8.5),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        )
    )
    return table
