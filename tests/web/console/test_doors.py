"""
Every door of the console, tried by everybody: a stranger, each role, and the admin of a rival brand.

The routes are read from the application, so a route that is added later is walked without a line here; one with a new
kind of argument needs an object of Halden in ``OBJECTS``.
"""

from concurrent.futures import ThreadPoolExecutor

import casework
import owning
import programs
import pytest
from flask import Blueprint
from sqlalchemy import text

from authsvc import (
    cases,
    dealers,
    errands,
    links,
    product_work,
    recall_drafts,
    run_orders,
    staff,
    trusted_devices,
    webhooks,
)
from authsvc.audit import Actor
from authsvc.core.devices import DeviceKind
from authsvc.errors import BadConfig
from authsvc.issuing import Order
from authsvc.recalls import Target
from authsvc.runtime import new_id
from authsvc.staff import Role
from authsvc.web import console
from authsvc.web.console import guard

DENIED = {401, 403}
NO_BRAND_OBJECT = {"act", "kind", "secret"}
"""Arguments that name no object of a brand: an act, a file format, the secret of an invitation."""


def account_of_halden(scene, cast):
    return cast.add(Role.VIEWER).account_id


def invitation_of_halden(scene, cast):
    with scene.owner_session() as session:
        return staff.invite(
            session, scene.halden, "open@halden.example", Role.VIEWER, invited_by="A test", now=scene.clock(),
            new_id=new_id, random=scene.random,
        ).id  # fmt: skip


def session_of_halden(scene, cast):
    person = cast.add(Role.ADMIN)
    person.sign_in()
    return scene.row("SELECT id FROM staff_sessions WHERE account_id = %s LIMIT 1", person.account_id)[0]


def alert_of_halden(scene, _cast):
    alert_id = new_id()
    scene.admin.execute(
        "INSERT INTO alerts (sgtin, id, brand_id, rule, score, evidence, opened_at) "
        "VALUES (%s, %s, %s, 'clone-evidence', 5, '{}', now())",
        (f"{scene.watch.gtin}.{alert_id.hex[:16].upper()}", alert_id, scene.halden.id),
    )
    return alert_id


def case_of_halden(scene, _cast):
    with scene.owner_session() as session:
        return cases.open_case(
            session, scene.halden.id, "A case", id=new_id(), by=casework.ANALYST, now=scene.clock()
        ).id  # fmt: skip


def item_of_halden(scene, _cast):
    return scene.codes.link().sgtin


def dealer_of_halden(scene, _cast):
    with scene.owner_session() as session:
        return dealers.add(
            session, scene.halden.id, name="Uhren", country="CH", email=f"{new_id()}@dealers.example", by="A test",
            countries={"CH"}, now=scene.clock(), new_id=new_id,
        ).id  # fmt: skip


def device_of_halden(scene, _cast):
    with scene.owner_session() as session:
        return trusted_devices.add_device(
            session, scene.halden.id, DeviceKind.KEY, "Camera", id=new_id(), secret=str(new_id()), now=scene.clock()
        ).id  # fmt: skip


def api_key_of_halden(scene, _cast):
    return programs.make_key(scene).key.id


def preview_of_halden(scene, _cast):
    return errand_of_halden(scene, errands.PREVIEW)


def errand_of_halden(scene, kind, asked={}):  # noqa: B006  only read
    with scene.owner_session() as session:
        # Errands of other walks do not stand in the way of this one.
        session.execute(text("UPDATE errands SET state = 'cancelled'"))
        number = new_id()
        errands.order(session, scene.halden.id, kind, asked, casework.ANALYST, id=number, now=scene.clock())
        return number


def endpoint_of_halden(scene, _cast):
    with scene.owner_session() as session:
        return webhooks.add_endpoint(
            session, scene.halden.id, new_id(), url="https://hooks.example.com/in", wrapping_key=scene.wrapping_key,
            random=scene.random, now=scene.clock(),
        ).endpoint.id  # fmt: skip


