"""The table per class and the confusion matrix; a row, or a cell, opens the images behind it."""

import zlib
from typing import Any

import streamlit as st

from gan_core.evaluation.result_parts import Agreement
from gan_core.evaluation.results import ClassScores, EvaluationResult
from gan_core.text import count, interval, percent
from gan_core.views.evaluation_results import EvaluatedImages, TrainingSet, closest_of_class, rows_of, spread
from pages.evaluate import charts as evaluate_charts
from pages.shared import charts
from pages.shared.image_sheets import show_pairs, show_sheet
from pages.shared.text import plain

MOST_IMAGES, MOST_PAIRS = 40, 8
CHOSEN, REQUESTED, PREDICTED = "class_choice", "cell_requested", "cell_predicted"
NOT_KEPT = "The images of this evaluation were not kept. Evaluate the run again to see them."
COLUMNS = {
    "class": st.column_config.TextColumn(width=150, pinned=True),
    "variety": st.column_config.NumberColumn(
        format="%.2f", help="Variance within the class, generated over real; 1 means as varied as real images."
    ),
    "label kept": st.column_config.NumberColumn(
        format="percent",
        help="Share of the generated images of this class in which the dataset classifier sees the class.",
    ),
    "of real images": st.column_config.NumberColumn(
        format="percent", help="The same share for held-out real images of the class."
    ),
    "coverage": st.column_config.NumberColumn(format="%.3f"),
    "density": st.column_config.NumberColumn(format="%.3f"),
    "distance": st.column_config.NumberColumn(format="%.4g"),
    "kernel distance": st.column_config.NumberColumn(format="%.4g"),
}


def show_class_table(result: EvaluationResult, kept: EvaluatedImages | None, train: TrainingSet | None) -> None:
    """The table, the class with the lowest coverage first, and the images of the chosen class."""
    if not result.per_class:
        return
    order = result.classes_by_coverage
    # A table of its own for each order: a selected row must not become another class with the next evaluation.
    table_key = f"class_table_{zlib.crc32(repr(order).encode()):08x}"
    st.header("Per class")

    @st.fragment
    def table() -> None:
        st.caption("Select a row or a class below to see its images. The class with the lowest coverage is first.")
        st.dataframe(
            table_rows(result.per_class, order),
            hide_index=True,
            key=table_key,
            on_select=lambda: choose_row(order, table_key),
            selection_mode="single-row",
            alt="Scores of each class",
            column_config=COLUMNS,
        )
        chosen = st.selectbox(
            "Images of class", order, index=None, key=CHOSEN, placeholder="Choose a class or select its row"
        )
        if chosen is not None:
            show_class(chosen, result, kept, train)

    table()


def table_rows(per_class: dict[str, ClassScores], order: list[str]) -> list[dict[str, Any]]:
    """The table's rows; a column that no class has a value in is left out."""
    full = [
        {
            "class": name,
            "real": row.n_real,
            "generated": row.n_fake,
            "compared": (row.model_extra or {}).get("n"),
            "distance": row.distance,
            "kernel distance": row.kid,
            "its 95 % interval": interval(row.kid_ci) if row.kid_ci else None,
            "density": row.density,
            "coverage": row.coverage,
            "variety": row.variance_ratio,
            "label kept": row.agreement,
            "of real images": row.real_agreement,
            "not available": row.reasons or None,
        }
        for name, row in ((name, per_class[name]) for name in order)
    ]
    empty = {key for key in full[0] if all(row[key] is None for row in full)}
    return [{key: value for key, value in row.items() if key not in empty} for row in full]


def choose_row(order: list[str], key: str) -> None:
    """A selected row becomes the choice in the box below the table."""
    selected = st.session_state[key]["selection"]["rows"]
    st.session_state[CHOSEN] = order[selected[0]] if selected and selected[0] < len(order) else None


