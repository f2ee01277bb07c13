"""What ``authsvc serve`` tells its workers; that they answer is for the tests that start it."""

import os
import socket
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy.engine import make_url

from authsvc import db
from authsvc.app import create_app
from authsvc.cli import main, serving
from authsvc.config import Config
from authsvc.errors import BadConfig


@pytest.fixture
def told(config, monkeypatch):
    """Return a function that serves with a configuration and returns the settings of a worker, read while it lives."""
    for name in ("HOME", "DATABASE_URL", "DATABASE_URL_FILE", "SCAN_DATABASE_URL", "DEMO", "BASE_URL"):
        monkeypatch.setenv(f"AUTHSVC_{name}", "")  # to have it as it was afterwards
    monkeypatch.setenv("AUTHSVC_SECRET", config.secret.hex())
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr(serving.signal, "signal", lambda *_: None)
    seen = []

    class Server:
        def __init__(self, *_arguments, **_options):
            pass

        def serve(self):
            worker = Config.from_env(os.environ)
            rt = create_app(worker).extensions["authsvc"]
            seen.append((worker, rt.connections.fetch("SELECT session_user::text AS who", {}).who))
            rt.keeper.stop()
            rt.connections.close()

    monkeypatch.setattr(serving, "Server", Server)

    def serve(config):
        serving.run(config, host="127.0.0.1", port=1)
        return seen[-1]

    return serve


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_taken_is_said_in_a_sentence_before_anything_is_made(
    command, config, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("AUTHSVC_SECRET", config.secret.hex())
    monkeypatch.setenv("AUTHSVC_HOME", str(tmp_path / "home"))
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as end:
            main([command, "--port", str(port)])

    assert end.value.code == 1
    assert "Address already in use. Choose another: --port N" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


def test_the_workers_of_an_embedded_database_know_no_owner(config, told):
    worker, who = told(config)

    assert (worker.database_url, who) == (None, db.WEB_LOGIN)


def test_the_workers_of_another_database_know_the_login_that_is_theirs(config, database, told):
    own = make_url(database).set(username=db.WEB_LOGIN).render_as_string()
    worker, who = told(replace(config, database_url=database, scan_database_url=own))

    assert (worker.database_url, worker.scan_database_url, who) == (None, own, db.WEB_LOGIN)


def test_the_workers_have_the_login_of_the_commands_where_there_is_no_other(config, database, told):
    worker, who = told(replace(config, database_url=database))

    assert (worker.scan_database_url, who) == (database, "postgres")


def test_a_login_that_may_not_scan_is_refused_before_it_serves(config, database, told):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE authsvc_idle LOGIN")
        try:
            own = make_url(database).set(username="authsvc_idle").render_as_string()
            with pytest.raises(BadConfig, match="GRANT authsvc_scan TO authsvc_idle"):
                told(replace(config, database_url=database, scan_database_url=own))
        finally:
            connection.execute("DROP ROLE authsvc_idle")
