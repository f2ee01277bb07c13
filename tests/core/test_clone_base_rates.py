import pytest
from histories import copies, history, sighting

from authsvc.core import clones
from authsvc.core.clones import Bustle, base_rates, weights


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
    assert found.leading.text.startswith("6 different visitors confirmed this code")


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