def show_class(name: str, result: EvaluationResult, kept: EvaluatedImages | None, train: TrainingSet | None) -> None:
    """Generated and real images of one class side by side, then its closest pairs."""
    if why := result.per_class[name].reasons:
        st.caption(plain(f"Not available for this class: {why}"))
    if kept is None or name not in result.classes:
        st.info(NOT_KEPT, icon=":material/info:")
        return
    label = result.classes.index(name)
    rows = rows_of(kept, label)
    left, right = st.columns(2)
    with left:
        st.subheader(f"Generated as {plain(name)}")
        show_sheet(kept.images[spread(rows, MOST_IMAGES)], f"Generated images of the class {name}")
        predicted = kept.samples["predicted"][rows]
        if (predicted >= 0).any():
            agree = int((predicted == label).sum())
            st.caption(f"The dataset classifier sees this class in {agree:,} of {count(len(rows), 'image')}.")
    with right:
        st.subheader(f"Real {plain(name)}")
        if train is None:
            st.caption("The training images of this dataset are missing.")
            return
        real = spread((train[1] == label).nonzero()[0], MOST_IMAGES)
        show_sheet(train[0][real], f"Real images of {name}")
    st.subheader("Closest to a training image")
    pairs = closest_of_class(kept, train[0], label, MOST_PAIRS)
    if pairs:
        show_pairs(pairs, f"Generated images of {name}, each beside the training image nearest to it", "class_pairs")
    else:
        st.caption("This evaluation did not look for the nearest training images.")


def show_confusion(agreement: Agreement | None, classes: list[str], kept: EvaluatedImages | None) -> None:
    """The classes that the dataset classifier predicts for each requested class; a cell, or two boxes, open its images."""
    counts = agreement.confusion if agreement else []
    if agreement is None or not counts or len(counts) != len(classes):
        return
    st.header("Requested and predicted classes")
    st.markdown(
        f"The dataset classifier sees the requested class in **{percent(agreement.overall)}** of the generated images. On "
        f"held-out real images it is right in {percent(agreement.real)}."
    )

    @st.fragment
    def matrix() -> None:
        left, right = st.columns([3, 2])
        with left:
            st.plotly_chart(
                evaluate_charts.confusion(classes, counts),
                key="confusion",
                on_select=lambda: choose_cell(len(classes)),
                selection_mode="points",
                config=charts.CONFIG | {"displayModeBar": False},
                alt="Confusion matrix: a row for each requested class, a column for each class that the dataset classifier "
                "predicts. The two boxes beside it open the same images.",
            )
        with right:
            labels = range(len(classes))
            requested = st.selectbox("Requested", labels, index=None, format_func=classes.__getitem__, key=REQUESTED)
            predicted = st.selectbox("Predicted", labels, index=None, format_func=classes.__getitem__, key=PREDICTED)
            if requested is None or predicted is None:
                st.caption("Click a cell or choose two classes to see the images of a cell.")
            else:
                show_cell(requested, predicted, counts[requested][predicted], kept, classes)

    matrix()


def choose_cell(num_classes: int) -> None:
    """A clicked cell becomes the choice in the two boxes."""
    points = st.session_state["confusion"]["selection"]["points"]
    if points:
        requested, predicted = round(points[0]["y"]), round(points[0]["x"])
        if 0 <= requested < num_classes and 0 <= predicted < num_classes:
            st.session_state[REQUESTED], st.session_state[PREDICTED] = requested, predicted


def show_cell(requested: int, predicted: int, total: int, kept: EvaluatedImages | None, classes: list[str]) -> None:
    if kept is None:
        st.info(NOT_KEPT, icon=":material/info:")
        return
    rows = rows_of(kept, requested, predicted)
    fewer = f", {len(rows):,} of them kept" if len(rows) < total else ""
    names = plain(classes[requested]), plain(classes[predicted])
    st.markdown(f"**{names[0]}** predicted as **{names[1]}**: {count(total, 'image')}{fewer}.")
    if len(rows):
        alt = f"Images of the class {classes[requested]} predicted as {classes[predicted]}"
        show_sheet(kept.images[spread(rows, MOST_IMAGES)], alt)
