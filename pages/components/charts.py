"""The plotly figures: pure functions of rows, at most 2,000 points a series; names are escaped: plotly reads HTML."""

import html
from collections.abc import Callable
from typing import Any, NamedTuple

import plotly.graph_objects as go

from gan_core.runfolder import decimate

Row = dict[str, Any]
BLUE, ORANGE, GREY, PURPLE = "#2f79c4", "#e07b1a", "#8a97a5", "#8257b5"  # readable on the light and on the dark page
SQUARES = "mean squared error, pixels in -1 to 1"
MUTATIONS = {
    "mutation_minimax": ("Minimax", BLUE, "solid"),
    "mutation_nonsaturating": ("Non-saturating", ORANGE, "dash"),
    "mutation_least_squares": ("Least squares", GREY, "dot"),
}
CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
}


def layout(figure: go.Figure, x: str, y: str, height: int) -> go.Figure:
    return figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis_title=x,
        yaxis_title=y,
        legend={
            "orientation": "h",
            "traceorder": "normal",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
        },  # the toolbar is above
        hovermode="x unified",
    )


def curves(rows: list[Row], names: dict[str, tuple[str, str, str]], y: str) -> go.Figure:
    """Lines over epochs. names: {row key: (legend, colour, dash)}; dash tells the lines apart without colour."""
    shown = decimate(rows)
    epochs = [row.get("epoch") for row in shown]
    figure = go.Figure()
    for key, (name, colour, dash) in names.items():
        figure.add_scatter(
            x=epochs,
            y=[row.get(key) for row in shown],
            name=name,
            mode="lines" if len(shown) > 1 else "markers",
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate="%{y:.3f}",
        )
    return layout(figure, "epoch", y, 300)


def losses(rows: list[Row]) -> go.Figure:
    """The losses of D and G, [rows] -> figure."""
    return curves(rows, {"loss_d": ("Loss of D", BLUE, "solid"), "loss_g": ("Loss of G", ORANGE, "dash")}, "loss")


def reconstruction(rows: list[Row]) -> go.Figure:
    """How far a decoded image is from its original."""
    return curves(rows, {"loss_g": ("Error of the reconstruction", ORANGE, "dash")}, SQUARES)


def divergence(rows: list[Row]) -> go.Figure:
    """How much an image's code tells, beyond plain noise."""
    return curves(rows, {"loss_d": ("Divergence from noise", BLUE, "solid")}, "nats an image")


def distance(rows: list[Row]) -> go.Figure:
    """How far an image is from the nearest cluster of its class."""
    return curves(rows, {"loss_g": ("Distance from the nearest cluster", ORANGE, "dash")}, SQUARES)


def cycle(rows: list[Row]) -> go.Figure:
    """How far an image is from itself after it was turned into another class and back, or into its own."""
    names = {"loss_cycle": ("There and back", ORANGE, "dash"), "loss_same": ("Into its own class", BLUE, "solid")}
    return curves(rows, names, "mean absolute error")


def mutations(rows: list[Row]) -> go.Figure:
    """How often each loss made the child that lived on, 0 to 1; rows in which no child was made are left out."""
    figure = curves([row for row in rows if "mutation_minimax" in row], MUTATIONS, "share of steps won")
    return figure.update_yaxes(range=[-0.02, 1.02])


def balance(rows: list[Row]) -> go.Figure:
    """D(x) and D(G(z)) in 0 to 1, with the line at 0.5 where D can only guess."""
    figure = curves(
        rows, {"d_real": ("D(x), real", BLUE, "solid"), "d_fake": ("D(G(z)), fake", ORANGE, "dash")}, "D says real"
    )
    figure.add_hline(y=0.5, line={"color": GREY, "width": 1, "dash": "dot"})
    return figure.update_yaxes(range=[-0.02, 1.02])


class Chart(NamedTuple):
    title: str
    draw: Callable[[list[Row]], go.Figure]
    alt: str


TWO = {
    "losses": Chart("Losses", losses, "Loss of D and loss of G over epochs"),
    "balance": Chart(
        "D(x) and D(G(z))",
        balance,
        "How real D takes real images and fakes to be, 0 to 1, over epochs; 0.5 means it can only guess",
    ),
}
CHARTS: dict[str, dict[str, Chart]] = {  # by the game of a family, see gan_core/families.py
    "evolution": {
        **TWO,
        "mutations": Chart(
            "Mutation log", mutations, "How often each of three losses made the child of G that lived on, over epochs"
        ),
    },
    "cycle": {
        **TWO,
        "cycle": Chart("There and back", cycle, "Error of images turned into another class and back, over epochs"),
    },
    "vae": {
        "reconstruction": Chart("Reconstruction", reconstruction, "Error of decoded images over epochs"),
        "divergence": Chart("Divergence", divergence, "Divergence of the codes from plain noise over epochs"),
    },
    "kmeans": {"distance": Chart("Distance", distance, "Distance of images from their nearest cluster over epochs")},
}


def of_game(game: str) -> dict[str, Chart]:
    """The charts of a run, by key, two a row."""
    return CHARTS.get(game, TWO)


def class_counts(classes: list[str], train: list[int], test: list[int]) -> go.Figure:
    """Images per class, training and test, stacked."""
    return bars(classes, {"training": (train, BLUE, ""), "test": (test, ORANGE, "/")})


def planned_counts(classes: list[str], real: list[int], made: dict[str, list[int]]) -> go.Figure:
    """Real images and those to be made per class, stacked. made: {legend: counts}."""
    looks = zip(made.items(), ((ORANGE, "/"), (GREY, "."), (PURPLE, "x")), strict=False)
    return bars(classes, {"real": (real, BLUE, ""), **{name: (counts, *look) for (name, counts), look in looks}})


def bars(classes: list[str], parts: dict[str, tuple[list[int], str, str]]) -> go.Figure:
    """Horizontal stacked bars, the first class on top. parts: {legend: (counts, colour, pattern)}."""
    names = [html.escape(name if len(name) <= 24 else name[:23] + "…") for name in classes]
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


def reading(rows: list[Row], last: int = 10) -> str:
    """One sentence on how D and G stand, from the mean of the last rows; '' before there are numbers."""
    recent = [row for row in rows[-last:] if row.get("d_real") is not None and row.get("d_fake") is not None]
    if not recent:
        return ""
    real = sum(row["d_real"] for row in recent) / len(recent)
    fake = sum(row["d_fake"] for row in recent) / len(recent)
    said = f"D(x) is {real:.2f} and D(G(z)) is {fake:.2f}"
    if real - fake > 0.8:
        return f"D is winning: {said}, so G learns little. A lower learning rate of D helps."
    if real - fake > 0.35:
        return f"D is ahead: {said}. G still learns; watch whether the two lines drift further apart."
    if real - fake < -0.1:
        return f"G is ahead: {said}, so D takes fakes for real. If the samples look poor, D is too weak."
    return f"D and G are balanced: {said}, close together, as they should be."
