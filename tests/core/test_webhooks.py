import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import webhooks
from authsvc.errors import BadInput

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVENT = UUID(int=7)


def test_the_example_of_the_specification_is_signed_alike():
    """The vector that the reference libraries of Standard Webhooks share."""
    secret = webhooks.parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    identity, content = "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}'

    signature = webhooks.sign(secret, identity, "1614265330", content)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_try_has_one_signature_for_each_secret():
    found = webhooks.headers([b"a" * 32, b"b" * 32], EVENT, b"{}", at=AT)
    identity, timestamp = found["webhook-id"], found["webhook-timestamp"]

    assert (identity, timestamp) == (f"evt_{EVENT.hex}", str(int(AT.timestamp())))
    for secret, signature in zip((b"a" * 32, b"b" * 32), found["webhook-signature"].split(" "), strict=True):
        version, _, text = signature.partition(",")
        signed = f"{identity}.{timestamp}.{{}}".encode()
        assert version == "v1"
        assert base64.b64decode(text) == hmac.new(secret, signed, hashlib.sha256).digest()


def test_a_body_is_the_same_every_time_and_its_time_is_in_utc():
    content = webhooks.body("alert.opened", AT, {"b": 1, "a": "ü"})

    assert content == webhooks.body("alert.opened", AT, {"b": 1, "a": "ü"})
    assert json.loads(content) == {
        "type": "alert.opened",
        "timestamp": "2026-05-01T12:00:00+00:00",
        "data": {"b": 1, "a": "ü"},
    }


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_read_as_it_was_written(raw):
    assert webhooks.parse_secret(webhooks.write_secret(raw)) == raw


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", f"whsec_{'A' * 30}", f"whsec_{'A' * 88}"]
)
def test_what_is_no_secret_is_refused(text):
    with pytest.raises(BadInput):
        webhooks.parse_secret(text)


def test_every_event_has_a_title_and_json():
    for name, kind in webhooks.EVENT_TYPES.items():
        assert name.count(".") == 1
        assert kind.title
        json.dumps(dict(kind.example))
