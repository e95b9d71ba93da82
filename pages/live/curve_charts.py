"""The curves of a run as plotly figures: the raw curve behind the smoothed one, with bands and events. Pure functions of columns.

Plain dictionaries: plotly.py takes 50 ms to check every field of a figure, and the page draws one every two seconds.
"""

import base64
import html
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from gan_core.views.curves import MOST_POINTS, Columns, axis, last, smooth, thin
from gan_core.views.run_events import KINDS, RunEvent, places
from pages.live.chart_specs import Chart, Line
from pages.shared import charts
from pages.shared.charts import BLUE, GREY, ORANGE, PURPLE

HEIGHT = 320
BAND_GREEN, RED = "#3a9a5b", "#c0392b"
MOST_EVENTS = 300  # of one run; the newest
EVENT_MARKS = {  # kind of an event: (symbol, color); the symbol tells them apart without color
    "alarm": ("x", RED),
    "warning": ("triangle-up", ORANGE),
    "checkpoint": ("diamond", BAND_GREEN),
    "pause": ("square", GREY),
    "resumed": ("triangle-right", BLUE),
    "end": ("hexagon", GREY),
    "notice": ("circle", PURPLE),
}
AXIS_TITLES = {"epochs": "epoch", "minutes": "minutes of training", "images": "images seen"}


class CurveOptions(NamedTuple):
    """What the controls above the charts say."""

    axis: str = "epochs"  # a key of views.curves.AXES
    smoothing: float = 0.0  # weight of the earlier points in the exponential average, [0, 1)
    log: bool = False
    window: int = 0  # the last rows; 0 for all


def draw(
    chart: Chart,
    columns: Columns,
    options: CurveOptions,
    events: Sequence[RunEvent] = (),
    band: tuple[float, float] | None = None,
) -> charts.Figure:
    """The figure of one chart. band: discriminator outputs between which both lines count as balanced."""
    along = last({"x": axis(columns, options.axis)}, options.window)["x"]
    placed = events_in(events, columns, options.axis, along)
    traces = [
        trace
        for line in chart.lines
        if line.key in columns
        for trace in curves_of(line, along, columns[line.key] / line.unit, options)
    ]
    layout = layout_of(chart, options)
    layout["shapes"] = [vertical_line(x) for event, x in placed if event.kind == "alarm"]
    if chart.is_banded:
        add_band(layout, band)
    return {"data": traces + event_traces(placed), "layout": layout}


def layout_of(chart: Chart, options: CurveOptions) -> dict[str, Any]:
    """Axes. With uirevision the browser keeps the zoom of an axis for as long as the axis means the same."""
    layout = charts.plain_layout(AXIS_TITLES[options.axis], chart.y, HEIGHT)
    log = options.log and not chart.shares
    layout["uirevision"] = "kept"
    layout["xaxis"]["uirevision"] = f"{options.axis} {options.window}"
    layout["yaxis"]["uirevision"] = f"{log}"
    layout["yaxis2"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    if chart.shares:
        layout["yaxis"]["range"] = [-0.02, 1.02]
    elif log:
        layout["yaxis"]["type"] = "log"
    return layout


def add_band(layout: dict[str, Any], band: tuple[float, float] | None) -> None:
    """A line at 0.5, where D can only guess, and the shaded band in which neither network leads."""
    layout["shapes"].append(charts.level_line(0.5, GREY))
    if band is None:
        return
    low, high = band
    layout["shapes"].append(
        {
            "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high,
            "fillcolor": BAND_GREEN, "opacity": 0.13, "line": {"width": 0}, "layer": "below",
        }
    )  # fmt: skip
    layout["annotations"] = [
        {
            "text": "balanced", "xref": "paper", "x": 0, "xanchor": "left", "y": low, "yanchor": "bottom",
            "showarrow": False, "font": {"color": GREY},
        }
    ]  # fmt: skip


def curves_of(line: Line, along: np.ndarray, values: np.ndarray, options: CurveOptions) -> Iterator[dict[str, Any]]:
    """The smoothed curve, and the raw one faint behind it. All rows are smoothed; then those of the window are thinned."""
    raw, smoothed = (last({"y": one}, options.window)["y"] for one in (values, smooth(values, options.smoothing)))
    for shown, is_behind in [(raw, True), (smoothed, False)] if options.smoothing else [(raw, False)]:
        rows = thin(shown, MOST_POINTS)
        yield {
            "type": "scatter",
            "x": packed(along[rows], "f8"),
            "y": packed(shown[rows], "f4"),  # more digits than a screen has
            "name": f"{line.name}, as measured" if is_behind else line.name,
            "mode": "lines" if len(rows) > 1 else "markers",
            "line": {
                "color": line.color,
                "dash": "solid" if is_behind else line.dash,
                "width": 1 if is_behind else 2,
            },
            "opacity": 0.3 if is_behind else 1.0,
            "legendgroup": line.key,
            "showlegend": not is_behind,
            **({"hoverinfo": "skip"} if is_behind else {"hovertemplate": "%{y:.4g}"}),
        }


def packed(values: np.ndarray, kind: str) -> dict[str, str]:
    """Numbers as plotly.js reads them in base64, a third of the bytes of their digits."""
    return {"dtype": kind, "bdata": base64.b64encode(values.astype(f"<{kind}").tobytes()).decode()}


def events_in(
    events: Sequence[RunEvent], columns: Columns, axis_name: str, along: np.ndarray
) -> list[tuple[RunEvent, float]]:
    """The newest events that lie on the visible part of the axis, each with its place. along: the places of the rows."""
    if not len(along):
        return []
    at = places(list(events), columns, axis_name)
    return [(event, float(x)) for event, x in zip(events, at, strict=True) if along[0] <= x <= along[-1]][-MOST_EVENTS:]


def event_traces(placed: list[tuple[RunEvent, float]]) -> list[dict[str, Any]]:
    """Marks along the upper edge, with an entry of the legend for each kind of event."""
    traces = []
    for kind, (symbol, color) in EVENT_MARKS.items():
        if of_kind := [(event, x) for event, x in placed if event.kind == kind]:
            traces.append(
                {
                    "type": "scatter", "yaxis": "y2", "mode": "markers", "name": KINDS[kind],
                    "x": [x for _, x in of_kind],
                    "y": [0.97] * len(of_kind),
                    "marker": {"symbol": symbol, "color": color, "size": 10},
                    "text": [wrapped(f"{KINDS[kind]}: {event.text}") for event, _ in of_kind],
                    "hovertemplate": "%{text}<extra></extra>",
                }
            )  # fmt: skip
    return traces


def vertical_line(x: float) -> dict[str, Any]:
    """Where an alarm was given."""
    line = {"color": RED, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line, "layer": "below"}


def wrapped(text: str, letters: int = 60) -> str:
    """Text for a hover box in lines of at most so many letters, escaped: plotly reads HTML."""
    return "<br>".join(html.escape(line) for line in textwrap.wrap(" ".join(text.split()), letters))
