from pathlib import Path

import pytest

from authsvc.config import Config
from authsvc.errors import BadConfig

SECRET = "ab" * 32


@pytest.fixture
def env(tmp_path):
    return {"AUTHSVC_HOME": str(tmp_path), "AUTHSVC_SECRET": SECRET}


def faults(env) -> str:
    with pytest.raises(BadConfig) as refused:
        Config.from_env(env)
    return str(refused.value)


def test_a_secret_is_all_that_is_needed(env, tmp_path):
    config = Config.from_env(env)

    assert config.secret == bytes.fromhex(SECRET)
    assert config.database_url is None
    assert config.keys_dir == tmp_path / "keys"
    assert config.passphrase_file == tmp_path / "secrets" / "passphrase"
    assert (config.proxy_hops, config.ratelimit_url, config.workers, config.is_demo) == (0, "memory://", 2, False)


def test_there_is_no_default_for_a_secret(tmp_path):
    assert "AUTHSVC_SECRET is missing" in faults({"AUTHSVC_HOME": str(tmp_path)})


@pytest.mark.parametrize("secret", ["x", "ab" * 31, "ab" * 33, "zz" * 32, "ab " * 31, ""])
def test_a_secret_is_64_hex_digits(env, secret):
    assert "AUTHSVC_SECRET" in faults({**env, "AUTHSVC_SECRET": secret})


def test_no_fault_and_no_representation_repeats_the_secret(env):
    almost = "ab" * 31
    assert almost not in faults({**env, "AUTHSVC_SECRET": almost})

    config = Config.from_env({**env, "AUTHSVC_DATABASE_URL": "postgresql://u:hunter2@h/d"})
    assert SECRET not in repr(config)
    assert str(bytes.fromhex(SECRET)) not in repr(config)
    assert "hunter2" not in repr(config)
    config = Config.from_env({**env, "AUTHSVC_SCAN_DATABASE_URL": "postgresql://w:hunter3@h/d"})
    assert config.scan_database_url == "postgresql://w:hunter3@h/d"
    assert "hunter3" not in repr(config)


def test_every_fault_is_reported_at_once(env):
    text = faults(
        {
            **env,
            "AUTHSVC_SECRET": "x",
            "AUTHSVC_BASE_URL": "ftp://x",
            "AUTHSVC_DATABASE_URL": "mysql://x",
            "AUTHSVC_PROXY_HOPS": "-1",
            "AUTHSVC_WORKERS": "0",
            "AUTHSVC_LOG_LEVEL": "loud",
            "AUTHSVC_PLACES_FILE": "/nowhere.mmdb",
            "AUTHSVC_SECERT": "y",
        }
    )

    names = "SECRET", "BASE_URL", "DATABASE_URL", "PROXY_HOPS", "WORKERS", "LOG_LEVEL", "PLACES_FILE", "SECERT"
    assert len(text.splitlines()) == len(names)
    for name in names:
        assert f"AUTHSVC_{name}" in text


def test_a_file_may_hold_the_value(env, tmp_path):
    (tmp_path / "s").write_text(SECRET + "\n")
    del env["AUTHSVC_SECRET"]

    assert Config.from_env({**env, "AUTHSVC_SECRET_FILE": str(tmp_path / "s")}).secret == bytes.fromhex(SECRET)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_a_fault(env, tmp_path, content):
    if content is not None:
        (tmp_path / "s").write_bytes(content)
    del env["AUTHSVC_SECRET"]

    assert "cannot be read" in faults({**env, "AUTHSVC_SECRET_FILE": str(tmp_path / "s")})


def test_the_environment_beats_what_init_wrote(env, tmp_path):
    (tmp_path / "settings.env").write_text(
        "# comment\n\nAUTHSVC_WORKERS=3\nAUTHSVC_BASE_URL = https://a.example \nnoise\n"
    )

    assert Config.from_env(env).workers == 3
    assert Config.from_env(env).base_url == "https://a.example"
    assert Config.from_env({**env, "AUTHSVC_WORKERS": "5"}).workers == 5


def test_a_misspelt_setting_in_the_file_is_a_fault_too(env, tmp_path):
    (tmp_path / "settings.env").write_text("AUTHSVC_WORKER=3\n")

    assert "AUTHSVC_WORKER is not a setting" in faults(env)


def test_settings_of_others_are_none_of_ours(env):
    assert Config.from_env({**env, "PATH": "/bin", "OTHER_SECRET": "x"}).secret


@pytest.mark.parametrize(
    ("url", "is_good"),
    [("https://id.example.com", True), ("http://127.0.0.1:8000/", True), ("https://a.example/stem", True),
     ("id.example.com", False), ("https://", False), ("https://a.example?x=1", False), ("https://a.example#x", False),
     ("javascript:alert(1)", False)],
)  # fmt: skip
def test_a_base_url(env, url, is_good):
    env["AUTHSVC_BASE_URL"] = url
    if is_good:
        assert Config.from_env(env).base_url == url.rstrip("/")
    else:
        assert "AUTHSVC_BASE_URL" in faults(env)


@pytest.mark.parametrize("value", ["٣", "3.0", " 3", "9" * 30, "", "0x3"])
def test_a_number_is_ascii_and_in_its_range(env, value):
    env["AUTHSVC_PROXY_HOPS"] = value
    if value:
        assert "whole number from 0 to 8" in faults(env)
    else:
        assert Config.from_env(env).proxy_hops == 0


def test_https_is_what_people_reach_the_service_by(env):
    assert Config.from_env({**env, "AUTHSVC_BASE_URL": "https://a.example"}).is_secure
    assert not Config.from_env(env).is_secure


def test_a_relative_home_becomes_absolute(env, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    config = Config.from_env({**env, "AUTHSVC_HOME": "var"})

    assert config.home == tmp_path / "var"
    assert config.settings_file == Path(tmp_path / "var" / "settings.env")
