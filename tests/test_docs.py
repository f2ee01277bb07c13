"""The pages around the product say what is so: settings, tests, files, links."""

import re
from pathlib import Path

import pytest

from authsvc.config import KNOWN

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def anchors(page):
    """The places in a page that a link may name, as code hosts spell them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", text):
        path, _, anchor = "".join(target).partition("#")
        if path.startswith("https://"):
            continue
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_every_test_that_proves_a_countermeasure_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8"))

    assert len(named) > 20
    missing = {
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).exists() or f"\ndef {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    }
    assert missing == set()


def test_every_setting_is_documented_and_no_other():
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `AUTHSVC_([A-Z_]+)`", page, re.MULTILINE)) == KNOWN


def test_the_picture_is_light_enough_for_a_start_page():
    assert (ROOT / "docs" / "images" / "verdict.png").stat().st_size <= 200_000


def test_every_make_target_that_the_pages_name_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))

    assert {"demo", "test"} <= named <= targets


def test_the_tour_finds_reason_and_count_in_an_answer_as_it_is_sent(scene):
    (pattern,) = re.findall(r"grep -oE '([^']+)'", README)
    answer = scene.visitor().open(scene.codes.path(), headers={"Accept": "application/json"}).text

    assert [found[0] for found in re.finditer(pattern, answer)] == ['"reason":"first-check"', '"scan_number":1']


def test_the_benchmarks_find_the_place_of_their_table():
    assert len(re.findall(r"^<!-- results -->\n.*?^<!-- end of results -->\n", README, re.MULTILINE | re.DOTALL)) == 1
