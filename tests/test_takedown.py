"""Letters to marketplaces: what they say of a case, what they never say, and how little it takes to read it."""

import contextlib

import pytest
from casework import ANALYST, alert_on, full_case
from sqlalchemy import event

from authsvc import cases, evidence_files, takedown
from authsvc.runtime import new_id


@pytest.fixture
def session(scene):
    with scene._sessions() as session:
        yield session
        session.rollback()


def test_a_letter_names_the_listings_and_claims_nothing(session, scene):
    case, link = full_case(session, scene)
    outline = evidence_files.outline(session, scene.halden.id, case.id)

    letter = takedown.write(outline, recipient="Market Ltd", on=scene.clock().date())
    text = letter.text()

    assert "https://market.example/offer/7 (named to us in 1 report" in text
    assert "price stated: 20 EUR" in text
    assert f"our reference: case {case.number}" in text
    assert link.serial in text
    assert takedown.PLACEHOLDER in text
    assert "confirmed that copies" not in text
    assert not [word for word in ("infring", "counterfeit", "illegal", "trademark") if word in text.lower()]


def test_a_letter_says_what_staff_has_confirmed_until_it_is_undone(session, scene):
    case, _ = full_case(session, scene)
    outline = evidence_files.outline(session, scene.halden.id, case.id)
    found = {"kind": "confirmed-clone", "undone_at": None}
    outline["alerts"][0]["resolutions"] = [found]
    assert "confirmed that copies" in takedown.write(outline, recipient="", on=scene.clock().date()).text()

    found["undone_at"] = "2026-01-01"

    assert "confirmed that copies" not in takedown.write(outline, recipient="", on=scene.clock().date()).text()


def test_a_case_that_names_no_shop_has_no_letter(session, scene):
    case = cases.open_case(session, scene.halden.id, "Empty", id=new_id(), by=ANALYST, now=scene.clock())
    outline = evidence_files.outline(session, scene.halden.id, case.id)

    assert takedown.write(outline, recipient="", on=scene.clock().date()) is None


def test_a_case_of_many_alerts_takes_no_more_statements_than_a_case_of_one(session, scene):
    brand_id = scene.halden.id
    taken = []
    for alerts in (1, 20):
        case, _ = full_case(session, scene)
        more = [alert_on(scene)[1] for _ in range(alerts - 1)]
        if more:
            cases.add_alerts(session, brand_id, case.id, more, by=ANALYST, now=scene.clock())
        session.flush()
        session.expire_all()
        with statements(session) as seen:
            evidence_files.gather(session, brand_id, case.id, by=ANALYST, now=scene.clock())
        in_full = len(seen)
        session.expire_all()
        with statements(session) as seen:
            assert len(evidence_files.outline(session, brand_id, case.id)["alerts"]) == alerts
        taken.append((in_full, len(seen)))

    [(in_full, for_a_letter)] = set(taken)
    assert (in_full, for_a_letter) == (16, 9)


@contextlib.contextmanager
def statements(session):
    """Collect the statements of a session."""
    seen, connection = [], session.connection()

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)
