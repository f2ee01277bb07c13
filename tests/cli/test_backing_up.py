"""Backup, a wiped home, restore: every code, every owner and every chain of the audit log is as it was."""

import csv
import json
import shutil
import threading
import zipfile
from dataclasses import replace

import owning
import psycopg
import pytest
from scene import Scene
from sqlalchemy.engine import make_url

from authsvc import backups, db, owners, table_copies
from authsvc.cli.workplace import opened
from authsvc.core.wrapping import derive_key

WATCH = "09506000134352"


@pytest.fixture
def elsewhere(postgres):
    """Yield the address of a database that has a schema and no row of anybody."""
    yield from made(postgres, "TEMPLATE authsvc_template")


@pytest.fixture
def nothing(postgres):
    """Yield the address of a database in which nothing is, not even a schema."""
    yield from made(postgres, "")


def made(server, template):
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE authsvc_restored {template}")
        yield make_url(server).set(database="authsvc_restored").render_as_string(hide_password=False)
        admin.execute("DROP DATABASE authsvc_restored WITH (FORCE)")


@pytest.fixture
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("kept") / "authsvc.backup"


def wipe(home):
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def codes_of(file):
    with file.open(newline="") as lines:
        return [row["uri"] for row in csv.DictReader(lines)]


def test_everything_verifies_after_a_wiped_home(halden, config, nothing, file, tmp_path, monkeypatch):
    halden("keys", "new", "--brand", "halden", "--format", "compact")
    codes = []
    for name, *order in (
        ("derived", "--count", "40", "--lot", "A1"),
        ("compact", "--count", "10", "--format", "compact"),
        ("random", "--count", "10", "--mode", "random"),
    ):
        halden("issue", "--gtin", WATCH, *order, "--out", tmp_path / f"{name}.csv")
        codes += codes_of(tmp_path / f"{name}.csv")
    halden("recall", "--gtin", WATCH, "--lot", "A1", "--reason", "Glass may break")
    # A recalled code is refused, and the command ends with 1.
    verdicts = [halden("verify", code, "--json", code=int(number < 40)).out for number, code in enumerate(codes)]
    chains = halden("audit", "verify").out

    said = halden("backup", file)
    assert "who has it has everything" in said.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(file.parent.glob("*.partial"))
    wipe(config.home)
    monkeypatch.delenv("AUTHSVC_SECRET")
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", nothing)
    told = halden("restore", file)

    assert "all checked" in told.out
    assert halden("audit", "verify").out == chains
    again = [halden("verify", code, "--json", code=int(number < 40)).out for number, code in enumerate(codes)]
    assert list(map(_timeless, again)) == list(map(_timeless, verdicts))
    assert {json.loads(text)["outcome"] for text in again} == {"withdrawn", "authentic"}
    # It goes on where it was: numbers are not given twice, and keys sign.
    halden("issue", "--gtin", WATCH, "--count", "3", "--out", tmp_path / "more.csv")
    assert json.loads(halden("verify", codes_of(tmp_path / "more.csv")[0], "--json").out)["outcome"] == "authentic"


def _timeless(text):
    return {name: value for name, value in json.loads(text).items() if name not in {"checked_at", "receipt"}}


def test_what_is_in_use_is_never_written_over(halden, config, elsewhere, file, monkeypatch):
    halden("backup", file)

    assert "is there already" in halden("backup", file, code=1).err
    assert "is not empty" in halden("restore", file, code=1).err
    monkeypatch.setenv("AUTHSVC_HOME", str(file.parent / "other"))
    assert "has brands already" in halden("restore", file, code=1).err
    assert list((file.parent / "other").iterdir()) == []


