"""The laboratory on the page: a game that plays in the browser, and a canvas for drawing the real points."""

import json
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from gan_core.learn.data import MOST_DRAWN, SHAPES, source
from gan_core.learn.settings import VERSION, Settings

HERE = Path(__file__).parent


def read(*names: str) -> str:
    """The text of files beside this one. A component is given one script: its parts follow each other and share their names."""
    return "\n".join((HERE / name).read_text() for name in names)


LABORATORY = st.components.v2.component(
    "ganvas_plane",
    html=read("laboratory.html"),
    css=read("laboratory.css"),
    js=read("moves.js", "frames.js", "plane.js", "curves.js", "laboratory.js"),
)
CANVAS = st.components.v2.component("ganvas_draw", html=read("draw.html"), css=read("draw.css"), js=read("draw.js"))


def show_game(settings: Settings, at: str, answer_at: int, key: str) -> None:
    """Show the game after the moves `at`; where the user stops it goes into the link.

    answer_at: the page runs again when the game reaches this round while it plays, 0 for never.
    """
    game = json.dumps(asdict(settings) | {"version": VERSION})
    modes = len(source(settings.shape).centers) if SHAPES[settings.shape].modes else 0
    data = {"game": game, "at": at, "answer_at": answer_at, "labels": settings.labels, "modes": modes}

    def write_position() -> None:
        st.query_params["lab_at"] = st.session_state[key].at or ""

    LABORATORY(key=key, data=data, on_at_change=write_position)


def draw_points(drawing: str, key: str) -> None:
    """Show the canvas with a drawing; a new one goes into the link and starts another game."""

    def write_drawing() -> None:
        st.query_params["lab_drawing"] = st.session_state[key].drawing
        st.query_params["lab_at"] = ""

    CANVAS(key=key, data={"drawing": drawing, "most": MOST_DRAWN}, on_drawing_change=write_drawing)
