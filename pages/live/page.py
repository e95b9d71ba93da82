"""Watch a run: how far it is, its curves, its newest samples and its log; pause, stop or resume it."""

import streamlit as st

from gan_core import actions
from gan_core.errors import UserError
from gan_core.jobs import queue as jobs
from gan_core.storage import run_folder
from gan_core.storage.store import Job
from gan_core.text import count, duration, size
from pages.live import curves as run_curves
from pages.live import queue
from pages.live.variety import show_variety
from pages.shared import refresh_rate, urls
from pages.shared.context import get_context
from pages.shared.select_run import dataset_name, select_run
from pages.shared.status import STATES, badge_text, no_grid_yet, state_of_run
from pages.shared.steps import show_steps
from pages.shared.text import plain, sentence

GRID_PIXELS = 760
SELDOM_TIMES = 3  # the pace of the curves: what is new once in many rows is looked at so much less

context = get_context()
st.title("Live")
show_steps("View")
run = select_run(context, "live_run", "No run yet: train a model or run the demo, and watch it here.")
folder = context.workspace.run(run.id)
first = context.store.latest_job("train", run.id)
was_live = first is not None and first.live


def act(wish: str) -> None:
    """Carry out a button. What came too late, because another tab or the run's end was first, is told in a toast."""
    try:
        if wish == "resume":
            actions.resume(context, run.id)
        elif wish == "cancel":
            waiting = context.store.latest_job("train", run.id)
            jobs.cancel(context.store, waiting.id if waiting else "")
        else:
            actions.control_run(context, run.id, wish)
    except UserError as late:
        st.toast(sentence(late), icon=":material/info:")


def buttons(job: Job | None) -> None:
    if job is None or not job.live:
        if job is None or job.state != "finished":
            st.button(
                "Resume",
                key="live_resume",
                icon=":material/play_arrow:",
                type="primary",
                on_click=act,
                args=("resume",),
            )
        return
    leaving = job.control == "stop"
    if job.state == "queued":
        st.button("Cancel", key="live_stop", icon=":material/close:", on_click=act, args=("cancel",))
        return
    if job.control == "pause":
        st.button(
            "Continue", key="live_continue", icon=":material/play_arrow:", type="primary", on_click=act, args=("run",)
        )
    else:
        st.button("Pause", key="live_pause", icon=":material/pause:", on_click=act, args=("pause",), disabled=leaving)
    st.button(
        "Stopping…" if leaving else "Stop and keep",
        key="live_stop",
        icon=":material/stop:",
        on_click=act,
        args=("stop",),
        disabled=leaving,
        help="Saves a checkpoint, then ends. You can resume it later.",
    )


def run_name(run_id: str) -> str:
    try:
        return context.store.run(run_id).name
    except UserError:
        return "another run"


def say_state(job: Job | None, status: dict) -> None:
    """What the state means for the user, in one box."""
    state = state_of_run(context, run.id, job)
    if state == "queued":
        before_me = queue.ahead_of(context, job)
        ahead = len(before_me)
        paused = next((other for other in before_me if other.state == "running" and other.control == "pause"), None)
        before = context.store.job(job.after) if job.after else None
        if before and before.live:
            st.info(f"Waiting for its data: {plain(before.message) or 'being imported'}.", icon=STATES["queued"].icon)
        elif paused:
            name = plain(run_name(paused.subject))
            st.info(f"Waiting behind {name}, which is paused: continue or stop it.", icon=STATES["queued"].icon)
            st.page_link(
                "live/page.py",
                label=f"Open {name}",
                icon=":material/arrow_forward:",
                query_params={"run": paused.subject},
            )
        else:
            st.info(
                f"Waiting: {count(ahead, 'run')} ahead." if ahead else "Waiting for the worker to start.",
                icon=STATES["queued"].icon,
            )
    elif state == "running" and not status.get("images_seen"):
        doing = plain(job.message) if job else ""
        st.info(doing or "Loading: first numbers in about ten seconds.", icon=":material/downloading:")
    elif state == "paused":
        st.warning("Paused. Nothing is lost; continue when you like.", icon=STATES["paused"].icon)
    elif state in ("failed", "interrupted"):
        st.error(sentence(job.error or {}), icon=STATES[state].icon)
    elif state == "none":
        st.info("This run is in the workspace, but no training of it is known. Resume it from its last checkpoint.")
    elif state == "cancelled":
        st.info("Cancelled before it started.", icon=STATES[state].icon)
    elif state in ("finished", "stopped"):
        spent = f" after {duration(status['elapsed_seconds'])}" if status.get("elapsed_seconds") else ""
        st.success(
            f"{'Finished' if state == 'finished' else 'Stopped and kept'}{spent}. What next?", icon=STATES[state].icon
        )
        with st.container(horizontal=True, key="live_next"):
            for page, label in (
                ("samples/page.py", "See samples"),
                ("evaluate/page.py", "Evaluate"),
                ("export/page.py", "Export"),
            ):
                st.page_link(page, label=label, icon=":material/arrow_forward:", query_params={"run": run.id})


