"""
Derived serials: 16 characters that are a run and an index, encrypted, so that a billion codes need one row.

A serial is one epoch character, which names the serial key, and 15 characters ``FF1(AES-256, radix 32)`` over
``run (24 bits) | index (34 bits) | 17 zero bits`` with the GTIN as tweak (NIST SP 800-38G, algorithm 7). A serial that
decodes to no issued run was never ours, even when its signature is good: the serial key lies in another place than the
signing key.

What must stay true: the bytes. Serials are printed and live for decades, and nothing else knows which run they belong
to. ``tests/vectors/serials.json`` holds them fast.

How it is fast: 32 is a power of two, so the modular additions of FF1 are additions of bits. ``derive`` keeps a block of
codes in one big integer, one 128-bit *lane* a code and the first code in the highest lane, and every round is a few
operations on that integer and one call of AES in ECB mode. No cipher context is shared between calls: one that is used
by two threads at once is not safe, and making one costs 2 us.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext, Cipher, CipherContext, algorithms, modes

from authsvc.errors import BadInput, BadKey

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: the position of a character is the numeral. I, L, O and U are left out."""

MAX_RUN = 2**24 - 1
MAX_CODES = 2**34
"""Codes in one run: the index counts from 0 and has 34 bits."""

_ROUNDS = 10
_LOW_ZEROS = 17
_LEFT_BITS, _RIGHT_BITS = 35, 40  # 15 numerals: FF1 splits them into 7 and 8.
_LEFT, _RIGHT = 2**_LEFT_BITS - 1, 2**_RIGHT_BITS - 1

# FF1 step 5: version 1, method 2, addition 1, radix 32, ten rounds, 7 numerals left, 15 in all, a tweak of 14 bytes.
_HEADER = bytes([1, 2, 1, 0, 0, 32, 10, 7]) + (15).to_bytes(4, "big") + (14).to_bytes(4, "big")

_MOST_GTINS = 1_000
"""Products for which a key remembers how decoding starts, at about a kilobyte each."""

_LANE = 128
_BLOCK = 1024  # codes a lane block: 16 KiB, where the cost of a call no longer shows and the caches still hold it
_TO_CROCKFORD = ALPHABET.encode() + bytes(256 - len(ALPHABET))
_FROM_CROCKFORD = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # as int(text, 32) reads them
_is_serial = re.compile(f"[{ALPHABET}]{{16}}").fullmatch


