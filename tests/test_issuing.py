from datetime import date

import pytest

from authsvc import issuing, signing_keys
from authsvc.core.keyring import KeyState, Revocation, RevocationMode
from authsvc.core.serials import MAX_RUN
from authsvc.errors import BadInput, Conflict, KeyNotUsable
from authsvc.models import BrandCounter, Lot, Run


@pytest.fixture
def key(session, brand, now, wrapping_key, rand):
    signing_keys.new_key(
        session, brand.id, 1, format="ed25519", state=None, now=now, wrapping_key=wrapping_key, random=rand
    )
    return signing_keys.get_active_key(session, brand.id, "ed25519", wrapping_key=wrapping_key)


@pytest.fixture
def order_run(session, brand, key, now):
    def order(product, **fields):
        return issuing.open_run(session, brand, product, issuing.Order(**{"count": 1, **fields}), key=key, now=now)

    return order


def test_an_open_run_issues_nothing_yet(session, brand, make_product, order_run):
    run = order_run(make_product(session, brand), count=7, lot="A1")

    row = session.get_one(Run, (brand.id, run.number))
    assert (row.number, row.count, row.mode, row.issued_at) == (1, 7, "derived", None)


def test_a_run_closes_once_its_codes_are_safe(session, brand, make_product, order_run, now):
    product = make_product(session, brand)
    run = order_run(product)
    issuing.close_run(session, brand, product, run, now=now)

    assert session.get_one(Run, (brand.id, 1)).issued_at == now


def test_a_key_revoked_meanwhile_issues_nothing(session, brand, make_product, order_run, now):
    product = make_product(session, brand)
    run = order_run(product)
    signing_keys.revoke(session, brand.id, 1, Revocation(RevocationMode.STOP), reason="stolen", now=now)

    with pytest.raises(KeyNotUsable, match="was revoked while its codes were made"):
        issuing.close_run(session, brand, product, run, now=now)
    assert session.get_one(Run, (brand.id, 1)).issued_at is None


def test_a_key_retired_meanwhile_ends_its_run(session, brand, make_product, order_run, now):
    product = make_product(session, brand)
    run = order_run(product)
    signing_keys.retire(session, brand.id, 1, now=now)
    issuing.close_run(session, brand, product, run, now=now)

    assert session.get_one(Run, (brand.id, 1)).issued_at == now


@pytest.mark.parametrize("leave", [KeyState.RETIRED, KeyState.REVOKED])
def test_a_key_that_was_active_when_it_was_read_opens_no_run(session, brand, make_product, order_run, now, leave):
    product = make_product(session, brand)
    if leave is KeyState.RETIRED:
        signing_keys.retire(session, brand.id, 1, now=now)
    else:
        signing_keys.revoke(session, brand.id, 1, Revocation(RevocationMode.STOP), reason="x", now=now)

    with pytest.raises(KeyNotUsable, match=f"Key 1 is {leave}"):
        order_run(product)


def test_a_key_of_another_brand_opens_no_run(session, brand, rival_brand, key, make_product, now):
    product = make_product(session, rival_brand, gtin="09521101530018")

    with pytest.raises(KeyNotUsable, match="not a key of this brand"):
        issuing.open_run(session, rival_brand, product, issuing.Order(count=1), key=key, now=now)


def test_a_product_without_tokens_takes_no_key(session, brand, make_product, order_run, now):
    product = make_product(session, brand, token="none")

    with pytest.raises(BadInput, match="carry no token"):
        order_run(product)
    run = issuing.open_run(session, brand, product, issuing.Order(count=1), key=None, now=now)
    recipe = issuing.make_recipe(
        brand, product, run, base_url="https://x.example", signer=None,
        serial_keys={"0": type("Key", (), {"key": bytes(32)})}, claim_key=None,
    )  # fmt: skip
    assert (recipe.tail, recipe.key_id) == ("", None)


def test_a_product_with_tokens_needs_a_key(session, brand, make_product, now):
    with pytest.raises(KeyNotUsable, match="no key was given"):
        issuing.open_run(session, brand, make_product(session, brand), issuing.Order(count=1), key=None, now=now)


def test_a_failed_run_says_why_and_a_closed_one_does_not_fail(session, brand, make_product, order_run, now):
    product = make_product(session, brand)
    failed, closed = order_run(product), order_run(product)
    issuing.close_run(session, brand, product, closed, now=now)
    issuing.fail_run(session, brand, failed, "disk full")
    issuing.fail_run(session, brand, closed, "disk full")

    session.expire_all()
    rows = [session.get_one(Run, (brand.id, number)) for number in (1, 2)]
    assert [(row.failure, row.issued_at) for row in rows] == [("disk full", None), (None, now)]


def test_a_lot_has_one_expiry_date(session, brand, make_product, order_run):
    wine = make_product(session, brand, "batch")
    order_run(wine, lot="L1", expires_on=date(2030, 1, 1))
    order_run(wine, lot="L1", expires_on=date(2030, 1, 1))
    order_run(wine, lot="L1")

    with pytest.raises(Conflict, match="Lot L1 expires on 2030-01-01, and this issue says 2031-01-01"):
        order_run(wine, lot="L1", expires_on=date(2031, 1, 1))
    assert session.get_one(Lot, (wine.gtin, "L1")).expires_on == date(2030, 1, 1)


def test_an_item_keeps_its_own_expiry_date(session, brand, make_product, order_run):
    watch = make_product(session, brand)
    order_run(watch, lot="A1", expires_on=date(2030, 1, 1))
    order_run(watch, lot="A1", expires_on=date(2031, 1, 1))

    assert session.get_one(Lot, (watch.gtin, "A1")).expires_on is None


def test_run_numbers_end(session, brand, make_product, order_run):
    product = make_product(session, brand)
    session.get_one(BrandCounter, brand.id).next_run = MAX_RUN
    session.flush()

    assert order_run(product).number == MAX_RUN
    with pytest.raises(Conflict, match="no 1 run number left"):
        order_run(product)


def test_case_numbers_end_with_their_prefix(session, make_brand, make_product, now):
    brand = make_brand(session, prefixes=("950600013436",))
    product = make_product(session, brand, "hybrid", token="none")
    order = issuing.Order(count=9_999, lot="S1", contents=1)
    first = issuing.open_run(session, brand, product, order, key=None, now=now)

    assert first.sscc_first == 9506000134360000
    with pytest.raises(Conflict, match="no 9999 case numbers left"):
        issuing.open_run(session, brand, product, order, key=None, now=now)


def test_a_case_is_numbered_with_the_prefix_of_its_product(session, make_brand, make_product, now):
    brand = make_brand(session, prefixes=("4006381", "9506000"))
    product = make_product(session, brand, "hybrid", token="none")
    order = issuing.Order(count=1, lot="S1", contents=1)

    run = issuing.open_run(session, brand, product, order, key=None, now=now)
    assert f"{run.sscc_first:017}" == "09506000000000000"


def test_a_brand_without_a_prefix_has_no_cases(session, make_brand, make_product, now):
    brand = make_brand(session, prefixes=())
    product = make_product(session, brand, "hybrid", token="none")

    with pytest.raises(BadInput, match="halden has none"):
        issuing.open_run(session, brand, product, issuing.Order(count=1, lot="S1", contents=1), key=None, now=now)
