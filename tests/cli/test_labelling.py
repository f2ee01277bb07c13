"""From issued codes to labels by the command line."""

import csv
import json
import subprocess

import pytest
from PIL import Image
from printing import make_label, pages_of, read, row

from authsvc.labels import sheets

HEADER = "uri,gtin,lot,serial,claim_code\n"


@pytest.fixture
def codes(tmp_path):
    """Return a function that writes a file of codes."""

    def write(count=3, name="codes.csv", **changes):
        path = tmp_path / name
        path.write_text(HEADER + "".join(row(number, **changes) for number in range(count)))
        return path

    return write


@pytest.fixture
def labels(authsvc, codes, tmp_path):
    """Return the command with a name, so that it asks no register."""

    def run(form, *more, file=None, out=None, code=0):
        out = out or tmp_path / f"labels.{form}"
        return authsvc("labels", file or codes(), "--as", form, "--out", out, "--name", "Watch", *more, code=code)

    return run


def test_issued_codes_become_a_sheet_with_the_name_of_the_register(halden, tmp_path):
    halden("issue", "--gtin", "09506000134352", "--lot", "B1", "--count", 3, "--out", tmp_path / "codes.csv")
    result = halden("labels", tmp_path / "codes.csv", "--as", "pdf", "--out", tmp_path / "sheet.pdf")
    with (tmp_path / "codes.csv").open() as lines:
        issued = [code["uri"] for code in csv.DictReader(lines)]

    assert result.out.startswith(f"3 labels written to {tmp_path / 'sheet.pdf'} in ")
    assert "ISO/IEC 15415" in result.err
    (page,) = pages_of(tmp_path / "sheet.pdf")
    assert sorted(read(page)) == sorted(issued)
    text = subprocess.run(["pdftotext", tmp_path / "sheet.pdf", "-"], check=True, capture_output=True).stdout.decode()
    assert "Halden Watch" in text
    assert "codes" in text  # the heading


def test_a_product_that_is_not_registered_is_refused_with_a_way(authsvc, codes, tmp_path):
    refused = authsvc("labels", codes(), "--as", "pdf", "--out", tmp_path / "x.pdf", code=1)

    assert "No product has the GTIN 09521234543213" in refused.err
    assert not (tmp_path / "x.pdf").exists()


def test_zpl_and_a_file_for_a_print_server_are_made(labels, tmp_path):
    labels("zpl")
    labels("csv")

    assert (tmp_path / "labels.zpl").read_text().count("^XA") == 3
    assert (tmp_path / "labels.csv").read_text().count("\n") == 4


@pytest.mark.parametrize("form", ["svg", "png", "eps"])
def test_single_symbols_lie_in_a_new_folder(labels, tmp_path, form):
    labels(form, out=tmp_path / "symbols")

    found = sorted((tmp_path / "symbols").iterdir())
    assert [path.suffix for path in found] == [f".{form}"] * 3
    if form == "png":
        assert read(Image.open(found[2])) == [make_label(2).uri]
    assert "is there already" in labels(form, out=tmp_path / "symbols", code=1).err


def test_json_says_how_it_will_print(labels, tmp_path):
    done = json.loads(labels("pdf", "--json", "--dpi", 300).out)

    assert (done["labels"], done["files"]) == (3, [str(tmp_path / "labels.pdf")])
    assert (done["template"], done["symbol"], done["grade"]) == ("label-63x38", "QR code, level M", "A")
    assert done["module_mm"] == pytest.approx(0.508)
    assert any("15415" in sentence for sentence in done["advice"])


def test_what_does_not_fit_is_refused_and_what_is_offered_is_made(labels, codes, tmp_path):
    refused = labels("pdf", "--template", "round-20", "--x-dimension", 0.25, code=1)

    assert "issue --format compact" in refused.err
    assert "--symbol datamatrix" in refused.err
    assert not list(tmp_path.glob("labels.pdf*"))
    made = labels("pdf", "--template", "round-20", "--x-dimension", 0.25, "--symbol", "datamatrix")
    assert "claim codes are not on it" in made.err
    labels("pdf", "--template", "round-20", "--x-dimension", 0.25, "--force", file=codes(token="AgABx-_9x-_9x-_9x-_9"))


