"""Many images as one picture, because an element of the page for each image is slow."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from gan_core.evaluation.names_and_thresholds import about_pair
from gan_core.views.evaluation_results import Pair, pair_sheet
from gan_core.views.image_sheet import png, sheet

COLUMNS, PAIR_COLUMNS = 8, 4
PIXELS = 520  # the largest width of a sheet on the page


def show_sheet(images: Sequence[np.ndarray] | np.ndarray, alt: str, columns: int = COLUMNS) -> None:
    if len(images):
        picture = sheet(images, columns)
        with st.container(width=min(PIXELS, picture.width)):
            st.image(png(picture), width="stretch", alt=alt)
    else:
        st.caption("None.")


def show_pairs(pairs: Sequence[Pair], alt: str, key: str) -> None:
    """Each generated image beside its nearest training image, the closest pair first; the distances in a table below."""
    if not pairs:
        st.caption("None.")
        return
    picture = pair_sheet(pairs, PAIR_COLUMNS)
    with st.container(width=min(PIXELS + 140, picture.width)):
        st.image(png(picture), width="stretch", alt=alt)
    with st.expander("Show the distances", key=f"{key}_distances"):
        st.dataframe(
            {
                "pair": range(1, len(pairs) + 1),
                "what": [about_pair(pair.distance, pair.ratio, pair.flipped) for pair in pairs],
            },
            hide_index=True,
            key=f"{key}_table",
            alt="Distance of each pair, the closest first",
        )
