"""
Bring in the files of others that the pages use: ``make vendor``. Needs npm; running and building authsvc do not.

``frontend/package.json`` names exact versions, ``frontend/package-lock.json`` the SHA-512 of every package. ``npm ci``
installs them without running their scripts; the files listed below are copied to
``authsvc/web/static/vendor/<package>-<version>/``, the world is drawn (``tools/world.py``), and ``vendor.lock.json``
gets the SHA-384 and the licence of each; WebAssembly is laid beside in a compressed form. The fonts of our papers go to
``authsvc/data/fonts``. All is committed; ``tests/test_vendor.py`` holds the files to the lock.

To add a file: name the package and its version in ``frontend/package.json``, run ``npm install`` there, add the file to
``COPIES``, run ``make vendor``, commit all of it. Pages then write ``{{ vendored("name") }}``.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import world

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
MODULES = FRONTEND / "node_modules"
STATIC = ROOT / "authsvc" / "web" / "static"
VENDOR = STATIC / "vendor"
LOCK = VENDOR / "vendor.lock.json"
NAMES = ROOT / "authsvc" / "data" / "country_names.csv"
TYPEFACES = ROOT / "authsvc" / "data" / "fonts"


@dataclass(frozen=True)
class Copy:
    """One file: the name by which pages ask for it, the package, and where it lies in there."""

    name: str
    package: str
    file: str


COPIES = (
    Copy("htmx", "htmx.org", "dist/htmx.min.js"),
    Copy("htmx-sse", "htmx.org", "dist/ext/hx-sse.min.js"),
    Copy("noble-ed25519", "@noble/ed25519", "index.js"),
    Copy("zxing", "zxing-wasm", "dist/iife/reader/index.js"),
    Copy("zxing-wasm", "zxing-wasm", "dist/reader/zxing_reader.wasm"),
)
BROTLI = """
const [from, to] = process.argv.slice(1), fs = require("fs"), { brotliCompressSync, constants } = require("zlib");
const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: fs.statSync(from).size };
fs.writeFileSync(to, brotliCompressSync(fs.readFileSync(from), { params }));
"""
"""Compresses a file; npm comes with Node.js, which has Brotli where Python has none."""
WORLD = "world-atlas"
WORLD_LICENCE = "public domain (Natural Earth), through world-atlas (ISC)"
FONTS = "dejavu-fonts-ttf"
FACES = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
"""What our papers are set in; no page loads them, so they lie with the data of the package."""
COUNTRIES = "i18n-iso-countries"
"""Its names of countries become a data file of the package, not a file that pages load; see authsvc/data/SOURCES.md."""


def main() -> None:
    """Install, copy, draw, and write the lock."""
    if shutil.which("npm") is None:
        sys.exit("This step needs npm. Install your system's package npm, then run the command again.")
    subprocess.run(("npm", "ci", "--ignore-scripts", "--silent"), cwd=FRONTEND, check=True)
    shutil.rmtree(VENDOR, ignore_errors=True)
    entries = [copy(wanted) for wanted in COPIES]
    folder = VENDOR / f"{WORLD}-{package(WORLD)['version']}"
    folder.mkdir(parents=True)
    codes = MODULES / COUNTRIES / "codes.json"
    drawn = world.draw(MODULES / WORLD / "countries-50m.json", codes, folder)
    entries += [entry(file.stem, WORLD, file, WORLD_LICENCE) for file in drawn]
    world.write_names(MODULES / COUNTRIES / "langs" / "en.json", NAMES)
    copy_fonts()
    LOCK.write_text(json.dumps(entries, indent=2) + "\n", encoding="ascii")
    packages = sorted({wanted.package for wanted in COPIES} | {WORLD, COUNTRIES})
    (VENDOR / "LICENSES").write_text("\n".join(licence(name) for name in packages), encoding="utf-8")
    for one in entries:
        print(f"{one['sha384']}  {one['file']}")


def copy(wanted: Copy) -> dict[str, str]:
    """Copy one file and describe it."""
    about = package(wanted.package)
    # A scoped name, "@noble/ed25519", would make a folder in a folder.
    target = VENDOR / f"{wanted.package.lstrip('@').replace('/', '-')}-{about['version']}" / Path(wanted.file).name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MODULES / wanted.package / wanted.file, target)
    if target.suffix == ".wasm":
        # A fifth smaller than gzip, and too slow to make while somebody waits. Browsers take it where they have TLS.
        subprocess.run(("node", "--eval", BROTLI, target, f"{target}.br"), check=True)
    return entry(wanted.name, wanted.package, target, about["license"])


def copy_fonts() -> None:
    """Copy the fonts of our papers with their licence, and write down their checksums."""
    shutil.rmtree(TYPEFACES, ignore_errors=True)
    TYPEFACES.mkdir(parents=True)
    shutil.copyfile(MODULES / FONTS / "LICENSE", TYPEFACES / "LICENSE")
    sums = []
    for name in FACES:
        font = (MODULES / FONTS / "ttf" / name).read_bytes()
        (TYPEFACES / name).write_bytes(font)
        sums.append(f"{hashlib.sha256(font).hexdigest()}  {name}\n")
    (TYPEFACES / "CHECKSUMS").write_text("".join(sums), encoding="ascii")


def entry(name: str, package_name: str, file: Path, licence_name: str) -> dict[str, str]:
    """Describe one file as the lock has it."""
    digest = base64.b64encode(hashlib.sha384(file.read_bytes()).digest()).decode("ascii")
    return {
        "name": name,
        "file": file.relative_to(VENDOR).as_posix(),
        "package": package_name,
        "version": package(package_name)["version"],
        "licence": licence_name,
        "sha384": digest,
    }


def package(name: str) -> dict[str, str]:
    """Return what a package says about itself."""
    about: dict[str, str] = json.loads((MODULES / name / "package.json").read_text(encoding="utf-8"))
    return about


def licence(name: str) -> str:
    """Return the licence text of a package under a heading."""
    about = package(name)
    text = (MODULES / name / "LICENSE").read_text(encoding="utf-8").strip()
    return f"{name} {about['version']} ({about['license']})\n{'=' * 72}\n\n{text}\n"


if __name__ == "__main__":
    main()
