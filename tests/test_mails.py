"""Mails: queued with the act, written safely, and sent once the transaction has committed."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from uuid import UUID, uuid4

import psycopg
import pytest
from aiosmtpd.controller import Controller
from psycopg.rows import namedtuple_row
from sqlalchemy import text

from authsvc import db, deliveries, jobs, mails, outbox
from authsvc.core.wrapping import derive_key
from authsvc.deliveries import Courier
from authsvc.errors import BadInput, BadKey
from authsvc.mails import Draft, Waiting

SEAL_KEY = derive_key(bytes(range(32)), mails.PURPOSE)
NONCE = bytes(12)


@pytest.fixture
def sessions(database):
    engine = db.make_engine(database)
    yield db.make_sessions(engine)
    engine.dispose()


@pytest.fixture
def halden(sessions, make_brand):
    with sessions.begin() as session:
        return make_brand(session)


@pytest.fixture
def courier(config, sessions):
    return Courier.make(replace(config, mail_from="no-reply@id.example.com"), sessions)


def draft(brand, **values):
    given = {"host": "hooks.example.com", "reason": "It answered 410.", "link": "https://id.example.com/console"}
    fields = {"template": "webhook-disabled", "to": "ann@example.com", "values": given, **values}
    return Draft(id=uuid4(), brand_id=brand.id, **fields)


def queue(sessions, mail, now, nonce=NONCE):
    with sessions.begin() as session:
        mails.enqueue(session, mail, seal_key=SEAL_KEY, nonce=nonce, now=now)
    return mail


def job_list(sessions):
    with sessions() as session:
        query = (
            "SELECT task_name, args, scheduled_at FROM procrastinate_jobs "
            "WHERE status = 'todo' AND task_name = 'send_mail' ORDER BY id"
        )
        return [tuple(row) for row in session.execute(text(query))]


def rows(sessions):
    with sessions() as session:
        return session.execute(text("SELECT id, state, tries, version, sealed, fault FROM mails")).all()


async def work_until(database, courier, is_done, limit_s=20):
    """Run the jobs with the worker's own loop until a condition holds."""
    worker = asyncio.create_task(jobs.work(jobs.make_app(database, courier), now=0, stalled_after_s=5))
    async with asyncio.timeout(limit_s):
        while not is_done():
            await asyncio.wait([worker], timeout=0.05)
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker


# --- Queueing ---------------------------------------------------------------------------------------------------------


def test_a_mail_is_queued_with_its_job_and_unreadable(sessions, halden, now):
    mail = queue(sessions, draft(halden), now)

    [(task, args, due)] = job_list(sessions)
    assert (task, args, due) == ("send_mail", {"id": str(mail.id), "version": 0}, None)
    [row] = rows(sessions)
    assert row.state == "waiting"
    assert b"ann@" not in bytes(row.sealed)


def test_a_mail_of_an_act_that_fails_is_never_queued(sessions, halden, now):
    with contextlib.suppress(RuntimeError), sessions.begin() as session:
        mails.enqueue(session, draft(halden), seal_key=SEAL_KEY, nonce=NONCE, now=now)
        raise RuntimeError

    assert job_list(sessions) == []
    assert rows(sessions) == []


def test_a_mail_that_is_queued_twice_is_one(sessions, halden, now):
    mail = queue(sessions, draft(halden), now)
    queue(sessions, mail, now)

    assert len(job_list(sessions)) == len(rows(sessions)) == 1


def test_the_web_queues_a_mail_and_reads_none(database, sessions, halden, config, now):
    web = db.web_url(config, database)
    mail = draft(halden)
    with psycopg.connect(web, options=f"-c role={db.SCAN_ROLE}", row_factory=namedtuple_row) as connection:
        mails.enqueue_raw(connection, mail, seal_key=SEAL_KEY, nonce=NONCE, now=now)
        connection.commit()
        for statement in "SELECT * FROM mails", "SELECT * FROM procrastinate_jobs", "DELETE FROM mails":
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement)

    assert [args["id"] for _, args, _ in job_list(sessions)] == [str(mail.id)]


