import re
from pathlib import Path

import pytest

import authsvc
from authsvc.core.offline_words import ANSWERS

SCRIPT = Path(authsvc.__file__).parent / "web" / "static" / "reseller" / "signature.js"


@pytest.mark.parametrize("name", ANSWERS)
def test_words_are_short_and_fill_the_brand_alone(name):
    words = ANSWERS[name]

    assert len(words.title.split()) <= 8
    assert all(len(sentence.split()) <= 15 for sentence in re.split(r"(?<=[.?!:])\s", words.text))
    assert set(re.findall(r"{(.*?)}", words.title + words.text)) <= {"brand"}


def test_every_answer_of_the_verifier_has_words():
    listed = re.search(r"Answers: ([a-z, \n/-]+)\.", SCRIPT.read_text())[1]

    assert set(re.findall(r"[a-z]+(?:-[a-z]+)?", listed)) | {"no-keys"} == set(ANSWERS)
