import pytest

from authsvc.core.lots import (
    RULES,
    LotPlace,
    LotWindow,
    Neighbourhood,
    Refused,
    examine,
    surprise,
    windows,
)


def place(lot="L1", country="IT", known=0, fresh=0, before=0, first=0, **more):
    return LotPlace(
        gtin="09506000134352", lot=lot, country=country, known=known, fresh=fresh, before=before, first=first, **more
    )


def window(place, *, now=100, before=500, known=1.0, share=0.01):
    return LotWindow(place=place, lot_now=now, lot_before=before, usual_known=known, usual_share=share)


def rules(facts):
    return [found.rule for found in examine(facts)]


def test_every_rule_has_a_name_a_docstring_and_a_threshold():
    assert len({rule.name for rule in RULES}) == len(RULES) == 4
    assert all(rule.weigh.__doc__ and rule.threshold > 0 for rule in RULES)


def test_parts_add_up_to_the_score_and_are_sentences():
    copied = place(country="VN", known=40, fresh=5, before=2, markets=frozenset({"IT"}))
    findings = (
        *examine(window(copied)),
        *examine(Neighbourhood(run=3, index=1_000, flagged=(990, 1_000, 1_050), usual_share=0.0)),
        *examine(Refused(forged=20, not_issued=10, hours=0.2, usual=1.4)),
    )

    assert [found.rule for found in findings] == [rule.name for rule in RULES]
    for found in findings:
        assert found.score == pytest.approx(sum(part.weight for part in found.parts))
    met, appeared, market, near, refused, leaked = (part.text for found in findings for part in found.parts)
    assert met.startswith(
        "40 items of batch L1 that somebody had checked at least 7 days earlier met new people in Vietnam "
    )
    assert met.endswith(" within 28 days; about 1.0 would be usual")
    assert appeared.startswith(
        "45 items of batch L1 appeared in Vietnam within 28 days, where two of 500 had been seen before; "
    )
    assert appeared.endswith("about 0.6 would be usual; 40 of them had been checked elsewhere at least 7 days earlier")
    assert market == "Vietnam is no market of this product"
    assert near == (
        "Two items printed next to a copied one look copied too (within 64 codes of number 1,000 in run 3); "
        "about 0.1 would be usual"
    )
    assert refused == "30 different codes from one network were refused within 60 minutes; about 1.4 would be usual"
    assert leaked == "Ten of them carried a good signature though they were never issued"


@pytest.mark.parametrize(
    ("hours", "said"), [(0.2, "60 minutes"), (1.4, "84 minutes"), (10.4, "eleven hours"), (23.9, "24 hours")]
)
def test_the_time_of_refused_codes_is_never_said_to_be_shorter(hours, said):
    (found,) = examine(Refused(forged=40, not_issued=0, hours=hours, usual=1.0))

    assert f"were refused within {said};" in found.parts[0].text


def test_known_items_count_and_items_that_nobody_had_checked_do_not():
    assert rules(window(place(known=40), known=5.0, share=0.8)) == ["known-items-meet-new-people"]
    assert rules(window(place(fresh=400), known=5.0, share=0.8)) == []


def test_twice_and_a_half_as_many_new_people_as_usual_is_a_young_lot():
    assert rules(window(place(known=70), known=28.0, share=0.8)) == []
    assert rules(window(place(known=112), known=28.0, share=0.8)) == ["known-items-meet-new-people"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ["lot-in-a-far-place"]),
        ({"share": 0.2}, []),
        ({"before": 60}, []),
        ({"now": 5_000}, []),
    ],
    ids=["new place", "no new place", "young lot", "everywhere at once"],
)
def test_a_far_place_is_new_to_an_established_lot_and_is_not_everywhere(more, expected):
    assert rules(window(place(country="VN", fresh=30), **more)) == expected


def test_a_far_place_whose_items_nobody_had_checked_before_looks_like_trade():
    (traded,), (copied,) = (
        examine(window(place(country="VN", known=known, fresh=200), known=50.0)) for known in (9, 30)
    )

    assert traded.parts[0].text.endswith("goods traded past their market are likelier than copies")
    assert copied.parts[0].text.endswith("30 of them had been checked elsewhere at least 7 days earlier")


def test_a_market_of_the_product_is_no_far_place():
    assert rules(window(place(country="VN", fresh=30, markets=frozenset({"VN"})))) == []


def test_what_is_usual_leaves_out_the_lot_itself_and_comes_from_its_like():
    plain = [place(f"L{n}", known=20, fresh=30, before=100, first=100) for n in range(2, 12)]
    (alone,) = [w for w in windows([*plain, place(known=20, before=100, first=100)]) if w.place.lot == "L1"]
    (loud,) = [w for w in windows([*plain, place(known=900, before=100, first=100)]) if w.place.lot == "L1"]

    assert alone.usual_known == loud.usual_known == pytest.approx(20, rel=0.1)
    assert (alone.lot_now, alone.lot_before) == (20, 100)


def test_a_country_that_the_brand_knows_well_is_less_of_a_surprise():
    rows = [place(f"L{n}", c, known=5, before=50, first=50) for n in range(2, 12) for c in ("IT", "US")]
    here = [place(before=100, first=100), place(country="US", known=9), place(country="VN", known=9)]
    known = {w.place.country: w for w in windows([*rows, *here]) if w.place.lot == "L1"}

    assert known["US"].usual_known > 5 * known["VN"].usual_known > 0
    assert known["US"].usual_share > 5 * known["VN"].usual_share > 0


def test_few_items_are_not_weighed_and_a_brand_of_one_lot_can_be():
    assert list(windows([place(known=5, before=500, first=500)])) == []
    (only,) = windows([place(known=6, before=500, first=500)])

    assert rules(only) == []


def test_neighbours_must_be_near_and_more_than_usual():
    near = Neighbourhood(run=1, index=100, flagged=(100, 110, 164), usual_share=0.0001)

    assert rules(near) == ["neighbours-of-a-copy"]
    assert rules(Neighbourhood(run=1, index=100, flagged=(100, 110, 165), usual_share=0.0001)) == []
    assert rules(Neighbourhood(run=1, index=100, flagged=(100, 110, 164), usual_share=0.01)) == []


def test_a_burst_is_many_codes_and_more_than_other_networks_bring():
    assert rules(Refused(forged=19, not_issued=0, hours=1, usual=0)) == []
    assert rules(Refused(forged=25, not_issued=0, hours=1, usual=0)) == ["codes-refused-from-one-network"]
    assert rules(Refused(forged=25, not_issued=0, hours=1, usual=20.0)) == []


def test_fewer_than_usual_is_no_surprise():
    assert surprise(3, 5.0) == surprise(0, 5.0) == 0.0
    assert surprise(20, 5.0) > surprise(10, 5.0) > 0