@pytest.mark.parametrize("harm", ["cut", "changed", "no-zip"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(halden, elsewhere, file, monkeypatch, harm):
    halden("backup", file)
    broken = file.with_name(f"{harm}.backup")
    if harm == "changed":
        with zipfile.ZipFile(file) as before, zipfile.ZipFile(broken, "w") as after:
            for name in before.namelist():
                content = before.read(name)
                after.writestr(
                    name, content.replace(b"Halden Watch", b"Halden Wotch") if name == "tables/products" else content
                )
    else:
        broken.write_bytes(file.read_bytes()[:-400] if harm == "cut" else b"nothing")
    home = file.parent / "home"
    monkeypatch.setenv("AUTHSVC_HOME", str(home))
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", elsewhere)

    errors = halden("restore", broken, code=1).err

    assert ("damaged at tables/products" if harm == "changed" else "no backup, or it was cut off") in errors
    assert not home.exists() or list(home.iterdir()) == []
    with psycopg.connect(elsewhere) as connection:
        if table_copies.find_revision(connection) is not None:
            assert connection.execute("SELECT count(*) FROM products").fetchone() == (0,)


def test_settings_follow_the_home(halden, config, elsewhere, file, monkeypatch):
    settings = config.home / "settings.env"
    settings.write_text(
        f"# as init wrote it\nAUTHSVC_SECRET_FILE={config.home}/secrets/secret\nAUTHSVC_SMTP_HOST=mail.example.com\n"
        f"AUTHSVC_SMTP_PASSWORD_FILE=/etc/authsvc/smtp\n"
    )
    monkeypatch.setenv("AUTHSVC_SMTP_PASSWORD", "x")
    halden("backup", file)
    home = file.parent / "moved"
    monkeypatch.setenv("AUTHSVC_HOME", str(home))
    monkeypatch.setenv("AUTHSVC_DATABASE_URL", elsewhere)

    told = halden("restore", file)

    lines = (home / "settings.env").read_text().splitlines()
    assert f"AUTHSVC_SECRET_FILE={home}/secrets/secret" in lines
    assert "AUTHSVC_SMTP_HOST=mail.example.com" in lines
    assert "AUTHSVC_SMTP_PASSWORD_FILE names a file outside of the home" in told.err
    assert (home / "secrets" / "secret").read_text().strip() == config.secret.hex()


# --- Beside a running service ----------------------------------------------------------------------------------------


def restored(scene: Scene, url: str, file) -> psycopg.Connection:
    """Bring a backup of a scene into an empty database, and return a connection to it."""
    with file.open("rb") as opened_file:
        found = backups.read_backup(opened_file)
        db.upgrade(url, to=found.manifest.revision)
        with psycopg.connect(url) as connection:
            backups.restore_rows(found, connection)
    return psycopg.connect(url, autocommit=True)


def take(scene, file, **options):
    with psycopg.connect(scene.url) as connection, file.open("xb") as out:
        return backups.take(connection, scene.config, out, version="test", now=scene.clock(), **options)


def test_a_backup_is_one_state_while_scans_go_on(scene, elsewhere, file):
    (scene.config.home / "passphrase").write_text("x")
    is_over = threading.Event()

    def scan_on():
        while not is_over.is_set():
            scene.visitor().scan(scene.codes.path())

    for _ in range(5):
        scene.visitor().scan(scene.codes.path())
    threads = [threading.Thread(target=scan_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        take(scene, file, progress=lambda _table: is_over.wait(0.05))
    finally:
        is_over.set()
        for thread in threads:
            thread.join()

    with restored(scene, elsewhere, file) as connection:
        one = "SELECT (SELECT sum(counted) FROM items), (SELECT count(*) FROM scans WHERE is_counted)"
        counted, scanned = connection.execute(one).fetchone()
        (sightings,) = connection.execute("SELECT count(*) FROM sightings").fetchone()
    assert counted == scanned == sightings > 0
    assert scene.row("SELECT count(*) FROM scans")[0] > scanned


def test_owners_old_partitions_and_jobs_come_back(scene, elsewhere, file):
    if not (scene.config.home / "passphrase").exists():
        (scene.config.home / "passphrase").write_text("x")
    scene.admin.execute(
        "CREATE TABLE IF NOT EXISTS scans_202401 PARTITION OF scans "
        "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2024-02-01 00:00:00+00')"
    )
    product = scene.add_product(name="Owned", warranty_months="24")
    codes = scene.issue(product, 5, lot="O1")
    buyer = owning.Buyer(scene, "kept@example.com")
    buyer.register(codes.path(0))
    scene.admin.execute(
        'INSERT INTO scans SELECT (jsonb_populate_record(s, \'{"at": "2024-01-15T00:00:00Z"}\')).* FROM scans s LIMIT 1'
    )
    number = scene.recall(product, lot="O1", tells_owners=True)
    manifest = take(scene, file)

    with restored(scene, elsewhere, file) as connection:
        (old,) = connection.execute("SELECT count(*) FROM scans_202401").fetchone()
        jobs = connection.execute("SELECT args->>'recall' FROM procrastinate_jobs WHERE task_name = 'tell_owners'")
        assert (str(number),) in jobs.fetchall()
        counts = {table: table_copies.count_rows(connection, table) for table in manifest.tables}
    assert old == 1
    assert counts == manifest.tables
    config = replace(scene.config, database_url=elsewhere)
    with opened(config) as place, place.sessions() as session:
        key = derive_key(config.secret, owners.PURPOSE)
        assert owners.find(session, scene.halden.id, "kept@example.com", key=key) is not None
        # A number that was given is not given again.
        (following,) = session.connection().exec_driver_sql("INSERT INTO recalls (brand_id, gtin, reason) "
            f"VALUES ('{scene.halden.id}', '{product.gtin}', 'x') RETURNING id").one()  # fmt: skip
    assert following > number
