import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core import check_lists

LINK = "https://id.example.com/01/09506000134352/21/7K3M?s=AQAB-_x"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", []),
        ("\n \r\n", []),
        (f"{LINK}\r\n(01)09506000134352(21)A B\n", [LINK, "(01)09506000134352(21)A B"]),
        (f"{LINK} {LINK}", [LINK, LINK]),
        (f'"{LINK}"\n', [LINK]),
        (f"{LINK},12.50\n{LINK};Shop\n{LINK}\tx", [LINK] * 3),
        (f"{LINK},{LINK}", [LINK, LINK]),
        ("09506000134352.A,B;C", ["09506000134352.A,B;C"]),
        ("https://h.example/01/09506000134352/21/A,B", ["https://h.example/01/09506000134352/21/A,B"]),
        (f"Code;Price\n{LINK};3\n;4\n", [LINK]),
        ("\ufeffGTIN\tSerial\n9506000134352\tA(1\n9506000134352\t\n", ["(01)9506000134352(21)A\\(1", "9506000134352"]),
        (f"uri,gtin,lot,serial,claim_code\n{LINK},1,L,2,SECRET\n", [LINK]),
        ('gtin,serial,name\n1,"2","a, b"\n', ["(01)1(21)2"]),
    ],
)
def test_lists_are_read_as_people_have_them(text, codes):
    assert check_lists.read(text) == codes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_of_every_spreadsheet_are_decoded(encoding):
    assert check_lists.decode("uri;größe\n".encode(encoding)) == "uri;größe\n"


def test_a_repeated_code_names_where_it_stood_first():
    assert check_lists.repeats(["a", "b", "a", "c", "a"]) == {2: 0, 4: 0}


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_list(data):
    codes = check_lists.read(check_lists.decode(data))

    assert all(code == code.strip() and code for code in codes)


@pytest.mark.parametrize("text", [",", " ", "\t", ",;", "http://", "https://h/?s=", "&s=", '"'])
def test_a_long_line_takes_no_longer_than_its_length(text):
    begun = time.process_time()
    check_lists.read(f"a{text * 100_000}b")

    assert time.process_time() - begun < 2


def test_a_link_begins_a_code_behind_any_separators():
    assert check_lists.read(f"x ,; {LINK}") == ["x", LINK]
    assert check_lists.read(f"x,;y ,{LINK};,HTTPS://h/") == ["x,;y", LINK, "HTTPS://h/"]
