"""The figures of an evaluation: pure functions of its result."""

import pytest

from gan_core.evaluation.result_parts import Histogram
from gan_core.evaluation.results import Arm, SweepRow
from pages.evaluate import charts


def test_each_cell_of_the_confusion_can_be_hit_and_says_its_count():
    counts = [[8, 2, 0], [0, 0, 0], [1, 0, 3]]
    figure = charts.confusion(["a", "<i>b</i>", "c"], counts)
    heat, points = figure.data
    assert [list(row) for row in heat.z] == [
        [0.8, 0.2, 0.0],
        [0.0, 0.0, 0.0],
        [0.25, 0.0, 0.75],
    ]  # an empty class is no error
    found = {(y, x): data[2] for x, y, data in zip(points.x, points.y, points.customdata, strict=True)}
    assert found == {(asked, taken): counts[asked][taken] for asked in range(3) for taken in range(3)}
    assert "<i>" not in figure.to_json() and list(figure.layout.yaxis.range) == [2.5, -0.5]


def test_many_classes_have_no_numbers_in_their_cells():
    counts = [[1] * 30] * 30
    assert charts.confusion([str(at) for at in range(30)], counts).data[0].texttemplate is None


def test_distances_are_shares_so_that_few_held_out_images_compare():
    figure = charts.distances(Histogram(edges=[0, 1, 3], fake=[10, 30], held_out=[0, 2]))
    bars, line = figure.data
    assert list(bars.y) == [0.25, 0.75] and list(line.y) == [0, 1] and list(bars.width) == [1, 2]
    empty = charts.distances(Histogram(edges=[0, 1], fake=[0], held_out=[0]))
    assert list(empty.data[1].y) == [0]


def test_accuracies_have_their_intervals():
    arms = [Arm(title="<b>", balanced_accuracy=0.8, ci95=[0.7, 0.85]), Arm(title="b", balanced_accuracy=0.5)]
    figure = charts.accuracies(arms)
    assert figure.data[0].error_x.array == pytest.approx((0.05, 0)) and figure.data[
        0
    ].error_x.arrayminus == pytest.approx((0.1, 0))
    assert "<b>" not in figure.to_json()


def test_the_sweep_is_in_points_with_the_line_of_no_gain():
    figure = charts.sweep([SweepRow(share=0.5, gain=0.02, gain_ci95=[-0.01, 0.05])])
    assert list(figure.data[0].y) == [2.0] and figure.data[0].error_y.arrayminus == pytest.approx((3.0,))
    assert figure.layout.shapes[0].y0 == 0


def test_recalls_differ_by_pattern_and_a_missing_one_is_a_gap():
    figure = charts.recalls({name: {"a": 0.5} for name in ("r", "c", "s", "o")}, ["a", "<b>"])
    assert len({bar.marker.pattern.shape for bar in figure.data}) == 4
    assert list(figure.data[0].x) == [0.5, None] and "<b>" not in figure.to_json()
