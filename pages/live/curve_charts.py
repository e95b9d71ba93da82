"""The curves of a run as plotly figures: raw behind smoothed, with bands and marks. Pure functions of columns.

Plain dictionaries: to check every field of a figure again takes plotly.py 50 ms, and the page draws one each two seconds.
"""

import base64
import html
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_core.views.curves import MOST_POINTS, Columns, axis, last, smooth, thin
from gan_core.views.run_events import KINDS, Milestone, places
from pages.shared import charts
from pages.shared.charts import BLUE, GREY, ORANGE, PURPLE

HEIGHT = 320
SQUARES = "mean squared error, pixels in -1 to 1"
GREEN, RED = "#3a9a5b", "#c0392b"
MOST_MARKS = 300  # of one run; the newest
SIGNS = {  # kind of a milestone: (symbol, colour); the symbol tells them apart without colour
    "alarm": ("x", RED),
    "warning": ("triangle-up", ORANGE),
    "checkpoint": ("diamond", GREEN),
    "pause": ("square", GREY),
    "resumed": ("triangle-right", BLUE),
    "end": ("hexagon", GREY),
    "notice": ("circle", PURPLE),
}
AXIS_TITLES = {"epochs": "epoch", "minutes": "minutes of training", "images": "images seen"}


class Line(NamedTuple):
    key: str  # of a row of metrics.jsonl
    name: str
    colour: str
    dash: str  # tells the lines of a chart apart without colour
    unit: float = 1.0


class Chart(NamedTuple):
    title: str
    lines: tuple[Line, ...]
    y: str
    alt: str
    shares: bool = False  # values in 0 to 1: the axis is fixed, and never logarithmic
    is_banded: bool = False  # answers of D: a line where it can only guess, a band where neither side leads


class Look(NamedTuple):
    """How the user wants the curves."""

    axis: str = "epochs"  # a key of curves.AXES
    smoothing: float = 0.0  # share of what was before, [0, 1)
    log: bool = False
    window: int = 0  # the last rows; 0 for all


TWO = {
    "losses": Chart(
        "Losses",
        (Line("loss_d", "Loss of D", BLUE, "solid"), Line("loss_g", "Loss of G", ORANGE, "dash")),
        "loss",
        "Loss of D and loss of G over the run",
    ),
    "balance": Chart(
        "D(x) and D(G(z))",
        (Line("d_real", "D(x), real", BLUE, "solid"), Line("d_fake", "D(G(z)), fake", ORANGE, "dash")),
        "D says real",
        "How real D takes real images and fakes to be, 0 to 1, over the run; 0.5 means it can only guess",
        shares=True,
        is_banded=True,
    ),
}
CHARTS: dict[str, dict[str, Chart]] = {  # by the game of a family, see gan_core/settings/families.py
    "evolution": {
        **TWO,
        "mutations": Chart(
            "Mutation log",
            (
                Line("mutation_minimax", "Minimax", BLUE, "solid"),
                Line("mutation_nonsaturating", "Non-saturating", ORANGE, "dash"),
                Line("mutation_least_squares", "Least squares", GREY, "dot"),
            ),
            "share of steps won",
            "How often each of three losses made the child of G that lived on, over the run",
            shares=True,
        ),
    },
    "cycle": {
        **TWO,
        "cycle": Chart(
            "There and back",
            (
                Line("loss_cycle", "There and back", ORANGE, "dash"),
                Line("loss_same", "Into its own class", BLUE, "solid"),
            ),
            "mean absolute error",
            "Error of images turned into another class and back, or into their own, over the run",
        ),
    },
    "vae": {
        "reconstruction": Chart(
            "Reconstruction",
            (Line("loss_g", "Error of the reconstruction", ORANGE, "dash"),),
            SQUARES,
            "Error of decoded images over the run",
        ),
        "divergence": Chart(
            "Divergence",
            (Line("loss_d", "Divergence from noise", BLUE, "solid"),),
            "nats an image",
            "Divergence of the codes from plain noise over the run",
        ),
    },
    "kmeans": {
        "distance": Chart(
            "Distance",
            (Line("loss_g", "Distance from the nearest cluster", ORANGE, "dash"),),
            SQUARES,
            "Distance of images from their nearest cluster over the run",
        )
    },
}
MACHINE = {
    "speed": Chart(
        "Speed",
        (Line("images_per_second", "Images a second", BLUE, "solid"),),
        "images a second",
        "Images shown in a second of training over the run",
    ),
    "memory": Chart(
        "Memory",
        (Line("memory_bytes", "Memory", ORANGE, "dash", 1e9),),
        "GB",
        "Memory that the training process held over the run, in GB",
    ),
}


def of_game(game: str) -> dict[str, Chart]:
    """The charts of a run, by key, two a row."""
    return CHARTS.get(game, TWO)


