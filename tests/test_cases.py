"""Cases: their states, what goes into them, who may take what away, and that all of it is in the log."""

import hashlib

import pytest
from casework import ANALYST, PDF, SOMEBODY, alert_on, picture

from authsvc import audit, case_files, cases, uploads
from authsvc.cases import MOVES, State
from authsvc.errors import BadInput, Conflict, Forbidden, NotFound
from authsvc.runtime import new_id


@pytest.fixture
def session(scene):
    with scene._sessions() as session:
        yield session
        session.rollback()


def open_case(session, scene, title="Watches from a market", brand=None):
    return cases.open_case(session, (brand or scene.halden).id, title, id=new_id(), by=ANALYST, now=scene.clock())


def acts(session, case):
    audit.write(session)
    events = audit.find_events(session, session.info["brand"], subject=case.subject)
    return [event.act for event in reversed(events) if event.subject == case.subject]


@pytest.fixture(autouse=True)
def brand_of_acts(session, scene):
    session.info["brand"] = scene.halden.id


def test_cases_of_a_brand_are_numbered_from_one(session, scene):
    brand = scene.add_brand("numbers", "7777777")

    numbers = [open_case(session, scene, brand=brand).number for _ in range(3)]

    assert numbers == [1, 2, 3]
    assert [case.number for case in cases.list_cases(session, brand.id)] == [3, 2, 1]
    assert [case.number for case in cases.list_cases(session, brand.id, before=3, limit=1)] == [2]


@pytest.mark.parametrize("title", ["", "   ", "\u200b\u202e", "x" * 161])
def test_a_case_needs_a_title_that_can_be_read(session, scene, title):
    with pytest.raises(BadInput, match="title"):
        open_case(session, scene, title)


@pytest.mark.parametrize(("start", "to"), [(start, to) for start in State for to in State])
def test_a_case_moves_as_the_table_says_and_no_other_way(session, scene, start, to):
    case = open_case(session, scene)
    for step in {State.OPEN: (), State.CLOSED: (State.CLOSED,)}.get(start, (start,)):
        cases.move(session, scene.halden.id, case.id, step, reason="as it is", by=ANALYST, now=scene.clock())

    if to in MOVES[start]:
        moved = cases.move(session, scene.halden.id, case.id, to, reason="on", by=ANALYST, now=scene.clock())
        assert moved.state is to
        assert moved.closed_reason == ("on" if to is State.CLOSED else None)
        assert acts(session, case)[-1] == "case.move"
    else:
        with pytest.raises(Conflict, match=f"is {start} now"):
            cases.move(session, scene.halden.id, case.id, to, reason="on", by=ANALYST, now=scene.clock())


def test_closing_needs_a_reason(session, scene):
    case = open_case(session, scene)

    with pytest.raises(BadInput, match="reason"):
        cases.move(session, scene.halden.id, case.id, State.CLOSED, reason=" ", by=ANALYST, now=scene.clock())


def test_alerts_are_added_once_and_taken_out(session, scene):
    case = open_case(session, scene)
    (_, first), (_, second) = alert_on(scene), alert_on(scene)

    added = cases.add_alerts(session, scene.halden.id, case.id, [first, second, first], by=ANALYST, now=scene.clock())
    again = cases.add_alerts(session, scene.halden.id, case.id, [second], by=ANALYST, now=scene.clock())
    left = cases.remove_alert(session, scene.halden.id, case.id, first, by=ANALYST, now=scene.clock())

    assert (added.added, added.known, added.case.alerts) == (2, 0, 2)
    assert (again.added, again.known) == (0, 1)
    assert left.alerts == 1
    assert [alert.id for alert in cases.list_alerts(session, scene.halden.id, case.id)] == [second]
    assert [found.id for found in cases.list_cases(session, scene.halden.id, alert_id=second)] == [case.id]
    assert acts(session, case) == ["case.open", "case.alerts-add", "case.alert-remove"]


def test_an_alert_that_is_unknown_or_a_rivals_adds_nothing(session, scene):
    case = open_case(session, scene)
    _, ours = alert_on(scene)
    theirs = alert_on(scene, scene.issue(scene.add_product(scene.rival)).link(), scene.rival)[1]

    for stranger in (theirs, new_id()):
        with pytest.raises(NotFound):
            cases.add_alerts(session, scene.halden.id, case.id, [ours, stranger], by=ANALYST, now=scene.clock())
    assert cases.get_case(session, scene.halden.id, case.id).alerts == 0


