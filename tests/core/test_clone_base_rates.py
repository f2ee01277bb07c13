from dataclasses import replace

import pytest
from histories import copies, history, sighting

from authsvc.core import clones
from authsvc.core.clones import Bustle, base_rates, examining, weights
from authsvc.core.clones.base_rates import Tail, usual_tails


@pytest.mark.parametrize("model", [weights.SCANS, weights.LIFECYCLE])
def test_a_rarer_false_alarm_asks_for_a_higher_score(model):
    rates = [1.0, 0.01, 0.005, 0.001, 0.0005, 0.0001, 1e-9]
    thresholds = [model.threshold(rate) for rate in rates]

    assert thresholds == sorted(thresholds)
    assert thresholds[0] == thresholds[1] == model.calibration[0][1]
    assert thresholds[-1] == thresholds[-2]
    assert thresholds[2] < thresholds[3]


def test_a_brand_chooses_its_target_rate():
    seen = copies(12)
    strict = clones.examine(history(*seen, target_rate=0.0001))

    assert strict.threshold > clones.examine(history(*seen)).threshold


def test_a_brand_may_set_a_hard_limit_on_visitors():
    seen = [sighting(n, n / 200) for n in range(6)]

    assert not clones.examine(history(*seen, copy_threshold=7)).is_flagged
    found = clones.examine(history(*seen, copy_threshold=5))
    assert (found.leading.rule, found.score) == ("more-visitors-than-usual", 1.2)
    assert found.leading.text.startswith("Six phones confirmed this code; you expect fewer than five")


def test_base_rates_leave_out_the_item_that_is_judged():
    traffic = base_rates.Traffic().with_item(3).with_item(500)

    assert traffic == base_rates.Traffic(2, 3 + base_rates.MOST)
    assert traffic.without_item(500) == base_rates.Traffic(1, 3)


def test_few_items_say_little_of_a_product_and_many_say_all():
    few, many = base_rates.Traffic(5, 20), base_rates.Traffic(50_000, 150_000)
    brand = base_rates.brand_of({"a": few, "b": base_rates.Traffic(20_000, 39_000)})

    assert base_rates.bustle(few, brand) is Bustle.USUAL
    assert base_rates.bustle(many, brand) is Bustle.BUSY
    assert base_rates.bustle(base_rates.Traffic(50_000, 60_000), brand) is Bustle.QUIET
    assert base_rates.bustle(base_rates.Traffic(), base_rates.Traffic()) is Bustle.USUAL


def test_one_item_cannot_make_a_product_look_busy():
    usual = base_rates.Traffic(1_000, 2_100)
    brand = base_rates.Traffic(10_000, 21_000)

    shift = base_rates.mean_visitors(usual.with_item(10**6), brand) - base_rates.mean_visitors(usual, brand)
    assert shift < 0.01


def test_the_busiest_product_stays_the_busiest_where_all_is_scanned_half_as_often():
    for half in (1.0, 0.5):
        products = {
            name: base_rates.Traffic(40_000, 40_000 + int(40_000 * half * beside))
            for name, beside in (("calm", 0.5), ("usual", 1.0), ("other", 1.0), ("busy", 1.5))
        }
        brand = base_rates.brand_of(products)

        found = {name: base_rates.bustle(traffic, brand) for name, traffic in products.items()}
        assert found == {"calm": Bustle.QUIET, "usual": Bustle.USUAL, "other": Bustle.USUAL, "busy": Bustle.BUSY}


def test_a_brand_of_which_every_item_met_one_visitor_has_no_busy_product():
    alone = base_rates.Traffic(10**9, 10**9)

    assert base_rates.bustle(alone, alone) is Bustle.QUIET


@pytest.mark.parametrize("model", [weights.SCANS, weights.LIFECYCLE])
def test_more_high_scores_than_usual_raise_the_threshold_and_few_of_them_hardly_lower_it(model):
    def shift(judged, times):
        return base_rates.shift(base_rates.Traffic(judged=judged, high=round(judged * model.high_share * times)), model)

    assert base_rates.shift(base_rates.Traffic(), model) == 0
    assert abs(shift(100_000, 1)) < 0.01
    assert 0 < shift(1_000, 1.5) < shift(100_000, 1.5) < shift(100_000, 2)
    assert shift(100_000, 20) == base_rates.MOST_SHIFT
    assert shift(100_000, 0) == base_rates.LEAST_SHIFT


def test_a_lot_that_was_copied_as_a_whole_says_nothing_of_its_brand():
    lots = {("a" if n % 2 else "b", f"L{n}"): Tail(1_000, 40 + n) for n in range(20)}
    copied = lots | {("a", "L1"): Tail(1_000, 500), ("b", "L8"): Tail(500, 250)}

    usual, found = usual_tails(lots), usual_tails(copied)
    assert usual == {"a": Tail(10_000, 500), "b": Tail(10_000, 490)}
    assert found == {"a": Tail(9_000, 500 - 41), "b": Tail(9_000, 490 - 48)}
    whole = [base_rates.Traffic(judged=each["a"].judged, high=each["a"].high) for each in (usual, found)]
    assert base_rates.shift(whole[0], weights.SCANS) == pytest.approx(
        base_rates.shift(whole[1], weights.SCANS), abs=0.1
    )


def test_what_most_items_do_is_usual_and_so_is_what_may_be_chance():
    everywhere = {("a", f"L{n}"): Tail(1_000, 300) for n in range(10)}
    alone = {("a", "L1"): Tail(20_000, 6_000), ("a", "L2"): Tail(300, 12)}
    few = {("a", "L1"): Tail(20, 4), ("a", "L2"): Tail(20, 0)}
    unknown = {("a", None): Tail(1_000, 500), ("a", "L2"): Tail(5_000, 200)}

    for lots in (everywhere, alone, few, unknown):
        assert usual_tails(lots) == {
            "a": Tail(sum(each.judged for each in lots.values()), sum(each.high for each in lots.values()))
        }
    assert usual_tails({}) == {}


def test_the_threshold_moves_with_the_brand_and_the_score_does_not():
    seen = copies(12)
    usual, moved = clones.examine(history(*seen)), clones.examine(history(*seen, shift=1.25))

    assert moved.score == usual.score
    assert moved.threshold == pytest.approx(usual.threshold + 1.25)


def test_very_many_visitors_weigh_whoever_they_are_but_only_so_far():
    seen = [sighting(n, 2 * n) for n in range(48)]
    few, many = (clones.examine(history(*seen[:number])) for number in (12, 48))

    assert "very-many-visitors" not in {part.rule for part in few.parts}
    crowd = next(part for part in many.parts if part.rule == "very-many-visitors")
    assert crowd.weight > 0
    assert many.score == examining.CROWD_MOST
    assert sum(part.weight for part in many.parts) == pytest.approx(many.score)
    assert "different phones: genuine items of any kind meet fewer" in crowd.text


def test_a_visitor_who_only_opened_the_link_is_named_as_such():
    seen = [replace(each, is_confirmed=n % 3 > 0) for n, each in enumerate(copies(12))]
    part = next(p for p in clones.examine(history(*seen)).parts if p.rule == "more-new-visitors-than-its-like")

    assert " checked this code, " in part.text
    assert " of them without our page having run" in part.text
