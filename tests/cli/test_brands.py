import json

import pytest

from authsvc.core.gs1.values import check_digit


def test_a_brand_is_listed_as_it_was_added(authsvc):
    added = json.loads(
        authsvc(
            "brands", "add", "halden", "--name", "Halden", "--gcp", "9506000", "--gcp", "9521101",
            "--host", "id.halden.example", "--sandbox", "--contact", "help@halden.example", "--json",
        ).out
    )  # fmt: skip

    (listed,) = json.loads(authsvc("brands", "list", "--json").out)
    assert listed == added
    assert (added["prefixes"], added["is_sandbox"]) == (["9506000", "9521101"], True)
    assert "help@" not in authsvc("brands", "list").out


def test_a_refused_brand_leaves_nothing(authsvc):
    authsvc("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")

    result = authsvc("brands", "add", "rival", "--name", "Rival", "--gcp", "95060", code=1)
    assert result.err == (
        "authsvc: The company prefix 95060 overlaps with 9506000, which brand halden holds: "
        "a code would belong to both.\n"
    )
    assert [brand["slug"] for brand in json.loads(authsvc("brands", "list", "--json").out)] == ["halden"]


def test_a_sandbox_is_made_once_issues_tests_and_is_wiped(authsvc, tmp_path):
    authsvc("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")
    assert "no sandbox" in authsvc("brands", "sandbox", "halden", "--wipe", code=1).err
    made = authsvc("brands", "sandbox", "halden")
    assert "Its GTINs begin with 0952900000." in made.out
    assert "has a sandbox already" in authsvc("brands", "sandbox", "halden", code=1).err
    key = authsvc("api-key", "new", "--brand", "halden-sandbox", "--name", "Try", "--scope", "verify").out
    assert key.startswith("authsvc_test_")
    gtin = f"0952900000000{check_digit('0952900000000')}"
    out = tmp_path / "codes.csv"
    authsvc("issue", "--gtin", gtin, "--count", "2", "--out", out)
    uri = out.read_text().splitlines()[1].partition(",")[0]
    verdict = json.loads(authsvc("verify", uri, "--json").out)
    assert (verdict["reason"], verdict["signature"]["valid"]) == ("test", True)

    authsvc("labels", out, "--as", "zpl", "--out", tmp_path / "labels.zpl")
    assert "^FDTEST " in (tmp_path / "labels.zpl").read_text()

    done = json.loads(authsvc("brands", "sandbox", "halden", "--wipe", "--json").out)
    assert done["rows"] > 3
    assert json.loads(authsvc("verify", uri, "--json").out)["reason"] == "test"
    assert "authsvc_test" not in authsvc("api-key", "list", "--brand", "halden").out


def test_no_brand_yet_says_how_to_add_one(authsvc):
    result = authsvc("brands", "list")

    assert (result.out, result.err) == ("", "There is no brand yet. Add one: authsvc brands add SLUG --name NAME\n")


@pytest.mark.parametrize("arguments", [("add", "halden"), ("add", "--name", "Halden"), ("remove", "halden")])
def test_wrong_usage_ends_with_two(authsvc, arguments):
    authsvc("brands", *arguments, code=2)


def test_the_look_of_a_brand_is_set_refused_with_numbers_and_taken_away(authsvc, tmp_path):
    authsvc("brands", "add", "halden", "--name", "Halden", "--gcp", "9506000")
    look = ("brands", "look", "halden")

    assert "1.51" in authsvc(*look, "--colour", "#ffcc00", "--colour-dark", "#8fb0ff", code=1).err
    assert "both" in authsvc(*look, "--colour", "#1b4dd6", code=2).err
    (tmp_path / "logo.png").write_bytes(b"no picture")
    refused = authsvc(*look, "--colour", "#5b2c86", "--colour-dark", "#d9b8ff", "--logo", tmp_path / "logo.png", code=1)
    assert "no PNG or WebP" in refused.err
    authsvc(*look, "--colour", "#5b2c86", "--colour-dark", "#d9b8ff")
    (brand,) = json.loads(authsvc("brands", "list", "--json").out)
    assert brand["look"] == {"colour": "#5b2c86", "colour_dark": "#d9b8ff", "logo": None}
    authsvc(*look, "--none")
    (brand,) = json.loads(authsvc("brands", "list", "--json").out)
    assert brand["look"] is None
