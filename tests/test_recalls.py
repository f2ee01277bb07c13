"""What a recall hits and spares, whom it tells, and how fast: judged by scans, which must agree with every count."""

import time
from datetime import timedelta

import owning
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import derive
from sqlalchemy import text

from authsvc import deliveries, mails, recall_counts, recalls, signing_keys
from authsvc.core.gs1 import DigitalLink
from authsvc.core.verdicts import Reason
from authsvc.errors import BadInput, Conflict, NotFound
from authsvc.models import Registration
from authsvc.recall_targets import Scope, Target

TEXTS = tuple(f"SN-{number:03}" for number in range(40))


def is_recalled(scene, link):
    """Say whether a scan without a token calls a code recalled, whatever else it says of it."""
    facts = scene.scan(link, token=link.extension("s")).verdict.facts
    return facts.recall is not None


def lift_all(scene):
    scene.admin.execute("UPDATE recalls SET lifted_at = now() WHERE lifted_at IS NULL")


@pytest.fixture(autouse=True)
def nothing_recalled(scene):
    yield
    lift_all(scene)


@pytest.fixture(scope="module")
def derived(scene):
    return scene.issue(scene.add_product(name="Range"), 60, lot="R1")


@pytest.fixture(scope="module")
def imported(scene):
    return scene.issue(scene.add_product(name="Imported"), texts=TEXTS, lot="T1")


def product_of(scene, codes):
    return scene.rt.held.register.find_product(codes.recipe.gtin)


def serial(codes, index):
    return codes.link(index).serial


@pytest.mark.parametrize("kind", ["derived", "imported"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_range_hits_exactly_its_items(scene, derived, imported, kind, data):
    codes, count = (derived, 60) if kind == "derived" else (imported, len(TEXTS))
    first = data.draw(st.integers(0, count - 1))
    last = data.draw(st.integers(first, count - 1))
    scene.recall(product_of(scene, codes), between=(serial(codes, first), serial(codes, last)))
    looked_at = {0, count - 1, first, last, max(first - 1, 0), min(last + 1, count - 1)}

    hit = {index for index in looked_at if is_recalled(scene, codes.link(index))}
    lift_all(scene)

    assert hit == {index for index in looked_at if first <= index <= last}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.integers(0, 39), min_size=1, max_size=8))
def test_a_list_hits_exactly_its_items(scene, derived, imported, chosen):
    for codes in derived, imported:
        product = product_of(scene, codes)
        listed = tuple((number, serial(codes, index)) for number, index in enumerate(sorted(chosen), 1))
        scene.recall(product, listed=listed)
        looked_at = chosen | {0, 20, 39}

        hit = {index for index in looked_at if is_recalled(scene, codes.link(index))}
        lift_all(scene)

        assert hit == chosen


def test_a_window_hits_what_was_issued_in_it_and_nothing_issued_later(scene):
    product = scene.add_product(name="Window")
    before, within = scene.issue(product, 3), scene.issue(product, 4)
    today = scene.clock()
    scene.admin.execute("UPDATE runs SET issued_at = %s WHERE number = %s AND brand_id = %s",
                        (today - timedelta(days=3), before.run, scene.halden.id))  # fmt: skip
    scene.recall(product, made=(today.date() - timedelta(days=1), today.date()))
    later = scene.issue(product, 2)

    assert [is_recalled(scene, codes.link(0)) for codes in (before, within, later)] == [False, True, False]


def test_a_window_hits_the_codes_of_batches_issued_in_it(scene):
    product = scene.add_product(name="Wine", granularity="batch")
    old, new = scene.issue(product, 1, lot="OLD"), scene.issue(product, 1, lot="NEW")
    scene.admin.execute("UPDATE lots SET issued_at = now() - interval '9 days' WHERE gtin = %s AND lot = 'OLD'",
                        (product.gtin,))  # fmt: skip
    today = scene.clock().date()
    scene.recall(product, made=(today - timedelta(days=1), today))

    assert [is_recalled(scene, codes.link(0)) for codes in (old, new)] == [False, True]


def test_a_list_and_a_window_recall_no_batch_code(scene):
    product = scene.add_product(name="Listed")
    codes = scene.issue(product, 3, lot="L1", is_lot_in_link=True)
    scene.recall(product, listed=((1, serial(codes, 1)),))

    facts = scene.scan(DigitalLink.parse(f"/01/{product.gtin}/10/L1")).verdict.facts
    assert facts.recall is None
    assert facts.lot_recall is None


