"""The plotly figures of an evaluation and of utility. Names are escaped, and nothing is shown by colour alone."""

import itertools
from collections.abc import Sequence

import plotly.graph_objects as go

from gan_core.evaluation.result_parts import Histogram, Interval
from gan_core.evaluation.results import Arm, SweepRow
from pages.shared.charts import BLUE, GREY, ORANGE, layout, short
from pages.shared.run_curves import STYLES

PALE = "#eef3f9"  # opaque: plotly chooses black or white numbers by it, also on the dark page
PATTERNS = ("", "/", ".", "x")
WORDS_IN_CELLS = 20  # classes up to which a cell of the confusion matrix shows its number


def distances(histogram: Histogram) -> go.Figure:
    """Distances to the nearest training image: shares of generated images as bars, of held-out ones as a stepped line."""
    middles = [(low + high) / 2 for low, high in itertools.pairwise(histogram.edges)]
    fake, held_out = (
        [count / (sum(counts) or 1) for count in counts] for counts in (histogram.fake, histogram.held_out)
    )
    figure = go.Figure()
    figure.add_bar(
        x=middles,
        y=fake,
        name="generated",
        marker={"color": BLUE, "opacity": 0.6},
        width=[high - low for low, high in itertools.pairwise(histogram.edges)],
        hovertemplate="%{y:.1%}",
    )
    figure.add_scatter(
        x=middles,
        y=held_out,
        name="held-out real",
        mode="lines",
        line={"color": ORANGE, "shape": "hvh", "width": 2},
        hovertemplate="%{y:.1%}",
    )
    figure = layout(figure, "distance to the nearest training image", "share of images", 300)
    return figure.update_yaxes(tickformat=".0%")


def confusion(classes: list[str], counts: list[list[int]]) -> go.Figure:
    """Requested (rows) and predicted classes (columns), as shares of a row. An invisible point makes each cell clickable."""
    totals = [sum(row) or 1 for row in counts]
    shares = [[count / total for count in row] for row, total in zip(counts, totals, strict=True)]
    names, places = [short(name, 16) for name in classes], list(range(len(classes)))
    figure = go.Figure()
    figure.add_heatmap(
        z=shares,
        x=places,
        y=places,
        text=counts,
        texttemplate="%{text}" if len(classes) <= WORDS_IN_CELLS else None,
        colorscale=[[0, PALE], [1, BLUE]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=1,
        ygap=1,
        hoverinfo="skip",
    )
    cells = [(requested, predicted) for requested in places for predicted in places]
    figure.add_scatter(
        x=[predicted for _, predicted in cells],
        y=[requested for requested, _ in cells],
        mode="markers",
        marker={"size": max(6, min(34, 340 // len(classes))), "opacity": 0, "symbol": "square", "color": ORANGE},
        selected={"marker": {"opacity": 0.45}},
        unselected={"marker": {"opacity": 0}},
        customdata=[[names[row], names[column], counts[row][column], shares[row][column]] for row, column in cells],
        hovertemplate="requested %{customdata[0]}, predicted %{customdata[1]}: %{customdata[2]:,} "
        "(%{customdata[3]:.0%})<extra></extra>",
        showlegend=False,
    )
    figure = layout(figure, "predicted", "requested", 150 + min(520, max(200, 34 * len(classes))))
    axis = {"tickmode": "array", "tickvals": places, "ticktext": names, "showgrid": False, "zeroline": False}
    figure.update_layout(hovermode="closest", dragmode=False, clickmode="event+select", margin={"t": 16})
    ends = [-0.5, len(classes) - 0.5]
    return figure.update_xaxes(**axis, range=ends, tickangle=-45).update_yaxes(**axis, range=ends[::-1])


def accuracies(arms: list[Arm]) -> go.Figure:
    """Balanced accuracy of each arm of `utility` as a dot with its 95 % interval."""
    places = list(range(len(arms)))
    values = [arm.balanced_accuracy for arm in arms]
    figure = go.Figure()
    figure.add_scatter(
        x=values,
        y=places,
        mode="markers",
        marker={"size": 11, "color": BLUE},
        error_x=error_bars(values, [arm.ci95 for arm in arms]),
        customdata=[short(arm.title, 60) for arm in arms],
        hovertemplate="%{customdata}: %{x:.1%}<extra></extra>",
        showlegend=False,
    )
    layout(figure, "balanced accuracy", "", 110 + 34 * len(arms)).update_layout(hovermode="closest")
    figure.update_xaxes(tickformat=".0%", nticks=4)
    names = [short(arm.title, 34) for arm in arms]
    return figure.update_yaxes(autorange="reversed", tickmode="array", tickvals=places, ticktext=names)


def error_bars(values: Sequence[float], intervals: Sequence[Interval | None]) -> dict[str, object]:
    """The error bars of plotly for values with their intervals [low, high]."""
    pairs = list(zip(values, intervals, strict=True))
    return {
        "type": "data",
        "array": [abs(ends[1] - value) if ends else 0 for value, ends in pairs],
        "arrayminus": [abs(value - ends[0]) if ends else 0 for value, ends in pairs],
    }


def sweep(rows: list[SweepRow]) -> go.Figure:
    """Gain over classical augmentation, in percentage points with its 95 % interval, by synthetic images per real one."""
    gains = [100 * (row.gain or 0.0) for row in rows]
    intervals = [row.gain_ci95 and [100 * end for end in row.gain_ci95] for row in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=[row.share for row in rows],
        y=gains,
        mode="lines+markers",
        marker={"size": 9, "color": BLUE},
        line={"color": BLUE, "width": 2},
        error_y=error_bars(gains, intervals),
        hovertemplate="%{x:g} times as many: %{y:+.1f} points<extra></extra>",
        showlegend=False,
    )
    figure.add_hline(y=0, line={"color": GREY, "width": 1, "dash": "dot"})
    layout(figure, "synthetic images per real one", "gain, points", 260).update_layout(hovermode="closest")
    return figure.update_xaxes(tickmode="array", tickvals=[row.share for row in rows])


def recalls(arms: dict[str, dict[str, float | None]], classes: list[str]) -> go.Figure:
    """Recall of each class in each arm as grouped bars. arms: {legend: {class: recall}}."""
    places = list(range(len(classes)))
    figure = go.Figure()
    for number, (name, recall) in enumerate(arms.items()):
        figure.add_bar(
            y=places,
            x=[recall.get(one) for one in classes],
            name=short(name, 40),
            orientation="h",
            customdata=[short(one) for one in classes],
            marker={
                "color": STYLES[number % len(STYLES)][0],
                "pattern": {"shape": PATTERNS[number % len(PATTERNS)], "fillmode": "overlay", "size": 6},
            },
            hovertemplate="%{customdata}: %{x:.0%}",
        )
    height = 120 + (10 + 13 * len(arms)) * len(classes)
    layout(figure, "recall on the test images", "", height).update_layout(barmode="group", hovermode="closest")
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    names = [short(one) for one in classes]
    return figure.update_yaxes(autorange="reversed", tickmode="array", tickvals=places, ticktext=names)
