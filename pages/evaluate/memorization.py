"""Copies of training images: distances of generated images beside those of held-out images, and the closest pairs."""

from typing import Any

import streamlit as st

from gan_core.evaluation.names_and_thresholds import SPACES
from gan_core.evaluation.result_parts import Memorization, SpaceResult
from gan_core.text import count
from gan_core.views.evaluation_results import EvaluatedImages, TrainingSet, closest_pairs
from pages.evaluate import charts as evaluate_charts
from pages.shared import charts
from pages.shared.image_sheets import show_pairs
from pages.shared.text import plain

STATISTICS = {
    "median_ratio": "median distance, over that of held-out images",
    "ct_z": "z of the data-copying test (C_T)",
    "authenticity": "authentic, generated",
    "authenticity_held_out": "authentic, held-out",
    "near_copies": "near copies, generated",
    "near_copies_held_out": "near copies, held-out",
}


def show_memorization(result: Memorization, kept: EvaluatedImages | None, train: TrainingSet | None) -> None:
    st.header("Copies of training images")
    reference = (
        f"with those of {count(result.n_held_out, 'held-out real image')}."
        if result.beside != "training"
        else "with those between training images, as there are too few held-out images."
    )
    st.markdown(
        f"Distances of {count(result.n_fake, 'generated image')} to the nearest of "
        f"{count(result.n_train, 'training image')}, compared {reference}"
    )
    left, right = st.columns(2)
    histogram = result.histogram
    if histogram and histogram.fake and histogram.edges:
        left.plotly_chart(
            evaluate_charts.distances(histogram),
            key="copies_histogram",
            config=charts.CONFIG,
            alt="Distances to the nearest training image: generated images as bars, held-out real ones as a line. "
            "Bars far left of the line are copies.",
        )
        space = SPACES.get(histogram.space, histogram.space)
        left.caption(plain(f"Distances in {space}. Bars well to the left of the line would be copies."))
    with right:
        show_statistics(result.spaces)
    st.subheader("The closest pairs: a generated image and its nearest training image")
    if kept is None or train is None:
        st.caption("The images of this evaluation were not kept. Evaluate the run again to see them.")
        return
    pairs = closest_pairs(result, kept, train[0])
    show_pairs(pairs, "The closest pairs of a generated and a training image", "closest_pairs")


def show_statistics(spaces: dict[str, SpaceResult]) -> None:
    """The numbers behind the verdict, a column for each space in which distances are computed."""
    if not spaces:
        return
    columns: dict[str, list[Any]] = {"statistic": list(STATISTICS.values())}
    columns |= {SPACES.get(key, key): [getattr(space, name) for name in STATISTICS] for key, space in spaces.items()}
    st.dataframe(
        columns,
        hide_index=True,
        key="copies_spaces",
        alt="The numbers behind the verdict on copies",
        column_config={name: st.column_config.NumberColumn(format="%.3g") for name in list(columns)[1:]},
    )
