"""``authsvc staff`` and ``authsvc audit``: the first people, and the log of what commands did."""

import json

import psycopg
import pytest
from sqlalchemy import select

from authsvc import mails
from authsvc.app import create_app
from authsvc.cli import demo_login
from authsvc.core.wrapping import derive_key
from authsvc.models import Mail


@pytest.fixture
def browser(halden, config, database):
    """Return a browser on an application of the same installation."""
    from dataclasses import replace  # noqa: PLC0415  used here alone

    app = create_app(replace(config, database_url=database))
    yield app.test_client()
    app.extensions["authsvc"].keeper.stop()
    app.extensions["authsvc"].connections.close()
    app.extensions["authsvc.desk"].close()


def acts(database):
    with psycopg.connect(database) as connection:
        return [
            row[0]
            for row in connection.execute("SELECT act || ' ' || subject FROM audit_events ORDER BY brand_id, seq")
        ]


def open_form(browser, link):
    path = link.removeprefix("https://id.example.com")
    page = browser.get(path, base_url="https://id.example.com", headers={"Accept": "text/html"})
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    return path, page, token


def send(browser, path, **form):
    return browser.post(path, base_url="https://id.example.com", data=form, headers={"Accept": "text/html"})


def test_the_first_admin_joins_by_the_link_of_the_command(halden, browser):
    link = halden("staff", "invite", "Ada@Example.com", "--brand", "halden", "--role", "admin").out.strip()

    path, page, token = open_form(browser, link)
    assert "ada@example.com" in page.text
    form = {"form_token": token, "name": "Ada", "password": "a horse that counts", "again": "a horse that counts"}
    assert send(browser, path, **form).status_code == 303
    (ada,) = json.loads(halden("staff", "list", "--brand", "halden", "--json").out)
    assert (ada["email"], ada["role"], ada["deactivated_at"]) == ("ada@example.com", "admin", None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("not an address", "--brand", "halden", "--role", "admin"), "no e-mail address"),
        (("a@example.com", "--brand", "nobody", "--role", "admin"), "no brand"),
    ],
)
def test_an_invitation_that_cannot_be_is_refused(halden, arguments, said):
    assert said in halden("staff", "invite", *arguments, code=1).err


def test_an_invitation_is_mailed_and_printed(halden, place):
    link = halden("staff", "invite", "Ada@example.com", "--brand", "halden", "--role", "analyst").out.strip()

    with place.sessions() as session:
        mail_id, version = session.execute(select(Mail.id, Mail.version)).one()
        waiting = mails.find_waiting(session, mail_id, version, seal_key=derive_key(place.config.secret, mails.PURPOSE))
    written = mails.write(waiting, sender="no-reply@id.example.com")
    assert written["To"] == "ada@example.com"
    assert "Your role is analyst: " in written.get_body(("plain",)).get_content()
    assert link in written.get_body(("plain",)).get_content()


def test_a_reset_closes_every_way_in_and_opens_one(halden, browser):
    link = halden("staff", "invite", "ada@example.com", "--brand", "halden", "--role", "admin").out.strip()
    path, _, token = open_form(browser, link)
    send(browser, path, form_token=token, name="Ada", password="a horse that counts", again="a horse that counts")

    link = halden("staff", "reset", "ada@example.com", "--brand", "halden").out.strip()

    assert browser.get("/console/account", base_url="https://id.example.com").status_code == 401
    path, page, token = open_form(browser, link)
    assert "Set a new password" in page.text
    new = {"form_token": token, "password": "another horse now", "again": "another horse now"}
    assert send(browser, path, **new).status_code == 303
    assert browser.get("/console/account", base_url="https://id.example.com").status_code == 200
    assert open_form(browser, link)[1].status_code == 404
    halden("staff", "reset", "nobody@example.com", "--brand", "halden", code=1)


def test_single_sign_on_is_set_and_ended(halden, tmp_path, database):
    secret = tmp_path / "secret"
    secret.write_text("s3cret of the client\n")
    set_up = ("--issuer", "https://login.example.com", "--client-id", "authsvc", "--client-secret-file", secret)

    assert "/console/sso/callback" in halden("staff", "sso", "--brand", "halden", *set_up).err
    with psycopg.connect(database) as connection:
        (row,) = connection.execute("SELECT issuer, secret_wrapped FROM staff_sso").fetchall()
    assert row[0] == "https://login.example.com"
    assert b"s3cret" not in row[1]
    halden("staff", "sso", "--brand", "halden", "--issuer", "http://x.example", "--client-id", "a", code=1)
    halden("staff", "sso", "--brand", "halden", "--off")
    halden("staff", "sso", "--brand", "halden", "--off", code=1)
    halden("staff", "sso", "--brand", "halden", code=2)