def test_a_closed_case_takes_no_alert(session, scene):
    case = open_case(session, scene)
    cases.move(session, scene.halden.id, case.id, State.CLOSED, reason="done", by=ANALYST, now=scene.clock())

    with pytest.raises(Conflict, match="closed"):
        cases.add_alerts(session, scene.halden.id, case.id, [alert_on(scene)[1]], by=ANALYST, now=scene.clock())


def test_a_case_is_given_to_the_team_alone(session, scene):
    case = open_case(session, scene)

    with pytest.raises(NotFound, match="works for the brand"):
        cases.assign(session, scene.halden.id, case.id, new_id(), team={new_id()}, by=ANALYST, now=scene.clock())
    assert (
        cases.assign(session, scene.halden.id, case.id, None, team=(), by=ANALYST, now=scene.clock()).assignee is None
    )


def test_a_comment_is_taken_away_by_its_author_alone_and_leaves_a_trace(session, scene):
    case, brand_id = open_case(session, scene), scene.halden.id
    text = "Call the shop.\n<script>alert(1)</script>"
    said = case_files.comment(session, brand_id, case.id, text, id=new_id(), by=ANALYST, now=scene.clock())

    with pytest.raises(Forbidden):
        case_files.remove_comment(session, brand_id, case.id, said.id, by=SOMEBODY, now=scene.clock())
    assert case_files.list_comments(session, brand_id, case.id)[0].text == text
    case_files.remove_comment(session, brand_id, case.id, said.id, by=ANALYST, now=scene.clock())
    with pytest.raises(Conflict):
        case_files.remove_comment(session, brand_id, case.id, said.id, by=ANALYST, now=scene.clock())

    (left,) = case_files.list_comments(session, brand_id, case.id)
    assert left.text is None
    assert (left.author, left.removed_at is not None) == (ANALYST.name, True)
    audit.write(session)
    event = next(e for e in audit.find_events(session, brand_id, act="case.comment") if e.subject == case.subject)
    assert event.details["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_no_role_of_the_database_rewrites_a_comment_of_another_case(session, scene):
    one, other = open_case(session, scene), open_case(session, scene)
    said = case_files.comment(session, scene.halden.id, one.id, "x", id=new_id(), by=ANALYST, now=scene.clock())

    with pytest.raises(NotFound):
        case_files.remove_comment(session, scene.halden.id, other.id, said.id, by=ANALYST, now=scene.clock())


def test_a_file_is_kept_and_taken_away_and_its_hash_stays(session, scene):
    case, brand_id = open_case(session, scene), scene.halden.id
    upload = uploads.check("receipt.pdf", PDF)
    file = case_files.attach(session, brand_id, case.id, upload, id=new_id(), by=ANALYST, now=scene.clock())

    assert case_files.get_file(session, brand_id, case.id, file.id).content == PDF
    with pytest.raises(Forbidden):
        case_files.remove_attachment(session, brand_id, case.id, file.id, by=SOMEBODY, now=scene.clock())
    case_files.remove_attachment(session, brand_id, case.id, file.id, by=ANALYST, now=scene.clock())

    with pytest.raises(NotFound):
        case_files.get_file(session, brand_id, case.id, file.id)
    (left,) = case_files.list_attachments(session, brand_id, case.id)
    assert left.sha256 == hashlib.sha256(PDF).digest()
    assert left.removed_at is not None


def test_a_case_holds_20_files(session, scene):
    case = open_case(session, scene)
    upload = uploads.check("photo.jpg", picture())
    for _ in range(case_files.MOST_FILES):
        case_files.attach(session, scene.halden.id, case.id, upload, id=new_id(), by=ANALYST, now=scene.clock())

    with pytest.raises(Conflict, match="20 files"):
        case_files.attach(session, scene.halden.id, case.id, upload, id=new_id(), by=ANALYST, now=scene.clock())


def test_nothing_of_a_case_is_found_by_a_rival(session, scene):
    case, rival = open_case(session, scene), scene.rival.id

    for ask in (
        lambda: cases.get_case(session, rival, case.id),
        lambda: cases.move(session, rival, case.id, State.CLOSED, reason="x", by=ANALYST, now=scene.clock()),
        lambda: cases.assign(session, rival, case.id, None, team=(), by=ANALYST, now=scene.clock()),
        lambda: case_files.comment(session, rival, case.id, "x", id=new_id(), by=ANALYST, now=scene.clock()),
    ):
        with pytest.raises(NotFound):
            ask()