def test_a_console_queues_mail_of_its_own_brand_alone(database, sessions, halden, make_brand, now):
    with sessions.begin() as session:
        rival = make_brand(session, "rival", prefixes=("9521101",))
    with sessions() as session:
        session.execute(text(f"SET LOCAL ROLE {db.CONSOLE_ROLE}"))
        session.execute(text("SELECT set_config('authsvc.brand', :b, true)"), {"b": str(halden.id)})
        mails.enqueue(session, draft(halden), seal_key=SEAL_KEY, nonce=NONCE, now=now)
        with pytest.raises(Exception, match="row-level security"):
            mails.enqueue(session, draft(rival), seal_key=SEAL_KEY, nonce=NONCE, now=now)


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("There is no mail", {"template": "no-such"}),
        ("There is no mail", {"template": "../../config"}),
        ("lacks a value", {"values": {"host": "x"}}),
        ("one e-mail address", {"to": "nobody"}),
    ],
)
def test_a_mail_that_cannot_be_written_is_refused_where_it_is_queued(sessions, halden, now, fault, changes):
    with pytest.raises(BadInput, match=fault):
        queue(sessions, draft(halden, **changes), now)


def test_a_sealed_mail_opens_for_no_other_mail(sessions, halden, now):
    first, second = queue(sessions, draft(halden), now), queue(sessions, draft(halden), now, bytes([1] * 12))
    with sessions.begin() as session:
        swap = "UPDATE mails SET sealed = (SELECT sealed FROM mails WHERE id = :a) WHERE id = :b"
        session.execute(text(swap), {"a": first.id, "b": second.id})

    with sessions() as session, pytest.raises(BadKey):
        mails.find_waiting(session, second.id, 0, seal_key=SEAL_KEY)


# --- Writing ----------------------------------------------------------------------------------------------------------


def written(now, *, brand="Halden", template="webhook-disabled", to="ann@example.com", **values):
    given = {"host": "hooks.example.com", "reason": "It answered 410.", "link": "https://id.example.com/c", **values}
    mail = Draft(id=UUID(int=7), brand_id=UUID(int=1), template=template, to=to, values=given)
    message = mails.write(
        Waiting(id=mail.id, version=0, brand=brand, created_at=now, draft=mail), sender="no-reply@id.example.com"
    )
    return message_from_bytes(message.as_bytes(), policy=default)


def part(mail, kind):
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_a_mail_has_text_and_html_that_say_the_same(now):
    mail = written(now)
    plain, html = part(mail, "plain"), part(mail, "html")

    assert mail["Subject"] == "A webhook of Halden is disabled"
    assert mail["From"] == "Halden <no-reply@id.example.com>"
    assert "to hooks.example.com. It answered 410.\n" in plain
    assert '<a href="https://id.example.com/c">https://id.example.com/c</a>' in html
    assert "It answered 410." in html


def test_a_mail_is_the_same_for_every_try(now):
    assert written(now)["Message-ID"] == written(now)["Message-ID"] == f"<{UUID(int=7).hex}@id.example.com>"


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x00", "\x85"])
def test_no_value_makes_a_header_or_a_paragraph(now, break_):
    evil = f"Halden{break_}Bcc: all@example.com{break_}{break_}<b>Pay</b>"
    mail = written(now, brand=evil, host=evil, reason=evil)

    assert sorted(mail.keys()) == sorted(written(now).keys())
    assert mail["Bcc"] is None
    assert mail["Subject"] == "A webhook of Halden Bcc: all@example.com <b>Pay</b> is disabled"
    assert "<b>" not in part(mail, "html")
    assert len(part(mail, "plain").split("\n\n")) == 4


@pytest.mark.parametrize("given", ["ann@example.com", " a.n+n@mail.example.co ", "ann@bücher.example"])
def test_an_address_is_read(given):
    assert mails.parse_address(given) == given.strip().replace("bücher", "xn--bcher-kva")


