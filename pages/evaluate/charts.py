"""The plotly figures of an evaluation, from its result; names are escaped, and nothing is told by colour alone."""

import itertools
from typing import Any

import plotly.graph_objects as go

from pages.shared.charts import BLUE, GREY, ORANGE, layout, short
from pages.shared.run_curves import STYLES

PALE = "#eef3f9"  # opaque: plotly chooses black or white numbers by it, also on the dark page
PATTERNS = ("", "/", ".", "x")
WORDS_IN_CELLS = 20  # classes up to which a cell of the confusion matrix shows its number


def distances(histogram: dict[str, Any]) -> go.Figure:
    """Distances to the nearest training image: shares of generated images as bars, of held-out ones as a stepped line."""
    edges = histogram["edges"]
    middles = [(low + high) / 2 for low, high in itertools.pairwise(edges)]
    shares = {key: [count / (sum(histogram[key]) or 1) for count in histogram[key]] for key in ("fake", "held_out")}
    figure = go.Figure()
    figure.add_bar(
        x=middles,
        y=shares["fake"],
        name="generated",
        marker={"color": BLUE, "opacity": 0.6},
        width=[high - low for low, high in itertools.pairwise(edges)],
        hovertemplate="%{y:.1%}",
    )
    figure.add_scatter(
        x=middles,
        y=shares["held_out"],
        name="held-out real",
        mode="lines",
        line={"color": ORANGE, "shape": "hvh", "width": 2},
        hovertemplate="%{y:.1%}",
    )
    figure = layout(figure, "distance to the nearest training image", "share of images", 300)
    return figure.update_yaxes(tickformat=".0%")


def confusion(classes: list[str], counts: list[list[int]]) -> go.Figure:
    """Asked for (rows) and taken for (columns), as shares of a row. Cells can be clicked: each has an unseen point."""
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
    cells = [(asked, taken) for asked in places for taken in places]
    unseen = {"marker": {"opacity": 0}}
    figure.add_scatter(
        x=[taken for _, taken in cells],
        y=[asked for asked, _ in cells],
        mode="markers",
        marker={"size": max(6, min(34, 340 // len(classes))), "opacity": 0, "symbol": "square", "color": ORANGE},
        selected={"marker": {"opacity": 0.45}},
        unselected=unseen,
        customdata=[[names[asked], names[taken], counts[asked][taken], shares[asked][taken]] for asked, taken in cells],
        hovertemplate="asked for %{customdata[0]}, taken for %{customdata[1]}: %{customdata[2]:,} "
        "(%{customdata[3]:.0%})<extra></extra>",
        showlegend=False,
    )
    figure = layout(figure, "taken for", "asked for", 150 + min(520, max(200, 34 * len(classes))))
    axis = {"tickmode": "array", "tickvals": places, "ticktext": names, "showgrid": False, "zeroline": False}
    figure.update_layout(hovermode="closest", dragmode=False, clickmode="event+select", margin={"t": 16})
    ends = [-0.5, len(classes) - 0.5]
    return figure.update_xaxes(**axis, range=ends, tickangle=-45).update_yaxes(**axis, range=ends[::-1])


def accuracies(arms: list[dict[str, Any]]) -> go.Figure:
    """Balanced accuracy of each arm of `utility` as a dot with its 95 % interval."""
    places = list(range(len(arms)))
    values = [arm["balanced_accuracy"] for arm in arms]
    reach = lambda arm, end: abs(arm["ci95"][end] - arm["balanced_accuracy"]) if arm.get("ci95") else 0
    figure = go.Figure()
    figure.add_scatter(
        x=values,
        y=places,
        mode="markers",
        marker={"size": 11, "color": BLUE},
        error_x={"type": "data", "array": [reach(a, 1) for a in arms], "arrayminus": [reach(a, 0) for a in arms]},
        customdata=[short(arm["title"], 60) for arm in arms],
        hovertemplate="%{customdata}: %{x:.1%}<extra></extra>",
        showlegend=False,
    )
    layout(figure, "balanced accuracy", "", 110 + 34 * len(arms)).update_layout(hovermode="closest")
    figure.update_xaxes(tickformat=".0%", nticks=4)
    names = [short(arm["title"], 34) for arm in arms]
    return figure.update_yaxes(autorange="reversed", tickmode="array", tickvals=places, ticktext=names)


def sweep(rows: list[dict[str, Any]]) -> go.Figure:
    """Gain over classical augmentation, in percentage points with its 95 % interval, by synthetic images per real one."""
    gains = [100 * row["gain"] for row in rows]
    reach = lambda row, end: abs(100 * row["gain_ci95"][end] - 100 * row["gain"]) if row.get("gain_ci95") else 0
    figure = go.Figure()
    figure.add_scatter(
        x=[row["share"] for row in rows],
        y=gains,
        mode="lines+markers",
        marker={"size": 9, "color": BLUE},
        line={"color": BLUE, "width": 2},
        error_y={"type": "data", "array": [reach(r, 1) for r in rows], "arrayminus": [reach(r, 0) for r in rows]},
        hovertemplate="%{x:g} times as many: %{y:+.1f} points<extra></extra>",
        showlegend=False,
    )
    figure.add_hline(y=0, line={"color": GREY, "width": 1, "dash": "dot"})
    layout(figure, "synthetic images per real one", "gain, points", 260).update_layout(hovermode="closest")
    return figure.update_xaxes(tickmode="array", tickvals=[row["share"] for row in rows])


def recalls(arms: dict[str, dict[str, float]], classes: list[str]) -> go.Figure:
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
    layout(figure, "recall on held-out images", "", height).update_layout(barmode="group", hovermode="closest")
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    names = [short(one) for one in classes]
    return figure.update_yaxes(autorange="reversed", tickmode="array", tickvals=places, ticktext=names)
