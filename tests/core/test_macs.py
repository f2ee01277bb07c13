"""HMAC-SHA-256: what the library gives, whatever the key and the message, and whoever asks at the same time."""

import hmac
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from authsvc.core.macs import hmac_sha256


@given(st.binary(max_size=150), st.binary(max_size=300))
def test_it_is_what_the_library_gives(key, message):
    for _ in range(2):
        assert hmac_sha256(key, message) == hmac.digest(key, message, "sha256")


def test_threads_share_a_key():
    key = bytes(32)
    wanted = [hmac.digest(key, b"%d" % number, "sha256") for number in range(500)]
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: [hmac_sha256(key, b"%d" % number) for number in range(500)], range(8)):
            assert found == wanted
