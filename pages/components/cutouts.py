"""What is cut out of a dataset's pictures, before it is pasted on others."""

from pathlib import Path

import numpy as np
import streamlit as st

from gan_core.data import dataset as dataset_folder
from gan_core.data import foreground
from pages.components.text import plain

PREVIEWED = 6  # classes


@st.cache_data(max_entries=8, show_spinner=False)
def cuts(folder: str, classes: int) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """An image of each of some classes, and the same with its background greyed out; None where no object is found."""
    train = dataset_folder.load(Path(folder), "train")
    found = []
    for label in range(min(classes, PREVIEWED)):
        image = np.asarray(train.images[int(np.argmax(np.asarray(train.labels) == label))])
        mask = foreground.alpha(image)
        grey = None if mask is None else np.rint(image * mask[..., None] + 128 * (1 - mask[..., None])).astype(np.uint8)
        found.append((image, grey))
    return found


def show(dataset: Path, classes: list[str]) -> None:
    """Before and after, so that nobody pastes what was cut out badly."""
    found = cuts(str(dataset), len(classes))
    st.caption(f"What is cut out, in an image of each of the first {len(found)} classes:")
    for column, name, (before, after) in zip(st.columns(len(found)), classes, found, strict=False):
        column.image([before.squeeze(), (before if after is None else after).squeeze()], width=72)
        column.caption(plain(name if after is not None else f"{name}: no object found"))
