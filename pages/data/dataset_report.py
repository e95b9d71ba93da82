"""What a dataset holds: counts, sizes, health, images of each class, and the files that were left out."""

import csv
import io

import plotly.graph_objects as go
import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.data.split_names import Split
from gan_core.text import count, csv_cell
from pages.data.curate import show_curation
from pages.data.health import show_health
from pages.shared import charts, urls
from pages.shared.links import link
from pages.shared.text import plain


def show_dataset(context: Context, id: str, info: DatasetInfo) -> None:
    """The whole report, with the link to Train near its top."""
    show_facts(info)
    link("train", "**Use this dataset: Train**", icon="model_training", ds=id)
    show_health(context, id, info)
    show_curation(context, id, info)
    show_class_counts(info)
    show_contact_sheet(context, id, info)
    if info.rejected:
        show_rejected(info)


def show_facts(info: DatasetInfo) -> None:
    """The numbers of the dataset, and what became of its source images."""
    facts = {
        "Images": f"{sum(info.totals):,}",
        "Classes": f"{len(info.classes):,}",
        "For training": f"{sum(info.train_counts):,}",
        "For validation": f"{sum(info.validation_counts):,}",
        "For tests": f"{sum(info.test_counts):,}",
        "Size": f"{info.size} × {info.size} px",
        "Colour": "grey" if info.mode == "L" else "colour",
    }
    with st.container(horizontal=True, gap="small", key="dataset_facts"):
        for label, value in facts.items():
            st.metric(label, value, width="content")
    if sizes := info.health.get("source_sizes"):
        low, middle, high = (" × ".join(map(str, sizes[key])) for key in ("min", "median", "max"))
        came = f"{low} px" if low == high else f"{low} to {high} px (median {middle})"
        modes = ", ".join(f"{mode} {number:,}" for mode, number in info.health.get("source_modes", {}).items())
        duplicates = count(info.health.get("duplicates", 0), "duplicate")
        st.caption(plain(f"Source images: {came}; modes: {modes}; {duplicates} left out; fitted by {info.fit}."))
    if origin := splits_origin(info):
        st.caption(origin)
    for notice in info.notices:
        st.caption(f":material/info: {plain(notice)}")


def splits_origin(info: DatasetInfo) -> str:
    """Whether validation and test came with the source or were cut; '' where dataset.json does not say."""
    words = {"given": "came with the source", "cut": "was cut from the training images"}
    words["cut later"] = "was cut from the training images after the import"
    ways = {info.source.get(f"{split}_split") for split in ("validation", "test")}
    if ways == {"cut"}:
        return "The validation and test splits were cut from the training images."
    known = [
        f"the {split} split {words[how]}"
        for split in ("validation", "test")
        if (how := info.source.get(f"{split}_split")) in words
    ]
    text = " and ".join(known)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def show_class_counts(info: DatasetInfo) -> None:
    st.header("Images per class")
    charts.show(
        class_counts(info),
        key="class_chart",
        alt="Training, validation and test images of each class as bars",
    )
    with st.expander("Show the numbers"):
        st.dataframe(
            {"class": info.classes} | {str(split): counts for split, counts in info.counts.items()},
            hide_index=True,
            alt="Training, validation and test images of each class",
        )


def class_counts(info: DatasetInfo) -> go.Figure:
    """Images per class by split, stacked."""
    looks: dict[Split, tuple[str, str]] = {
        "train": (charts.BLUE, ""),
        "validation": (charts.GREEN, "."),
        "test": (charts.ORANGE, "/"),
    }
    return charts.bars(info.classes, {split: (info.counts[split], *look) for split, look in looks.items()})


def show_contact_sheet(context: Context, id: str, info: DatasetInfo) -> None:
    """Some images of one class, as one image that the import has made."""
    st.header("Images of a class")
    chosen = st.selectbox(
        "Class",
        range(len(info.classes)),
        format_func=lambda at: f"{info.classes[at]} ({info.train_counts[at]:,})",
        key=f"contact_class_{id}",
    )
    if (context.workspace.dataset(id) / "contact" / f"{chosen}.webp").is_file():
        with st.container(key="contact"):
            st.image(urls.contact(id, chosen), alt=f"Some images of the class {info.classes[chosen]}")


def show_rejected(info: DatasetInfo) -> None:
    """The files that were left out, each with its reason, on the page and as CSV."""
    st.header(f"Left out: {count(info.health.get('rejected', len(info.rejected)), 'file')}")
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