def draw(
    chart: Chart,
    columns: Columns,
    look: Look,
    marks: Sequence[Milestone] = (),
    band: tuple[float, float] | None = None,
) -> charts.Figure:
    """The curves over look.axis. marks: what happened; band: between which answers of D both lines count as balanced."""
    along = last({"x": axis(columns, look.axis)}, look.window)["x"]
    lines = [line for line in chart.lines if line.key in columns]
    placed = inside(marks, columns, look, along)
    data = [*(one for line in lines for one in curves_of(line, along, columns[line.key] / line.unit, look))]
    layout = charts.plain_layout(AXIS_TITLES[look.axis], chart.y, HEIGHT)
    layout |= {  # what the user did with an axis is kept for as long as the axis means the same
        "uirevision": "kept",
        "xaxis": layout["xaxis"] | {"uirevision": f"{look.axis} {look.window}"},
        "yaxis": layout["yaxis"] | {"uirevision": f"{look.log and not chart.shares}"},
        "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        "shapes": [upright(x, RED) for mark, x in placed if mark.kind == "alarm"],
    }
    if chart.shares:
        layout["yaxis"] |= {"range": [-0.02, 1.02]}
    elif look.log:
        layout["yaxis"] |= {"type": "log"}
    if chart.is_banded:
        layout["shapes"].append(charts.level_line(0.5, GREY))
    if chart.is_banded and band:
        layout["shapes"].append(
            {
                "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": band[0], "y1": band[1],
                "fillcolor": GREEN, "opacity": 0.13, "line": {"width": 0}, "layer": "below",
            }
        )  # fmt: skip
        layout["annotations"] = [
            {
                "text": "balanced", "xref": "paper", "x": 0, "xanchor": "left", "y": band[0], "yanchor": "bottom",
                "showarrow": False, "font": {"color": GREY},
            }
        ]  # fmt: skip
    return {"data": data + signs_of(placed), "layout": layout}


def curves_of(line: Line, along: np.ndarray, values: np.ndarray, look: Look) -> Iterator[dict[str, Any]]:
    """Smoothed on all rows; then only those of the window, thinned. The raw curve is faint behind a smoothed one."""
    raw, smoothed = (last({"y": one}, look.window)["y"] for one in (values, smooth(values, look.smoothing)))
    for shown, is_behind in [(raw, True), (smoothed, False)] if look.smoothing else [(raw, False)]:
        rows = thin(shown, MOST_POINTS)
        yield {
            "type": "scatter",
            "x": packed(along[rows], "f8"),
            "y": packed(shown[rows], "f4"),  # more digits than a screen has
            "name": f"{line.name}, as measured" if is_behind else line.name,
            "mode": "lines" if len(rows) > 1 else "markers",
            "line": {
                "color": line.colour,
                "dash": "solid" if is_behind else line.dash,
                "width": 1 if is_behind else 2,
            },
            "opacity": 0.3 if is_behind else 1.0,
            "legendgroup": line.key,
            "showlegend": not is_behind,
            **({"hoverinfo": "skip"} if is_behind else {"hovertemplate": "%{y:.4g}"}),
        }


def packed(values: np.ndarray, kind: str) -> dict[str, str]:
    """Numbers as plotly.js reads them in base64, a third of what their digits would take."""
    return {"dtype": kind, "bdata": base64.b64encode(values.astype(f"<{kind}").tobytes()).decode()}


def inside(
    marks: Sequence[Milestone], columns: Columns, look: Look, along: np.ndarray
) -> list[tuple[Milestone, float]]:
    """The newest marks that lie on the curves, each with its place."""
    if not len(along):
        return []
    at = places(list(marks), columns, look.axis)
    return [(mark, float(x)) for mark, x in zip(marks, at, strict=True) if along[0] <= x <= along[-1]][-MOST_MARKS:]


def signs_of(placed: list[tuple[Milestone, float]]) -> list[dict[str, Any]]:
    """Signs along the upper edge, an entry of the legend for each kind."""
    traces = []
    for kind, (symbol, colour) in SIGNS.items():
        if mine := [(mark, x) for mark, x in placed if mark.kind == kind]:
            traces.append(
                {
                    "type": "scatter", "yaxis": "y2", "mode": "markers", "name": KINDS[kind],
                    "x": [x for _, x in mine],
                    "y": [0.97] * len(mine),
                    "marker": {"symbol": symbol, "color": colour, "size": 10},
                    "text": [wrapped(f"{KINDS[kind]}: {mark.text}") for mark, _ in mine],
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )  # fmt: skip
    return traces


def upright(x: float, colour: str) -> dict[str, Any]:
    line = {"color": colour, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line, "layer": "below"}


def wrapped(text: str, letters: int = 60) -> str:
    """Text for a hover box: lines of at most so many letters, escaped: plotly reads HTML."""
    return "<br>".join(html.escape(line) for line in textwrap.wrap(" ".join(text.split()), letters))