def delivery_of_halden(scene, cast):
    event_id, delivery_id = new_id(), new_id()
    scene.admin.execute(
        "INSERT INTO events (id, brand_id, type, at, data) VALUES (%s, %s, 'recall.created', now(), '{}')",
        (event_id, scene.halden.id),
    )
    scene.admin.execute(
        "INSERT INTO webhook_deliveries (id, brand_id, endpoint_id, event_id, state, next_at, created_at) "
        "VALUES (%s, %s, %s, %s, 'dead', now(), now())",
        (delivery_id, scene.halden.id, endpoint_of_halden(scene, cast), event_id),
    )
    return delivery_id


def draft_of_halden(scene, _cast):
    with scene.owner_session() as session:
        draft = recall_drafts.Draft(
            id=new_id(), gtin=scene.watch.gtin, target=Target(lot="L2410"), reason="The strap may break", remedy=None,
            tells_owners=False, made_by="A test",
        )  # fmt: skip
        recall_drafts.write(session, scene.halden.id, draft, now=scene.clock())
    return draft.id


def transfer_of_halden(scene, _cast):
    # In a thread of its own, as the browsers of other people are: here a request is under way.
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(owning.dispute, scene).result()


def mailbox_of_halden(scene):
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(owning.lost_mailbox, scene).result()


def order_of_halden(scene, cast):
    with scene.owner_session() as session:
        run_orders.set_approval(session, scene.halden.id, is_needed=True)
        by = Actor("staff", cast.add(Role.OPERATOR).account_id, "An operator")
        wanted, number = Order(count=5, lot="L2410"), new_id()
        run_orders.place(session, scene.watch, wanted, by, id=number, now=scene.clock())
        return number


def link_of_halden(scene, _cast):
    with scene.owner_session() as session:
        links.add_host(session, scene.halden.id, "www.halden.example", now=scene.clock())
        draft = links.Draft(link_type="gs1:pip", href="https://www.halden.example/", title="A page")
        return links.add_link(session, scene.watch, draft, id=new_id(), now=scene.clock()).id


OBJECTS = {
    "link_id": link_of_halden,
    "order_id": order_of_halden,
    "import_id": lambda scene, _cast: errand_of_halden(
        scene, errands.PRODUCTS, product_work.asked([(2, {"gtin": "1"})], file="products.csv", is_dry=True)
    ),
    "file_id": lambda scene, _cast: errand_of_halden(scene, errands.LABELS),
    "number": lambda scene, _cast: scene.codes.run,
    "endpoint_id": endpoint_of_halden,
    "delivery_id": delivery_of_halden,
    "draft_id": draft_of_halden,
    "recall_id": lambda scene, _cast: scene.recall(scene.watch, lot="L2410"),
    "case_id": case_of_halden,
    "alert_id": alert_of_halden,
    "report_id": lambda scene, _cast: casework.report(scene).id,
    "comment_id": lambda _scene, _cast: new_id(),
    "attachment_id": lambda _scene, _cast: new_id(),
    "position": lambda _scene, _cast: 1,
    "act": lambda _scene, _cast: "lost",
    "key": item_of_halden,
    "account_id": account_of_halden,
    "invitation_id": invitation_of_halden,
    "dealer_id": dealer_of_halden,
    "device_id": device_of_halden,
    "api_key_id": api_key_of_halden,
    "transfer_id": transfer_of_halden,
    "request_id": lambda _scene, _cast: mailbox_of_halden(_scene),
    "registration_id": lambda _scene, _cast: new_id(),
    "paper_id": lambda _scene, _cast: new_id(),
    "record_id": lambda _scene, _cast: new_id(),
    "gtin": lambda scene, _cast: scene.watch.gtin,
    "preview_id": preview_of_halden,
    "export_id": lambda scene, _cast: errand_of_halden(scene, errands.EXPORT),
    "session_id": session_of_halden,
    "key_id": lambda _scene, _cast: "AAAA",
    "kind": lambda _scene, _cast: "csv",
    "secret": lambda _scene, _cast: "A" * 43,
}
"""For each argument of a route, a function that makes an object of Halden and returns its name."""


def routes(app):
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/console"):
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield rule, method


