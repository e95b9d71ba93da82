"""The state of a job as icon and word (never colour alone), and the progress of a job, which refreshes itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import streamlit as st

from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.storage import checkpoints, run_folder
from gan_core.storage.store import Job
from pages.shared.text import plain, sentence


class State(NamedTuple):
    icon: str
    word: str
    colour: str


STATES = {
    "queued": State(":material/hourglass_empty:", "Waiting", "gray"),
    "running": State(":material/play_circle:", "Running", "blue"),
    "paused": State(":material/pause_circle:", "Paused", "orange"),
    "unsaved": State(":material/hard_drive:", "Waiting for room on the disk", "red"),
    "stalled": State(":material/hourglass_disabled:", "No progress", "orange"),
    "finished": State(":material/check_circle:", "Finished", "green"),
    "stopped": State(":material/stop_circle:", "Stopped and kept", "gray"),
    "cancelled": State(":material/block:", "Cancelled", "gray"),
    "failed": State(":material/error:", "Failed", "red"),
    "interrupted": State(":material/power_off:", "Interrupted", "orange"),
    "none": State(":material/radio_button_unchecked:", "Not started", "gray"),
}


def state_of(job: Job | None) -> str:
    """A key of STATES: the state of the job, 'paused' where it has been asked to pause, 'none' without a job."""
    if job is None:
        return "none"
    return "paused" if job.state == "running" and job.control == "pause" else job.state


def state_of_run(context: Context, run_id: str, job: Job | None) -> str:
    """state_of the latest training of a run; 'cancelled' where it was stopped before it had saved anything, 'unsaved' where it
    waits, with its weights in memory, until a checkpoint can be written."""
    state, folder = state_of(job), context.workspace.run(run_id)
    if state in ("running", "paused") and run_folder.read_status(folder).get("phase") == "unsaved":
        return "unsaved"
    if state == "running" and run_folder.seconds_without_progress(folder, batch_of(context, run_id)):
        return "stalled"
    if state != "stopped" or run_folder.read_status(folder).get("images_seen"):
        return state
    return "stopped" if checkpoints.of_run(folder) else "cancelled"


def batch_of(context: Context, run_id: str) -> int:
    """Images a step; 1 where the run is not known."""
    try:
        return int(context.store.run(run_id).config.get("batch", 1))
    except UserError:
        return 1


def state_text(state: str) -> str:
    """Icon and word of a key of STATES, for a line of markdown."""
    return f"{STATES[state].icon} {STATES[state].word}"


def badge_text(state: str) -> str:
    """A key of STATES as a badge in a line of markdown."""
    return f":{STATES[state].colour}-badge[{STATES[state].icon} {STATES[state].word}]"


def no_grid_yet(state: str) -> str:
    """Why a run in this state has no samples, in one sentence."""
    if state == "queued":
        return "This run is waiting; its first samples appear within its first epoch."
    if state in ("running", "paused", "unsaved", "stalled"):
        return "The first samples appear within the first epoch."
    if state == "cancelled":
        return "This run was cancelled before it started, so it has no samples: resume it on the Live page."
    if state == "none":
        return "This run has not been trained yet, so it has no samples: resume it on the Live page."
    return "This run ended before its first samples: the Live page says why."


def job_progress(context: Context, job: Job, what: str, key: str) -> None:
    """The progress of a live job with a Cancel button, refreshed every second; the page runs again when the job ends.

    For a job that has ended: why it failed, or nothing. key: prefix of the widgets <key>_cancel and <key>_progress.
    """

    @st.fragment(run_every=1.0 if job.live else None)
    def refresh() -> None:
        now = context.store.job(job.id)
        if not now.live:
            if job.live:
                st.rerun()
            return
        with st.container(key=f"{key}_progress"):
            waiting = now.state == "queued"
            st.progress(
                now.progress,
                text=f"{what}: " + ("waiting for its turn" if waiting else plain(now.message) or "starting"),
            )
            with st.container(horizontal=True, vertical_alignment="center"):
                if st.button("Cancel", key=f"{key}_cancel", icon=":material/close:", disabled=now.control == "stop"):
                    try_to(lambda: queue.control(context.store, now.id, "stop"))
                st.caption("It continues when you leave this page.")

    refresh()
    if not job.live:
        show_end(job, what)


def show_end(job: Job, what: str) -> None:
    """Why a job did not finish; nothing for one that did."""
    if job.state in ("failed", "interrupted"):
        st.error(f"{what} did not work. {sentence(job.error or {})}", icon=STATES[job.state].icon)
    elif job.state == "stopped":
        st.info(f"{what} was cancelled.", icon=STATES["stopped"].icon)


@contextmanager
def show_refusal() -> Iterator[None]:
    """Show the refusal of what is done inside as an error on the page."""
    try:
        yield
    except UserError as refused:
        st.error(sentence(refused))


def try_to(act: Callable[[], object]) -> None:
    """Carry out a click. A refusal, for instance because the queue has moved on, is shown as a toast."""
    try:
        act()
    except UserError as refused:
        st.toast(sentence(refused), icon=":material/info:")
