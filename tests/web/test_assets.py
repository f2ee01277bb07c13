import hashlib

import pytest

from authsvc.web import assets


def test_address_holds_the_hash_of_the_bytes():
    url = assets.url("ui.css")
    body, media_type = assets.find(url.removeprefix("/static/"))

    assert url == f"/static/{hashlib.sha256(body).hexdigest()[:12]}/ui.css"
    assert media_type == "text/css"


@pytest.mark.parametrize(
    "path", ["", "ui.css", "000000000000/ui.css", "../pages.py", "0/../../pages.py", "/etc/passwd"]
)
def test_find_knows_nothing_else(path):
    assert assets.find(path) is None


def test_url_of_a_missing_file_is_an_error():
    with pytest.raises(KeyError):
        assets.url("gone.css")
