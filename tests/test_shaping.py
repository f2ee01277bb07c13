"""Scripts on paper: every letter of the languages that the pages speak is drawn, and read back from the file."""

import io
import threading
import unicodedata

import pytest
from paper import fonts_of, ink_of, text_of
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from authsvc import typefaces

LANGUAGES = {
    "bg": "абвгдежзийклмнопрстуфхцчшщъьюя", "cs": "áčďéěíňóřšťúůýž", "da": "æøå", "de": "äöüßẞ",
    "el": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋ", "en": "the", "es": "áéíñóúü¿¡ªº", "et": "äõöüšž", "fi": "äöåšž",
    "fr": "àâæçéèêëîïôœùûüÿ«»", "ga": "áéíóúḃċḋ", "hr": "čćđšž", "hu": "áéíóöőúüű", "it": "àèéìíîòóù",
    "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "mt": "ċġħż", "nl": "áéíóúëïĳ", "pl": "ąćęłńóśźż", "pt": "ãáâàçéêíõóôú",
    "ro": "ăâîșț", "sk": "áäčďéíĺľňóôŕšťúýž", "sl": "čšž", "sv": "åäö",
    "uk": "ґєіїй",
}  # fmt: skip
ARABIC = "بطاقة الضمان صالحة لمدة سنتين من تاريخ الشراء ظل غيث ذهب حفظ ضوء قؤ لئن"
LAM_ALEF = "السلام الأول الآن الإسم لا"
MIXED = "الرقم التسلسلي 7K3M9QX2V4TD مسجل"


def printed(*lines, bold=False, align="left", leftward=None):
    target = io.BytesIO()
    page = Canvas(target, pagesize=(210 * mm, 297 * mm), invariant=True, initialFontName=typefaces.face())
    x = {"left": 20, "centre": 105, "right": 190}[align]
    for number, line in enumerate(lines):
        y = (285 - 5.5 * number) * mm
        typefaces.draw_line(page, x * mm, y, line, 12, bold=bold, align=align, leftward=leftward)
    page.save()
    return target.getvalue()


@pytest.mark.parametrize("bold", [False, True])
def test_letters_of_every_language_are_read_back(bold):
    lines = [line for language, letters in LANGUAGES.items() for line in (f"{language} {letters}", letters.upper())]
    content = printed(*lines, bold=bold)

    assert fonts_of(content) == {("DejaVuSans-Bold" if bold else "DejaVuSans", True)}
    assert text_of(content) == " ".join(lines)


@pytest.mark.parametrize("line", [ARABIC, LAM_ALEF, "שלום עולם", "ساعة هالدن"])
@pytest.mark.parametrize("bold", [False, True])
def test_leftward_text_is_read_back(line, bold):
    assert text_of(printed(line, bold=bold)) == line


@pytest.mark.parametrize("leftward", [None, True, False])
def test_a_serial_in_an_arabic_sentence_keeps_its_order(leftward):
    said = text_of(printed(MIXED, "Watch ساعة 7K3M 9QX2 V4TD", leftward=leftward))

    assert all(word in said for word in MIXED.split())
    assert "7K3M 9QX2 V4TD" in said


@pytest.mark.parametrize("text", ["7K3M 9QX2 V4TD", "2026-11-25", "https://id.example.com/", "(01)0950(21)7K3M"])
@pytest.mark.parametrize("leftward", [True, False])
def test_what_reads_rightward_stays_together_among_arabic(text, leftward):
    shaped = typefaces.shaped(f"رقم {text} هنا", leftward=leftward)

    assert text.rstrip("/") in str(shaped)


def test_marks_that_have_no_letter_of_their_own_are_read_back():
    # Lithuanian dictionaries write accents above the dot; no such letter is in Unicode.
    assert text_of(printed("e\u0301 x\u0323 w\u0302\u0331")) == "é x\u0323 ŵ\u0331"
    # Three glyphs stand for two characters.
    said = text_of(printed("\u01d5\u0323 a")).replace("\u200b", "")
    assert unicodedata.normalize("NFC", said) == unicodedata.normalize("NFC", "\u01d5\u0323 a")


def test_arabic_letters_join():
    word = "سلسبيل"

    assert typefaces.width_mm(word, 12) < 0.8 * sum(typefaces.width_mm(letter, 12) for letter in word)
    assert typefaces.width_mm("لا", 12) < typefaces.width_mm("ل", 12) + typefaces.width_mm("ا", 12)


def test_a_line_that_runs_leftward_begins_at_the_right_on_the_page():
    """The sentence ends with a full stop, which stands at its left end."""
    with_stop, without = (ink_of(printed(f"{ARABIC[:20]}{stop}", align="right"), 100) for stop in (".", ""))
    columns = [ink.any(axis=0).nonzero()[0] for ink in (with_stop, without)]

    assert columns[0][0] < columns[1][0]
    assert abs(int(columns[0][-1]) - int(columns[1][-1])) <= 1
    assert abs(int(columns[0][-1]) - 190 / 25.4 * 100) <= 4


@pytest.mark.parametrize("align", ["left", "centre", "right"])
def test_a_line_is_as_wide_as_it_is_measured(align):
    for line in (ARABIC[:30], MIXED, "Ελληνικά Жуков"):
        columns = ink_of(printed(line, align=align), 100).any(axis=0).nonzero()[0] / 100 * 25.4
        width = typefaces.width_mm(line, 12)
        start = {"left": 20, "centre": 105 - width / 2, "right": 190 - width}[align]

        assert start - 0.3 <= columns[0] < start + 2.5
        assert start + width - 2.5 < columns[-1] <= start + width + 0.3


def test_the_same_line_is_the_same_file_whichever_thread_draws_it():
    found = []
    threads = [threading.Thread(target=lambda: found.append(printed(ARABIC, LAM_ALEF, MIXED))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
