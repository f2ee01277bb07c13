import pytest

from authsvc.cli.output import counted


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 codes"), (1, "1 code"), (2, "2 codes"), (1_234_567, "1,234,567 codes")]
)
def test_a_number_agrees_with_its_noun(number, words):
    assert counted(number, "code") == words