@dataclass(frozen=True, slots=True)
class SerialKey:
    """The AES-256 key that makes and reads the serials of one brand and epoch; the epoch is one Crockford character."""

    epoch: str
    key: bytes = field(repr=False)
    _cipher: Cipher[modes.ECB] = field(init=False, repr=False, compare=False)
    _header: int = field(init=False, repr=False, compare=False)
    _spare: list[CipherContext | AEADEncryptionContext] = field(init=False, repr=False, compare=False)
    _rounds: dict[str, tuple[tuple[int, int], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.epoch) != 1 or self.epoch not in ALPHABET:
            raise BadKey(f"The epoch of a serial key must be one character of {ALPHABET}, got {self.epoch!r}.")
        if len(self.key) != 32:
            raise BadKey(f"A serial key must have 32 bytes, got {len(self.key)}.")
        # ECB is the bare block function that FF1 is built on; no text is ever encrypted with it.
        cipher = Cipher(algorithms.AES(self.key), modes.ECB())  # noqa: S305  see above
        object.__setattr__(self, "_cipher", cipher)
        object.__setattr__(self, "_spare", [])
        object.__setattr__(self, "_rounds", {})
        object.__setattr__(self, "_header", int.from_bytes(cipher.encryptor().update(_HEADER), "big"))

    def _start(self, gtin: str) -> tuple[CipherContext | AEADEncryptionContext, int]:
        """Return a cipher context of our own and the CBC-MAC state after the header and the tweak."""
        if len(gtin) != 14:
            raise BadInput(f"A serial belongs to a GTIN of 14 digits, got {gtin!r}.")
        # A context remembers nothing between whole blocks, and making one takes as long as eight blocks.
        try:
            aes = self._spare.pop()
        except IndexError:
            aes = self._cipher.encryptor()
        tweak = int.from_bytes(gtin.encode("ascii") + b"\0\0", "big")
        return aes, int.from_bytes(aes.update((self._header ^ tweak).to_bytes(16, "big")), "big")

    def _start_decoding(self, gtin: str) -> tuple[CipherContext | AEADEncryptionContext, tuple[tuple[int, int], ...]]:
        """Return a cipher context of our own and, for each round backwards, what goes into its block and its mask."""
        rounds = self._rounds.get(gtin)
        if rounds is not None:
            try:
                return self._spare.pop(), rounds
            except IndexError:
                return self._cipher.encryptor(), rounds
        aes, state = self._start(gtin)
        if len(self._rounds) >= _MOST_GTINS:
            self._rounds.clear()
        rounds = self._rounds[gtin] = tuple(
            (state ^ i << _RIGHT_BITS, _RIGHT if i % 2 else _LEFT) for i in reversed(range(_ROUNDS))
        )
        return aes, rounds


def derive(key: SerialKey, gtin: str, run: int, indexes: range) -> Iterator[str]:
    """
    Make the serials of *indexes* in *run*, in that order, a block at a time.

    Raises:
        BadInput: The run number or an index does not fit into a serial.
    """
    if not 1 <= run <= MAX_RUN:
        raise BadInput(f"A run number must be 1 to {MAX_RUN}, got {run}.")
    if indexes and not 0 <= min(indexes[0], indexes[-1]) <= max(indexes[0], indexes[-1]) < MAX_CODES:
        raise BadInput(f"A run holds at most {MAX_CODES} codes, numbered from 0, got {indexes!r}.")
    aes, state = key._start(gtin)  # noqa: SLF001  derive and decode are the two halves of SerialKey
    return _derive(key.epoch, aes, state, run, indexes)


def decode(serial: str, gtin: str, keys: Mapping[str, SerialKey]) -> tuple[int, int] | None:
    """
    Return the run and the index of *serial*, or None where it was derived by none of *keys* (by epoch).

    Every pair returned is one that ``derive`` turns into this serial; whether it was issued is for the run to say.
    Case is not folded: a serial is printed by us and signed as it is.
    """
    if not _is_serial(serial) or (key := keys.get(serial[0])) is None:
        return None
    aes, rounds = key._start_decoding(gtin)  # noqa: SLF001  derive and decode are the two halves of SerialKey
    number = int(serial[1:].translate(_FROM_CROCKFORD), 32)
    left, right = number >> _RIGHT_BITS, number & _RIGHT
    encrypt, read = aes.update, int.from_bytes
    for start, mask in rounds:
        # NUM(S) is the first 12 bytes of a block; of the difference at most the low 40 bits count, its last five bytes.
        left, right = right - read(encrypt((start ^ left).to_bytes(16, "big"))[7:12], "big") & mask, left
    key._spare.append(aes)  # noqa: SLF001  as above
    number = left << _RIGHT_BITS | right
    run, index = number >> 51, number >> _LOW_ZEROS & MAX_CODES - 1
    if run == 0 or number & (1 << _LOW_ZEROS) - 1:
        return None
    return run, index


def random_serial(random_bytes: Callable[[int], bytes]) -> str:
    """
    Make a serial of 75 random bits for a product that wants rows; pass ``secrets.token_bytes``.

    It has 15 characters, one fewer than a derived serial, so that neither can ever be read as the other.
    """
    return crockford(int.from_bytes(random_bytes(10), "big") >> 5, 15)


def crockford(number: int, length: int) -> str:
    """Write *number* as *length* Crockford characters, most significant first."""
    return "".join([ALPHABET[number >> 5 * i & 31] for i in reversed(range(length))])


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Bit patterns for a block of codes that do not depend on the key."""

    ones: int  # 1 in every lane
    counting: int  # 0, 1, 2 … from the highest lane down
    spread: tuple[tuple[int, int, int], ...]  # low half to keep, high half to move, how far: see _characters

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, count: int) -> "_Lanes":
        """Return the patterns for *count* lanes."""
        whole = 2 ** (_LANE * count) - 1
        counting = b"".join([i.to_bytes(_LANE // 8, "big") for i in range(count)])
        spread = []
        for bits, width in (20, 64), (10, 32), (5, 16):
            low = whole // (2**width - 1) * (2**bits - 1)
            spread.append((low, low << bits, width // 2 - bits))
        return cls(whole // (2**_LANE - 1), int.from_bytes(counting, "big"), tuple(spread))


def _derive(
    epoch: str, aes: CipherContext | AEADEncryptionContext, state: int, run: int, indexes: range
) -> Iterator[str]:
    for first in range(0, len(indexes), _BLOCK):
        part = indexes[first : first + _BLOCK]
        lanes = _Lanes.of(len(part))
        ones, size = lanes.ones, len(part) * _LANE // 8
        index = part.start * ones + part.step * lanes.counting
        # run * 2^51 + index * 2^17, split where FF1 splits it: 35 bits on the left, 40 on the right.
        left = (run << 11) * ones + (index >> 23 & (2**11 - 1) * ones)
        right = (index & (2**23 - 1) * ones) << _LOW_ZEROS
        for i in range(_ROUNDS):
            block = aes.update(((state ^ i << _RIGHT_BITS) * ones ^ right).to_bytes(size, "big"))
            # NUM(S) is the first 12 bytes of a block; of the sum only its low 35 or 40 bits count. They are masked
            # before the addition too, so that no sum can carry into the next lane, however rarely.
            mask = (_RIGHT if i % 2 else _LEFT) * ones
            left, right = right, left + (int.from_bytes(block, "big") >> 32 & mask) & mask
        text = _characters(left << 64 | right | (ALPHABET.index(epoch) << 120) * ones, lanes, size)
        yield from [text[at : at + 16] for at in range(0, len(text), 16)]


def _characters(numbers: int, lanes: _Lanes, size: int) -> str:
    """Spread the 40 bits in each half of each lane over its 8 bytes, 5 by 5, and write the bytes as Crockford."""
    top = numbers & (31 << 120) * lanes.ones
    numbers ^= top
    for keep, move, distance in lanes.spread:
        numbers = numbers & keep | (numbers & move) << distance
    return (numbers | top).to_bytes(size, "big").translate(_TO_CROCKFORD).decode("ascii")
