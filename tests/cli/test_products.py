import json
import os

import pytest

HEADER = "gtin,brand,name,granularity"
ROW = "09506000134352,halden,Watch,serial"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(9)


@pytest.fixture
def load(authsvc, tmp_path):
    authsvc("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")

    def run(content, name="products.csv", code=0):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return authsvc("products", "import", tmp_path / name, code=code)

    return run


def listed(command):
    return json.loads(command("products", "list", "--json").out)


def test_csv_is_read_as_spreadsheets_write_it(load, authsvc):
    result = load(b"\xef\xbb\xbf" + f'{HEADER},description\r\n{ROW},"Steel, 40 mm"\r\n'.encode())

    assert result.out == "1 product registered, 0 changed.\n"
    assert [(p["gtin"], p["name"], p["description"]) for p in listed(authsvc)] == [
        ("09506000134352", "Watch", "Steel, 40 mm")
    ]


def test_json_lines_are_read(load, authsvc):
    row = {"gtin": "09506000134352", "brand": "halden", "name": "Wätch", "granularity": "serial", "markets": ["DE"]}
    load(f"\n{json.dumps(row)}\n", "products.JSONL")

    assert [(p["name"], p["markets"]) for p in listed(authsvc)] == [("Wätch", ["DE"])]


def test_a_picture_lies_beside_the_file(load, authsvc, tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "watch.png").write_bytes(PNG)
    load(f"{HEADER},image\n{ROW},pictures/watch.png\n")

    assert listed(authsvc)[0]["image"].endswith(".png")


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("/dev/zero", "lies outside of the folder of the product file"),
        ("../outside.png", "lies outside of the folder of the product file"),
        ("{tmp}/outside.png", "lies outside of the folder of the product file"),
        ("link.png", "lies outside of the folder of the product file"),
        ("pipe", "is no regular file"),
        (".", "is no regular file"),
        ("none.png", "No such file or directory"),
        ("x" * 300, "File name too long"),
        ("loop", "loop"),
        ("endless.png", "a picture has at most 18 KB"),
    ],
)
def test_a_picture_is_a_small_file_beside_the_products(authsvc, tmp_path, name, fault):
    authsvc("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")
    (tmp_path / "outside.png").write_bytes(PNG)
    folder = tmp_path / "products"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    with (folder / "endless.png").open("wb") as file:
        file.write(PNG)
        file.truncate(2**40)
    (folder / "p.csv").write_text(f"{HEADER},image\n{ROW},{name.format(tmp=tmp_path)}\n")

    errors = authsvc("products", "import", folder / "p.csv", code=1).err
    assert "authsvc: row 2, image: " in errors
    assert fault in errors
    assert listed(authsvc) == []


def test_every_fault_is_printed_with_row_and_column(load, authsvc):
    result = load(f"{HEADER},claim\n{ROW},maybe\n\n1,halden,X\n", code=1)

    assert result.err.splitlines() == [
        "authsvc: The products are not accepted; nothing was changed.",
        "authsvc: row 2, claim: must be one of required, optional, none, got 'maybe'",
        "authsvc: row 4, granularity: is required and is not there",
        "authsvc: row 4, gtin: A GTIN has 8, 12, 13 or 14 digits, got '1'. Check the number and correct it.",
    ]
    assert listed(authsvc) == []


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        ("", "p.csv", "first row must name the columns"),
        ("a;b\n", "p.csv", "first row must name the columns"),
        (f"{HEADER}\n{ROW},extra\n", "p.csv", "(no header): is no column"),
        ("\xff".encode("latin-1"), "p.csv", "not in UTF-8"),
        ("{", "p.jsonl", "Row 1 is no JSON"),
        ("[]", "p.jsonl", "Row 1 must be a JSON object"),
        ('{"gtin": [1]}', "p.jsonl", "row 1, gtin: expected text"),
        (f"{HEADER},name\n{ROW},Other\n", "p.csv", "twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(load, content, name, sentence):
    assert sentence in load(content, name, code=1).err


def test_a_missing_file_is_wrong_usage(authsvc, tmp_path):
    authsvc("products", "import", tmp_path / "none.csv", code=2)


def test_the_list_may_be_of_one_brand(load, authsvc):
    load(f"{HEADER}\n{ROW}\n")
    authsvc("brands", "add", "rival", "--name", "Rival")

    assert "09506000134352  halden  serial" in authsvc("products", "list", "--brand", "halden").out
    assert "no product yet" in authsvc("products", "list", "--brand", "rival").err
    assert "no brand" in authsvc("products", "list", "--brand", "nobody", code=1).err
