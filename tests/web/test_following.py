"""The pages of "tell me if this changes": from a check to the mail, by the link, and out again."""

import re

import pytest
from owning import BASE_URL, FROM_HERE, letters

from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Disposition


def follow(visitor, receipt, email):
    page = visitor.open(f"/follow/{receipt}")
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)[1]
    return visitor.open(f"/follow/{receipt}", "POST", data={"form_token": token, "email": email}, headers=FROM_HERE)


def link_in(letter):
    return re.search(rf"^{BASE_URL}(/follow\S*)$", letter[1].replace("\r", ""), re.MULTILINE)[1]


@pytest.fixture
def receipt(scene, visitor):
    page = visitor.scan(scene.codes.path())
    assert f'href="/follow/{page.receipt}"' in page.html
    return page.receipt


def state(scene):
    return scene.rows("SELECT confirmed_at IS NOT NULL FROM followers ORDER BY created_at DESC LIMIT 1")


def test_an_address_counts_once_the_button_behind_the_link_was_pressed(scene, visitor, receipt):
    assert follow(visitor, receipt, "ada.follows@example.com").status_code == 200
    ((template, text),) = letters(scene, "ada.follows@example.com")
    assert template == "follow-confirm"
    link = link_in((template, text))

    assert "Yes, tell me" in scene.visitor().open(link).text
    assert state(scene) == [(False,)]
    page = scene.visitor().open(f"{link}/confirm", "POST")
    assert "We will tell you" in page.text
    assert state(scene) == [(True,)]
    assert "Yes, tell me" not in page.text
    assert "is forgotten" in scene.visitor().open(f"{link}/forget", "POST").text
    assert scene.visitor().open(link).status_code == 409


def test_what_is_no_address_is_asked_for_again(visitor, receipt):
    page = follow(visitor, receipt, "ada@")

    assert page.status_code == 400
    assert 'id="email-fault"' in page.text


def test_only_whoever_made_the_check_may_ask(scene, visitor, receipt):
    assert scene.visitor().open(f"/follow/{receipt}").status_code == 404


@pytest.mark.parametrize("disposition", [Disposition.BLOCKED, Disposition.STOLEN])
def test_of_what_is_withdrawn_already_no_news_is_offered(scene, visitor, disposition):
    path = scene.codes.path()
    visitor.scan(path)
    scene.set_disposition(DigitalLink.parse(path), disposition)

    page = visitor.scan(path)

    assert "/follow/" not in page.html
    assert visitor.open(f"/follow/{page.receipt}").status_code == 404


def test_a_sixth_mail_to_one_address_within_an_hour_is_refused(scene):
    answers = []
    for _ in range(6):
        someone = scene.visitor()
        answers.append(follow(someone, someone.scan(scene.codes.path()).receipt, "much.asked@example.com").status_code)

    assert answers == [200] * 5 + [429]


def test_a_form_of_another_browser_is_refused(scene, visitor, receipt):
    data = {"form_token": "0" * 64, "email": "ada@example.com"}

    assert visitor.open(f"/follow/{receipt}", "POST", data=data, headers=FROM_HERE).status_code == 403


@pytest.mark.parametrize("act", ["", "/confirm", "/forget"])
def test_a_link_that_never_was_one_says_so(visitor, act):
    page = visitor.open(f"/follow/mail/{'A' * 43}{act}", "POST" if act else "GET")

    assert page.status_code == 409
    assert "no longer good" in page.text
