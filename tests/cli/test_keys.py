import json

import pytest


@pytest.fixture
def brand(authsvc):
    authsvc("brands", "add", "halden", "--name", "Halden")
    return authsvc


def states(command):
    found = json.loads(command("keys", "list", "--brand", "halden", "--json").out)
    return {key["key_id"]: key["state"] for key in found}


def test_a_key_lives_from_pending_to_revoked(brand, config):
    brand("keys", "new", "--brand", "halden")
    brand("keys", "new", "--brand", "halden")
    assert states(brand) == {1: "active", 2: "pending"}
    brand("keys", "activate", "--brand", "halden", "--key", 2)
    assert states(brand) == {1: "retired", 2: "active"}
    result = brand("keys", "revoke", "--brand", "halden", "--key", 1, "--mode", "from-time",
                   "--from", "2026-01-05T10:00Z", "--reason", "laptop stolen")  # fmt: skip

    assert result.out == (
        "Key 1 of halden (ed25519) is revoked. "
        "Items that were first checked before that time stay good, all others are withdrawn.\n"
    )
    table = brand("keys", "list", "--brand", "halden").out
    assert "from-time 2026-01-05 10:00  laptop stolen" in table
    assert sorted(path.name for path in config.keys_dir.rglob("*.pem")) == [
        "1.pem", "1.pub.pem", "2.pem", "2.pub.pem",
    ]  # fmt: skip


def test_a_revocation_is_weakened_only_when_that_is_said(brand):
    brand("keys", "new", "--brand", "halden")
    revoke = ("keys", "revoke", "--brand", "halden", "--key", 1, "--reason", "stolen", "--mode")
    brand(*revoke, "all")

    refused = brand(*revoke, "stop-issuing", code=1)
    assert "would make withdrawn codes good again: all its codes." in refused.err
    assert "--weaken" in refused.err
    weakened = brand(*revoke, "stop-issuing", "--weaken")
    assert "It signs no more; all its codes stay good." in weakened.out
    assert "Good again: all its codes." in weakened.err


def test_a_revocation_names_every_run_that_it_withdraws(halden, tmp_path):
    for n in (1, 2):
        halden("issue", "--gtin", "09506000134352", "--count", 1, "--out", tmp_path / f"{n}.csv")
    revoke = ("keys", "revoke", "--brand", "halden", "--key", 1, "--mode", "run", "--reason", "stolen", "--run")
    halden(*revoke, 1)

    assert "The codes of runs 1, 2 are withdrawn, its other codes stay good." in halden(*revoke, 2).out


def test_a_compact_key_has_no_file(brand, config):
    brand("keys", "new", "--brand", "halden", "--format", "compact")

    assert not list(config.keys_dir.iterdir())


def test_no_secret_is_printed(brand):
    brand("keys", "new", "--brand", "halden", "--format", "compact")
    made = json.loads(brand("keys", "new", "--brand", "halden", "--json").out)

    assert set(made) == {
        "brand_id", "key_id", "format", "state", "created_at", "retired_at", "revoked_at", "revocation", "reason",
    }  # fmt: skip


def test_a_key_number_never_returns_after_a_failure(brand, config):
    config.keys_dir.chmod(0o700)
    folder = config.keys_dir / json.loads(brand("brands", "list", "--json").out)[0]["id"]
    folder.mkdir(mode=0o700)
    (folder / "1.pem").write_text("something else")

    assert "never written over" in brand("keys", "new", "--brand", "halden", code=1).err
    assert states(brand) == {}
    brand("keys", "new", "--brand", "halden")
    assert states(brand) == {2: "active"}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("new", "--brand", "nobody"), 1, "no brand 'nobody'"),
        (("new", "--brand", "halden", "--pending", "--activate"), 2, "pending or active"),
        (("retire", "--brand", "halden", "--key", "7"), 1, "no key 7"),
        (("revoke", "--brand", "halden", "--key", "1", "--mode", "all"), 2, "--reason"),
        (("revoke", "--brand", "halden", "--key", "1", "--mode", "from-time", "--from", "x", "--reason", "y"), 2,
         "no time"),
        (("new",), 2, "--brand"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(brand, arguments, code, sentence):
    assert sentence in brand("keys", *arguments, code=code).err


def test_a_brand_without_keys_is_told_what_to_do(brand):
    result = brand("keys", "list", "--brand", "halden")

    assert result.out == ""
    assert "authsvc keys new --brand halden" in result.err
