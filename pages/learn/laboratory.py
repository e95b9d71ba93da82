"""The laboratory on the page: a player of frames, and a canvas to draw on. Both run in the browser; see laboratory.js and draw.js."""

import json
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from gan_core.learn.data import MOST_DRAWN, SHAPES, source
from gan_core.learn.settings import VERSION, Settings

HERE = Path(__file__).parent


def part(name: str) -> str:
    return (HERE / name).read_text()


PLAYER = st.components.v2.component(
    "ganvas_plane", html=part("laboratory.html"), css=part("laboratory.css"), js=part("laboratory.js")
)
CANVAS = st.components.v2.component("ganvas_draw", html=part("draw.html"), css=part("draw.css"), js=part("draw.js"))


def show_game(settings: Settings, at: str, tell_at: int, key: str) -> None:
    """Show the game where it is after the moves `at`; where the pupil leaves it goes into the link. tell_at: a number of rounds
    that the page wants to hear of while it plays.
    """
    told = asdict(settings) | {"version": VERSION}
    modes = len(source(settings.shape).centres) if SHAPES[settings.shape][3] else 0
    data = {"game": json.dumps(told), "at": at, "tell_at": tell_at, "labels": settings.labels, "modes": modes}

    def left() -> None:
        st.query_params["lab_at"] = st.session_state[key].at or ""

    PLAYER(key=key, data=data, on_at_change=left)


def draw_points(drawing: str, key: str) -> None:
    """Show the canvas with a drawing; what is drawn goes into the link."""

    def drawn() -> None:
        st.query_params["lab_drawing"] = st.session_state[key].drawing
        st.query_params["lab_at"] = ""

    CANVAS(key=key, data={"drawing": drawing, "most": MOST_DRAWN}, on_drawing_change=drawn)
