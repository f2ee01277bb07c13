"""The ways in as a person walks them in Chromium: controls are found by their names alone."""

import re

import pytest
from playwright.sync_api import expect
from walking import Walk, browser, site

from authsvc.staff import Role

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NEW_PASSWORD = "nine brass kettles"


def test_the_ways_in_are_walked_by_names_and_have_no_accessibility_violation(site, browser, cast):
    boss = cast.add(Role.ADMIN)
    walk = Walk.seen(browser, site, (390, "dark"), (1440, "light"))
    page = walk.page

    page.goto(f"{site}/console/")
    walk.heading("Sign in")
    walk.look("sign-in")
    walk.sign_in(boss.email, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("not right")
    walk.look("sign-in-refused")
    walk.sign_in(boss.email, boss.password)
    walk.heading("Overview")
    walk.look("overview")
    for path, title in (
        ("team", "Team"),
        ("account", "My account"),
        ("account/app", "Set up an authenticator app"),
        ("audit", "Audit log"),
        ("audit?act=key&who=nobody", "Audit log"),
        ("brands", "Choose a brand"),
        ("confirm", "Confirm that it is you"),
        ("sso", "Sign in with your company"),
    ):
        page.goto(f"{site}/console/{path}")
        walk.heading(title)
        walk.look(re.sub(r"\W+", "-", path))
    page.goto(f"{site}/console/team")
    page.get_by_label("E-mail address").fill("guest@halden.example")
    page.get_by_role("radio", name=re.compile("Analyst")).check()
    walk.click("Make the invitation")
    link = page.get_by_text(re.compile(r"/console/invitation/")).inner_text()
    walk.look("team-invited")

    guest = Walk.seen(browser, site, (390, "dark"), (1440, "light"))
    page = guest.page
    page.goto(link)
    guest.heading("Join the team of Halden")
    guest.look("invitation")
    page.get_by_label("Your name").fill("A guest")
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_label("The password once more").fill(NEW_PASSWORD)
    guest.click("Join the team")
    guest.heading("Overview")

    assert walk.found + guest.found == []
    assert walk.foreign() + guest.foreign() == []
    assert [said for said in walk.complaints if "401" not in said] + guest.complaints == []


def test_a_passkey_is_added_signs_in_and_confirms(site, browser, cast, scene):
    person = cast.add(Role.ADMIN)
    walk = Walk(browser, site, viewport={"width": 1200, "height": 900})
    page = walk.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    added = devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                     "isUserVerified": True, "automaticPresenceSimulation": True}},
    )  # fmt: skip

    walk.sign_in(person.email, person.password)
    page.goto(f"{site}/console/account")
    page.get_by_label("Name of a new passkey").fill("My laptop")
    walk.click("Add a passkey")
    expect(page.get_by_role("button", name="Remove My laptop")).to_be_visible()
    page.context.clear_cookies()

    page.goto(f"{site}/console/audit")
    walk.click("Sign in with a passkey")
    walk.heading("Audit log")
    assert scene.row("SELECT method FROM staff_sessions ORDER BY created_at DESC LIMIT 1") == ("passkey",)

    scene.admin.execute("UPDATE staff_sessions SET proved_at = proved_at - interval '6 minutes'")
    page.goto(f"{site}/console/account/app")
    walk.heading("Confirm that it is you")
    walk.click("Confirm with a passkey")
    walk.heading("Set up an authenticator app")

    # The password alone does not do any more, and somebody without the passkey does not get on.
    page.context.clear_cookies()
    walk.sign_in(person.email, person.password)
    walk.heading("Second step")
    walk.click("Use a passkey")
    walk.heading("Overview")
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": added["authenticatorId"], "isUserVerified": False})
    page.context.clear_cookies()
    page.goto(f"{site}/console/sign-in")
    walk.click("Sign in with a passkey")
    expect(page.get_by_role("status").filter(has_text="No passkey was used")).to_be_visible()

    assert walk.foreign() == []
    assert walk.complaints == []