def preview(scene, product, **target):
    with scene.owner_session() as session:
        keys = signing_keys.load_serial_keys(session, product.brand_id, wrapping_key=scene.wrapping_key)
        return recalls.preview(session, product, Target(**target), serial_keys=keys, now=scene.clock())


def test_a_preview_says_what_is_spared_beside_a_coarser_recall(scene):
    product = scene.add_product(name="Spared")
    one, two = scene.issue(product, 500, lot="S1"), scene.issue(product, 300, lot="S2")

    found = preview(scene, product, between=(serial(one, 10), serial(one, 19)))
    assert (found.covered, found.spares.items, found.spares.beside) == (10, 490, "lot")
    found = preview(scene, product, listed=((1, serial(one, 10)), (2, serial(two, 3))))
    assert (found.covered, found.spares.items, found.spares.beside) == (2, 798, "lots")
    found = preview(scene, product, lot="S1")
    assert (found.covered, found.spares.items, found.spares.beside) == (500, 300, "product")
    assert "It spares 300 items that a recall of the whole product would hit." in recalls.sentences(found)
    assert preview(scene, product).spares is None


def test_what_cannot_be_recalled_is_refused(scene, derived):
    product = product_of(scene, derived)
    today = scene.clock().date()

    with pytest.raises(NotFound, match="was never issued"):
        preview(scene, product, between=("0000000000000000", serial(derived, 1)))
    with pytest.raises(BadInput, match="row 7"):
        preview(scene, product, listed=((7, derive(scene, product.gtin, derived.run, 60)),))
    with pytest.raises(BadInput, match="backwards"):
        preview(scene, product, made=(today, today - timedelta(days=1)))
    with pytest.raises(NotFound, match="No code"):
        preview(scene, product, made=(today - timedelta(days=900), today - timedelta(days=800)))
    with pytest.raises(BadInput, match="1000 characters"), scene.owner_session() as session:
        recalls.recall(session, product, Target(), reason="x" * 1001, serial_keys={}, now=scene.clock())


def test_a_recall_of_ten_million_derived_serials_is_announced_and_shows_at_once(scene):
    product = scene.add_product(name="Ten million")
    codes = scene.issue(product, 10_000_000, lot="BIG")
    link = codes.link(9_876_543)
    assert not is_recalled(scene, link)

    began = time.monotonic()
    found = preview(scene, product, lot="BIG")
    scene.recall(product, lot="BIG")
    verdict = scene.scan(link).verdict
    took = time.monotonic() - began

    assert found.covered == 10_000_000
    assert verdict.reason is Reason.RECALLED
    assert took < 1


# --- Owners ----------------------------------------------------------------------------------------------------------


def own(scene, path, email):
    buyer = owning.Buyer(scene, email)
    buyer.register(path)
    return buyer


def tell(courier, recall_id):
    deliveries.tell_owners(courier, recall_id)


def waiting_jobs(scene):
    return scene.rows("SELECT args->>'recall' FROM procrastinate_jobs WHERE task_name = 'tell_owners'")


@pytest.fixture
def owned(scene, courier):
    """A product with three owners: one of codes 0 and 5, one of code 6, one of another batch."""
    product = scene.add_product(name="Owned", warranty_months="24")
    codes, other = scene.issue(product, 20, lot="O1"), scene.issue(product, 5, lot="O2")
    names = [f"{name}{codes.run}@example.com" for name in ("ann", "ben", "cleo")]
    own(scene, codes.path(0), names[0])
    own(scene, codes.path(5), names[0])
    own(scene, codes.path(6), names[1])
    own(scene, other.path(0), names[2])
    return product, codes, names


def recall_mails(scene, email):
    return [kind for kind, _ in owning.letters(scene, email) if kind.startswith("owner-recall")]


def test_owners_are_counted_and_each_is_told_once(scene, courier, owned):
    product, codes, (ann, ben, cleo) = owned
    assert preview(scene, product, lot="O1").owners == 2
    assert preview(scene, product, between=(serial(codes, 4), serial(codes, 5))).owners == 1
    assert preview(scene, product, listed=((1, serial(codes, 6)),)).owners == 1
    assert preview(scene, product).owners == 3

    number = scene.recall(product, lot="O1", tells_owners=True, remedy="Bring it back")
    assert waiting_jobs(scene) == [(str(number),)]
    tell(courier, number)
    tell(courier, number)

    assert [recall_mails(scene, email) for email in (ann, ben, cleo)] == [["owner-recall"], ["owner-recall"], []]
    letter = owning.letters(scene, ann)[-1][1]
    assert serial(codes, 0) in letter
    assert serial(codes, 5) in letter
    assert "The reason: The strap may break" in letter
    assert "What to do: Bring it back" in letter
    with scene.owner_session() as session:
        assert recalls.get_recall(session, number, brand_id=scene.halden.id).told == 2


