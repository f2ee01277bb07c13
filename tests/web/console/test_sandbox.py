"""The sandbox in the console: made, opened and wiped by admins alone, by the same team in the same roles."""

import pytest
from programs import Program
from working import work

from authsvc.staff import Role

HERE = "/console/sandbox"


@pytest.fixture(scope="module")
def opened(cast, scene):
    """An admin of Halden, and the number of the sandbox that they have had made."""
    person = cast.add(Role.ADMIN)
    person.sign_in()
    assert "There is no sandbox yet" in person.get(HERE).text
    assert person.post(f"{HERE}/make").status_code == 303
    waiting = person.get(HERE).text
    assert "Waits for the worker" in waiting
    assert "The sandbox is being made" in waiting
    work(scene)
    twin = scene.row("SELECT id FROM brands WHERE sandbox_of = %s", scene.halden.id)[0]
    return person, twin


def test_an_admin_makes_opens_uses_and_wipes_it(opened, scene):
    admin, twin = opened
    page = admin.get(HERE).text
    assert "0952900000" in page
    assert admin.post(f"{HERE}/make").status_code == 409
    entered = admin.post("/console/brands", brand=str(twin), next="/console/api-keys")
    assert entered.status_code == 303
    made = admin.post("/console/api-keys/new", name="Try", days="", per_minute="600", scopes=["products:read"])
    secret = made.text.partition('id="secret">')[2].partition("<")[0]
    assert secret.startswith("authsvc_test_")
    assert len(Program(scene.app, secret).get("/products").json["products"]) == 3
    assert "nothing here is real" in made.text
    assert "You are in the sandbox" in admin.get(HERE).text
    assert "Sample watch" in admin.get("/console/products").text
    assert admin.get(f"/console/products/{scene.watch.gtin}").status_code == 404
    assert "each in the same role" in admin.get("/console/team").text
    refused = admin.post("/console/team/invitations", email="new@halden.example", role="viewer")
    assert (refused.status_code, "works in its sandbox too" in refused.text) == (409, True)

    admin.post("/console/brands", brand=str(scene.halden.id), next=HERE)
    assert "nothing here is real" not in admin.get(HERE).text
    assert "What will change" in admin.get(f"{HERE}/wipe").text
    assert admin.post(f"{HERE}/wipe").status_code == 303
    work(scene)
    assert "rows have gone" in admin.get(HERE).text
    assert Program(scene.app, secret).get("/products").status_code == 200
    acts = scene.rows("SELECT act FROM audit_events WHERE brand_id = %s AND act LIKE 'sandbox.%%' ORDER BY seq",
                      scene.halden.id)  # fmt: skip
    assert acts == [("sandbox.make-order",), ("sandbox.make",), ("sandbox.wipe-order",), ("sandbox.wipe",)]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_the_team_has_its_roles_in_the_sandbox_too(opened, cast, scene, role):
    _, twin = opened
    person = cast.add(role)
    person.sign_in()
    assert person.get(HERE).status_code == 403
    assert person.post("/console/brands", brand=str(twin), next="/console/").status_code == 303
    assert "Halden Sandbox" in person.get("/console/").text
    assert person.get("/console/api-keys").status_code == 403
    scene.admin.execute("UPDATE staff SET deactivated_at = now() WHERE account_id = %s", (person.account_id,))
    assert person.get("/console/products").status_code == 303


def test_cases_and_alerts_of_a_sandbox_are_given_to_the_team_of_its_brand(opened, cast, scene):
    _, twin = opened
    person, colleague = cast.add(Role.ANALYST), cast.add(Role.ANALYST)
    gone, rival = cast.add(Role.ANALYST), cast.add(Role.ANALYST, scene.rival)
    scene.admin.execute("UPDATE staff SET deactivated_at = now() WHERE account_id = %s", (gone.account_id,))
    person.sign_in()
    person.post("/console/brands", brand=str(twin), next="/console/")
    alert = scene.row(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) VALUES (%s || '.A', "
        "gen_random_uuid(), %s, 'kinds-of-network', 5, '{\"parts\": []}', now()) RETURNING id::text",
        scene.row("SELECT min(gtin) FROM products WHERE brand_id = %s", twin)[0], twin,
    )[0]  # fmt: skip

    for path, field in ((person.post("/console/cases", title="Try").location, "assignee"),
                        (f"/console/alerts/{alert}", "to")):  # fmt: skip
        for account, is_offered in ((colleague, True), (gone, False), (rival, False)):
            assert (f'<option value="{account.account_id}"' in person.get(path).text) is is_offered
            answer = person.post(f"{path}/assign", **{field: str(account.account_id)})
            assert answer.status_code == (303 if is_offered else 404)
        assert f'<option value="{colleague.account_id}" selected' in person.get(path).text
    mine = person.post("/console/alerts/bulk", alert=alert, what="assign-me")
    assert "1 alert done." in person.get(mine.location).text


def test_nobody_else_comes_in(opened, cast, scene):
    _, twin = opened
    rival = cast.add(Role.ADMIN, scene.rival)
    rival.sign_in()
    assert rival.post("/console/brands", brand=str(twin)).status_code == 404
    assert "There is no sandbox yet" in rival.get(HERE).text
    assert rival.post(f"{HERE}/wipe").status_code == 404


def test_whom_the_provider_of_a_brand_vouches_for_comes_back_from_its_sandbox(opened, cast, scene):
    _, twin = opened
    person = cast.add(Role.ANALYST)
    cast.hire(person.email, Role.ANALYST, scene.rival)
    person.sign_in()
    person.post("/console/brands", brand=str(scene.halden.id))
    scene.admin.execute(
        "UPDATE staff_sessions SET method = 'single sign-on' WHERE account_id = %s", (person.account_id,)
    )
    assert person.post("/console/brands", brand=str(twin)).status_code == 303
    assert person.post("/console/brands", brand=str(scene.rival.id)).status_code == 404
    assert person.post("/console/brands", brand=str(scene.halden.id)).status_code == 303
