"""Paragraphs and sheets where scripts meet: broken in the order of reading, over pages, from the side they begin at."""

import io

import pytest
from paper import fonts_of, ink_of, text_of
from reportlab.platypus import Paragraph

from authsvc import sheets, typefaces
from authsvc.paragraphs import Lines, paragraph
from authsvc.sheets import Sheet
from authsvc.web.papers import setting

SAID = "السلام عليكم هذا المنتج أصلي ورقمه 7K3M9QX2V4TD وقد سجله مالكه الأول"
GREEK = "Εγγύηση του προϊόντος"


def bound(*story):
    return setting.build(list(story), title="t", author="a", foot="f")


def test_plain_text_is_a_paragraph_of_reportlab_and_no_markup():
    found = paragraph("a < b & <i>c</i>\nΕλληνικά")

    assert isinstance(found, Paragraph)
    assert "a < b & <i>c</i> Ελληνικά" in text_of(bound(found))


def test_every_part_of_a_paper_takes_every_script():
    content = bound(
        setting.heading(SAID),
        paragraph(f"{SAID}\n{GREEK}"),
        setting.definitions([("Shop", SAID), ("Жуков", GREEK)]),
        setting.table(["Note", "Zażółć"], [["السلام", GREEK], ["Příliš", SAID]], [60, 60]),
    )
    said = text_of(content)

    assert fonts_of(content) == {("DejaVuSans", True), ("DejaVuSans-Bold", True)}
    assert said.count("7K3M9QX2V4TD") == 4
    assert all(word in said for word in ("السلام", "الأول", GREEK, "Жуков", "Zażółć", "Příliš"))


def test_lines_are_broken_in_the_order_of_reading():
    found = paragraph(SAID, 12)
    found.wrap(150, 1000)

    assert isinstance(found, Lines)
    assert len(found._broken) > 2
    assert " ".join(found._broken) == SAID
    assert found._broken[0].startswith("السلام")


@pytest.mark.parametrize("letter", ["W", "ش"])
def test_a_word_that_is_wider_than_its_column_is_broken_where_the_column_ends(letter):
    lines = typefaces.broken(f"a {letter * 700} b", 10, 50)

    assert "".join(lines).replace(" ", "") == f"a{letter * 700}b"
    assert all(typefaces.width_mm(line, 10) <= 50 for line in lines)
    assert all(typefaces.width_mm(line + letter, 10) > 50 for line in lines[1:-2])
    assert typefaces.broken(letter * 3, 10, 0.1) == [letter] * 3


def test_a_long_text_goes_on_on_the_next_page():
    lines = [f"{SAID} {number}" for number in range(90)]
    content = bound(paragraph("\n".join(lines), 12))

    assert content.count(b"/Type /Page\n") >= 2
    assert text_of(content).count("7K3M9QX2V4TD") == 90


@pytest.mark.parametrize("text", [SAID, "Plain words"])
def test_a_paragraph_of_a_leftward_paper_stands_at_the_right(text):
    left, right = (ink_of(bound(paragraph(text, 9, leftward=leftward)))[:150] for leftward in (False, True))
    width = left.shape[1]

    assert left.any(axis=0).nonzero()[0][0] < width * 0.15
    assert right.any(axis=0).nonzero()[0][-1] > width * 0.85
    assert right.any(axis=0).nonzero()[0][0] > width * 0.3


def test_a_sheet_in_arabic_begins_at_the_right():
    def drawn(*, leftward):
        return sheets.draw(
            Sheet(
                brand="Halden", title="شهادة التسجيل", number="H-1", subject="x", number_words="الرقم {}",
                rows=[("", "الضمان"), ("الرقم التسلسلي", "7K3M 9QX2"), ("المنتج", "ساعة")], small_print=[SAID],
                language="ar", leftward=leftward,
            )
        )  # fmt: skip

    content = drawn(leftward=True)
    ink = ink_of(content)
    title = ink[70:105]  # 24 points high, 49 mm from the top

    assert title.any()
    assert title.any(axis=0).nonzero()[0][0] > ink.shape[1] / 2
    assert ink_of(drawn(leftward=False))[70:105].any(axis=0).nonzero()[0][-1] < ink.shape[1] * 0.7
    assert all(word in text_of(content) for word in ("شهادة", "التسجيل", "7K3M 9QX2", "H-1", "الأول"))
    assert b"/Lang (ar)" in content
    assert content == drawn(leftward=True)


def test_a_title_of_any_length_stays_on_its_sheet():
    sheet = Sheet(
        brand="b", title="Registrierungsbescheinigung für den Käufer", number="1", subject="s", rows=[], small_print=[]
    )
    columns = ink_of(sheets.draw(sheet)).any(axis=0).nonzero()[0]

    assert columns[-1] / 50 * 25.4 == pytest.approx(185, abs=1.5)


def test_a_sheet_says_what_it_cannot_draw_with_a_question_mark():
    sheet = Sheet(brand="時計", title="t", number="1", subject="s", rows=[("Shop", "時計 Ω")], small_print=[])

    assert "?? Ω" in text_of(sheets.draw(sheet))
    assert io.BytesIO(sheets.draw(sheet)).read(5) == b"%PDF-"
