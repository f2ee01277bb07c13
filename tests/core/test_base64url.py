import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import base64url


@given(st.binary(max_size=80))
def test_encode_writes_what_the_standard_library_writes_without_padding(raw):
    assert base64url.encode(raw) == base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(st.binary(max_size=80))
def test_decode_reads_what_encode_writes(raw):
    assert base64url.decode(base64url.encode(raw)) == raw


@given(st.one_of(st.text(max_size=12), st.text("AQgw-_+/= \n", max_size=12)))
def test_decode_accepts_one_spelling_only(text):
    try:
        raw = base64url.decode(text)
    except ValueError:
        return

    assert base64url.encode(raw) == text


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "+/8", "_-_ ", "A\nA", "\ud800", "AAAAA"])
def test_decode_refuses_what_encode_never_writes(text):
    with pytest.raises(ValueError, match=r"."):
        base64url.decode(text)
