from uuid import UUID

from authsvc.lanes import SLOW_S, STRIKES, WIDTH, Lanes

HANGING, QUICK = UUID(int=1), UUID(int=2)


def slow(lanes, times=STRIKES):
    for _ in range(times):
        assert lanes.enter(HANGING)
        lanes.leave(HANGING, SLOW_S + 1)


def test_an_endpoint_that_is_quick_has_all_the_lanes():
    lanes = Lanes()

    assert all(lanes.enter(QUICK) for _ in range(100))


def test_one_that_hangs_again_and_again_has_two_and_holds_up_nobody_else():
    lanes = Lanes()
    slow(lanes)

    assert [lanes.enter(HANGING) for _ in range(WIDTH + 2)] == [True] * WIDTH + [False] * 2
    assert all(lanes.enter(QUICK) for _ in range(20))
    lanes.leave(HANGING, SLOW_S + 1)
    assert lanes.enter(HANGING)
    assert not lanes.enter(HANGING)


def test_a_few_slow_answers_are_no_hanging():
    lanes = Lanes()
    slow(lanes, STRIKES - 1)

    assert all(lanes.enter(HANGING) for _ in range(20))


def test_one_quick_answer_makes_it_good_again():
    lanes = Lanes()
    slow(lanes)
    lanes.enter(HANGING)
    lanes.leave(HANGING, 0.1)

    assert all(lanes.enter(HANGING) for _ in range(20))
