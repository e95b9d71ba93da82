"""The race as lines: which arm was dropped when."""

from gan_core.evaluation.utility.found import Found
from gan_core.views import race
from tests.builders.found_search import CUTMIX, GAN, found

FOUND = found(["a", "b"])


def test_a_line_for_each_arm_that_ran_in_points_over_the_plain_baseline():
    plain, chosen, dropped = race.lines(FOUND)
    assert plain.points == [(1, 0.0), (2, 0.0)] and plain.state == "finalist"
    assert chosen.name == GAN.name and chosen.state == "chosen"
    assert [round(value, 6) for _, value in chosen.points] == [5.0, 4.0]
    assert (dropped.name, dropped.state, dropped.dropped_at) == (CUTMIX.name, "behind", 1)
    assert race.never_ran(FOUND) == 1


def test_the_table_has_a_row_for_each_line():
    table = race.table(FOUND)
    assert {len(column) for column in table.values()} == {3}
    assert table["rounds"] == [2, 2, 1]


def test_without_a_race_there_is_no_line():
    assert race.lines(Found.read({})) == [] and race.never_ran(Found.read({})) == 0
