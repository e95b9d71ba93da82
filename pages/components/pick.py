"""Which run or dataset a page is about: a select box whose choice lives in the URL, and what is shown without one."""

from collections.abc import Callable

import streamlit as st

from gan_core.actions import Desk
from gan_core.data.dataset import DatasetInfo, read_info
from gan_core.errors import UserError
from gan_core.store import Run
from pages.components.text import ago, plain, sentence


def empty(text: str, page: str, label: str) -> None:
    """An empty page: one sentence and the next step."""
    st.info(text, icon=":material/info:")
    st.page_link(page, label=label, icon=":material/arrow_forward:")


def pick(label: str, ids: list[str], describe: Callable[[str], str], param: str, key: str) -> str:
    """The id chosen in ?param=, offered as a select box. ids must not be empty; the first one is the default."""
    wanted = st.query_params.get(param)
    if wanted is not None and wanted not in ids:
        st.warning(
            f"The address names a {label.lower()} that is not here; this is another one.", icon=":material/warning:"
        )
    st.session_state[key] = wanted if wanted in ids else ids[0]

    def write() -> None:
        st.query_params[param] = st.session_state[key]

    chosen = st.selectbox(label, ids, format_func=describe, key=key, on_change=write)
    if st.query_params.get(param) != chosen:
        st.query_params[param] = chosen
    return chosen


def pick_run(desk: Desk, key: str, nothing: str) -> Run:
    """The run of ?run=, by default the newest. Stops the page with the sentence `nothing` where there is none."""
    runs = {run.id: run for run in desk.store.runs()}
    if not runs:
        empty(nothing, "train.py", "Train a model")
        st.stop()
    return runs[pick("Run", list(runs), lambda id: f"{runs[id].name} · {ago(runs[id].created_at)}", "run", key)]


def info_or_stop(desk: Desk, dataset_id: str) -> DatasetInfo:
    """The dataset's description; stops the page with a sentence where its folder is gone or not whole."""
    try:
        desk.store.dataset(dataset_id)
        return read_info(desk.workspace.dataset(dataset_id))
    except UserError as refused:
        st.error(sentence(refused))
    except (OSError, ValueError):
        st.error("The folder of this dataset is missing or damaged. Import it again.")
    st.page_link("dataset.py", label="Go to Data", icon=":material/arrow_forward:")
    st.stop()


def dataset_name(desk: Desk, dataset_id: str) -> str:
    """The dataset's name for markdown, or words where it is gone or still being imported."""
    try:
        return plain(desk.store.dataset(dataset_id).name)
    except UserError:
        return "dataset not ready"
