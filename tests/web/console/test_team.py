"""The team: who joins, who changes, who leaves, and that somebody always stays who can let others in."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from owning import letters

from authsvc import staff
from authsvc.errors import Conflict
from authsvc.staff import Role
from authsvc.web import rendering


@pytest.fixture
def brand(scene):
    number = scene.row("SELECT count(*) FROM brands")[0]
    return scene.add_brand(f"team-{number}", f"7{number:07}")


@pytest.fixture
def boss(cast, brand):
    person = cast.add(Role.ADMIN, brand)
    person.sign_in()
    return person


def link_in(answer):
    return re.search(r"https://id\.example\.com(/console/invitation/[A-Za-z0-9_-]{43})", answer.text)[1]


def log_of(scene, brand):
    return [
        row
        for row in scene.rows(
            "SELECT act, subject FROM audit_events WHERE brand_id = %s ORDER BY seq", brand.id
        )
        if row[0] != "staff.sign-in"
    ]  # fmt: skip


def test_an_invitation_is_accepted_once_with_a_new_account(boss, brand, cast, scene):
    path = link_in(boss.post("/console/team/invitations", email="New@Team.example", role="operator"))
    newcomer = cast.add()

    page = newcomer.get(path)
    assert "new@team.example" in page.text
    form = {"name": "New  One", "password": "a horse that counts", "again": "a horse that counts"}
    assert newcomer.post(path, **form).status_code == 303
    home = newcomer.get("/console/account").text
    assert "New One" in home
    assert "operator" in home
    assert cast.add().get(path).status_code == 404
    acts = [("staff.invite", "new@team.example"), ("staff.join", "new@team.example")]
    assert log_of(scene, brand) == acts


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"password": "short", "again": "short"}, "at least 12"),
        ({"password": "aaaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaaa"}, "repeats"),
        ({"password": "weak@team.example", "again": "weak@team.example"}, "must not be the e-mail"),
        ({"password": "a horse that counts", "again": "another horse now"}, "differ"),
        ({"password": "a horse that counts", "again": "a horse that counts", "name": " "}, "Write your name"),
    ],
)
def test_a_weak_password_does_not_open_an_account(boss, cast, form, said):
    path = link_in(boss.post("/console/team/invitations", email="weak@team.example", role="viewer"))

    answer = cast.add().post(path, **{"name": "Weak", **form})

    assert answer.status_code == 400
    assert said in answer.text


def test_who_has_an_account_accepts_with_its_password_and_works_for_two_brands(boss, brand, cast, scene):
    person = cast.add(Role.VIEWER, scene.halden)
    path = link_in(boss.post("/console/team/invitations", email=person.email, role="analyst"))

    assert person.post(path, password="not the password").status_code == 401
    assert person.post(path, password=person.password).location == "/console/brands"
    page = person.get("/console/brands").text
    assert f"{brand.name}, as analyst" in page
    assert "Halden, as viewer" in page
    before = person.cookie("session")
    person.post("/console/brands", brand=str(brand.id))
    assert person.cookie("session") != before
    assert person.get("/console/audit").status_code == 200
    person.post("/console/brands", brand=str(scene.halden.id))
    assert person.get("/console/audit").status_code == 403
    assert person.post("/console/brands", brand=str(scene.rival.id)).status_code == 404


def test_an_invitation_ends_after_a_week_or_when_withdrawn_or_made_anew(boss, cast, later):
    first = link_in(boss.post("/console/team/invitations", email="late@team.example", role="viewer"))
    second = link_in(boss.post("/console/team/invitations", email="late@team.example", role="viewer"))
    assert cast.add().get(first).status_code == 404
    assert cast.add().get(second).status_code == 200
    number = re.search(r"/console/team/invitations/([0-9a-f-]{36})/withdraw", boss.get("/console/team").text)[1]
    boss.post(f"/console/team/invitations/{number}/withdraw")
    assert cast.add().get(second).status_code == 404
    third = link_in(boss.post("/console/team/invitations", email="late@team.example", role="viewer"))
    later(days=8)

    assert cast.add().get(third).status_code == 404


def test_another_role_holds_from_the_next_click_on(boss, brand, cast):
    person = cast.add(Role.ANALYST, brand)
    person.sign_in()
    assert person.get("/console/audit").status_code == 200
    before = person.cookie("session")

    boss.post(f"/console/team/{person.account_id}/role", role="viewer")

    assert person.get("/console/audit").location.startswith("/console/brands")
    assert person.get("/console/brands").status_code == 303
    assert person.cookie("session") != before
    assert person.get("/console/audit").status_code == 403


def test_who_is_taken_out_is_out_at_once(boss, brand, cast, scene):
    person = cast.add(Role.ADMIN, brand)
    person.sign_in()

    boss.post(f"/console/team/{person.account_id}/deactivate")

    assert person.get("/console/team").location.startswith("/console/brands")
    assert "works for no brand" in person.get("/console/brands").text
    assert log_of(scene, brand) == [("staff.deactivate", person.email)]


def test_days_read_as_on_every_other_page(boss, scene):
    day = rendering.day(scene.clock())

    assert f'data-label="Since">{day}<' in boss.get("/console/team").text
    assert f'data-label="Since">{day}, ' in boss.get("/console/account").text


def test_the_last_admin_stays(boss):
    for path in (f"/console/team/{boss.account_id}/deactivate", f"/console/team/{boss.account_id}/role"):
        answer = boss.post(path, role="viewer")
        assert answer.status_code == 409
        assert "last admin" in answer.text


def test_two_admins_cannot_remove_each_other_at_once(brand, cast, scene):
    admins = [cast.hire(f"a{n}@{brand.slug}.example", Role.ADMIN, brand) for n in range(2)]

    def remove(account_id):
        try:
            with scene.owner_session() as session:
                staff.deactivate(session, brand.id, account_id, now=scene.clock())
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, admins)) == [False, True]


def test_a_person_sees_and_ends_their_other_sessions(cast, scene):
    person, elsewhere = cast.add(), cast.add()
    elsewhere.email = person.email
    person.sign_in()
    elsewhere.sign_in()
    page = person.get("/console/account").text
    assert page.count("Safari on iPhone") >= 2
    number = re.search(r"/console/account/sessions/([0-9a-f-]{36})/end", page)[1]

    assert person.post(f"/console/account/sessions/{number}/end").status_code == 303
    assert elsewhere.get("/console/").status_code == 303
    assert person.get("/console/").status_code == 200


def test_a_new_password_ends_other_sessions_and_the_old_one(cast):
    person, elsewhere = cast.add(), cast.add()
    elsewhere.email = person.email
    person.sign_in()
    elsewhere.sign_in()
    new, before = "eleven quiet ferries", person.cookie("session")

    answer = person.post("/console/account/password", password=person.password, new=new, again=new)

    assert answer.status_code == 303
    assert person.cookie("session") != before
    assert elsewhere.get("/console/").status_code == 303
    assert elsewhere.sign_in().status_code == 401
    assert elsewhere.sign_in(new).status_code == 303


def test_an_invitation_from_the_team_page_is_mailed_too(boss, scene):
    path = link_in(boss.post("/console/team/invitations", email="mailed@team.example", role="viewer"))

    [(template, text)] = letters(scene, "mailed@team.example")
    assert template == "staff-invitation"
    assert f"https://id.example.com{path}" in text.replace("\r", "")
