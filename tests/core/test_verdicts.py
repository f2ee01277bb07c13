import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.core.gs1 import use_by
from authsvc.core.register import Brand, Granularity, Product, Release
from authsvc.core.verdicts import (
    OUTCOMES,
    RULES,
    Disposition,
    Facts,
    Mark,
    Outcome,
    Reason,
    Recall,
    Signature,
    decide,
    item_key,
    may_follow,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GTIN = "09506000134352"
BRAND = Brand(id=uuid.UUID(int=1), slug="halden", name="Halden")
PRODUCT = Product(gtin=GTIN, brand_id=BRAND.id, name="Meridian", granularity=Granularity.SERIAL)
RECALL = Recall(reason="It may burn.", recalled_at=NOW)
GOOD = Facts(
    at=NOW,
    signature=Signature(Mark.VALID, "k", "ed25519"),
    gtin=GTIN,
    serial="A",
    brand=BRAND,
    product=PRODUCT,
    is_issued=True,
    scan_number=1,
)

# What makes each reason the headline, on top of a good first check.
CAUSES = {
    Reason.TEST: {"brand": replace(BRAND, is_sandbox=True)},
    Reason.FORGED: {"signature": Signature(Mark.FORGED)},
    Reason.NOT_ISSUED: {"is_issued": False},
    Reason.RECALLED: {"recall": RECALL},
    Reason.STOLEN: {"disposition": Disposition.STOLEN},
    Reason.WITHDRAWN: {"withdrawn_at": NOW},
    Reason.POSSIBLE_COPY: {"is_flagged": True},
    Reason.UNSIGNED: {"signature": Signature(Mark.ABSENT)},
    Reason.NOT_RELEASED: {"product": replace(PRODUCT, release=Release.ON_COMMISSION), "is_commissioned": False},
    Reason.EXPIRED: {"expires_on": date(2026, 4, 29)},
    Reason.LOT_ONLY: {"serial": None, "lot": "L"},
    Reason.CHECKED_BY_YOU: {"mine_at": NOW},
    Reason.FIRST_CHECK: {},
}
ORDER = [
    Reason.TEST, Reason.FORGED, Reason.NOT_ISSUED, Reason.UNKNOWN, Reason.RECALLED, Reason.STOLEN, Reason.LOST,
    Reason.BLOCKED, Reason.WITHDRAWN, Reason.POSSIBLE_COPY, Reason.UNSIGNED, Reason.NOT_RELEASED, Reason.EXPIRED,
    Reason.CHECKED_BY_YOU, Reason.FIRST_CHECK, Reason.CHECKED_BEFORE,
]  # fmt: skip


def reason(**values) -> Reason:
    return decide(replace(GOOD, **values)).reason


@pytest.mark.parametrize("expected", CAUSES, ids=str)
def test_each_cause_has_its_headline(expected):
    assert reason(**CAUSES[expected]) is expected


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        (worse, better)
        for number, worse in enumerate(CAUSES)
        for better in list(CAUSES)[number + 1 :]
        if not set(CAUSES[worse]) & set(CAUSES[better])
        and (worse, better) != (Reason.NOT_ISSUED, Reason.UNSIGNED)  # a number without a seal is unknown instead
    ],
    ids=str,
)
def test_the_worse_of_two_is_the_headline(worse, better):
    assert reason(**CAUSES[better], **CAUSES[worse]) is worse


def test_the_order_of_the_rules_is_that_of_the_design():
    others = {Reason.UNAVAILABLE, Reason.LOT_ONLY}

    assert [reason for reason, _ in RULES if reason not in others] == ORDER


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (Disposition.ACTIVE, Reason.FIRST_CHECK),
        (Disposition.INACTIVE, Reason.WITHDRAWN),
        (Disposition.RECALLED, Reason.RECALLED),
        (Disposition.STOLEN, Reason.STOLEN),
        (Disposition.LOST, Reason.LOST),
        (Disposition.BLOCKED, Reason.BLOCKED),
        (Disposition.DESTROYED, Reason.WITHDRAWN),
    ],
)
def test_every_disposition_is_heard(disposition, expected):
    assert reason(disposition=disposition) is expected


def test_a_code_of_nobody_is_unknown():
    assert reason(brand=None, product=None, is_issued=None, signature=Signature(Mark.ABSENT)) is Reason.UNKNOWN
    assert reason(is_issued=False, signature=Signature(Mark.ABSENT)) is Reason.UNKNOWN
    assert reason(is_issued=False, signature=Signature(Mark.NOT_EXPECTED)) is Reason.UNKNOWN


def test_a_forged_code_is_never_called_anything_else():
    everything = {key: value for cause in CAUSES.values() for key, value in cause.items() if key != "brand"}
    verdict = decide(replace(GOOD, **everything | {"signature": Signature(Mark.FORGED), "has_history": False}))

    assert (verdict.reason, verdict.notices, verdict.outcome) == (Reason.FORGED, (), Outcome.INVALID)


def test_without_a_database_nothing_is_said_of_the_item():
    verdict = decide(replace(GOOD, has_history=False, is_flagged=True, is_issued=None))

    assert (verdict.reason, verdict.outcome) == (Reason.UNAVAILABLE, Outcome.NONE)
    assert reason(has_history=False, brand=None) is Reason.UNAVAILABLE


def test_all_that_applies_is_told_worst_first():
    verdict = decide(
        replace(
            GOOD,
            recall=RECALL,
            disposition=Disposition.STOLEN,
            is_flagged=True,
            expires_on=date(2026, 1, 1),
            signature=Signature(Mark.ABSENT),
        )
    )

    assert verdict.reason is Reason.RECALLED
    assert verdict.notices == (Reason.STOLEN, Reason.POSSIBLE_COPY, Reason.UNSIGNED, Reason.EXPIRED)


