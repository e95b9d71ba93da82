"""Bars of classes, and what every figure has in common."""

import html
from types import SimpleNamespace

from pages.data.dataset_report import class_counts
from pages.export.growth_plan import planned_counts
from pages.shared import charts, run_curves


def counted(classes, train):
    """What class_counts reads of a dataset: as many images in each split."""
    return class_counts(SimpleNamespace(classes=classes, counts=dict.fromkeys(("train", "validation", "test"), train)))


def test_the_bars_differ_without_colour():
    assert len({bar.marker.pattern.shape for bar in counted(["a"], [1]).data}) == 3


def test_the_legend_is_below_the_plot_where_no_toolbar_covers_it():
    legend = planned_counts(["a"], [1], {"from the run": [2], "copies": [3]}).layout.legend
    assert (legend.yref, legend.y, legend.yanchor, legend.traceorder) == ("container", 0, "bottom", "normal")


def test_a_finger_scrolls_over_charts_but_for_the_curves_of_compared_runs():
    rows = {"a": [{"epoch": 1.0, "loss_g": 0.5}]}
    assert counted(["a"], [1]).layout.dragmode is False
    assert run_curves.over_runs(rows, "loss_g", "epoch", "epochs", "loss")["layout"]["dragmode"] == "zoom"
    assert charts.CONFIG["showSendToCloud"] is False


def test_class_names_are_not_html():
    name = "<img src=x>"
    figure = counted([name, name], [1, 2])
    assert list(figure.layout.yaxis.ticktext) == [html.escape(name)] * 2 and "<img" not in figure.to_json()
    assert figure.data[0].y == (0, 1)  # two classes of one name stay two bars
