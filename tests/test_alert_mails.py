"""Mail about alerts: at once or once a day, gathered, and never twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import text

from authsvc import alert_mails, db, deliveries
from authsvc.deliveries import Courier
from authsvc.errors import BadInput, NotFound

MORNING = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


class Office:
    """A brand whose alerts are mailed, on a clock of its own."""

    def __init__(self, scene):
        self.now = MORNING
        self.brand = scene.halden
        self.admin = scene.admin
        scene.admin.execute("TRUNCATE procrastinate_jobs, events, mails, alert_mails, alert_recipients CASCADE")
        self.courier = replace(Courier.make(scene.config, scene._sessions), now=lambda: self.now)

    def recipients(self, *addresses, **settings):
        with self.courier.sessions.begin() as session:
            for address in addresses:
                alert_mails.add_recipient(session, self.brand.id, address, now=self.now)
            if settings:
                alert_mails.set_mode(session, self.brand.id, **settings)

    def alert(self, word="r", evidence=None):
        self.admin.execute(
            "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) VALUES "
            "('09506000134352.' || %s, gen_random_uuid(), %s, %s, 1, %s, %s)",
            (uuid4().hex[:20], self.brand.id, word, Jsonb(evidence or {}), self.now),
        )
        # The very alert that was opened, as its job does.
        for (event,) in self.admin.execute("SELECT id FROM events WHERE awaits_mail IS NULL AND at = %s", (self.now,)):
            deliveries.spread_event(self.courier, event)

    def wait(self, **time):
        self.now += timedelta(**time)

    def mail(self):
        """Run the job of the mail, and return the texts of what it queued since."""
        deliveries.mail_alerts(self.courier, self.brand.id)
        with self.courier.sessions() as session:
            waiting = session.execute(text("SELECT id FROM mails WHERE state = 'waiting' ORDER BY id")).scalars().all()
        for mail in waiting:
            deliveries.send_mail(self.courier, mail, 0)
        found = [
            mail for mail in self.courier.postbox.read() if mail["Date"].datetime == self.now.replace(microsecond=0)
        ]
        return [(str(mail["To"]), str(mail["Subject"])) for mail in found] if waiting else []

    def due(self):
        return self.admin.execute("SELECT due_at FROM alert_mails").fetchone()[0]


@pytest.fixture
def office(scene, tmp_path):
    made = Office(scene)
    made.courier = replace(made.courier, postbox=replace(made.courier.postbox, path=tmp_path / "outbox"))
    return made


def test_an_alert_is_mailed_at_once_to_everybody_and_once(office):
    office.recipients("ann@example.com", "bob@example.com")
    office.alert("more-visitors")

    assert sorted(office.mail()) == [
        ("ann@example.com", "1 new alert for Halden"),
        ("bob@example.com", "1 new alert for Halden"),
    ]
    assert office.mail() == []


def told(office, *alert):
    """Return the lines of the mail about an alert that is raised now."""
    office.recipients("ann@example.com")
    office.alert(*alert)
    office.mail()
    (mail,) = office.courier.postbox.read()
    return mail.get_body(("plain",)).get_content().splitlines()


def test_an_alert_without_reasons_is_told_by_what_its_rule_finds(office):
    lines = told(office, "signed-not-issued")

    assert any("A good signature on a serial that was never issued" in line for line in lines)


def test_what_happened_is_told_first_and_then_the_strongest_reason(office):
    parts = [
        {"rule": "kinds-of-network", "weight": 1.0, "text": "of four phones three came by a relay"},
        {"rule": "away-from-its-owner", "weight": 4.0, "text": "three phones checked it far from its owner"},
    ]
    seen = [
        {"country": c, "first_at": f"2026-05-01T0{n}:00:00+00:00", "is_confirmed": True}
        for n, c in enumerate(["DE", "IT"])
    ]
    lines = told(office, "kinds-of-network", {"parts": parts, "sightings": seen})

    (said,) = (line for line in lines if line.startswith("- 09506000134352"))
    assert said.partition(": ")[2] == (
        "The same serial was scanned in Germany and Italy, 1 h apart. Three phones checked it far from its owner "
        "(2026-05-01 06:30 UTC)"
    )


def test_a_headline_that_is_the_strongest_reason_is_told_once(office):
    parts = [
        {"rule": "far-place", "weight": 4.0, "text": "nine items of lot L7 appeared in Lima; none was there before"}
    ]
    lines = told(office, "lot-in-a-far-place", {"parts": parts})

    assert sum("appeared in Lima; none" in line for line in lines) == 1
    assert sum("appeared in Lima" in line for line in lines) == 1


def test_an_alert_that_is_spread_again_after_its_mail_is_not_mailed_again(office):
    office.recipients("ann@example.com")
    office.alert()
    assert len(office.mail()) == 1
    (event,) = office.admin.execute("SELECT id FROM events").fetchone()
    deliveries.spread_event(office.courier, event)
    office.wait(hours=1)

    assert office.mail() == []


def test_alerts_after_a_mail_wait_ten_minutes_and_come_in_one(office):
    office.recipients("ann@example.com")
    office.alert()
    office.mail()
    for _ in range(25):
        office.wait(seconds=10)
        office.alert()
    assert office.mail() == []
    assert office.due() == MORNING + alert_mails.GAP

    office.wait(minutes=10)
    assert office.mail() == [("ann@example.com", "25 new alerts for Halden")]
    [latest, *_] = office.courier.postbox.read()
    body = latest.get_body(("plain",)).get_content()
    assert body.count("\n- 09506000134352 ") == 20
    assert "And 5 more." in body


def test_a_daily_mail_comes_at_its_hour(office):
    office.recipients("ann@example.com", mode="daily", hour=7)
    office.alert()
    assert office.due() == MORNING.replace(hour=7, minute=0)
    assert office.mail() == []
    office.wait(minutes=31)
    assert office.mail() == [("ann@example.com", "1 new alert for Halden")]

    office.alert()
    assert office.due() == MORNING.replace(day=2, hour=7, minute=0)


def test_no_alert_is_mailed_where_it_is_off_or_nobody_asked(office):
    office.alert()
    office.recipients("ann@example.com", mode="off", hour=8)
    office.alert()

    assert office.mail() == []


def test_a_job_is_queued_for_the_time_at_which_a_mail_is_due(office):
    office.recipients("ann@example.com", mode="daily", hour=7)
    office.alert()
    office.alert()

    query = "SELECT args FROM procrastinate_jobs WHERE task_name = 'mail_alerts'"
    assert office.admin.execute(query).fetchall() == [({"brand_id": str(office.brand.id)},)]


def test_recipients_and_settings_are_for_the_console_of_the_brand(session, brand, rival_brand, now):
    session.flush()
    session.execute(text(f"SET LOCAL ROLE {db.CONSOLE_ROLE}"))
    session.execute(text("SELECT set_config('authsvc.brand', :b, true)"), {"b": str(brand.id)})
    for address in "ann@example.com", "ann@example.com", "bob@example.com":
        alert_mails.add_recipient(session, brand.id, address, now=now)
    alert_mails.remove_recipient(session, brand.id, "bob@example.com")
    for hour in 8, 9:
        alert_mails.set_mode(session, brand.id, mode="daily", hour=hour)

    found = alert_mails.get_settings(session, brand.id)
    assert (found.mode, found.hour, found.recipients) == ("daily", 9, ("ann@example.com",))
    with pytest.raises(NotFound):
        alert_mails.remove_recipient(session, brand.id, "bob@example.com")
    with pytest.raises(BadInput):
        alert_mails.set_mode(session, brand.id, mode="weekly", hour=8)
    with pytest.raises(Exception, match="row-level security"), session.begin_nested():
        alert_mails.add_recipient(session, rival_brand.id, "eve@example.com", now=now)
