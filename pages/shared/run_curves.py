"""Curves of one or several runs as plotly figures: distinguished by dashes and marks, not by colour alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gan_core.views.curves import MOST_POINTS, thin
from pages.shared.charts import BLUE, GREEN, GREY, ORANGE, VIOLET, Figure, level_line, plain_layout, short

STYLES = ((BLUE, "solid"), (ORANGE, "dash"), (GREEN, "dot"), (VIOLET, "dashdot"))
SYMBOLS = ("circle", "square-open", "diamond-open")  # of the first four lines, the next four, ...
MOST_MARKERS = 12  # on a long line; only from the fifth line on
MOST_LINES = len(STYLES) * len(SYMBOLS)  # that can be distinguished without their colours
FEW_POINTS = 12  # of a line, up to which each is marked
HEIGHT = 300  # px, of a chart of lines


def over_epochs(
    series: Mapping[str, Sequence[dict[str, Any]]], key: str, marks: tuple[float, float] | None = None
) -> Figure:
    """One value over the epochs of several runs. series: {legend: rows}; marks: values where amber and red begin."""
    return from_zero(over_runs(series, key, "epoch", "epoch", ""), marks)


def over_runs(series: Mapping[str, Sequence[dict[str, Any]]], key: str, x: str, x_title: str, y_title: str) -> Figure:
    """One value of several runs over another, a line for each run. series: {legend: rows}; x: key of a row."""
    lines = [line(rows, key, short(name, 40), number, x) for number, (name, rows) in enumerate(series.items())]
    return {"data": lines, "layout": plain_layout(x_title, y_title, HEIGHT) | {"dragmode": "zoom"}}


def of_one_run(rows: Sequence[dict[str, Any]], names: dict[str, str], marks: tuple[float, float] | None) -> Figure:
    """Several values of one run over its epochs. names: {key of a row: legend}; marks: values where amber and red begin."""
    lines = [line(rows, key, name, number) for number, (key, name) in enumerate(names.items())]
    return from_zero({"data": lines, "layout": plain_layout("epoch", "", HEIGHT)}, marks)


def line(rows: Sequence[dict[str, Any]], key: str, name: str, number: int, x: str = "epoch") -> dict[str, Any]:
    """One curve, thinned so that its spikes stay. number: its place among the curves of the figure, which gives its style."""
    values = [row.get(key) for row in rows]
    drawn = thin(np.array([np.nan if value is None else value for value in values], np.float64), MOST_POINTS)
    colour, dash = STYLES[number % len(STYLES)]
    symbol = SYMBOLS[number // len(STYLES) % len(SYMBOLS)]
    mode = (
        "markers"
        if len(rows) == 1
        else "lines+markers"
        if len(rows) <= FEW_POINTS or number >= len(STYLES)
        else "lines"
    )
    return {
        "type": "scatter",
        "x": [rows[at].get(x) for at in drawn],
        "y": [values[at] for at in drawn],
        "name": name,
        "mode": mode,
        "line": {"color": colour, "dash": dash, "width": 2},
        "marker": {"symbol": symbol, "size": 8, "maxdisplayed": 0 if len(rows) <= FEW_POINTS else MOST_MARKERS},
        "hovertemplate": "%{y:.3f}",
        "showlegend": True,
    }


def from_zero(figure: Figure, marks: tuple[float, float] | None) -> Figure:
    """The same figure with its y axis from 0, and a dotted line with its word where amber and where red begins."""
    layout = figure["layout"]
    layout["yaxis"]["rangemode"] = "tozero"
    words = list(zip(("amber", "red"), marks or (), (ORANGE, "#c0392b"), strict=False))
    layout["shapes"] = [level_line(value, colour) for _, value, colour in words]
    layout["annotations"] = [
        {
            "text": word, "xref": "paper", "x": 1, "xanchor": "right", "y": value, "yanchor": "top",
            "showarrow": False, "font": {"color": GREY},
        }
        for word, value, _ in words
    ]  # fmt: skip
    return figure
