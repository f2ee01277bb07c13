import json
import stat
import subprocess
import sys
import time

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from authsvc import db
from authsvc.cli import main
from authsvc.cli.setting_up import make_home


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path, database, monkeypatch):
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", database)
    return tmp_path / "home"


def test_init_makes_a_home_that_others_cannot_read(home):
    found = make_home(home)

    assert [mode(home / name) for name in ("secrets", "keys")] == [0o700, 0o700]
    assert [mode(home / "secrets" / name) for name in ("secret", "passphrase")] == [0o600, 0o600]
    assert len(bytes.fromhex((home / "secrets" / "secret").read_text())) == 32
    assert found.revision is not None


def test_init_says_what_it_made_and_what_comes_next(authsvc, tmp_path, monkeypatch):
    monkeypatch.setenv("AUTHSVC_HOME", str(tmp_path / "new"))

    result = authsvc("init")
    assert f"made   {tmp_path / 'new' / 'secrets' / 'passphrase'}\n" in result.out
    assert "Next: authsvc brands add" in result.err


def test_init_again_changes_nothing(home):
    make_home(home)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    assert make_home(home).made == []
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_two_homes_share_no_secret(home):
    make_home(home)
    make_home(home.with_name("other"))

    for name in "secret", "passphrase":
        assert (home / "secrets" / name).read_text() != (home.with_name("other") / "secrets" / name).read_text()


def test_init_starts_the_embedded_database(tmp_path):
    """One run of the real program with no setting but its home, as a new user has it."""
    env = {"AUTHSVC_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def run(*arguments):
        command = [sys.executable, "-c", "from authsvc.cli import main; main()", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    made = run("init", "--json")
    brand = run("brands", "add", "halden", "--name", "Halden")

    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["revision"] is not None
    assert brand.returncode == 0, brand.stderr
    assert "Next: authsvc keys new --brand halden" in brand.stderr


def test_a_home_that_cannot_be_written_is_refused(authsvc, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AUTHSVC_HOME", str(tmp_path / "file" / "home"))

    assert "cannot be set up" in authsvc("init", code=1).err


def test_without_init_every_missing_setting_is_named(authsvc, tmp_path, monkeypatch):
    monkeypatch.delenv("AUTHSVC_SECRET")
    monkeypatch.setenv("AUTHSVC_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("AUTHSVC_BASE_URL", "ftp://x")

    result = authsvc("brands", "list", code=1)
    assert result.err.splitlines()[0].startswith("authsvc: AUTHSVC_SECRET is missing: run `authsvc init`")
    assert result.err.splitlines()[1].startswith("authsvc: AUTHSVC_BASE_URL must look like")


def test_an_empty_database_is_told_to_upgrade(authsvc, postgres, place, monkeypatch):
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", postgres)

    assert "Run `authsvc db upgrade`" in authsvc("brands", "list", code=1).err


def test_a_dead_database_is_a_sentence(authsvc, monkeypatch):
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/x")

    result = authsvc("brands", "list", code=1)
    assert result.err.startswith("authsvc: The database does not answer")


def test_upgrade_says_what_it_did(authsvc):
    assert "already" in authsvc("db", "upgrade").out


@pytest.fixture
def whole(halden, database, monkeypatch):
    """Return the command line of an installation that lacks nothing."""
    own = make_url(database).set(username=db.WEB_LOGIN).render_as_string()
    monkeypatch.setenv("AUTHSVC_SCAN_DATABASE_URL", own)
    desk = make_url(database).set(username=db.DESK_LOGIN).render_as_string()
    monkeypatch.setenv("AUTHSVC_CONSOLE_DATABASE_URL", desk)
    return halden


def test_doctor_finds_nothing_wrong_with_a_new_home(whole):
    findings = json.loads(whole("doctor", "--json").out)

    assert {finding["mark"] for finding in findings} == {"ok"}
    assert {finding["check"] for finding in findings} == {
        "settings", "key files", "places", "disk", "database", "schema", "web login", "console login", "partitions",
        "jobs", "clock", "keys", "files", "runs",
    }  # fmt: skip


def test_doctor_speaks_to_people(whole):
    lines = whole("doctor").out.splitlines()

    assert lines[0].startswith("ok       settings       complete, home is ")
    assert all(line.startswith("ok ") for line in lines)


def test_doctor_begins_with_the_settings(authsvc, tmp_path, monkeypatch):
    monkeypatch.delenv("AUTHSVC_SECRET")
    monkeypatch.setenv("AUTHSVC_HOME", str(tmp_path / "nowhere"))

    (fault,) = faults(authsvc)
    assert fault.startswith("settings: AUTHSVC_SECRET is missing")


def test_doctor_looks_for_what_a_database_lacks(halden, place):
    with place.sessions.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0004'"))

    found = faults(halden)
    assert len(found) == 1, found
    (fault,) = found
    assert "run `authsvc db upgrade`" in fault


def test_doctor_greets_an_empty_installation(authsvc):
    (finding,) = [f for f in json.loads(authsvc("doctor", "--json").out) if f["check"] == "keys"]

    assert finding["mark"] == "warning"


def faults(command):
    return [
        f"{f['check']}: {f['text']}"
        for f in json.loads(command("doctor", "--json", code=1).out)
        if f["mark"] == "fault"
    ]


def test_doctor_finds_loose_modes(halden, config):
    config.keys_dir.chmod(0o755)

    found = faults(halden)
    assert len(found) == 1, found
    (fault,) = found
    assert fault.startswith(f"key files: {config.keys_dir} has mode 0755")


def test_doctor_finds_missing_partitions(halden, place):
    month = "to_char(now() AT TIME ZONE 'UTC' + interval '2 months', 'YYYYMM')"
    drop = f"DO $$ BEGIN EXECUTE 'DROP TABLE scans_' || {month}; END $$"
    with place.sessions.begin() as session:
        session.execute(text(drop))

    found = faults(halden)
    assert len(found) == 1, found
    (fault,) = found
    assert fault.startswith("partitions: missing: scans_")


def test_doctor_finds_a_brand_that_cannot_issue(halden):
    halden("keys", "retire", "--brand", "halden", "--key", 1)

    found = faults(halden)
    assert len(found) == 1, found
    (fault,) = found
    assert "`authsvc keys new --brand halden --format ed25519`" in fault


def test_doctor_finds_a_wrong_secret(halden, monkeypatch):
    monkeypatch.setenv("AUTHSVC_SECRET", "00" * 32)

    found = faults(halden)
    assert len(found) == 1, found
    (fault,) = found
    assert "does not open with AUTHSVC_SECRET" in fault


def test_doctor_finds_a_dead_database(halden, monkeypatch):
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/x")

    found = faults(halden)
    assert len(found) == 1, found
    (fault,) = found
    assert fault.startswith("database: The database does not answer")


def test_help_is_there_at_once():
    start = time.monotonic()
    command = [sys.executable, "-X", "importtime", "-c", "from authsvc.cli import main; main(['--help'])"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)

    assert "sqlalchemy" not in shown.stderr
    assert "recall" in shown.stdout
    assert time.monotonic() - start < 5


def test_an_unknown_command_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["frobnicate"])

    assert ended.value.code == 2
    assert "No such command 'frobnicate'" in capsys.readouterr().err
