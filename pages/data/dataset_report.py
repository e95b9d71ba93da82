"""What a dataset holds: counts, sizes, what was left out, its pictures."""

import csv
import io

import plotly.graph_objects as go
import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.text import csv_cell
from pages.data.curate import show_cleaning
from pages.data.health import show_health
from pages.shared import charts, urls
from pages.shared.text import plain


def show_dataset(context: Context, id: str, info: DatasetInfo) -> None:
    health = info.health
    sizes = health.get("source_sizes", {})
    facts = {
        "Images": f"{sum(info.train_counts) + sum(info.test_counts):,}",
        "Classes": f"{len(info.classes):,}",
        "For training": f"{sum(info.train_counts):,}",
        "Held out for tests": f"{sum(info.test_counts):,}",
        "Size": f"{info.size} × {info.size} px",
        "Colour": "grey" if info.mode == "L" else "colour",
    }
    with st.container(horizontal=True, gap="small", key="dataset_facts"):
        for label, value in facts.items():
            st.metric(label, value, width="content")
    if sizes:
        low, middle, high = (" × ".join(map(str, sizes[key])) for key in ("min", "median", "max"))
        modes = ", ".join(f"{mode} {count:,}" for mode, count in health.get("source_modes", {}).items())
        st.caption(
            plain(
                f"The pictures came as {f'{low} px' if low == high else f'{low} to {high} px (median {middle})'}; modes: {modes}; "
                f"{health.get('duplicates', 0):,} duplicates left out; fitted by {info.fit}."
            )
        )
    for notice in info.notices:
        st.caption(f":material/info: {plain(notice)}")
    st.page_link(
        "train/page.py", label="**Use this dataset: Train**", icon=":material/model_training:", query_params={"ds": id}
    )
    show_health(context, id, info)
    show_cleaning(context, id, info)

    st.header("Images per class")
    st.plotly_chart(
        class_counts(info.classes, info.train_counts, info.test_counts),
        key="class_chart",
        config=charts.CONFIG,
        alt="Training and test images of each class as bars",
    )
    with st.expander("Show the numbers"):
        st.dataframe(
            {"class": info.classes, "training": info.train_counts, "test": info.test_counts},
            hide_index=True,
            alt="Training and test images of each class",
        )

    st.header("A look at each class")
    chosen = st.selectbox(
        "Class",
        range(len(info.classes)),
        format_func=lambda at: f"{info.classes[at]} ({info.train_counts[at]:,})",
        key=f"contact_class_{id}",
    )
    if (context.workspace.dataset(id) / "contact" / f"{chosen}.webp").is_file():
        with st.container(key="contact"):
            st.image(urls.contact(id, chosen), alt=f"Some images of the class {info.classes[chosen]}")
    if info.rejected:
        left_out = health.get("rejected", len(info.rejected))
        st.header(f"Left out: {left_out:,} {'file' if left_out == 1 else 'files'}")
        st.dataframe(info.rejected, hide_index=True, key="rejected", alt="Files that were left out, with the reason")
        table = io.StringIO()
        rows = csv.writer(table)
        rows.writerow(["file", "reason"])
        rows.writerows([csv_cell(item["file"]), csv_cell(item["reason"])] for item in info.rejected)
        st.download_button(
            "Download as CSV",
            table.getvalue().encode(),
            "left-out.csv",
            "text/csv",
            key="rejected_csv",
            on_click="ignore",
            icon=":material/download:",
        )


def class_counts(classes: list[str], train: list[int], test: list[int]) -> go.Figure:
    """Images per class, training and test, stacked."""
    return charts.bars(classes, {"training": (train, charts.BLUE, ""), "test": (test, charts.ORANGE, "/")})
