"""The privacy page says what the service does: cookies, days, and what ends when."""

import re

import pytest

from authsvc import retention
from authsvc.web import privacy, visitors


def test_the_page_sets_no_cookie_and_stores_nothing(scene, visitor):
    before = scene.fingerprint()

    page = visitor.open("/privacy")

    assert page.status_code == 200
    assert page.headers.getlist("Set-Cookie") == []
    assert scene.fingerprint() == before


def test_name_and_age_of_the_cookie_are_those_of_the_cookie_that_is_set(scene, visitor):
    (cookie,) = visitor.scan(scene.codes.path()).cookies
    name, age = re.search(r"^([^=]+)=.*Max-Age=(\d+)", cookie).groups()

    page = visitor.open("/privacy").text

    assert f">{name}</bdi>" in page
    assert f"{int(age) // 86400} days" in page


@pytest.mark.parametrize("days", [90, 31, 365])
def test_the_promise_is_the_setting_that_the_job_keeps(scene, days):
    app = scene.start(keep_visitors_days=days, keep_reports_days=days + 1)

    page = scene.visitor(app).open("/privacy").text

    assert f"after {days} days" in page
    assert f"after {days + 1} days" in page


def test_every_rule_about_people_is_on_the_page(scene, visitor):
    page = visitor.open("/privacy").text

    for rule in retention.RULES:
        assert (rule.what in page) == rule.is_of_people, rule.name
        assert rule.kept(scene.config) is not None or rule.when


def test_the_cookie_lives_no_longer_than_what_it_finds(scene):
    assert scene.config.keep_visitors_days * 86400 >= visitors.COOKIE_AGE


def test_the_report_form_promises_what_the_page_does(scene, visitor):
    page = visitor.scan(scene.codes.path())
    form = visitor.open(f"/report/{page.receipt}").text

    assert f"deleted after {scene.config.keep_reports_days} days" in form
    assert privacy.Kept(
        what="The contact in a report", until=f"after {scene.config.keep_reports_days} days"
    ) in privacy.kept(scene.config)