@pytest.fixture(scope="module")
def walked(scene, cast):
    """Return every route as method, address and declaration, with objects of Halden in its address."""
    with scene.app.test_request_context(base_url="https://id.example.com"):
        found = []
        for rule, method in routes(scene.app):
            values = {name: OBJECTS[name](scene, cast) for name in rule.arguments}
            address = scene.app.url_for(rule.endpoint, **values).removeprefix("https://id.example.com")
            found.append((method, address, guard.DECLARED[rule.endpoint], frozenset(rule.arguments)))
    return found


def ask(person, method, path):
    if method == "GET":
        return person.get(path)
    return person.post(path, getattr(person, "held", None))


def hold(person):
    person.sign_in()
    person.held = person.token()
    return person


def test_every_route_is_walked(walked, scene):
    assert len(walked) == len(list(routes(scene.app))) > 25
    assert {name for *_, names in walked for name in names} <= OBJECTS.keys()


def test_a_stranger_is_led_to_the_sign_in_or_refused(walked, cast):
    stranger = cast.add()
    stranger.held = stranger.token()

    for method, path, declared, _ in walked:
        if declared.is_open:
            continue
        answer = ask(stranger, method, path)
        if method == "GET":
            assert answer.status_code == 303, path
            assert answer.location.startswith("/console/sign-in?next="), path
        else:
            assert answer.status_code == 401, path


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_its_doors_and_no_other(walked, cast, role, later):
    person = hold(cast.add(role))
    later(minutes=6)  # The proof is no longer fresh, so that nothing behind a door of that kind is changed.

    for method, path, declared, _ in walked:
        if declared.role is None:
            continue
        answer = ask(person, method, path)
        if not role.may(declared.role):
            assert answer.status_code == 403, path
            assert f"needs the role {declared.role}" in answer.text, path
        elif declared.step_up and method == "GET":
            assert answer.location.startswith("/console/confirm?next="), path
        elif declared.step_up:
            assert answer.status_code == 403, path
            assert "Confirm that it is you" in answer.text, path
        else:
            assert answer.status_code != 500, path
            assert answer.status_code != 403, path
            assert "/sign-in" not in (answer.location or ""), path


def test_the_admin_of_a_rival_finds_nothing_of_halden(walked, scene, cast):
    rival = hold(cast.add(Role.ADMIN, scene.rival))

    for method, path, declared, names in walked:
        if declared.role is None or not names - NO_BRAND_OBJECT:
            continue
        assert ask(rival, method, path).status_code == 404, path


def test_an_unknown_object_and_one_of_another_brand_are_answered_alike(scene, cast):
    rival, theirs = hold(cast.add(Role.ADMIN, scene.rival)), account_of_halden(scene, cast)

    answers = [rival.post(f"/console/team/{number}/role", rival.held, role="admin") for number in (theirs, new_id())]

    assert {answer.status_code for answer in answers} == {404}
    first, second = (answer.text.partition("request")[0] for answer in answers)
    assert first == second


def test_a_page_without_a_declared_role_stops_the_start(scene):
    app = scene.start()
    stray = Blueprint("stray", __name__)
    stray.add_url_rule("/console/stray", view_func=lambda: "open to all")
    app._got_first_request = False
    app.register_blueprint(stray)

    with pytest.raises(BadConfig, match="/console/stray"):
        console.check(app)


def test_a_page_has_no_default_role():
    with pytest.raises(TypeError, match="role"):
        guard.page("/nowhere")


def test_every_page_has_strict_headers(walked, cast):
    person = hold(cast.add(Role.ADMIN))

    for method, path, _, _ in walked:
        if method == "GET":
            headers = person.get(path).headers
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'"), path
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["Cache-Control"] == "no-store", path


@pytest.mark.parametrize("number", ["9" * 30, str(2**31), "0" * 40])
@pytest.mark.parametrize("page", ["/runs/{}", "/recalls/{}", "/recalls/{}/lift"])
def test_a_number_that_no_column_holds_leads_nowhere(cast, page, number):
    admin = cast.add(Role.ADMIN)
    admin.sign_in()

    assert admin.get("/console" + page.format(number)).status_code == 404
