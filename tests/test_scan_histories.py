"""Verdicts of codes with a history: recalled, blocked, expired, and checked by more people than is usual."""

from datetime import date, timedelta

import pytest
from scans import confirmed, copy_threshold, reason
from scene import forge, sign

from authsvc import receipts
from authsvc.core.gs1 import DigitalLink
from authsvc.core.keyring import Revocation, RevocationMode
from authsvc.core.verdicts import Disposition, Reason

# --- Codes with a history ---------------------------------------------------------------------------------------------


def test_recalled_by_lot(scene):
    product = scene.add_product()
    bad, good = scene.issue(product, lot="BAD"), scene.issue(product, lot="GOOD")
    scene.recall(product, lot="BAD", remedy="Bring it back")

    checked = scene.scan(bad.link())

    assert checked.verdict.reason is Reason.RECALLED
    assert (checked.verdict.facts.recall.reason, checked.verdict.facts.recall.lot) == ("The strap may break", "BAD")
    assert reason(scene, good.path()) is Reason.FIRST_CHECK


def test_recalled_as_a_product(scene):
    product = scene.add_product()
    run = scene.issue(product)
    scene.recall(product)

    assert reason(scene, run.path()) is Reason.RECALLED
    assert reason(scene, f"/01/{product.gtin}") is Reason.RECALLED


def test_recalled_by_range(scene):
    product = scene.add_product()
    run = scene.issue(product, 20)
    scene.recall(product, between=(run.link(5).serial, run.link(9).serial))

    assert [reason(scene, run.path(i)) is Reason.RECALLED for i in (4, 5, 9, 10)] == [False, True, True, False]


def test_recalled_by_range_of_imported_serials(scene):
    product = scene.add_product()
    run = scene.issue(product, texts=("A10", "A15", "A20", "A155"))
    scene.recall(product, between=("A10", "A15"))

    assert [reason(scene, run.path(i)) is Reason.RECALLED for i in range(4)] == [True, True, False, False]


def test_a_lifted_recall_is_over(scene):
    product = scene.add_product()
    run = scene.issue(product)
    number = scene.recall(product)
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE id = %s", (number,))

    assert reason(scene, run.path()) is Reason.FIRST_CHECK


def test_a_forged_code_keeps_its_headline_and_tells_of_a_recalled_lot(scene):
    product = scene.add_product()
    run = scene.issue(product, lot="R1", is_lot_in_link=True)
    scene.recall(product, lot="R1")

    checked = scene.scan(DigitalLink.parse(forge(run.path())))

    assert checked.verdict.reason is Reason.FORGED
    assert checked.verdict.facts.lot_recall is not None
    assert checked.verdict.facts.recall is None


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (Disposition.RECALLED, Reason.RECALLED),
        (Disposition.STOLEN, Reason.STOLEN),
        (Disposition.LOST, Reason.LOST),
        (Disposition.BLOCKED, Reason.BLOCKED),
        (Disposition.INACTIVE, Reason.WITHDRAWN),
        (Disposition.DESTROYED, Reason.WITHDRAWN),
    ],
)
@pytest.mark.parametrize("is_seen", [False, True], ids=["unseen", "seen"])
def test_a_disposition_speaks(scene, disposition, expected, is_seen):
    link = scene.codes.link()
    if is_seen:
        scene.scan(link)
    scene.set_disposition(link, disposition)

    checked = scene.scan(link)

    assert checked.verdict.reason is expected
    assert checked.verdict.facts.disposition_at is not None
    assert reason(scene, link.path()) is expected, "an unsigned scan of a stolen item says so too"


def test_a_blocked_case_is_blocked(scene):
    cases = scene.issue(scene.add_product(granularity="hybrid"), 3, lot="T1", contents=40)
    scene.set_disposition(cases.link(1), Disposition.BLOCKED)

    assert [reason(scene, cases.path(i)) for i in range(3)] == [
        Reason.FIRST_CHECK,
        Reason.BLOCKED,
        Reason.FIRST_CHECK,
    ]


def test_an_item_that_comes_back_to_life_is_good_again(scene):
    link = scene.codes.link()
    scene.set_disposition(link, Disposition.STOLEN)
    scene.scan(link)
    scene.set_disposition(link, Disposition.ACTIVE)

    assert scene.scan(link).verdict.reason is Reason.CHECKED_BEFORE


MODES = {
    RevocationMode.STOP: (Reason.CHECKED_BEFORE, Reason.FIRST_CHECK),
    RevocationMode.FROM: (Reason.CHECKED_BEFORE, Reason.WITHDRAWN),
    RevocationMode.RUN: (Reason.WITHDRAWN, Reason.WITHDRAWN),
    RevocationMode.ALL: (Reason.WITHDRAWN, Reason.WITHDRAWN),
}


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_a_revoked_key_spares_what_its_mode_says(scene, mode):
    signer = scene.add_key(scene.rival)
    product = scene.add_product(scene.rival)
    run, other = scene.issue(product), scene.issue(product)
    seen = run.link()
    scene.scan(seen)
    (now,) = scene.row("SELECT clock_timestamp()")

    scene.revoke(
        signer,
        Revocation(
            mode,
            since=now if mode is RevocationMode.FROM else None,
            runs=frozenset({run.run}) if mode is RevocationMode.RUN else frozenset(),
        ),
    )

    assert (scene.scan(seen).verdict.reason, scene.scan(run.link()).verdict.reason) == MODES[mode]
    if mode is RevocationMode.RUN:
        assert scene.scan(other.link()).verdict.reason is Reason.FIRST_CHECK
    assert scene.scan(DigitalLink.parse(forge(run.path()))).verdict.reason is Reason.FORGED


