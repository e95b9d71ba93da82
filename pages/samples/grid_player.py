"""Plays the sample grids of one run beside real images, or of two runs, in the browser.

Playing needs no rerun of the page: the pictures never change, so the browser loads the next ones while it shows this one.
"""

from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from gan_core.storage.run_folder import Row
from pages.shared import urls

FILES: dict[str, Any] = {kind: Path(__file__).with_suffix(f".{kind}").read_text() for kind in ("html", "css", "js")}
COMPONENT = st.components.v2.component("ganvas_player", **FILES)


class PlayedRun(NamedTuple):
    """The grids of one run. name: A or B, '' where there is no other run; at: index of the grid that is shown first."""

    run: str
    name: str
    title: str
    grids: list[Row]
    at: int

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "base": urls.samples(self.run),
            "files": [row["file"] for row in self.grids],
            "epochs": [row["epoch"] for row in self.grids],
            "seen": [row["images_seen"] for row in self.grids],
            "at": self.at,
        }


def grid_player(
    a: PlayedRun, b: PlayedRun | None, real: str | None, *, key: str, id: str
) -> tuple[int | None, int | None]:
    """Images seen at the grids that the user chose last, None before the first choice.

    b: shown beside a, else the picture at the address `real`. id: another one starts the player anew at the given grids; with
    the same one it stays where the browser is.
    """
    data = {"id": id, "a": a.as_json(), "b": b and b.as_json(), "real": real, "together": b and b.run != a.run}
    chosen = COMPONENT(key=key, data=data, on_a_change=lambda: None, on_b_change=lambda: None)
    return chosen.a, chosen.b
