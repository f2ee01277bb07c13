import dataclasses

import pytest

from authsvc import data_matrix, symbol_reading, symbols
from authsvc.errors import AuthsvcError

LINK = "https://id.example.com/01/09521234543213/21/7K3M9QX2V4TD1RZ8?s=AQAB" + "x-_9" * 21


@pytest.mark.parametrize("make", [symbols.symbol, data_matrix.symbol])
@pytest.mark.parametrize("length", range(20, len(LINK), 7))
def test_a_good_symbol_passes(make, length):
    symbol_reading.check(make(LINK[:length]), LINK[:length])


@pytest.mark.parametrize("level", symbols.Level)
def test_every_level_passes(level):
    symbol_reading.check(symbols.symbol(LINK, level), LINK)


@pytest.mark.parametrize("make", [symbols.symbol, data_matrix.symbol])
def test_a_symbol_that_says_something_else_does_not(make):
    with pytest.raises(AuthsvcError, match="does not read back"):
        symbol_reading.check(make(LINK), LINK[:-1])


@pytest.mark.parametrize("make", [symbols.symbol, data_matrix.symbol])
def test_a_symbol_that_says_nothing_does_not(make):
    drawn = make(LINK)
    blank = dataclasses.replace(drawn, rows=tuple(bytes(drawn.size) for _ in drawn.rows))

    with pytest.raises(AuthsvcError, match="does not read back"):
        symbol_reading.check(blank, LINK)
