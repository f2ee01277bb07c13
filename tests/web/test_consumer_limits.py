"""What a network may ask of the consumer page, and what is never held back by it."""

import pytest
from scene import Page, forge

from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Disposition
from authsvc.web import limits


@pytest.fixture
def fresh_limits(scene):
    """Give the application counts of its own, and forget them after the test."""
    yield scene.forget_limits()
    scene.forget_limits()


def use_up(counted, limit, key):
    while counted.is_within(limit, key):
        pass


def test_above_the_soft_limit_a_warning_is_still_shown(scene, visitor, fresh_limits):
    use_up(fresh_limits, limits.SOFT_READS, visitor.address)
    stolen, other = scene.codes.path(), scene.codes.path()
    scene.set_disposition(DigitalLink.parse(stolen), Disposition.STOLEN)

    assert visitor.check(stolen)["reason"] == "stolen"
    assert visitor.check(other)["receipt"] is None
    assert scene.counts(other) == (0, 0)


def test_above_the_hard_limit_a_person_reads_when_to_come_back(scene, visitor, fresh_limits):
    use_up(fresh_limits, limits.HARD_READS, visitor.address)

    page = visitor.open(scene.codes.path())
    document = visitor.open(scene.codes.path(), headers={"Accept": "application/json"})

    assert (page.status_code, page.headers["Retry-After"]) == (429, "60")
    assert Page(page).title
    assert "Wait a minute" in page.text
    assert (document.status_code, document.json["retry_after"]) == (429, 60)
    assert document.content_type == "application/problem+json"
    for word in ("fake", "suspect", "copied", "forged"):
        assert word not in page.text.lower()
        assert word not in document.text


def test_forgeries_beyond_thirty_are_answered_and_no_longer_stored(scene, visitor, fresh_limits):
    stored = "SELECT count(*) FROM rejections WHERE reason = 'forged'"
    (before,) = scene.row(stored)

    given = [visitor.check(forge(scene.codes.path())) for _ in range(35)]

    assert {d["reason"] for d in given} == {"forged"}
    assert scene.row(stored) == (before + 30,)


def test_forgeries_cost_the_other_people_of_a_network_nothing(scene, visitor, fresh_limits):
    for _ in range(31):
        visitor.check(forge(scene.codes.path()))

    assert scene.visitor(address=visitor.address).check(scene.codes.path())["reason"] == "first-check"


def test_a_code_that_went_viral_is_answered_in_full_and_no_longer_counted(scene, fresh_limits):
    product = scene.add_product()
    path = scene.issue(product).path()
    first = scene.visitor().check(path)
    for _ in range(125):
        scene.visitor().check(path)
    (counted, _) = scene.counts(path)
    scene.recall(product)

    assert first["reason"] == "first-check"
    assert counted == 120
    assert scene.visitor().check(path)["reason"] == "recalled"


def test_junk_does_not_stop_the_count_of_an_item(scene, fresh_limits):
    path = scene.codes.path()
    for _ in range(125):
        scene.visitor().check(forge(path))
        scene.visitor().check(path.partition("?")[0])

    assert scene.visitor().check(path)["reason"] == "first-check"


def test_a_hundred_forged_headers_are_one_network(scene, visitor, fresh_limits):
    use_up(fresh_limits, limits.HARD_READS, visitor.address)

    for n in range(100):
        headers = {"X-Forwarded-For": f"9.9.{n}.9", "Forwarded": f"for=9.9.{n}.9", "X-Real-IP": f"9.9.{n}.9"}
        assert visitor.open(scene.codes.path(), headers=headers).status_code == 429


def test_behind_one_proxy_the_last_entry_counts(scene, fresh_limits):
    app = scene.start(proxy_hops=1)
    counted = app.wsgi_app._limits
    use_up(counted, limits.HARD_READS, "44.1.1.1")
    proxy = scene.visitor(app, address="10.0.0.1")

    def status(forwarded):
        return proxy.open(scene.codes.path(), headers={"X-Forwarded-For": forwarded}).status_code

    assert [status("44.1.1.1"), status("9.9.9.9, 44.1.1.1"), status("44.1.1.1, 9.9.9.9")] == [429, 429, 200]


def test_a_network_of_an_ipv6_customer_is_one_address(scene, fresh_limits):
    use_up(fresh_limits, limits.HARD_READS, "2001:db8:1:2::/64")

    assert scene.visitor(address="2001:db8:1:2:dead::1").open(scene.codes.path()).status_code == 429
    assert scene.visitor(address="2001:db8:1:3::1").open(scene.codes.path()).status_code == 200
