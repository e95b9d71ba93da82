"""The table per class and the confusion matrix; a row, or a cell, opens the images behind it."""

import zlib
from typing import Any

import streamlit as st

from gan_core.evaluation.result_dicts import class_order, reasons
from gan_core.text import count, interval, percent
from gan_core.views.evaluation_results import Kept, closest_of_class, read_train, rows_of, spread
from pages.evaluate import charts as evaluate_charts
from pages.shared import charts
from pages.shared.image_sheets import show_pairs, show_sheet
from pages.shared.text import plain

MOST_IMAGES, MOST_PAIRS = 40, 8
CHOSEN, ASKED, TAKEN = "class_choice", "cell_asked", "cell_taken"
GONE = "The images of this measurement were not kept: measure the run again to see them."

Train = Any  # (images, labels) of evaluations.read_train, or None


def per_class(result: dict[str, Any], kept: Kept | None, folder) -> None:
    """The table, the class with the worst coverage first, and the images of the chosen one. folder: of the dataset."""
    found, classes = result.get("per_class") or {}, result.get("classes") or []
    if not found:
        return
    order = class_order(found)
    # A table of its own for each order: a selected row must not become another class with the next measurement.
    table_key = f"class_table_{zlib.crc32(repr(order).encode()):08x}"
    st.header("Per class")

    @st.fragment
    def table() -> None:
        st.caption(
            "Select a row, or choose below, to see the images behind it. The class with the worst coverage is first."
        )
        st.dataframe(
            rows(found, order),
            hide_index=True,
            key=table_key,
            on_select=lambda: take_row(order, table_key),
            selection_mode="single-row",
            alt="Scores of each class",
            column_config={
                "class": st.column_config.TextColumn(width=150, pinned=True),
                "variety": st.column_config.NumberColumn(
                    format="%.2f", help="Variance within the class, generated over real; 1 is as varied."
                ),
                "label kept": st.column_config.NumberColumn(
                    format="percent", help="Share of images asked for as this class that the referee takes for it."
                ),
                "of real images": st.column_config.NumberColumn(
                    format="percent", help="The same for held-out real images of the class."
                ),
                "coverage": st.column_config.NumberColumn(format="%.3f"),
                "density": st.column_config.NumberColumn(format="%.3f"),
                "distance": st.column_config.NumberColumn(format="%.4g"),
                "kernel distance": st.column_config.NumberColumn(format="%.4g"),
            },
        )
        chosen = st.selectbox(
            "Images of class", order, index=None, key=CHOSEN, placeholder="Choose a class or select its row"
        )
        if chosen is not None:
            open_class(chosen, result, kept, read_train(folder), classes)

    table()


def rows(found: dict[str, dict[str, Any]], order: list[str]) -> list[dict[str, Any]]:
    """The table's rows; a column that no class has a value in is left out."""
    full = [
        {
            "class": name,
            "real": found[name].get("n_real"),
            "generated": found[name].get("n_fake"),
            "compared": found[name].get("n"),
            "distance": found[name].get("fid", found[name].get("frechet_distance")),
            "kernel distance": found[name].get("kid"),
            "its 95 % interval": interval(found[name]["kid_ci"]) if found[name].get("kid_ci") else None,
            "density": found[name].get("density"),
            "coverage": found[name].get("coverage"),
            "variety": found[name].get("variance_ratio"),
            "label kept": found[name].get("agreement"),
            "of real images": found[name].get("real_agreement"),
            "not given": reasons(found[name]) or None,
        }
        for name in order
    ]
    empty = {key for key in full[0] if all(row[key] is None for row in full)}
    return [{key: value for key, value in row.items() if key not in empty} for row in full]


def take_row(order: list[str], key: str) -> None:
    """A selected row is the choice in the box below the table."""
    selected = st.session_state[key]["selection"]["rows"]
    st.session_state[CHOSEN] = order[selected[0]] if selected and selected[0] < len(order) else None


