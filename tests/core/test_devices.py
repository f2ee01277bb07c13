import pytest

from authsvc.core import devices


def test_a_secret_is_stored_as_a_hash_that_holds_fast():
    secret = devices.spell(bytes(range(32)))

    assert secret == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert devices.is_secret(secret)
    assert devices.digest(secret).hex() == "6ab525a597367344c5def24a42264212c565f8de46cffe6583fc983cd26432a1"


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "\n", "\u0410" * 43])
def test_what_cannot_be_a_secret_is_told(text):
    assert not devices.is_secret(text)