def test_one_long_link_among_short_ones_is_found_before_anything_is_written(labels, codes, tmp_path):
    file = codes(token="AgABx-_9x-_9x-_9x-_9")
    file.write_text(file.read_text() + row(9))

    assert "does not fit" in labels("pdf", "--template", "round-20", file=file, code=1).err
    assert not list(tmp_path.glob("labels.pdf*"))


@pytest.mark.parametrize(
    ("more", "pages", "size"),
    [
        (("--stock", "label"), 3, (63.5, 38.1)),
        (("--page", "letter", "--margin", "5", "--gap", "0"), 1, (215.9, 279.4)),
        (("--template", "a6"), 1, (210, 297)),
        (("--template", "round-30"), 1, (210, 297)),
    ],
)
def test_labels_lie_on_the_paper_that_was_asked_for(labels, tmp_path, more, pages, size):
    labels("pdf", *more, "--outline", "--title", "Run 7")
    found = pages_of(tmp_path / "labels.pdf", 100)

    assert len(found) == pages
    assert [round(side / 100 * 25.4) for side in found[0].size] == [pytest.approx(side, abs=0.6) for side in size]


def test_a_long_run_is_cut_into_files(labels, codes, tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST", 4)
    result = labels("pdf", file=codes(10))

    assert "10 labels written to 3 files, labels-001.pdf to labels-003.pdf" in result.out
    found = [uri for k in (1, 2, 3) for uri in read(pages_of(tmp_path / f"labels-00{k}.pdf")[0])]
    assert sorted(found) == sorted(make_label(number).uri for number in range(10))


def test_templates_of_a_brand_are_read_from_a_file(labels, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("[tag]\nwidth = 40\nheight = 30\nsymbol = { x = 1, y = 1, room = 28 }\n")

    labels("pdf", "--templates", own, "--template", "tag")
    own.write_bytes(b"\xff")
    assert "not in UTF-8" in labels("pdf", "--templates", own, "--force", code=1).err


def test_a_logo_is_a_picture(labels, tmp_path):
    logo = tmp_path / "logo.png"
    Image.new("L", (30, 10), 0).save(logo)
    labels("pdf", "--template", "a6", "--logo", logo)

    logo.write_text("<svg/>")
    assert "no PNG or JPEG" in labels("pdf", "--template", "a6", "--logo", logo, "--force", code=1).err


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (("--template", "x"), 1, "no label template 'x'"),
        (("--stock", "x"), 1, "no stock 'x'; they are label, l7160"),
        (("--stock", "l7651"), 1, "do not fit the stock l7651"),
        (("--page", "a4", "--margin", "100"), 1, "no room"),
        (("--x-dimension", "0.1"), 1, "cannot be read"),
        (("--level", "Z"), 2, "Invalid value for '--level'"),
    ],
)
def test_wrong_choices_are_refused(labels, more, code, sentence):
    assert sentence in labels("pdf", *more, code=code).err


def test_a_file_is_not_written_over_without_force(labels, tmp_path):
    labels("zpl")

    assert "is there already" in labels("zpl", code=1).err
    labels("zpl", "--force")
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_of_no_codes_and_one_of_bad_codes_are_refused(labels, codes, tmp_path):
    assert "header and nothing else" in labels("pdf", file=codes(0), code=1).err
    bad = tmp_path / "bad.csv"
    bad.write_text(HEADER + row(0) + row(1).replace("L-7", "x" * 30))
    assert "Row 3: lot has at most 20" in labels("pdf", file=bad, code=1).err


def test_a_folder_that_does_not_exist_is_named(labels, tmp_path):
    for form in ("pdf", "zpl", "svg"):
        assert "no folder" in labels(form, out=tmp_path / "none" / "x", code=1).err


def test_templates_and_stocks_are_listed(authsvc):
    out = authsvc("labels", "--list").out

    assert "round-20" in out
    assert "avery-5160" in out