def test_a_thief_cannot_make_an_unseen_item_known_by_scanning_it_first(scene):
    """A scan after T sets ``first_valid_at`` after T: the second scan of the thief's code is no better."""
    signer = scene.add_key(scene.rival)
    run = scene.issue(scene.add_product(scene.rival))
    (past,) = scene.row("SELECT clock_timestamp() - interval '1 day'")
    scene.revoke(signer, Revocation(RevocationMode.FROM, since=past))
    link = run.link()

    assert [scene.scan(link).verdict.reason for _ in range(2)] == [Reason.WITHDRAWN] * 2


def test_the_clock_of_a_web_process_cannot_backdate_a_first_scan(scene):
    signer = scene.add_key(scene.rival)
    run = scene.issue(scene.add_product(scene.rival))
    link = run.link()
    scene.scan(link, at=scene.clock() - timedelta(days=2))
    (past,) = scene.row("SELECT clock_timestamp() - interval '1 day'")
    scene.revoke(signer, Revocation(RevocationMode.FROM, since=past))

    assert scene.scan(link).verdict.reason is Reason.WITHDRAWN


def test_not_released_until_commissioned(scene):
    product = scene.add_product(release="on-commission")
    run = scene.issue(product, 20)
    assert reason(scene, run.path(0)) is Reason.NOT_RELEASED
    scene.commission(product, run.run, 0, 9)

    assert [reason(scene, run.path(i)) for i in (0, 9, 10)] == [
        Reason.CHECKED_BEFORE,
        Reason.FIRST_CHECK,
        Reason.NOT_RELEASED,
    ]


def test_expired_when_the_day_is_over_everywhere(scene):
    today = scene.clock().date()
    product = scene.add_product()
    ends = {days: scene.issue(product, expires_on=today + timedelta(days=days)) for days in (-2, -1, 0, 30)}

    assert {days: reason(scene, run.path()) for days, run in ends.items()} == {
        -2: Reason.EXPIRED,
        -1: Reason.FIRST_CHECK,
        0: Reason.FIRST_CHECK,
        30: Reason.FIRST_CHECK,
    }


def test_a_lot_expires(scene):
    wine = scene.add_product(granularity="batch")
    lot = scene.issue(wine, 1, lot="OLD", expires_on=date(2020, 1, 31))

    assert reason(scene, lot.path(0)) is Reason.EXPIRED


def test_a_use_by_date_in_the_link_counts_where_the_register_has_none(scene):
    ours, serial = scene.signer(scene.halden), scene.codes.link().serial

    assert reason(scene, sign(ours, {"01": scene.watch.gtin, "21": serial, "17": "200100"})) is Reason.EXPIRED
    assert reason(scene, sign(ours, {"01": scene.watch.gtin, "21": serial, "17": "491231"})) is not Reason.EXPIRED


# --- Copies -----------------------------------------------------------------------------------------------------------


def test_possible_copy_from_the_threshold_on(scene):
    product = scene.add_product()
    copy_threshold(scene, product, 5)
    link = scene.issue(product).link()

    given = [confirmed(scene, link).verdict.reason for _ in range(6)]

    assert given == [Reason.FIRST_CHECK] + [Reason.CHECKED_BEFORE] * 4 + [Reason.POSSIBLE_COPY]
    rule, score, evidence = scene.row("SELECT rule, score, evidence FROM alerts WHERE sgtin = %s", link.sgtin)
    assert (rule, score) == ("more-visitors-than-usual", 1.0)
    assert "Five phones confirmed this code" in evidence["parts"][0]["text"]


def test_scans_that_nobody_confirmed_flag_nothing(scene):
    link = scene.codes.link()

    assert {scene.scan(link).verdict.reason for _ in range(15)} == {Reason.FIRST_CHECK, Reason.CHECKED_BEFORE}


def test_one_network_is_one_piece_of_evidence_a_day(scene):
    link, prefix = scene.codes.link(), scene.random(8)

    for _ in range(15):
        confirmed(scene, link, prefix=prefix)

    assert scene.scan(link).verdict.reason is Reason.CHECKED_BEFORE
    assert scene.rows("SELECT 1 FROM alerts WHERE sgtin = %s", link.sgtin) == []


def test_one_owner_with_forty_rescans_is_never_flagged(scene):
    link, visitor, start = scene.codes.link(), scene.random(16), scene.clock() - timedelta(days=20)

    for hour in range(40):
        at = start + timedelta(hours=hour)
        checked = scene.scan(link, visitor=visitor, is_known=True, at=at)
        receipts.confirm(scene.rt.held, scene.rt.connections, checked.receipt, at=at, new_id=scene.rt.new_id)

    assert scene.counts(link.path()) == (40, 1)
    assert scene.scan(link).verdict.reason is Reason.CHECKED_BEFORE


def test_junk_does_not_push_evidence_out(scene):
    product = scene.add_product()
    copy_threshold(scene, product, 3)
    link = scene.issue(product).link()
    for _ in range(3):
        confirmed(scene, link)
    for _ in range(80):
        scene.scan(link)
        scene.scan(link, token="AQAB")

    assert scene.scan(link).verdict.reason is Reason.POSSIBLE_COPY


def test_a_flag_stays_on_unsigned_numbers_and_behind_a_recall(scene):
    product = scene.add_product()
    copy_threshold(scene, product, 2)
    run = scene.issue(product, lot="Q")
    link = run.link()
    for _ in range(2):
        confirmed(scene, link)
    assert reason(scene, link.path()) is Reason.POSSIBLE_COPY
    scene.recall(product, lot="Q")

    checked = scene.scan(link)

    assert checked.verdict.reason is Reason.RECALLED
    assert checked.verdict.notices == (Reason.POSSIBLE_COPY,)