def test_the_page_of_an_owner_says_it_at_once(scene):
    product = scene.add_product(name="Paged", warranty_months="24")
    codes = scene.issue(product, 5, lot="P1")
    buyer = own(scene, codes.path(0), f"paged{codes.run}@example.com")
    address = buyer.last.location or buyer.last.request.path
    assert "it is recalled" not in buyer.get(address).text

    scene.recall(product, lot="P1", remedy="Bring it back")
    assert "Stop using it: it is recalled" in buyer.get(address).text
    assert "Bring it back" in buyer.last.text
    lift_all(scene)
    assert "it is recalled" not in buyer.get(address).text


def test_a_range_tells_the_owners_of_its_items_alone(scene, courier, owned):
    product, codes, (ann, ben, cleo) = owned
    number = scene.recall(product, between=(serial(codes, 6), serial(codes, 9)), tells_owners=True)
    tell(courier, number)

    assert [recall_mails(scene, email) for email in (ann, ben, cleo)] == [[], ["owner-recall"], []]


def test_a_job_that_was_cut_off_goes_on_and_tells_nobody_twice(scene, courier, owned, monkeypatch):
    product, _, people = owned
    monkeypatch.setattr("authsvc.recall_notices.STEP", 1)
    number = scene.recall(product, tells_owners=True)
    queue, sent = mails.enqueue, []

    def fail_once(*arguments, **options):
        sent.append(1)
        if len(sent) == 2:
            raise ConnectionError("cut off")
        queue(*arguments, **options)

    monkeypatch.setattr(mails, "enqueue", fail_once)
    with pytest.raises(ConnectionError):
        tell(courier, number)
    tell(courier, number)

    assert [recall_mails(scene, email) for email in people] == [["owner-recall"]] * 3


def test_lifting_tells_who_heard_of_the_recall(scene, courier, owned):
    product, _, (ann, ben, cleo) = owned
    number = scene.recall(product, lot="O1", tells_owners=True)
    tell(courier, number)
    with scene.owner_session() as session:
        recalls.lift(session, number, now=scene.clock())
    assert len(waiting_jobs(scene)) == 2
    tell(courier, number)
    tell(courier, number)

    assert recall_mails(scene, ann) == ["owner-recall", "owner-recall-lifted"]
    assert recall_mails(scene, ben) == ["owner-recall", "owner-recall-lifted"]
    assert recall_mails(scene, cleo) == []
    with pytest.raises(Conflict), scene.owner_session() as session:
        recalls.lift(session, number, now=scene.clock())


def test_a_recall_that_was_lifted_before_its_job_ran_tells_nobody(scene, courier, owned):
    product, _, (ann, *_) = owned
    number = scene.recall(product, tells_owners=True)
    lift_all(scene)
    tell(courier, number)

    assert recall_mails(scene, ann) == []


def test_a_quiet_recall_queues_no_job(scene, courier, owned):
    number = scene.recall(owned[0])
    tell(courier, number)

    assert waiting_jobs(scene) == []
    assert recall_mails(scene, owned[2][0]) == []


def test_owners_of_an_erased_kind_are_passed_over(scene, courier, owned):
    product, codes, (ann, ben, _) = owned
    number = scene.recall(product, lot="O1", tells_owners=True)
    with scene.owner_session() as session:
        held = session.get_one(Registration, (f"{product.gtin}.{serial(codes, 0)}", 1))
        scene.admin.execute(
            "UPDATE owners SET email_hash = NULL, wrapped_key = NULL, sealed = NULL, erased_at = now() WHERE id = %s",
            (held.owner_id,),
        )
    tell(courier, number)

    assert recall_mails(scene, ben) == ["owner-recall"]
    assert recall_mails(scene, ann) == []


def test_the_counts_of_owners_read_an_index(scene):
    with scene.owner_session() as session:
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        asked = recall_counts._asked(scene.halden.id, scene.watch.gtin, Scope())
        explained = text(f"EXPLAIN {recall_counts._CONCERNED.text}")
        plan = session.scalars(explained, {**asked, "after": scene.halden.id, "limit": 5}).all()

    assert any("ix_registrations_present" in line for line in plan)
