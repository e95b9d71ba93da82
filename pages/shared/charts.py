"""Helpers of all plotly figures, and stacked bars of classes. Names are escaped, because plotly reads HTML."""

import html
from typing import Any

import plotly.graph_objects as go
import streamlit as st

# {"data": [...], "layout": {...}}, as plotly.js reads it; a go.Figure takes twenty times as long to build
Figure = dict[str, Any]

# readable on the light and on the dark page
BLUE, ORANGE, GREY, PURPLE = "#2f79c4", "#e07b1a", "#8a97a5", "#8257b5"
GREEN, VIOLET = "#5b8f29", "#8a5aa8"
CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "showSendToCloud": False,  # plotly.js offers it by default
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
}


def short(name: str, most: int = 24) -> str:
    """A name of at most so many letters, escaped: plotly reads HTML."""
    return html.escape(name if len(name) <= most else name[: most - 1] + "…")


def plain_layout(x: str, y: str, height: int) -> dict[str, Any]:
    """The layout of every chart. x, y: titles of the axes; height in px."""
    return {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 34, "b": 8},  # the toolbar is above, and stays there on a touch screen
        "dragmode": False,  # a finger scrolls the page; the toolbar zooms
        "xaxis": {"title": {"text": x}},
        "yaxis": {"title": {"text": y}},
        "legend": {
            "orientation": "h",
            "traceorder": "normal",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
        },
        "hovermode": "x unified",
    }


def level_line(y: float, colour: str) -> dict[str, Any]:
    """A dotted line over the whole width of the plot."""
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": y,
        "y1": y,
        "line": {"color": colour, "width": 1, "dash": "dot"},
    }


def show(figure: Figure | go.Figure, *, key: str, alt: str) -> None:
    """Show a figure. alt: what it shows, for screen readers."""
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)


def layout(figure: go.Figure, x: str, y: str, height: int) -> go.Figure:
    return figure.update_layout(plain_layout(x, y, height))


def bars(classes: list[str], parts: dict[str, tuple[list[int], str, str]]) -> go.Figure:
    """Horizontal stacked bars, the first class on top. parts: {legend: (counts, colour, pattern)}."""
    names = [short(name) for name in classes]
    figure = go.Figure()
    for legend, (counts, colour, pattern) in parts.items():
        figure.add_bar(
            y=list(range(len(classes))),
            x=counts,
            name=legend,
            orientation="h",
            customdata=names,
            marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay", "size": 6}},
            hovertemplate="%{customdata}: %{x:,}",
        )
    layout(figure, "images", "", 110 + 26 * len(classes)).update_layout(barmode="stack", hovermode="closest")
    return figure.update_yaxes(
        autorange="reversed", tickmode="array", tickvals=list(range(len(classes))), ticktext=names
    )
