"""The head of the Live page: name and state of the run, its buttons, what the state means, and its numbers of this moment."""

from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.jobs import queue as jobs
from gan_core.storage.store import Job, Run
from gan_core.text import count, duration, size
from gan_core.views.best_checkpoint import about_best
from pages.live.queue import ahead_of
from pages.shared.links import link
from pages.shared.select_run import dataset_name
from pages.shared.status import STATES, badge_text, state_of_run, try_to
from pages.shared.text import plain, sentence

NEXT = (("samples", "See samples"), ("evaluate", "Evaluate"), ("export", "Export"))


def show_run(context: Context, run: Run, job: Job | None, status: dict[str, Any]) -> None:
    """status: of status.json, {} before the training has begun."""
    state = state_of_run(context, run.id, job)
    with st.container(horizontal=True, vertical_alignment="center", key="vitals"):
        st.markdown(f"{badge_text(state)}  **{plain(run.name)}**  :gray[{dataset_name(context, run.dataset_id)}]")
        st.space("stretch")
        show_buttons(context, run, job)
    if job is not None and state == "queued":
        explain_waiting(context, job)
    elif state in ("finished", "stopped"):
        show_end(run, state, status)
    else:
        explain_state(state, job, status)
    if best := about_best(context.workspace.run(run.id), is_live=state in ("running", "paused", "unsaved", "stalled")):
        st.caption(f":material/star: {best} Samples, Evaluate and Export draw from it.")
    if status.get("images_total"):
        show_progress(run, job, status, is_running=state == "running")
    if side := run.config.get("train_size"):
        st.caption(
            f"G and D are trained at {side} px. The refiner, which is trained beside them, enlarges all images shown here."
        )


def show_buttons(context: Context, run: Run, job: Job | None) -> None:
    """The buttons of the state."""

    def button(label: str, key: str, icon: str, wish: str, **more: Any) -> None:
        st.button(
            label, key=f"live_{key}", icon=f":material/{icon}:", on_click=act, args=(context, run.id, wish), **more
        )

    if job is None or not job.live:
        if job is None or job.state != "finished":
            button("Resume", "resume", "play_arrow", "resume", type="primary")
        return
    if job.state == "queued":
        button("Cancel", "stop", "close", "cancel")
        return
    is_stopping = job.control == "stop"
    if job.control == "pause":
        button("Continue", "continue", "play_arrow", "run", type="primary")
    else:
        button("Pause", "pause", "pause", "pause", disabled=is_stopping)
    button(
        "Stopping…" if is_stopping else "Stop and keep",
        "stop",
        "stop",
        "stop",
        disabled=is_stopping,
        help="Saves a checkpoint, then ends. You can resume it later.",
    )
    if state_of_run(context, run.id, job) in ("stalled", "unsaved") or is_stopping:
        lost = "Ends the process at once. What it learnt since its last checkpoint is lost."
        button("End at once", "force", "dangerous", "force", help=lost)


def act(context: Context, run_id: str, wish: str) -> None:
    """Carry out a button of a run."""
    if wish == "resume":
        try_to(lambda: actions.resume(context, run_id))
    elif wish == "cancel":
        waiting = context.store.latest_job("train", run_id)
        try_to(lambda: jobs.cancel(context.store, waiting.id if waiting else ""))
    elif wish == "force":
        try_to(lambda: actions.force_stop(context, run_id))
    else:
        try_to(lambda: actions.control_run(context, run_id, wish))


def explain_waiting(context: Context, job: Job) -> None:
    """What a queued run waits for: its dataset, a paused run, other runs, or the worker."""
    icon = STATES["queued"].icon
    ahead = ahead_of(context, job)
    paused = next((other for other in ahead if other.state == "running" and other.control == "pause"), None)
    needed = context.store.job(job.after) if job.after else None
    if needed and needed.live:
        st.info(f"Waiting for its data: {plain(needed.message) or 'being imported'}.", icon=icon)
    elif paused:
        name = plain(run_name(context, paused.subject))
        st.info(f"Waiting behind {name}, which is paused: continue or stop it.", icon=icon)
        link("live", f"Open {name}", run=paused.subject)
    elif ahead:
        st.info(f"Waiting: {count(len(ahead), 'run')} ahead.", icon=icon)
    else:
        st.info("Waiting for the worker to start.", icon=icon)


def run_name(context: Context, run_id: str) -> str:
    try:
        return context.store.run(run_id).name
    except UserError:
        return "another run"


def explain_state(state: str, job: Job | None, status: dict[str, Any]) -> None:
    """What a state other than queued, finished and stopped means for the user."""
    if state == "stalled":
        said = "No progress for some minutes, although its process is there: it may hang. Wait, or end it at once and resume it."
        st.warning(f"{said} Its last checkpoint is kept.", icon=STATES[state].icon)
    elif state == "unsaved":
        said = "Training waits, with its weights in memory, and goes on by itself once its checkpoint can be written."
        st.error(f"{plain(str(status.get('trouble', '')))} {said}", icon=STATES[state].icon)
    elif status.get("trouble") and state in ("running", "paused"):
        st.warning(plain(str(status["trouble"])), icon=STATES["unsaved"].icon)
    elif state == "running" and not status.get("images_seen"):
        doing = plain(job.message) if job else ""
        st.info(doing or "Loading: first numbers in about ten seconds.", icon=":material/downloading:")
    elif state == "paused":
        st.warning("Paused. Nothing is lost; continue when you like.", icon=STATES[state].icon)
    elif state in ("failed", "interrupted"):
        st.error(sentence((job and job.error) or {}), icon=STATES[state].icon)
    elif state == "none":
        st.info("This run is in the workspace but has no training job. Resume it from its last checkpoint.")
    elif state == "cancelled":
        st.info("Cancelled before it started.", icon=STATES[state].icon)


def show_end(run: Run, state: str, status: dict[str, Any]) -> None:
    """How long it took, and the links to the next steps."""
    spent = f" after {duration(status['elapsed_seconds'])}" if status.get("elapsed_seconds") else ""
    why = f" {plain(status['why_ended'])}" if state == "finished" and status.get("why_ended") else ""
    st.success(f"{STATES[state].word}{spent}.{why} What next?", icon=STATES[state].icon)
    with st.container(horizontal=True, key="live_next"):
        for page, label in NEXT:
            link(page, label, run=run.id)


def show_progress(run: Run, job: Job | None, status: dict[str, Any], is_running: bool) -> None:
    """The progress bar and the numbers of this moment; speed and time left only while the run trains."""
    limit = run.config.get("minutes")
    goal = f", stops after {limit:g} min of training" if limit else f" of {status['epochs']:g}"
    done = job.progress if job else min(1.0, status["images_seen"] / status["images_total"])
    st.progress(done, text=f"Epoch {status['epoch']:.1f}{goal}")
    has_speed = is_running or job is None or not job.live
    numbers = {
        "Images per second": f"{status.get('images_per_second') or 0:,.0f}" if has_speed else "–",
        "Images seen": f"{status['images_seen']:,}",
        "Time so far": duration(status.get("elapsed_seconds")),
        "Time left": duration(status.get("eta_seconds")) if is_running else "–",
        "Memory": size(status.get("memory_bytes")),
        "Device": str(status.get("device", "–")),
    }
    with st.container(horizontal=True, gap="small", key="live_numbers_now"):
        for label, value in numbers.items():
            st.metric(label, value, width="content")
