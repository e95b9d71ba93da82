"""Watch a run: its state and progress, its curves, its newest samples and its log; pause, stop or resume it."""

import streamlit as st

from gan_core.storage import run_folder
from gan_core.storage.store import Job
from pages.live import curves, queue
from pages.live.run_status import show_run
from pages.live.variety import show_variety
from pages.shared import refresh_rate, urls
from pages.shared.context import get_context
from pages.shared.links import link
from pages.shared.select_run import select_run
from pages.shared.status import no_grid_yet, state_of_run
from pages.shared.steps import show_steps

GRID_PIXELS = 760
SLOWER = 3  # the variety and the log are refreshed so many times less often than the curves

context = get_context()
st.title("Live")
show_steps("View")
run = select_run(context, "live_run", "No run yet: train a model or run the demo, and watch it here.")
folder = context.workspace.run(run.id)
first = context.store.latest_job("train", run.id)
was_live = first is not None and first.live


def show_curves(job: Job | None) -> None:
    if curves.columns_of(folder):
        is_paused = state_of_run(context, run.id, job) == "paused"
        curves.show_curves(folder, run.config, curves.curve_controls(), is_paused)
    else:
        st.caption("The curves appear with the first numbers." if was_live else "This run has no numbers to draw.")


def show_newest_grid(job: Job | None, grid: str | None) -> None:
    st.header("Newest samples")
    if grid is None:
        st.caption(no_grid_yet(state_of_run(context, run.id, job)))
        return
    seen = int(grid.removeprefix("fakes-").removesuffix(".png"))
    with st.container(key="live_grid", width=GRID_PIXELS):
        st.image(
            urls.sample(run.id, grid),
            width="stretch",
            alt=f"Generated images, a row per class, after {seen:,} images seen",
        )


every = refresh_rate.seconds() if was_live else None


@st.fragment(run_every=every)
def show_what_moves() -> None:
    """All that changes with every row of the log, as one fragment, because each refresh costs what its fragment draws."""
    job, status = context.store.latest_job("train", run.id), run_folder.read_status(folder)
    if (job and job.state) != (first and first.state) or (every and refresh_rate.differs(every)):
        st.rerun()  # the state or the refresh rate has changed, and with it the steps and the timer of this page
    # Containers that are there from the start: what stands below never moves, and is never shown twice.
    with st.container():
        show_run(context, run, job, status)
    with st.container():
        queue.show(context, run.id)
    with st.container():
        show_curves(job)
    with st.container():
        show_newest_grid(job, status.get("latest_grid"))


@st.fragment(run_every=every and SLOWER * every)
def show_variety_and_log() -> None:
    """What changes once in many rows of the log."""
    with st.container():
        checks, _ = run_folder.read_lines(folder / "collapse.jsonl")
        if checks:
            st.header("Variety")
            show_variety(checks)
    is_failed = first is not None and first.state == "failed"
    with st.expander("Log (last 200 lines)", expanded=is_failed, on_change="rerun", key="live_log") as unfolded:
        if unfolded.open:
            st.code(
                run_folder.log_tail(folder / "log.txt") or "Nothing yet.", language=None, height=260, wrap_lines=True
            )


show_what_moves()
show_variety_and_log()
with st.expander("Settings of this run"):
    st.json(run.config)
link("train", "Clone this run", icon="content_copy", clone=run.id)