def open_class(name: str, result: dict[str, Any], kept: Kept | None, train: Train, classes: list[str]) -> None:
    """Generated and real images of one class side by side, then its closest pairs."""
    why = reasons(result["per_class"][name])
    if why:
        st.caption(plain(f"Not given for this class: {why}"))
    if kept is None or name not in classes:
        st.info(GONE, icon=":material/info:")
        return
    label = classes.index(name)
    mine = rows_of(kept, label)
    left, right = st.columns(2)
    with left:
        st.subheader(f"Generated as {plain(name)}")
        show_sheet(kept.images[spread(mine, MOST_IMAGES)], f"Generated images asked for as {name}")
        if (kept.samples["predicted"][mine] >= 0).any():
            right_ones = int((kept.samples["predicted"][mine] == label).sum())
            st.caption(f"The referee takes {right_ones:,} of {count(len(mine), 'image')} for this class.")
    with right:
        st.subheader(f"Real {plain(name)}")
        if train is None:
            st.caption("The training images of this dataset are not there any more.")
            return
        real = spread((train[1] == label).nonzero()[0], MOST_IMAGES)
        show_sheet(train[0][real], f"Real images of {name}")
    st.subheader("Closest to a training image")
    pairs = closest_of_class(kept, train[0], label, MOST_PAIRS)
    if pairs:
        show_pairs(pairs, f"Generated images of {name}, each beside the training image nearest to it", "class_pairs")
    else:
        st.caption("No nearest training images were looked for.")


def confusion(result: dict[str, Any], kept: Kept | None) -> None:
    """What the referee sees in images asked for as each class; a click on a cell, or two boxes, open its images."""
    agreement, classes = result.get("agreement") or {}, result.get("classes") or []
    counts = agreement.get("confusion")
    if not counts or len(counts) != len(classes):
        return
    st.header("Asked for, and taken for")
    st.markdown(
        f"The dataset's own classifier, the referee, agrees with the label asked for in "
        f"**{percent(agreement.get('overall'))}** of the generated images, and with the label of held-out real images in "
        f"{percent(agreement.get('real'))}."
    )

    @st.fragment
    def matrix() -> None:
        left, right = st.columns([3, 2])
        with left:
            st.plotly_chart(
                evaluate_charts.confusion(classes, counts),
                key="confusion",
                on_select=lambda: take_cell(len(classes)),
                selection_mode="points",
                config=charts.CONFIG | {"displayModeBar": False},
                alt="Confusion matrix: rows are the class asked for, columns the class seen by the referee. "
                "The two boxes beside it open the same images.",
            )
        with right:
            names = range(len(classes))
            asked = st.selectbox("Asked for", names, index=None, format_func=classes.__getitem__, key=ASKED)
            taken = st.selectbox("Taken for", names, index=None, format_func=classes.__getitem__, key=TAKEN)
            if asked is None or taken is None:
                st.caption("Click a cell or choose two classes to see the images of a cell.")
            else:
                open_cell(asked, taken, counts[asked][taken], kept, classes)

    matrix()


def take_cell(num_classes: int) -> None:
    """A clicked cell is the choice in the two boxes."""
    picked = st.session_state["confusion"]["selection"]["points"]
    if picked:
        asked, taken = round(picked[0]["y"]), round(picked[0]["x"])
        if 0 <= asked < num_classes and 0 <= taken < num_classes:
            st.session_state[ASKED], st.session_state[TAKEN] = asked, taken


def open_cell(asked: int, taken: int, total: int, kept: Kept | None, classes: list[str]) -> None:
    if kept is None:
        st.info(GONE, icon=":material/info:")
        return
    found = rows_of(kept, asked, taken)
    shown = f", {len(found):,} of them kept" if len(found) < total else ""
    st.markdown(f"**{plain(classes[asked])}** taken for **{plain(classes[taken])}**: {count(total, 'image')}{shown}.")
    if len(found):
        show_sheet(
            kept.images[spread(found, MOST_IMAGES)],
            f"Images asked for as {classes[asked]} and taken for {classes[taken]}",
        )
