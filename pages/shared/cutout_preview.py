"""Preview of cut-out objects: some images of a dataset before and after."""

from pathlib import Path

import numpy as np
import streamlit as st

from gan_core.data import dataset as dataset_folder
from gan_core.dataset_health import foreground
from gan_core.dataset_health.curate import in_mode
from pages.shared.text import plain

PREVIEWED = 6  # images at a time, of as many classes
GREY = (128, 128, 128)
GOLDEN_RATIO = 0.618  # steps of this share of a class spread evenly, however many are taken


@st.cache_data(max_entries=32, show_spinner=False)
def cuts(folder: str, turn: int) -> list[tuple[int, np.ndarray, np.ndarray | None]]:
    """(label, image, mask) for an image of each of six classes; mask None where no object is found. turn: 0, 1, ... for others."""
    train = dataset_folder.load(Path(folder), "train")
    labels = np.asarray(train.labels)
    rounds = -(-len(train.classes) // PREVIEWED)
    first, number = turn % rounds * PREVIEWED, turn // rounds
    found = []
    for label in range(first, min(first + PREVIEWED, len(train.classes))):
        rows = np.flatnonzero(labels == label)
        if len(rows):
            image = np.asarray(train.images[rows[round(number * GOLDEN_RATIO * len(rows)) % len(rows)]])
            found.append((label, image, foreground.alpha(image)))
    return found


@st.fragment
def show(dataset: Path, classes: list[str], color: tuple[int, int, int] = GREY, key: str = "cutouts") -> None:
    """Before and after, so that the user sees what is cut out badly. color: RGB behind the objects; key: prefix of widget keys."""

    def others() -> None:
        st.session_state[f"{key}_turn"] = st.session_state.get(f"{key}_turn", 0) + 1

    found = cuts(str(dataset), st.session_state.get(f"{key}_turn", 0))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Cut-out objects, one image of each class:")
        st.button("Next six", key=f"{key}_next", icon=":material/arrow_forward:", type="tertiary", on_click=others)
    with st.container(horizontal=True, key=f"{key}_pictures"):
        for label, image, mask in found:
            name = plain(classes[label])
            after = image if mask is None else foreground.on_color(image, mask, in_mode(color, image.shape[2]))
            with st.container(width=160):
                st.image([image.squeeze(), after.squeeze()], width=72, alt=[f"{classes[label]}, before", "after"])
                st.caption(name if mask is not None else f"{name}: no object found")
