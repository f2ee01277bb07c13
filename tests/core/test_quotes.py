import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc import languages
from authsvc.core import quotes
from authsvc.core.tongues import ENGLISH

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Co")), max_size=40)


@given(TEXT, TEXT, TEXT, st.sampled_from(["de", "ar", "en"]))
def test_a_quotation_keeps_its_language_and_the_sentence_its_words(before, quoted, after, language):
    plain, pieces = quotes.read(before + quotes.quote(quoted, language, ENGLISH) + after)

    assert plain == before + quoted + after
    if language == "en" or not quoted:
        assert pieces == ()
    else:
        assert [piece for piece in pieces if piece[1]] == [(quoted, language)]
        assert "".join(text for text, _ in pieces) == plain


def test_words_of_a_brand_cannot_pass_for_marks():
    forged = "\ue010ar\ue011x\ue012"

    assert quotes.read(quotes.quote(forged, "en", ENGLISH)) == ("arx", ())
    assert quotes.read(quotes.quote(forged, "de", ENGLISH)) == ("arx", (("arx", "de"),))


@pytest.mark.parametrize("code", ["de", "ar"])
def test_what_is_in_the_language_of_the_sentence_is_no_quotation(code):
    assert quotes.quote("x", code, languages.get(code)) == "x"
