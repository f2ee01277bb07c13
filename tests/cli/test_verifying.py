"""``authsvc verify --jwks``: no database, no home, nothing but the keys that anybody may fetch."""

import json
from pathlib import Path

import pytest

from authsvc.cli import main

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "token_v1.json").read_text(encoding="ascii"))
GOOD = VECTORS["good"][0]


@pytest.fixture
def verify(tmp_path, capsys):
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(VECTORS["jwks"]))

    def run(uri, *options):
        with pytest.raises(SystemExit) as ended:
            main(["verify", uri, "--jwks", str(keys), *options])
        return ended.value.code, capsys.readouterr()

    return run


def test_a_brand_without_a_name_is_named_by_its_number(verify):
    code, shown = verify(GOOD["uri"])

    assert code == 0
    assert f"Brand {GOOD['brand_id'][:8]}… made this code" in shown.out
    assert f"Signature: valid, by key {GOOD['brand_id']}.1 (ed25519)" in shown.out
    assert "holder of key" not in shown.out
    assert f"The brand is {GOOD['brand_id']}: a file of keys knows brands by their numbers" in shown.err


def test_a_forged_code_speaks_of_the_brand_in_the_same_way(verify):
    code, shown = verify(VECTORS["refused"][0]["uri"])

    assert code == 1
    assert "None" not in shown.out
    assert "holder of key" not in shown.out
    assert "Signature: not valid" in shown.out


def test_json_is_for_programs_alone(verify):
    code, shown = verify(GOOD["uri"], "--json")

    assert code == 0
    assert json.loads(shown.out)["signature"] == {"valid": True, "kid": f"{GOOD['brand_id']}.1", "format": "ed25519"}
    assert shown.err == ""


def test_a_brand_that_is_not_in_the_file_is_not_named(verify):
    code, shown = verify("https://id.example.com/01/04006381333931/21/1?s=AQAB")

    assert code == 1
    assert "The brand is" not in shown.err