def test_every_command_that_changes_something_is_in_the_log(halden, tmp_path, database):
    watch = "09506000134352"
    halden("issue", "--gtin", watch, "--lot", "L1", "--count", 3, "--out", tmp_path / "codes.csv")
    serial = (tmp_path / "codes.csv").read_text().splitlines()[1].split(",")[3]
    halden("items", "commission", "--gtin", watch, "--run", 1, "--from", 0, "--to", 1)
    halden("items", "set", f"{watch}.{serial}", "--disposition", "stolen", "--reason", "Told by the police")
    halden("recall", "--gtin", watch, "--lot", "L1", "--reason", "It breaks")
    halden("recall", "--lift", 1)
    halden("keys", "new", "--brand", "halden", "--pending")
    halden("keys", "activate", "--brand", "halden", "--key", 2)
    halden("keys", "new", "--brand", "halden", "--activate")
    halden("keys", "retire", "--brand", "halden", "--key", 3)
    halden("keys", "revoke", "--brand", "halden", "--key", 2, "--mode", "all", "--reason", "It leaked")
    halden("staff", "invite", "a@example.com", "--brand", "halden", "--role", "viewer")
    halden("brands", "set", "halden", "--false-alarms", "0.0005")
    halden("products", "set", watch, "--copy-limit", 12)
    device = json.loads(halden("devices", "add", "--brand", "halden", "--name", "Line 3", "--json").out)["id"]
    halden("devices", "revoke", "--brand", "halden", "--id", device)
    url = "https://hooks.example.com/x"
    hook = json.loads(halden("webhooks", "add", "--brand", "halden", url, "--json").out)
    halden("alert-mails", "--brand", "halden", "--add", "a@example.com")

    assert acts(database) == [
        "brand.add halden", "key.new 1", "product.import products.csv", "run.open 1", "run.issue 1", "run.commission 1",
        f"item.set {watch}.{serial}", "recall.announce 1", "recall.lift 1", "key.new 2", "key.activate 2", "key.new 3",
        "key.retire 3", "key.revoke 2", "staff.invite a@example.com",
        "brand.set halden", f"product.set {watch}", f"device.add {device}", f"device.revoke {device}",
        f"webhook.add {hook['endpoint']['id']}", "mail.recipients halden",
    ]  # fmt: skip
    said = halden("audit", "verify").out
    assert said.startswith("halden: 21 events, 21:")
    with psycopg.connect(database) as connection:
        (details,) = connection.execute("SELECT details FROM audit_events WHERE act = 'key.revoke'").fetchone()
    assert details == {"how": "all", "reason": "It leaked", "weaken": False}


def test_a_command_that_is_refused_leaves_no_trace(halden, database):
    before = acts(database)
    halden("recall", "--gtin", "09506000134352", "--lot", "none", "--reason", "x", code=1)
    halden("keys", "retire", "--brand", "halden", "--key", 9, code=1)

    assert acts(database) == before


def test_verify_names_what_is_wrong_and_knows_a_chain_that_was_made_anew(halden, database):
    noted = halden("audit", "verify", "--brand", "halden").out.split(", ")[1].strip()
    halden("audit", "verify", "--brand", "halden", "--noted", noted)
    with psycopg.connect(database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit_events SET subject = 'x' WHERE seq = 2")

    assert "halden: changed: Event 2 was changed." in halden("audit", "verify", code=1).out
    (finding,) = json.loads(halden("audit", "verify", "--json", code=1).out)["halden"]["findings"]
    assert (finding["seq"], finding["fault"]) == (2, "changed")
    other = noted[:-1] + ("0" if noted[-1] != "0" else "1")
    assert "made anew" in halden("audit", "verify", "--brand", "halden", "--noted", other, code=1).err
    halden("audit", "verify", "--noted", noted, code=2)
    halden("audit", "verify", "--brand", "halden", "--noted", "nonsense", code=1)


def test_the_login_of_a_demo_is_made_once_and_kept_private(halden, place):
    demo_login.make(place)

    login = demo_login.get(place.config)
    assert login == demo_login.get(place.config)
    assert len(login.password) >= 16
    assert (place.config.home / demo_login.FILE).stat().st_mode & 0o777 == 0o600
