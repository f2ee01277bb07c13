"""
QR symbols: the matrix of a Digital Link.

Every symbol has one byte-mode segment, so its size follows from the length of the link and the error level alone, and
all labels of a run are alike. What must stay true: the code words are those of ISO/IEC 18004, padding included.

That is why they are made here and not by segno. segno 1.6.6 pads the last code word with ``8 - length % 8`` zero bits,
which is a whole byte when nothing is missing; and a byte-mode segment with its terminator always ends on a byte. Unless
the link fills the symbol to the last byte, its pad code words are ``00 EC 11 …`` where the standard wants ``EC 11 …``.
Most readers stop at the character count and never notice; strict ones refuse the symbol. So segno draws what a version
shares, once for each mask (finder, timing, alignment, format and version patterns), and the data region is filled here.
As that is done on whole numbers, not on modules, it is also many times as fast.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from operator import itemgetter
from typing import Any, Final

import segno
from segno import consts

from authsvc.errors import BadInput

QUIET: Final = 4  # modules of light margin, ISO/IEC 18004 6.3.8

_LARGEST = 40
_LEVELS: Final = {"L": consts.ERROR_LEVEL_L, "M": consts.ERROR_LEVEL_M, "Q": consts.ERROR_LEVEL_Q,
                  "H": consts.ERROR_LEVEL_H}  # fmt: skip
_dark_runs = re.compile(rb"\x01+").finditer
_PADS = b"\xec\x11" * 1200  # more than any version can need

# ISO/IEC 18004 table 10: the modules (row i, column j) that a mask inverts.
_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda i, j: (i + j) % 2 == 0,
    lambda i, _j: i % 2 == 0,
    lambda _i, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: (i * j) % 2 + (i * j) % 3 == 0,
    lambda i, j: ((i * j) % 2 + (i * j) % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + (i * j) % 3) % 2 == 0,
)


class Level(StrEnum):
    """How much of a QR symbol may be lost: about 7, 15, 25 and 30 %."""

    L = "L"
    M = "M"
    Q = "Q"
    H = "H"


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """
    One symbol: a byte for each module, row by row, 1 is dark. The quiet zone belongs to the pictures.

    *level* and *mask* are of QR symbols and None for others; *quiet* is how many light modules stand around it.
    """

    version: int
    rows: tuple[bytes, ...]
    quiet: int = QUIET
    level: Level | None = None
    mask: int | None = None

    @property
    def size(self) -> int:
        """Modules along one side, without the quiet zone."""
        return len(self.rows)

    @property
    def side(self) -> int:
        """Modules along one side, with the quiet zone."""
        return len(self.rows) + 2 * self.quiet

    def bars(self) -> Iterator[tuple[int, int, int]]:
        """Yield column, row and length of every horizontal run of dark modules."""
        for y, row in enumerate(self.rows):
            for run in _dark_runs(row):
                x, end = run.span()
                yield x, y, end - x


def symbol(uri: str, level: Level = Level.M) -> Symbol:
    """
    Return the QR symbol of a Digital Link in the smallest version that holds it at an error level.

    Raises:
        BadInput: The link is empty, too long for a symbol, or holds a character that a URI must escape.
    """
    if not uri or not uri.isascii():
        raise BadInput("A symbol holds a web address in ASCII: write other characters in their %-form.")
    data = uri.encode("ascii")
    version = version_for(len(data), level)
    form = _form(version, level)
    region = form.place(_with_correction(_code_words(data, version, level), version, level))
    # The lowest penalty wins; of equals the first, as in the standard.
    mask = min(range(8), key=lambda k: form.penalty(region ^ form.frames[k]))
    return Symbol(version=version, rows=form.rows(region ^ form.frames[mask]), level=level, mask=mask)


def version_for(length: int, level: Level = Level.M) -> int:
    """
    Return the smallest version that holds *length* bytes; its symbol has ``4 * version + 17`` modules along one side.

    Raises:
        BadInput: None does.
    """
    version = next((v for v in range(1, _LARGEST + 1) if length <= capacity(v, level)), None)
    if version is None:
        raise BadInput(f"A symbol holds at most {capacity(_LARGEST, level)} characters, this link has {length}.")
    return version


def capacity(version: int, level: Level = Level.M) -> int:
    """Return how many bytes a symbol of *version* holds in one byte-mode segment."""
    return sum(words for words, _ in _blocks(version, level)) - (2 if version < 10 else 3)


@cache
def _blocks(version: int, level: Level) -> tuple[tuple[int, int], ...]:
    """Return the data and correction code words of each block (ISO/IEC 18004 table 9)."""
    table: Any = consts.ECC  # segno's stubs leave it open
    return tuple(
        (info.num_data, info.num_total - info.num_data)
        for info in table[version][_LEVELS[level]]
        for _ in range(info.num_blocks)
    )


def _code_words(data: bytes, version: int, level: Level) -> bytes:
    """Return mode, count, data, terminator and padding (ISO/IEC 18004 7.4)."""
    count_bits = 8 if version < 10 else 16
    total = sum(words for words, _ in _blocks(version, level))
    # Mode 0100 and a terminator of four zero bits stand around whole bytes: together they end on a byte by themselves.
    # A full symbol has room for exactly these four bits, so the terminator is never cut short.
    bits = 4 << count_bits | len(data)
    bits = (bits << 8 * len(data) | int.from_bytes(data, "big")) << 4
    words = bits.to_bytes(1 + count_bits // 8 + len(data), "big")
    return words + _PADS[: total - len(words)]


def _with_correction(words: bytes, version: int, level: Level) -> bytes:
    """Append the correction code words of each block and interleave (ISO/IEC 18004 7.5 and 7.6)."""
    data, correction, start = [], [], 0
    for size, extra in _blocks(version, level):
        block = words[start : start + size]
        start += size
        table, shift = _division(extra), 8 * (extra - 1)
        keep, remainder = (1 << shift) - 1, 0
        for word in block:
            remainder = (remainder & keep) << 8 ^ table[word ^ remainder >> shift]
        data.append(block)
        correction.append(remainder.to_bytes(extra, "big"))
    longest = len(data[-1])
    shared = bytes(block[k] for k in range(longest) for block in data if k < len(block))
    return shared + bytes(word for column in zip(*correction, strict=True) for word in column)


@cache
def _division(extra: int) -> tuple[int, ...]:
    """Return, for each leading byte, the multiple of the generator polynomial that division takes away."""
    exponents: list[int] = []
    value = 1
    for _ in range(255):
        exponents.append(value)
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    logarithms = {power: k for k, power in enumerate(exponents)}

    def times(a: int, b: int) -> int:
        return exponents[(logarithms[a] + logarithms[b]) % 255] if a and b else 0

    generator = [1]
    for k in range(extra):
        root = exponents[k]
        generator = [a ^ times(b, root) for a, b in zip([*generator, 0], [0, *generator], strict=True)]
    return tuple(int.from_bytes(bytes(times(lead, g) for g in generator[1:]), "big") for lead in range(256))


class _Form:
    """
    What all symbols of one version and error level share.

    A matrix is one whole number here: module (i, j) is the bit ``(i + 4) * stride + j + 4``, four light modules stand
    around it, and rows are four light modules apart, so that a shift by 1 or by *stride* looks at a neighbour.
    """

    def __init__(self, version: int, level: Level) -> None:
        self.size = size = 4 * version + 17
        self.stride = stride = size + 4
        self._length = (size + 8) * stride + 8
        drawings = [
            segno.make("0", version=version, error=level.value, mask=mask, boost_error=False, micro=False)
            for mask in range(8)
        ]
        kinds = [list(row) for row in drawings[0].matrix_iter(border=0, verbose=True)]
        data = {consts.TYPE_DATA_DARK, consts.TYPE_DATA_LIGHT}
        # segno 1.6.6 names module (8, size - 9) format information; it holds data.
        cells = [(i, j) for i, j in _path(size) if kinds[i][j] in data or (i, j) == (8, size - 9)]
        # One frame a mask: the fixed patterns, the format information of that mask, and what it inverts.
        self.frames = []
        for mask, drawing in enumerate(drawings):
            modules = {(i, j) for i, row in enumerate(drawing.matrix) for j, dark in enumerate(row) if dark}
            inverted = {cell for cell in cells if _MASKS[mask](*cell)}
            self.frames.append(sum(self._bit(*cell) for cell in modules - set(cells) | inverted))
        # Where each bit of a matrix, highest first, comes from: a data bit, or the "0" that place() puts at the end.
        bits = sum(map(sum, _blocks(version, level))) * 8
        source = [bits] * self._length
        for k, (i, j) in enumerate(cells[:bits]):  # the remainder bits of some versions stay 0
            source[self._length - self._bit(i, j).bit_length()] = k
        self._gather = itemgetter(*source)
        self._bits = bits
        inside = [(i, j) for i in range(size) for j in range(size)]
        self._directions = (
            (1, sum(self._bit(i, j) for i, j in inside if j < size - 1)),
            (stride, sum(self._bit(i, j) for i, j in inside if i < size - 1)),
        )
        self._everywhere = (1 << self._length) - 1

    def _bit(self, i: int, j: int) -> int:
        return 1 << (i + 4) * self.stride + j + 4

    def place(self, words: bytes) -> int:
        """Return the code words in their modules, before masking."""
        bits = f"{int.from_bytes(words, 'big'):0{self._bits}b}0"
        return int("".join(self._gather(bits)), 2)

    def rows(self, matrix: int) -> tuple[bytes, ...]:
        """Return the modules of a matrix, row by row."""
        # From the lowest bit on, a byte for each.
        modules = f"{matrix:0{self._length}b}"[::-1].encode().translate(_DIGITS)
        starts = range(4 * self.stride + 4, (self.size + 4) * self.stride + 4, self.stride)
        return tuple(modules[start : start + self.size] for start in starts)

    def penalty(self, dark: int) -> int:
        """Return how hard a matrix is to read (ISO/IEC 18004 7.8.3.1); what is outside of it counts as light."""
        light = dark ^ self._everywhere
        score = 0
        alike = []
        for step, pairs in self._directions:
            same = pairs & ~(dark ^ dark >> step)
            alike.append(same)
            # N1: a run of n >= 5 modules costs n - 2. It is n - 4 windows of five, and one of them begins it.
            two = same & same >> step
            five = two & two >> 2 * step
            score += five.bit_count() + 2 * (five & ~(five << step)).bit_count()
            # N3: 1 0 1 1 1 0 1 with four light modules before or behind looks like a finder pattern.
            finder = dark & light >> step & dark >> 2 * step & dark >> 3 * step
            finder = finder & dark >> 4 * step & light >> 5 * step & dark >> 6 * step
            pair = light & light >> step
            four = pair & pair >> 2 * step  # at the first of four light modules
            score += 40 * (finder & (four << 4 * step | four >> 7 * step)).bit_count()
        # N2: blocks of two by two.
        across, down = alike
        score += 3 * (across & across >> self.stride & down).bit_count()
        # N4: every full 5 % away from half dark. Whole numbers: a rounding fault must not choose the mask.
        area = self.size * self.size
        return score + 10 * (abs(dark.bit_count() * 20 - area * 10) // area)


_DIGITS = bytes.maketrans(b"01", b"\0\1")


@cache
def _form(version: int, level: Level) -> _Form:
    return _Form(version, level)


def _path(size: int) -> Iterator[tuple[int, int]]:
    """Yield the modules in the order in which bits are placed (ISO/IEC 18004 7.7.3): pairs of columns, up and down."""
    upwards = True
    for right in (*range(size - 1, 6, -2), 5, 3, 1):  # column 6 is the timing pattern
        for i in reversed(range(size)) if upwards else range(size):
            yield i, right
            yield i, right - 1
        upwards = not upwards
