"""The golden vectors are what the code makes today, and what a verifier that was written from the docs accepts."""

import json
import re
import runpy
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "tests" / "vectors"
BUILD = runpy.run_path(str(VECTORS / "build.py"))
TOKENS = json.loads((VECTORS / "token_v1.json").read_text(encoding="ascii"))


def test_build_makes_the_files_that_are_kept():
    kept = {path.name: path.read_text(encoding="ascii") for path in VECTORS.glob("*.json")}

    made = BUILD["build"]()

    assert {name: kept.get(name) for name in made} == made


@pytest.fixture(scope="module")
def stranger():
    """The verifier printed in the documentation: no line of it is ours at run time."""
    page = (ROOT / "docs" / "token-format.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert "authsvc" not in program.replace('b"authsvc/token/"', "")
    space = {}
    exec(compile(program, "token-format.md", "exec"), space)
    return space


@pytest.mark.parametrize("vector", TOKENS["good"], ids=lambda vector: vector["note"])
def test_a_stranger_accepts_what_we_issued(stranger, vector):
    kid = f"{vector['brand_id']}.{vector['key_id']}"

    assert stranger["parse"](vector["uri"]) == (vector["ais"], vector["token"])
    assert stranger["verify"](vector["uri"], TOKENS["jwks"]) == ("good", kid)


@pytest.mark.parametrize("vector", TOKENS["refused"], ids=lambda vector: vector["note"])
def test_a_stranger_refuses_what_we_refuse(stranger, vector):
    with pytest.raises((ValueError, InvalidSignature)):
        stranger["verify"](vector["uri"], TOKENS["jwks"])


@pytest.mark.parametrize("vector", TOKENS["revoked"], ids=lambda vector: vector["note"])
def test_a_stranger_answers_for_revoked_keys_as_documented(stranger, vector):
    assert stranger["verify"](vector["uri"], TOKENS["jwks"])[0] == vector["offline"]


@pytest.mark.parametrize("vector", TOKENS["brands"], ids=lambda vector: vector["note"])
def test_a_stranger_finds_the_brand(stranger, vector):
    members = TOKENS["jwks"]["keys"] + TOKENS["jwks"]["revoked"]

    assert stranger["brand_of"](vector["key"], members) == vector["brand_id"]


def test_the_message_printed_in_the_documentation_is_the_one_of_its_link():
    page = (ROOT / "docs" / "token-format.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"^```\n(6175.*?)^```", page, re.DOTALL | re.MULTILINE)

    assert "".join(printed.split()) == TOKENS["good"][1]["message"]
