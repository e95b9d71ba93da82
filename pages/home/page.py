"""Start: import images, learn or run the demo, or open an earlier run; below, the active and the newest runs."""

import streamlit as st

from gan_core import actions
from gan_core.storage.store import Run
from gan_core.text import ago
from pages.shared.context import get_context
from pages.shared.double_click import click_token
from pages.shared.links import link
from pages.shared.select_run import dataset_name
from pages.shared.status import show_refusal, state_of_run, state_text
from pages.shared.text import plain

RECENT_RUNS = 8

context = get_context()
st.title("What do you want to do?")
runs = context.store.runs()

grow, learn, earlier = st.columns(3)
with grow, st.container(border=True, height="stretch"):
    st.header("Make more images of rare classes")
    st.write("Import a zip of class folders, train a generator, download a balanced dataset.")
    link("data", "Import your images")
with learn, st.container(border=True, height="stretch"):
    st.header("Learn how GANs work")
    st.write(
        "Play with two small networks in a laboratory, or run the one-minute demo: a GAN learns handwritten digits on this "
        "computer, without a GPU."
    )
    link("learn", "Start with the lessons", icon="school")
    start = st.button("Run the demo", type="primary", icon=":material/play_arrow:", key="run_demo")
with earlier, st.container(border=True, height="stretch"):
    st.header("Open an earlier run")
    st.write("A run keeps its settings, curves, samples and checkpoints.")
    if runs:
        link("live", "Open the newest run", run=runs[0].id)
        link("runs", f"All {len(runs)} runs" if len(runs) > 1 else "All runs", icon="table_rows")
    else:
        st.caption("There is no run yet. The demo is the quickest way to start one.")

if start:
    with show_refusal():
        _, training = actions.demo(context, token=click_token("demo"))
        st.switch_page("live/page.py", query_params={"run": training.subject})


def show_run(run: Run) -> None:
    """A run in a box that wraps on a narrow screen; its name is a link to Live."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        link("live", plain(run.name), icon="", run=run.id)
        st.caption(dataset_name(context, run.dataset_id), width="content")
        st.space("stretch")
        st.markdown(state_text(state_of_run(context, run.id, latest[run.id])), width="content")
        st.caption(ago(run.created_at), width="content")


busy = {job.subject for job in context.store.jobs(kind="train", states=("queued", "running"))}
active = [run for run in runs if run.id in busy]
others = [run for run in runs if run.id not in busy][:RECENT_RUNS]
latest = {run.id: context.store.latest_job("train", run.id) for run in (*active, *others)}
for title, group in (("Active", active), ("Recent runs", others)):
    if group:
        st.header(title)
        with st.container(key=f"runs_{title.split()[0].lower()}"):
            for run in group:
                show_run(run)
if len(runs) > len(active) + len(others):
    link("runs", f"All {len(runs)} runs, with their scores", icon="table_rows")
