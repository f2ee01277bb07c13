"""A letter on paper, from its parts."""

from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from authsvc.paragraphs import paragraph
from authsvc.takedown import Letter
from authsvc.web.papers.setting import build


def write(letter: Letter) -> bytes:
    """Return the letter as PDF."""
    story = [paragraph(letter.sender, 12, bold=True)]
    story += [paragraph(letter.contact, 9)] if letter.contact else []
    story += [
        Spacer(0, 12 * mm),
        paragraph(letter.recipient, 10),
        Spacer(0, 8 * mm),
        paragraph(f"{letter.date:%-d %B %Y}", 10),
        Spacer(0, 4 * mm),
        paragraph(letter.subject, 11, bold=True),
    ]
    story += [paragraph(said, 10, before=2 * mm) for said in letter.opening]
    story += [
        paragraph(f"{number}. {listing}", 10, before=1 * mm, indent=6 * mm)
        for number, listing in enumerate(letter.listings, 1)
    ]
    if letter.facts:
        story.append(paragraph("What is known to us:", 10, before=3 * mm))
        story += [paragraph(f"• {fact}", 10, indent=6 * mm) for fact in letter.facts]
    story += [paragraph(said, 10, before=2 * mm) for said in letter.closing]
    story += [Spacer(0, 14 * mm), paragraph(letter.sender, 10)]
    return build(story, title=letter.subject, author=letter.sender, foot=letter.subject)
