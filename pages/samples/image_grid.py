"""A grid of drawn images; a click, or Enter, enlarges one and shows the real images nearest to it. No rerun of the page."""

from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

FILES: dict[str, Any] = {kind: Path(__file__).with_suffix(f".{kind}").read_text() for kind in ("html", "css", "js")}
COMPONENT = st.components.v2.component("ganvas_image_grid", **FILES)


class WalkEnd(NamedTuple):
    end: str  # from or to
    image: int  # its number in the grid


def image_grid(
    groups: list[dict[str, Any]], *, base: str, id: str, small: bool, walks: bool, key: str
) -> WalkEnd | None:
    """The end of a walk that was just chosen, else None. groups: {"name", "images": [{"file", "title", "alt", "words", "copy",
    "download", "near": [{"file", "alt", "text"}]}]}; files lie under base; small: few pixels, shown as squares when enlarged."""
    data = {"groups": groups, "base": base, "id": id, "small": small, "walks": walks}
    chosen = COMPONENT(key=key, data=data, on_walk_change=lambda: None).walk
    return WalkEnd(str(chosen["end"]), int(chosen["image"])) if chosen else None
