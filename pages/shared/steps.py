"""The five steps above each working page: Data, Train, View, Evaluate, Export, each with its state for one dataset or run."""

from typing import NamedTuple

import streamlit as st

from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.storage import checkpoints
from gan_core.storage.store import Run
from pages.shared.context import get_context


class Step(NamedTuple):
    """state: a key of STATES. query: the ids that its link carries."""

    title: str
    page: str
    state: str
    query: dict[str, str]


STATES = {
    "done": (":material/check_circle:", "done"),
    "here": (":material/my_location:", "you are here"),
    "busy": (":material/pending:", "under way"),
    "open": (":material/radio_button_unchecked:", "open"),
}
TITLES = ("Data", "Train", "View", "Evaluate", "Export")


def show_steps(here: str) -> None:
    """A line of links above a working page. here: the title of that page's step."""
    context = get_context()
    with st.container(horizontal=True, gap="small", key="steps", horizontal_alignment="left"):
        for number, step in enumerate(steps_in_view(context, here), 1):
            icon, word = STATES[step.state]
            label = f"{number} {step.title}: {word}"
            st.page_link(
                step.page,
                label=f"**{label}**" if step.state == "here" else label,
                icon=icon,
                query_params=step.query,
                width="content",
            )


def steps_in_view(context: Context, here: str) -> list[Step]:
    """The five steps for the run or dataset that the address names, or that the page selects without one."""
    run = run_in_view(context, here)
    dataset_id = run.dataset_id if run else dataset_in_view(context)
    of_dataset = {"ds": dataset_id} if dataset_id else {}
    of_run = {"run": run.id} if run else {}
    states = state_of_steps(context, run, dataset_id) | {here: "here"}
    view = "samples/page.py" if states["Train"] == "done" else "live/page.py"
    pages = ("data/page.py", "train/page.py", view, "evaluate/page.py", "export/page.py")
    queries = (of_dataset, of_dataset, of_run, of_run, of_run or of_dataset)
    return [Step(*parts) for parts in zip(TITLES, pages, (states[title] for title in TITLES), queries, strict=True)]


def run_in_view(context: Context, here: str) -> Run | None:
    """The run of ?run=, else the one last selected in this tab; on Data and Train the newest run of their dataset."""
    wanted = st.query_params.get("run") or st.session_state.get("last_run")
    if here not in ("Data", "Train"):
        try:
            return context.store.run(wanted or "")
        except UserError:
            runs = context.store.runs()
            return runs[0] if runs else None
    dataset_id = dataset_in_view(context)
    runs = [run for run in context.store.runs() if run.dataset_id == dataset_id]
    return next((run for run in runs if run.id == wanted), runs[0] if runs else None)


def dataset_in_view(context: Context) -> str | None:
    wanted = st.query_params.get("ds") or st.session_state.get("last_ds")
    ids = [dataset.id for dataset in context.store.datasets()]
    return wanted if wanted in ids else ids[0] if ids else None


def state_of_steps(context: Context, run: Run | None, dataset_id: str | None) -> dict[str, str]:
    """{title: 'done', 'busy' or 'open'}, from the files of the workspace and the jobs in the queue."""
    states = dict.fromkeys(TITLES, "open")
    if dataset_id and (context.workspace.dataset(dataset_id) / "dataset.json").is_file():
        states["Data"] = "done"
    if run is None:
        return states
    training, folder = context.store.latest_job("train", run.id), context.workspace.run(run.id)
    if training and training.live:
        states["Train"] = "busy"
    elif checkpoints.of_run(folder):
        states["Train"] = "done"
    if states["Train"] == "done" and any((folder / "samples").glob("fakes-*.png")):
        states["View"] = "done"
    for title, kind, column in (
        ("Evaluate", "evaluate", "subject"),
        ("Export", "export", "json_extract(payload, '$.run')"),
    ):
        found = {
            row["state"]
            for row in context.store.query(
                f"SELECT DISTINCT state FROM jobs WHERE kind = ? AND {column} = ?", kind, run.id
            )
        }
        states[title] = "done" if "finished" in found else "busy" if found & {"queued", "running"} else "open"
    return states
