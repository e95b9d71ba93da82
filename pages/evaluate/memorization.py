"""Copies of training images: the verdict, the distances against the held-out split's own, and the closest pairs."""

from pathlib import Path
from typing import Any

import streamlit as st

from gan_core.evaluation.vocabulary import SPACES
from gan_core.text import count
from gan_core.views.evaluation_results import Kept, closest_pairs, read_train
from pages.evaluate import charts as evaluate_charts
from pages.shared import charts
from pages.shared.image_sheets import show_pairs
from pages.shared.text import plain


def copies(result: dict[str, Any], kept: Kept | None, folder: Path) -> None:
    """folder: of the dataset."""
    found = result.get("memorisation")
    if not found:
        return
    st.header("Copies of training images")
    st.markdown(
        f"How near {count(found.get('n_fake') or 0, 'generated image')} come to the nearest of "
        f"{count(found.get('n_train') or 0, 'training image')}, beside how near "
        + (
            f"{count(found.get('n_held_out') or 0, 'held-out real image')} come to them."
            if found.get("beside") != "training"
            else "other training images come to each other: there are too few held-out ones."
        )
    )
    left, right = st.columns(2)
    histogram = found.get("histogram") or {}
    if histogram.get("fake") and histogram.get("edges"):
        left.plotly_chart(
            evaluate_charts.distances(histogram),
            key="copies_histogram",
            config=charts.CONFIG,
            alt="Distances to the nearest training image: generated images as bars, held-out real ones as a line. "
            "Bars far left of the line are copies.",
        )
        space = SPACES.get(histogram.get("space", ""), histogram.get("space", ""))
        left.caption(plain(f"Measured in {space}. Bars well to the left of the line would be copies."))
    with right:
        spaces(found.get("spaces") or {})
    st.subheader("The closest pairs: generated, then its nearest training image")
    train = read_train(folder)
    if kept is None or train is None:
        st.caption("Their images were not kept: measure the run again to see them.")
        return
    show_pairs(
        closest_pairs(result, kept, train[0]), "The closest pairs of a generated and a training image", "closest_pairs"
    )


def spaces(found: dict[str, dict[str, Any]]) -> None:
    """The numbers behind the verdict, a column for each space that distances were taken in."""
    named = {
        "median_ratio": "median distance, over that of held-out images",
        "ct_z": "z of the data-copying test (C_T)",
        "authenticity": "authentic, generated",
        "authenticity_held_out": "authentic, held-out",
        "near_copies": "near copies, generated",
        "near_copies_held_out": "near copies, held-out",
    }
    columns: dict[str, list[Any]] = {"measure": list(named.values())}
    for space, row in found.items():
        columns[SPACES.get(space, space)] = [row.get(key) for key in named]
    if len(columns) > 1:
        st.dataframe(
            columns,
            hide_index=True,
            key="copies_spaces",
            alt="Numbers behind the verdict on copies",
            column_config={name: st.column_config.NumberColumn(format="%.3g") for name in list(columns)[1:]},
        )
