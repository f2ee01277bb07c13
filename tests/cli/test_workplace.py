import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from authsvc.cli.workplace import refusing_database
from authsvc.errors import BadConfig, NotFound, Unavailable

WATCH = "09506000134352"


@pytest.fixture
def fail(place):
    """Return a function that lets the database fail as it does when its disk is full: whoever writes is told so."""

    def make(table, state, message):
        with place.sessions.begin() as session:
            session.execute(
                text(
                    f"CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ "
                    f"BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{state}'; END $$"
                )
            )
            session.execute(
                text(f"CREATE TRIGGER fail BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fail()")
            )

    return make


@pytest.mark.parametrize(
    ("state", "message", "sentence"),
    [
        ("53100", "could not extend file: No space left on device", "The disk of the database is full: could not"),
        ("53200", "out of memory", "The database cannot do it now: out of memory"),
        ("XX000", "could not write to WAL segment", "The database cannot do it now: could not write to WAL segment"),
        ("58030", "could not fsync file", "The database cannot do it now: could not fsync file"),
        ("25006", "cannot execute INSERT in a read-only transaction", "The database cannot do it now: cannot execute"),
        ("57P01", "terminating connection", "The database does not answer: terminating connection"),
    ],
)
@pytest.mark.parametrize(
    ("table", "command"),
    [("brands", ("brands", "add", "rival", "--name", "Rival")), ("items", None)],
)
def test_a_database_that_fails_is_a_sentence(halden, fail, tmp_path, table, command, state, message, sentence):
    """The rows of brands go through SQLAlchemy, those of imported serials past it."""
    file = tmp_path / "serials.csv"
    file.write_text("serial\nSN-1\n")
    command = command or ("issue", "--gtin", WATCH, "--import", file, "--out", tmp_path / "codes.csv")
    fail(table, state, message)

    errors = halden(*command, code=1).err
    assert errors.startswith(f"authsvc: {sentence}")
    assert len(errors.splitlines()) == 1
    assert not list(tmp_path.glob("codes.csv*"))


def test_a_fault_of_ours_stays_as_it_is(place):
    with pytest.raises(DBAPIError), refusing_database(), place.sessions() as session:
        session.execute(text("SELECT 1 / 0"))
    with pytest.raises(psycopg.errors.SyntaxError), refusing_database():
        raise psycopg.errors.SyntaxError("syntax error")
    with pytest.raises(NotFound), refusing_database():
        raise NotFound("There is none.")


def test_a_database_of_another_release_is_named(place):
    with pytest.raises(BadConfig, match="authsvc db upgrade"), refusing_database(), place.sessions() as session:
        session.execute(text("SELECT * FROM not_there"))


def test_a_connection_that_breaks_is_named():
    with pytest.raises(Unavailable, match=r"does not answer: the connection is lost$"), refusing_database():
        raise psycopg.OperationalError("the connection is lost\nand more")


def test_an_upgrade_that_cannot_write_is_a_sentence(authsvc, place):
    with place.sessions.begin() as session:
        session.execute(text("DELETE FROM alembic_version"))
        name = session.scalar(text("SELECT current_database()"))
        session.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))

    errors = authsvc("db", "upgrade", code=1).err
    assert errors.startswith("authsvc: The database cannot do it now: cannot execute CREATE")
    assert len(errors.splitlines()) == 1


def test_verify_with_a_database_that_is_not_set_up_is_a_sentence(authsvc, place):
    with place.sessions.begin() as session:
        session.execute(text("ALTER TABLE brands RENAME TO elsewhere"))

    errors = authsvc("verify", f"https://id.example.com/01/{WATCH}/21/A1", code=1).err
    assert errors == "authsvc: The database is not set up for this release. Run `authsvc db upgrade`.\n"
