import json

import pytest

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