def vitals(job: Job | None, status: dict) -> None:
    """Name, state and buttons, how far the run is, and its numbers of this moment."""
    with st.container(horizontal=True, vertical_alignment="center", key="vitals"):
        state = badge_text(state_of_run(context, run.id, job))
        st.markdown(f"{state}  **{plain(run.name)}**  :gray[{dataset_name(context, run.dataset_id)}]")
        st.space("stretch")
        buttons(job)
    say_state(job, status)
    total, seen = status.get("images_total"), status.get("images_seen")
    if total:
        moving = was_live and state_of_run(context, run.id, job) == "running"
        limit = run.config.get("minutes")
        goal = f", stops after {limit:g} min of training" if limit else f" of {status['epochs']:g}"
        st.progress(job.progress if job else min(1.0, seen / total), text=f"Epoch {status['epoch']:.1f}{goal}")
        numbers = {
            "Images a second": f"{status.get('images_per_second') or 0:,.0f}" if moving or not was_live else "–",
            "Images seen": f"{seen:,}",
            "Time so far": duration(status.get("elapsed_seconds")),
            "Time left": duration(status.get("eta_seconds")) if moving else "–",
            "Memory": size(status.get("memory_bytes")),
            "Device": str(status.get("device", "–")),
        }
        with st.container(horizontal=True, gap="small", key="live_numbers_now"):
            for label, value in numbers.items():
                st.metric(label, value, width="content")


def curves(job: Job | None) -> None:
    look = run_curves.controls() if run_curves.columns_of(folder) else run_curves.Look()
    nothing = "The curves appear with the first numbers." if was_live else "This run has no numbers to draw."
    run_curves.show(folder, run.config, look, state_of_run(context, run.id, job) == "paused", nothing)


def newest_grid(job: Job | None, grid: str | None) -> None:
    st.header("Newest samples")
    if grid:
        seen = int(grid.removeprefix("fakes-").removesuffix(".png"))
        with st.container(key="live_grid", width=GRID_PIXELS):
            st.image(
                urls.sample(run.id, grid),
                width="stretch",
                alt=f"Generated images, a row per class, after {seen:,} images seen",
            )
    else:
        st.caption(no_grid_yet(state_of_run(context, run.id, job)))


every = refresh_rate.seconds() if was_live else None


@st.fragment(run_every=every)
def watch() -> None:
    """What moves with every row, as one fragment: its cost is that of what it draws, and each click on a curve pays it."""
    job, status = context.store.latest_job("train", run.id), run_folder.read_status(folder)
    if (job and job.state) != (first and first.state) or (every and refresh_rate.differs(every)):
        st.rerun()  # it began, ended or was resumed, or many came to watch: the rail and the timer of the page change with it
    # Each in a place of its own, there from the start: what stands below never moves, and never shows twice.
    with st.container():
        vitals(job, status)
    with st.container():
        queue.show(context, run.id)
    with st.container():
        curves(job)
    with st.container():
        newest_grid(job, status.get("latest_grid"))


@st.fragment(run_every=every and SELDOM_TIMES * every)
def look_seldom() -> None:
    """What is new once in many rows: the looks at variety, and the log."""
    with st.container():
        looks, _ = run_folder.read_lines(folder / "collapse.jsonl")
        if looks:
            st.header("Variety")
            show_variety(looks)
    is_failed = first is not None and first.state == "failed"
    with st.expander("Log (last 200 lines)", expanded=is_failed, on_change="rerun", key="live_log") as log:
        if log.open:
            st.code(
                run_folder.log_tail(folder / "log.txt") or "Nothing yet.", language=None, height=260, wrap_lines=True
            )


watch()
look_seldom()
with st.expander("Settings of this run"):
    st.json(run.config)
st.page_link("train/page.py", label="Clone this run", icon=":material/content_copy:", query_params={"clone": run.id})