@pytest.mark.parametrize(
    "given",
    [
        "", "ann", "ann@", "@example.com", "ann@localhost", "a b@example.com", "ann@example.com, bob@example.com",
        "ann@example.com\nBcc: x@example.com", "Ann <ann@example.com>", "ann@-example.com", "ann@example..com",
        "änn@example.com", "a..n@example.com", f"{'a' * 65}@example.com", f"ann@{'a' * 64}.com", "ann@[127.0.0.1]",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(given):
    with pytest.raises(BadInput, match="Write one e-mail address"):
        mails.parse_address(given)


# --- The folder -------------------------------------------------------------------------------------------------------


def test_without_a_relay_mail_goes_into_a_folder_and_is_forgotten(database, sessions, halden, courier, now):
    mail = queue(sessions, draft(halden), now)

    asyncio.run(work_until(database, courier, lambda: rows(sessions)[0].state == "sent"))

    [found] = courier.postbox.read()
    assert found["To"] == "ann@example.com"
    assert found["Message-ID"] == f"<{mail.id.hex}@id.example.com>"
    [row] = rows(sessions)
    assert (row.state, row.sealed) == ("sent", None)
    assert job_list(sessions) == []


def test_the_folder_is_for_its_owner_alone_and_does_not_grow(tmp_path, now, monkeypatch):
    monkeypatch.setattr(outbox, "KEPT", 3)
    folder = outbox.Folder(tmp_path / "outbox")
    for number in range(5):
        mail = Draft(id=UUID(int=number), brand_id=UUID(int=1), template="webhook-disabled", to="ann@example.com",
                     values={"host": "h", "reason": "r", "link": "l"})  # fmt: skip
        folder.send(mails.write(Waiting(id=mail.id, version=0, brand="H", created_at=now, draft=mail), sender="a@b.c"))

    files = sorted(folder.path.iterdir())
    assert [file.name[-6:] for file in files] == ["02.eml", "03.eml", "04.eml"]
    assert {oct(file.stat().st_mode)[-3:] for file in [folder.path, *files]} == {"700", "600"}


def test_a_job_that_comes_twice_sends_once(sessions, halden, courier, now):
    mail = queue(sessions, draft(halden), now)
    for _ in range(3):
        deliveries.send_mail(courier, mail.id, 0)

    assert rows(sessions)[0].tries == 1
    assert len(list(courier.postbox.read())) == 1


# --- A relay ----------------------------------------------------------------------------------------------------------


class Receiver:
    """A mail server that says what it was told to say, and keeps what it took."""

    def __init__(self):
        self.replies = []
        self.said = Counter()
        self.taken = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  aiosmtpd's name
        self.said["rcpt"] += 1
        if "unknown" in address:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  aiosmtpd's name
        self.said["data"] += 1
        reply = self.replies.pop(0) if self.replies else "250 OK"
        if reply.startswith("250"):
            self.taken.append(message_from_bytes(envelope.content, policy=default))
        return reply


class OnAnyPort(Controller):
    """Knocks on the port that it was given, and not on port 0."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def receiver():
    handler = Receiver()
    controller = OnAnyPort(handler, hostname="127.0.0.1", port=0, ready_timeout=10)
    controller.start()
    handler.port = controller.port
    yield handler
    controller.stop()


@pytest.fixture
def relayed(courier, receiver):
    config = replace(
        courier.config, smtp_host="127.0.0.1", smtp_port=receiver.port, smtp_tls="none", mail_schedule=(0.1, 0.1)
    )
    return replace(courier, config=config, postbox=outbox.postbox(config))


def test_a_relay_that_is_busy_gets_the_same_mail_later(database, sessions, halden, relayed, receiver, now):
    receiver.replies = ["451 4.3.0 try again", "421 4.3.2 too busy"]
    mail = queue(sessions, draft(halden), now)

    asyncio.run(work_until(database, relayed, lambda: rows(sessions)[0].state == "sent"))

    [taken] = receiver.taken
    assert taken["Message-ID"] == f"<{mail.id.hex}@id.example.com>"
    assert receiver.said["data"] == 3
    [row] = rows(sessions)
    assert (row.state, row.tries, row.version, row.fault) == ("sent", 3, 2, None)


def test_a_mail_that_is_refused_is_dead_at_once(database, sessions, halden, relayed, receiver, now):
    queue(sessions, draft(halden, to="unknown@example.com"), now)

    asyncio.run(work_until(database, relayed, lambda: rows(sessions)[0].state == "dead"))

    [row] = rows(sessions)
    assert (row.state, row.tries, row.sealed) == ("dead", 1, None)
    assert row.fault == "the relay said 550 5.1.1 no such user"
    assert receiver.said["data"] == 0


def test_a_relay_that_is_not_there_ends_in_a_dead_mail(database, sessions, halden, relayed, now):
    gone = replace(relayed, postbox=outbox.Relay("127.0.0.1", 1, "none"))
    queue(sessions, draft(halden), now)

    asyncio.run(work_until(database, gone, lambda: rows(sessions)[0].state == "dead"))

    assert rows(sessions)[0].tries == 3
    assert "does not answer" in rows(sessions)[0].fault


def test_a_relay_without_tls_gets_nothing_when_tls_is_asked_for(receiver, now):
    relay = outbox.Relay("127.0.0.1", receiver.port, "starttls")

    with pytest.raises(outbox.Deferred, match="STARTTLS"):
        relay.send(written(now))
    assert receiver.said == {}
