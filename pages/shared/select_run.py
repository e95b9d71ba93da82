"""Which run or dataset a page is about: a select box with its choice in the address, and what is shown where there is none."""

import time
from collections.abc import Sequence

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo, read_info
from gan_core.errors import UserError
from gan_core.storage.store import Dataset, Run
from pages.shared.links import link
from pages.shared.text import plain, sentence


def empty(text: str, page: str, label: str) -> None:
    """An empty page: one sentence and the next step."""
    st.info(text, icon=":material/info:")
    st.page_link(page, label=label, icon=":material/arrow_forward:")


def unique_labels(items: Sequence[Run | Dataset]) -> dict[str, str]:
    """{id: name, local date and time}, in the given order, each label once.

    A select box sends the label of a choice and not its place: two equal labels, or one that changes while the page is open,
    would select another item. Equal labels are numbered from the oldest item on.
    """
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for item in sorted(items, key=lambda item: (item.created_at, item.id)):
        plain_label = label = f"{item.name} · {time.strftime('%Y-%m-%d %H:%M', time.localtime(item.created_at))}"
        number = 1
        while label in taken:
            number += 1
            label = f"{plain_label} ({number})"
        taken.add(label)
        labels[item.id] = label
    return {item.id: labels[item.id] for item in items}


def select_item(label: str, items: Sequence[Run | Dataset], param: str, key: str) -> str:
    """A select box; the id in ?param=. Without it the id that was last selected in this tab, else the first.

    items must not be empty.
    """
    labels = unique_labels(items)
    ids, remembered = list(labels), f"last_{param}"
    wanted = st.query_params.get(param)
    if wanted is None:
        wanted = st.session_state.get(remembered)
    elif wanted not in ids:
        st.warning(
            f"The {label.lower()} in the address does not exist; another one is shown.", icon=":material/warning:"
        )
    st.session_state[key] = wanted if wanted in ids else ids[0]

    def write() -> None:
        if st.session_state[key] in ids:
            st.query_params.from_dict({param: st.session_state[key]})

    chosen = st.selectbox(label, ids, format_func=labels.__getitem__, key=key, on_change=write)
    if chosen not in ids:  # the label of a list that has changed since
        chosen = wanted if wanted in ids else ids[0]
    st.session_state[remembered] = chosen
    if st.query_params.get(param) != chosen:
        st.query_params[param] = chosen
    return chosen


def select_run(context: Context, key: str, nothing: str) -> Run:
    """The run of ?run=, by default the newest. Where there is none, the page stops with the sentence `nothing`."""
    runs = {run.id: run for run in context.store.runs()}
    if not runs:
        empty(nothing, "train/page.py", "Train a model")
        st.stop()
    say_if_deleted(context, st.query_params.get("run", ""))
    return runs[select_item("Run", list(runs.values()), "run", key)]


def say_if_deleted(context: Context, run_id: str) -> None:
    """Where the address names a deleted run: the link to the page that restores it."""
    try:
        context.store.run(run_id)
    except UserError as gone:
        if gone.code == "deleted_run":
            st.info("This run was deleted. Restore it on the Runs page.", icon=":material/delete:")
            link("runs", "Open Runs")


def dataset_info_or_stop(context: Context, dataset_id: str) -> DatasetInfo:
    """The description of the dataset. The page stops with a sentence where its folder is missing or incomplete."""
    try:
        context.store.dataset(dataset_id)
        folder = context.workspace.dataset(dataset_id)
        (folder / "train_images.npy").stat()
        return read_info(folder)
    except UserError as refused:
        st.error(sentence(refused))
    except (OSError, ValueError):
        st.error("The folder of this dataset is missing or damaged. Import it again.")
    link("data", "Go to Data")
    st.stop()


def dataset_name(context: Context, dataset_id: str) -> str:
    """The name of the dataset for markdown, or words where it was deleted or is still being imported."""
    try:
        return plain(context.store.dataset(dataset_id).name)
    except UserError:
        return "dataset not ready"