def test_a_good_verdict_has_no_notices():
    assert decide(replace(GOOD, mine_at=NOW)).notices == ()
    assert decide(replace(GOOD, scan_number=7)).reason is Reason.CHECKED_BEFORE
    assert decide(replace(GOOD, scan_number=None)).reason is Reason.CHECKED_BEFORE


@pytest.mark.parametrize(("day", "is_over"), [(date(2026, 4, 29), True), (date(2026, 4, 30), False), (None, False)])
def test_a_use_by_date_is_the_last_good_day_everywhere_on_earth(day, is_over):
    assert (reason(expires_on=day) is Reason.EXPIRED) is is_over


def test_only_products_that_are_released_on_commission_can_be_unreleased():
    assert reason(is_commissioned=False) is Reason.FIRST_CHECK
    assert reason(is_commissioned=False, product=None) is Reason.FIRST_CHECK


def test_a_label_without_a_seal_is_no_fault_where_none_is_expected():
    assert reason(signature=Signature(Mark.NOT_EXPECTED)) is Reason.FIRST_CHECK


def test_what_carries_no_seal_is_known_and_never_authentic():
    verdict = decide(replace(GOOD, signature=Signature(Mark.NOT_EXPECTED)))

    assert (verdict.reason, verdict.outcome) == (Reason.FIRST_CHECK, Outcome.INFORMATIONAL)


def test_a_key_that_was_revoked_altogether_needs_no_database():
    assert reason(has_history=False, is_issued=None, withdrawn_at=NOW) is Reason.WITHDRAWN


def test_the_key_of_a_code():
    assert item_key(GTIN, "A", None, "L") == f"{GTIN}.A"
    assert item_key(GTIN, None, None, "L") == f"{GTIN}..L"
    assert item_key(GTIN, None, None, None) == f"{GTIN}.."
    assert item_key(GTIN, None, "395060001343520000", "L") == "00.395060001343520000"
    assert GOOD.item_key == f"{GTIN}.A"


facts = st.builds(
    Facts,
    at=st.just(NOW),
    signature=st.builds(Signature, st.sampled_from(Mark)),
    gtin=st.just(GTIN),
    serial=st.sampled_from([None, "A"]),
    sscc=st.none(),
    lot=st.sampled_from([None, "L"]),
    brand=st.sampled_from([None, BRAND, replace(BRAND, is_sandbox=True)]),
    product=st.sampled_from([None, PRODUCT, replace(PRODUCT, release=Release.ON_COMMISSION)]),
    is_typed=st.booleans(),
    is_issued=st.sampled_from([None, True, False]),
    withdrawn_at=st.sampled_from([None, NOW]),
    is_commissioned=st.booleans(),
    disposition=st.sampled_from(Disposition),
    recall=st.sampled_from([None, RECALL]),
    expires_on=st.sampled_from([None, date(2026, 1, 1), date(2030, 1, 1)]),
    is_flagged=st.booleans(),
    scan_number=st.sampled_from([None, 1, 2]),
    mine_at=st.sampled_from([None, NOW]),
    has_history=st.booleans(),
)


@given(facts)
def test_every_combination_has_a_verdict_and_good_ones_have_a_reason_to_be(facts):
    verdict = decide(facts)

    if facts.signature.mark is not Mark.NOT_EXPECTED:
        assert verdict.outcome is OUTCOMES[verdict.reason]
    assert verdict.reason not in verdict.notices
    assert len(set(verdict.notices)) == len(verdict.notices)
    if verdict.outcome is Outcome.AUTHENTIC:
        assert facts.signature.mark in {Mark.VALID, Mark.UNDECIDED}
        assert facts.has_history
        assert facts.is_issued is not False
        assert facts.disposition is Disposition.ACTIVE
        assert not facts.is_flagged
        assert facts.recall is None
        assert facts.withdrawn_at is None
        assert verdict.notices == ()


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("260501", NOW.date(), date(2026, 5, 1)),
        ("260200", NOW.date(), date(2026, 2, 28)),
        ("280200", NOW.date(), date(2028, 2, 29)),
        ("760101", NOW.date(), date(2076, 1, 1)),
        ("770101", NOW.date(), date(1977, 1, 1)),
        ("991231", NOW.date(), date(1999, 12, 31)),
        ("000101", date(2060, 1, 1), date(2100, 1, 1)),
        ("110101", date(2060, 1, 1), date(2011, 1, 1)),
        ("000229", date(2060, 1, 1), None),
    ],
)
def test_a_use_by_date_is_in_the_nearest_century(text, today, expected):
    assert use_by(text, today) == expected


def test_times_are_compared_as_days_of_the_scan():
    late = NOW.replace(hour=23, minute=59)

    assert reason(at=late, expires_on=late.date() - timedelta(days=1)) is Reason.FIRST_CHECK


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({}, True),
        ({"scan_number": 7}, True),
        ({"is_flagged": True}, True),
        ({"signature": Signature(Mark.NOT_EXPECTED)}, True),
        ({"signature": Signature(Mark.ABSENT)}, False),
        ({"disposition": Disposition.BLOCKED}, False),
        ({"is_issued": None, "has_history": False}, False),
        ({"is_issued": None}, False),
        ({"gtin": None}, False),
        ({"product": None}, False),
    ],
)
def test_news_may_come_of_what_is_good_so_far(changes, may):
    assert may_follow(decide(replace(GOOD, **changes))) is may
