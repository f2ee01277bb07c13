import json
import re
from uuid import UUID

import pytest

from authsvc import mails, outbox

ENTRIES = [
    {"name": "genuine", "reason": "first-check", "title": "Genuine", "text": "A good code.", "path": "/01/1/21/A?s=B"},
    {"name": "forged", "reason": "forged", "title": "<b>", "text": "Bad & false.", "path": "/01/1/21/A?s=C"},
]


@pytest.fixture
def demo(scene, tmp_path):
    (tmp_path / "demo.json").write_text(json.dumps({"brand": "Halden", "entries": ENTRIES}))
    return scene.start(home=tmp_path, is_demo=True)


def test_there_is_no_demo_elsewhere(scene, visitor, tmp_path):
    assert visitor.open("/demo").status_code == 404
    assert visitor.open("/demo/genuine.svg").status_code == 404
    assert scene.visitor(scene.start(home=tmp_path, is_demo=True)).open("/demo").status_code == 404


def test_a_file_alone_makes_no_demo(scene, tmp_path):
    (tmp_path / "demo.json").write_text(json.dumps({"brand": "Halden", "entries": ENTRIES}))

    assert scene.visitor(scene.start(home=tmp_path)).open("/demo").status_code == 404


def test_the_index_has_a_card_for_every_code(scene, demo):
    page = scene.visitor(demo).open("/demo")

    assert page.status_code == 200
    assert page.text.count("/demo/genuine.svg") == 1
    assert 'href="/01/1/21/A?s=B"' in page.text
    assert "<b></" not in page.text
    assert "Bad &amp; false." in page.text


def test_a_symbol_is_drawn_for_every_code_and_no_other(scene, demo):
    visitor = scene.visitor(demo)
    response = visitor.open("/demo/genuine.svg")

    assert (response.status_code, response.mimetype) == (200, "image/svg+xml")
    assert b"<svg" in response.data
    assert visitor.open("/demo/other.svg").status_code == 404
    assert visitor.open("/demo/..%2fdemo.svg").status_code == 404


@pytest.fixture
def sent(scene, demo, tmp_path):
    """Put a mail with awkward values into the outbox of the demo."""
    values = {
        "host": "<b>evil</b>",
        "reason": "See https://evil.example/x or https://id.example.com.evil.example/",
        "link": "https://id.example.com/console/webhooks",
    }
    mail = mails.Draft(
        id=UUID(int=1), brand_id=UUID(int=2), template="webhook-disabled", to="ann@example.com", values=values
    )
    waiting = mails.Waiting(id=mail.id, version=0, brand="Halden", created_at=scene.clock(), draft=mail)
    outbox.Folder(tmp_path / "outbox").send(mails.write(waiting, sender="no-reply@id.example.com"))


def test_the_outbox_shows_what_was_sent_with_links_of_ours_alone(scene, demo, sent):
    page = scene.visitor(demo).open("/demo/outbox")

    assert page.status_code == 200
    assert "A webhook of Halden is disabled" in page.text
    assert "ann@example.com" in page.text
    assert "&lt;b&gt;evil" in page.text
    links = set(re.findall(r'href="(https?:[^"]+)"', page.text))
    assert links == {"https://id.example.com/console/webhooks"}


def test_an_empty_outbox_says_so(scene, demo):
    assert "Nothing was sent yet" in scene.visitor(demo).open("/demo/outbox").text


def test_there_is_no_outbox_elsewhere(scene, visitor, tmp_path):
    (tmp_path / "demo.json").write_text(json.dumps({"brand": "Halden", "entries": ENTRIES}))

    assert visitor.open("/demo/outbox").status_code == 404
    assert scene.visitor(scene.start(home=tmp_path)).open("/demo/outbox").status_code == 404
