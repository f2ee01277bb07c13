"""The serials against three judges: NIST's sample vectors by way of a plain FF1, libffx, and the golden vectors."""

import json
import math
import threading
from pathlib import Path

import ffx
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from authsvc.core import serials
from authsvc.errors import BadInput, BadKey

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "serials.json").read_text(encoding="ascii"))
KEYS = {epoch: serials.SerialKey(epoch, bytes.fromhex(key)) for epoch, key in VECTORS["serial_keys"].items()}
KEY = KEYS["7"]
GTIN = "09506000134352"

runs = st.integers(1, serials.MAX_RUN)
indexes = st.integers(0, serials.MAX_CODES - 1)
gtins = st.text("0123456789", min_size=14, max_size=14)
keys = st.builds(serials.SerialKey, st.sampled_from(serials.ALPHABET), st.binary(min_size=32, max_size=32))


def one(key, gtin, run, index):
    return next(serials.derive(key, gtin, run, range(index, index + 1)))


def plain_ff1(key, tweak, numerals, radix):
    """FF1.Encrypt of NIST SP 800-38G, algorithm 7, step by step and for any radix."""

    def number(digits):
        total = 0
        for digit in digits:
            total = total * radix + digit
        return total

    def prf(data):
        return Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor().update(data)[-16:]

    n, t = len(numerals), len(tweak)
    u, v = n // 2, n - n // 2
    a, b_half = numerals[:u], numerals[u:]
    b = math.ceil(math.ceil(v * math.log2(radix)) / 8)
    d = 4 * math.ceil(b / 4) + 4
    p = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256]) + n.to_bytes(4, "big") + t.to_bytes(4, "big")
    for i in range(10):
        q = tweak + bytes((-t - b - 1) % 16) + bytes([i]) + number(b_half).to_bytes(b, "big")
        r = prf(p + q)
        blocks = [
            Cipher(algorithms.AES(key), modes.ECB())
            .encryptor()
            .update(bytes(x ^ y for x, y in zip(r, j.to_bytes(16, "big"), strict=True)))
            for j in range(1, math.ceil(d / 16))
        ]
        y = int.from_bytes(b"".join([r, *blocks])[:d], "big")
        m = u if i % 2 == 0 else v
        c = (number(a) + y) % radix**m
        a, b_half = b_half, [c // radix ** (m - 1 - place) % radix for place in range(m)]
    return a + b_half


KEY_128 = "2B7E151628AED2A6ABF7158809CF4F3C"
KEY_192 = KEY_128 + "EF4359D8D580AA4F"
KEY_256 = KEY_192 + "7F036D6F04FC6A94"
TWEAK_10, TWEAK_11 = "39383736353433323130", "3737373770717273373737"
NIST = [
    (KEY_128, "", 10, "0123456789", "2433477484"),
    (KEY_128, TWEAK_10, 10, "0123456789", "6124200773"),
    (KEY_128, TWEAK_11, 36, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (KEY_192, "", 10, "0123456789", "2830668132"),
    (KEY_192, TWEAK_10, 10, "0123456789", "2496655549"),
    (KEY_192, TWEAK_11, 36, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (KEY_256, "", 10, "0123456789", "6657667009"),
    (KEY_256, TWEAK_10, 10, "0123456789", "1001623463"),
    (KEY_256, TWEAK_11, 36, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]


@pytest.mark.parametrize(("key", "tweak", "radix", "plain", "cipher"), NIST)
def test_the_plain_ff1_makes_the_samples_of_nist(key, tweak, radix, plain, cipher):
    numerals = plain_ff1(bytes.fromhex(key), bytes.fromhex(tweak), [int(digit, 36) for digit in plain], radix)

    assert numerals == [int(digit, 36) for digit in cipher]


@given(key=keys, gtin=gtins, run=runs, index=indexes)
@settings(deadline=None)
def test_derive_is_the_plain_ff1_in_radix_32(key, gtin, run, index):
    number = run * 2**51 + index * 2**17
    numerals = plain_ff1(key.key, gtin.encode(), [number >> 5 * place & 31 for place in reversed(range(15))], 32)

    assert one(key, gtin, run, index) == key.epoch + "".join(serials.ALPHABET[numeral] for numeral in numerals)


@given(key=keys, gtin=gtins, run=runs, index=indexes)
@settings(deadline=None)
def test_derive_agrees_with_libffx(key, gtin, run, index):
    cipher = ffx.FF1(key.key, alphabet=serials.ALPHABET)
    plain = serials.crockford(run << 51 | index << 17, 15)

    assert one(key, gtin, run, index) == key.epoch + cipher.encrypt(plain, tweak=gtin.encode())


@pytest.mark.parametrize("vector", VECTORS["derived"], ids=lambda vector: vector["serial"])
def test_the_vectors_are_derived_and_decoded(vector):
    key, gtin, run, index = KEYS[vector["epoch"]], vector["gtin"], vector["run"], vector["index"]

    assert one(key, gtin, run, index) == vector["serial"]
    assert serials.decode(vector["serial"], gtin, KEYS) == (run, index)
    assert (
        ffx.FF1(key.key, alphabet=serials.ALPHABET).decrypt(vector["serial"][1:], tweak=gtin.encode())
        == vector["plain"]
    )


@pytest.mark.parametrize("vector", VECTORS["not_derived"], ids=lambda vector: vector["note"])
def test_what_was_not_derived_decodes_to_nothing(vector):
    assert serials.decode(vector["serial"], vector["gtin"], KEYS) is None


@given(key=keys, gtin=gtins, run=runs, index=indexes)
@settings(deadline=None)
def test_decode_undoes_derive(key, gtin, run, index):
    assert serials.decode(one(key, gtin, run, index), gtin, {key.epoch: key}) == (run, index)


@given(
    start=indexes,
    step=st.integers(-5, 5).filter(bool),
    count=st.one_of(st.integers(0, 5), st.integers(1020, 1030), st.just(2049)),
)
@settings(deadline=None, max_examples=25)
def test_a_block_is_the_same_as_one_at_a_time(start, step, count):
    start = min(max(start, 5 * 2049), serials.MAX_CODES - 5 * 2049)
    part = range(start, start + step * count, step)

    made = list(serials.derive(KEY, GTIN, 7, part))

    assert len(made) == count
    assert all(one(KEY, GTIN, 7, part[at]) == made[at] for at in {0, 1, 1023, 1024, 2048, count - 1} if 0 <= at < count)


def test_serials_are_distinct():
    assert len(set(serials.derive(KEY, GTIN, 1, range(20_000)))) == 20_000


@given(
    st.one_of(st.text(max_size=20), st.text(serials.ALPHABET, min_size=15, max_size=15).map(lambda text: "7" + text))
)
@settings(deadline=None)
def test_decode_returns_only_what_derive_makes(text):
    found = serials.decode(text, GTIN, KEYS)

    assert found is None or one(KEYS[text[0]], GTIN, *found) == text


def test_run_0_decodes_to_nothing():
    numerals = plain_ff1(KEY.key, GTIN.encode(), [0] * 15, 32)

    assert serials.decode("7" + "".join(serials.ALPHABET[numeral] for numeral in numerals), GTIN, KEYS) is None


def test_decode_accepts_no_other_way_to_write_a_number():
    numerals = one(KEY, GTIN, 1, 0)[1:]

    for text in ("7_" + numerals[1:], "7 " + numerals[1:], "7+" + numerals[1:], "7\u0661" + numerals[1:]):
        assert serials.decode(text, GTIN, KEYS) is None


@pytest.mark.parametrize("run", [-1, 0, serials.MAX_RUN + 1])
def test_derive_refuses_a_run_that_does_not_fit(run):
    with pytest.raises(BadInput, match="run number"):
        serials.derive(KEY, GTIN, run, range(1))


@pytest.mark.parametrize("part", [range(-1, 1), range(serials.MAX_CODES, serials.MAX_CODES + 1), range(1, -2, -1)])
def test_derive_refuses_an_index_that_does_not_fit_before_it_makes_any(part):
    with pytest.raises(BadInput, match="at most"):
        serials.derive(KEY, GTIN, 1, part)


@pytest.mark.parametrize("gtin", ["", "9506000134352", "095060001343520"])
def test_a_gtin_of_another_length_is_refused(gtin):
    with pytest.raises(BadInput, match="14 digits"):
        serials.derive(KEY, gtin, 1, range(1))


@pytest.mark.parametrize("epoch", ["", "U", "a", "01"])
def test_an_epoch_is_one_character_of_the_alphabet(epoch):
    with pytest.raises(BadKey, match="epoch"):
        serials.SerialKey(epoch, bytes(32))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_serial_key_has_32_bytes(length):
    with pytest.raises(BadKey, match="32 bytes"):
        serials.SerialKey("0", bytes(length))


def test_a_serial_key_does_not_show_its_secret():
    assert repr(KEY) == "SerialKey(epoch='7')"


def test_one_key_serves_many_threads():
    made = list(serials.derive(KEY, GTIN, 1, range(5000)))
    wrong = []

    def check(first):
        again = serials.derive(KEY, GTIN, 1, range(first, 5000, 4))
        wrong.extend(
            index
            for index, serial in zip(range(first, 5000, 4), again, strict=True)
            if serial != made[index] or serials.decode(serial, GTIN, KEYS) != (1, index)
        )

    threads = [threading.Thread(target=check, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


@given(st.binary(min_size=10, max_size=10))
def test_a_random_serial_holds_75_bits_and_is_never_read_as_derived(raw):
    serial = serials.random_serial(lambda count: raw[:count])

    assert len(serial) == 15
    assert sum(serials.ALPHABET.index(character) << 5 * place for place, character in enumerate(reversed(serial))) == (
        int.from_bytes(raw, "big") >> 5
    )
    assert serials.decode(serial, GTIN, KEYS) is None
