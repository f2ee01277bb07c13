import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from authsvc.web import assets, vendored

ROOT = Path(__file__).parents[1]
ENTRIES = vendored.entries()
FONTS = ROOT / "authsvc" / "data" / "fonts"
LOCK = json.loads((ROOT / "frontend" / "package-lock.json").read_text())
WANTED = json.loads((ROOT / "frontend" / "package.json").read_text())


def test_folder_holds_the_files_of_the_lock_and_no_others():
    found = {file.relative_to(vendored.FOLDER).as_posix() for file in vendored.FOLDER.rglob("*") if file.is_file()}

    small = {f"{entry['file']}.br" for entry in ENTRIES if entry["file"].endswith(".wasm")}
    assert found == {entry["file"] for entry in ENTRIES} | small | {"vendor.lock.json", "LICENSES"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])
def test_file_has_the_checksum_of_the_lock(entry):
    digest = hashlib.sha384((vendored.FOLDER / entry["file"]).read_bytes()).digest()

    assert base64.b64encode(digest).decode() == entry["sha384"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])
def test_file_comes_from_the_version_that_the_package_lock_names(entry):
    locked = LOCK["packages"][f"node_modules/{entry['package']}"]

    assert entry["version"] == locked["version"]
    assert entry["file"].startswith(f"{entry['package'].lstrip('@').replace('/', '-')}-{entry['version']}/")


def test_versions_are_exact_and_checksums_are_given_without_addresses():
    wanted = WANTED["dependencies"] | WANTED["devDependencies"]
    packages = {name: about for name, about in LOCK["packages"].items() if name}

    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert all(packages[f"node_modules/{name}"]["version"] == version for name, version in wanted.items())
    assert all(about["integrity"].startswith("sha512-") for about in packages.values())
    assert not any("resolved" in about for about in packages.values())


def test_fonts_of_papers_are_those_that_were_brought_in_and_small():
    sums = dict(line.split()[::-1] for line in (FONTS / "CHECKSUMS").read_text().splitlines())
    files = {file.name: file.read_bytes() for file in FONTS.glob("*.ttf")}

    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert sum(map(len, files.values())) < 1_500_000
    assert "Bitstream Vera Fonts Copyright" in (FONTS / "LICENSE").read_text(encoding="utf-8")
    assert (
        f"dejavu-fonts-ttf) {WANTED['dependencies']['dejavu-fonts-ttf']}" in (FONTS.parent / "SOURCES.md").read_text()
    )


def test_licence_of_every_package_is_kept():
    text = (vendored.FOLDER / "LICENSES").read_text(encoding="utf-8")

    assert all(f"{entry['package']} {entry['version']} (" in text for entry in ENTRIES)


def test_script_is_loaded_with_its_integrity():
    entry = next(entry for entry in ENTRIES if entry["name"] == "htmx")
    html = vendored.script("htmx")
    (address,) = re.findall(r'src="/static/([^"]+)"', html)

    assert f'integrity="sha384-{entry["sha384"]}" crossorigin="anonymous"' in html
    assert assets.find(address) == ((vendored.FOLDER / entry["file"]).read_bytes(), "text/javascript")


def test_a_file_that_was_not_brought_in_is_an_error():
    with pytest.raises(KeyError):
        vendored.script("jquery")


@pytest.mark.parametrize("name", ["world", "region"])
def test_drawing_of_the_world_is_small_and_runs_nothing(name):
    svg = (vendored.FOLDER / next(entry["file"] for entry in ENTRIES if entry["name"] == name)).read_text("ascii")

    assert len(svg) < {"world": 90_000, "region": 240_000}[name]
    assert not re.search(r"<script|<style|style=|href|on[a-z]+=", svg)
