"""
Symbols against a reader written from ISO/IEC 18004 alone, and against zxing-cpp.

zxing-cpp stops at the character count, as most readers do, so it cannot see wrong padding. The small reader below takes
the mask off, reads every code word of the data and of the correction, and shares nothing with the package.
"""

import io
import re

import pytest
import segno
import segno.encoder
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from authsvc import symbol_pictures, symbols
from authsvc.errors import BadInput

LINK = "https://id.example.com/01/09521234543213/21/7K3M9QX2V4TD1RZ8?s=AQAB" + "x-_9" * 21
FILLER = "https://id.example.com/01/09521234543213/10/L-7?" + "aZ09-_.~" * 30

# Table 9 at level M: correction code words in a block, data code words of each block.
BLOCKS = {
    1: (10, [16]),
    2: (16, [28]),
    3: (26, [44]),
    4: (18, [32] * 2),
    5: (24, [43] * 2),
    6: (16, [27] * 4),
    7: (18, [31] * 4),
    8: (22, [38] * 2 + [39] * 2),
    9: (22, [36] * 3 + [37] * 2),
    10: (26, [43] * 4 + [44]),
}
LARGEST = {v: sum(data) - (2 if v < 10 else 3) for v, (_, data) in BLOCKS.items()}
CENTRES = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]]
# The sign of a mask: zero where it inverts.
MASKS = [
    lambda i, j: (i + j) % 2,
    lambda i, j: i % 2,
    lambda i, j: j % 3,
    lambda i, j: (i + j) % 3,
    lambda i, j: (i // 2 + j // 3) % 2,
    lambda i, j: i * j % 2 + i * j % 3,
    lambda i, j: (i * j % 2 + i * j % 3) % 2,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2,
]


def is_fixed(version, i, j):
    """Say whether a module belongs to a pattern, the format or the version information."""
    n = 17 + 4 * version
    if 6 in (i, j) or (i < 9 and (j < 9 or j >= n - 8)) or (i >= n - 8 and j < 9):
        return True
    if version >= 7 and ((i < 6 and j >= n - 11) or (j < 6 and i >= n - 11)):
        return True
    centres = CENTRES[version - 1]
    corners = {(6, 6), (6, n - 7), (n - 7, 6)}
    return any(abs(i - a) < 3 and abs(j - b) < 3 for a in centres for b in centres if (a, b) not in corners)


def read(rows):
    """Return version, level, mask, the data code words, and the blocks with their correction."""
    n = len(rows)
    version = (n - 17) // 4
    corner = [(8, j) for j in (0, 1, 2, 3, 4, 5, 7, 8)] + [(i, 8) for i in (7, 5, 4, 3, 2, 1, 0)]
    other = [(n - 1 - k, 8) for k in range(7)] + [(8, n - 8 + k) for k in range(8)]
    form = int("".join(str(rows[i][j]) for i, j in corner), 2)
    assert form == int("".join(str(rows[i][j]) for i, j in other), 2)
    level, mask = (form ^ 0b101010000010010) >> 13, (form ^ 0b101010000010010) >> 10 & 7
    bits, upwards = [], True
    for right in [*range(n - 1, 6, -2), 5, 3, 1]:
        for i in range(n - 1, -1, -1) if upwards else range(n):
            bits += [rows[i][j] ^ (MASKS[mask](i, j) == 0) for j in (right, right - 1) if not is_fixed(version, i, j)]
        upwards = not upwards
    words = [int("".join(map(str, map(int, bits[k : k + 8]))), 2) for k in range(0, len(bits) // 8 * 8, 8)]
    assert not any(bits[len(words) * 8 :])  # remainder bits
    extra, sizes = BLOCKS[version]
    source = iter(words)
    data = [[] for _ in sizes]
    for k in range(max(sizes)):
        for block, size in zip(data, sizes, strict=True):
            if k < size:
                block.append(next(source))
    rest = [[next(source) for _ in sizes] for _ in range(extra)]
    assert next(source, None) is None
    blocks = [block + [row[k] for row in rest] for k, block in enumerate(data)]
    return version, level, mask, [word for block in data for word in block], blocks


def expected(version, text):
    """Return the data code words by 7.4: mode, count, data, terminator, pad bits, pad code words."""
    room = 8 * sum(BLOCKS[version][1])
    bits = "0100" + f"{len(text):0{8 if version < 10 else 16}b}" + "".join(f"{ord(c):08b}" for c in text)
    bits += "0" * min(4, room - len(bits))
    bits += "0" * (-len(bits) % 8)
    words = [int(bits[k : k + 8], 2) for k in range(0, len(bits), 8)]
    return words + [(0xEC, 0x11)[k % 2] for k in range(room // 8 - len(words))]


def times(a, b):
    product = 0
    while b:
        product ^= a * (b & 1)
        a, b = a << 1 ^ (0x11D if a & 0x80 else 0), b >> 1
    return product


def has_no_fault(block, extra):
    """Say whether the generator's roots are roots of the block: the definition of the correction code."""
    root = 1
    for _ in range(extra):
        value = 0
        for word in block:
            value = times(value, root) ^ word
        if value:
            return False
        root = times(root, 2)
    return True


def penalty(rows):
    """Score a matrix by 7.8.3.1, as the text says it."""
    n = len(rows)
    score = 0
    for line in [*rows, *(bytes(column) for column in zip(*rows, strict=True))]:
        text = "".join(map(str, line))
        score += sum(len(run.group()) - 2 for run in re.finditer("0{5,}|1{5,}", text))
        wide = f"0000{text}0000"
        score += 40 * sum(
            wide[k : k + 7] == "1011101" and "0000" in (wide[k - 4 : k], wide[k + 7 : k + 11])
            for k in range(4, len(wide) - 10)
        )
    for i in range(n - 1):
        for j in range(n - 1):
            score += 3 * (len({rows[i][j], rows[i][j + 1], rows[i + 1][j], rows[i + 1][j + 1]}) == 1)
    dark = sum(map(sum, rows))
    return score + 10 * int(abs(dark * 100 - 50 * n * n) // (5 * n * n))


@pytest.fixture
def repaired_segno(monkeypatch):
    """Make segno pad as the standard says: a second opinion on every module."""
    monkeypatch.setattr(
        segno.encoder, "write_padding_bits", lambda buffer, _version, length: buffer.extend([0] * (-length % 8))
    )
    return lambda text, error="m", **options: segno.make(
        text, error=error, mode="byte", boost_error=False, micro=False, **options
    )


def decode(picture):
    (found,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return found


def test_segno_still_pads_wrongly():
    """When this fails, segno was repaired and half of the module can go."""
    faulty = []
    for length in range(1, 214):
        drawn = segno.make(FILLER[:length], error="m", mode="byte", boost_error=False, micro=False)
        if read(drawn.matrix)[3] != expected(drawn.version, FILLER[:length]):
            faulty.append(length)

    assert faulty == [length for length in range(1, 214) if length not in LARGEST.values()]


@pytest.mark.parametrize("version", BLOCKS)
def test_every_length_of_a_version_has_the_code_words_of_the_standard(version):
    for length in range(LARGEST.get(version - 1, 0) + 1, LARGEST[version] + 1):
        drawn = symbols.symbol(FILLER[:length])
        found, level, mask, words, blocks = read(drawn.rows)

        assert (found, level, mask) == (version, 0, drawn.mask), length
        assert words == expected(version, FILLER[:length]), length
        assert all(has_no_fault(block, BLOCKS[version][0]) for block in blocks), length


def test_every_length_is_decoded_at_level_m():
    for length in range(1, 214):
        found = decode(Image.open(io.BytesIO(symbol_pictures.png(symbols.symbol(FILLER[:length]), scale=3))))

        assert (found.text, found.ec_level) == (FILLER[:length], "M")


def test_every_module_is_that_of_a_repaired_segno(repaired_segno):
    # Beyond the reader above: the larger versions have other counts, blocks and remainders.
    for version in (*range(1, 11), 14, 21, 28, 40):
        for text in ("b" * symbols.capacity(version), "A" * (symbols.capacity(version) - 3)):
            drawn = symbols.symbol(text)
            second = repaired_segno(text, mask=drawn.mask)

            assert drawn.version == version == second.version
            assert drawn.rows == tuple(map(bytes, second.matrix))


@pytest.mark.parametrize("text", [LINK, LINK[:60], FILLER[:14], FILLER[:180], "0" * 100])
def test_the_mask_has_the_lowest_penalty(repaired_segno, text):
    drawn = symbols.symbol(text)
    scores = [penalty([bytes(row) for row in repaired_segno(text, mask=mask).matrix]) for mask in range(8)]

    assert drawn.mask == scores.index(min(scores))


@pytest.mark.parametrize("text", ["", "https://é.example/", "a" * 2332])
def test_what_no_symbol_holds_is_refused(text):
    with pytest.raises(BadInput):
        symbols.symbol(text)


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300))
def test_any_printable_text_comes_back(text):
    found = decode(Image.open(io.BytesIO(symbol_pictures.png(symbols.symbol(text), scale=2))))

    assert found.bytes == text.encode()


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_every_level_has_the_modules_of_a_repaired_segno(repaired_segno, level):
    for version in (1, 2, 5, 9, 10, 20):
        length = symbols.capacity(version, symbols.Level(level))
        for text in ("b" * length, "A" * (length - 2)):
            drawn = symbols.symbol(text, symbols.Level(level))
            second = repaired_segno(text, mask=drawn.mask, error=level.lower())

            assert drawn.version == version == second.version
            assert drawn.rows == tuple(map(bytes, second.matrix))

    found = decode(Image.open(io.BytesIO(symbol_pictures.png(symbols.symbol(LINK, symbols.Level(level)), scale=3))))
    assert (found.text, found.ec_level) == (LINK, level)


def test_the_quiet_zone_counts_for_the_side():
    assert symbols.symbol(LINK).side == symbols.symbol(LINK).size + 8
