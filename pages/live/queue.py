"""The runs that wait: their order, and for each a button to move it up and one to cancel it."""

import streamlit as st

from gan_core.actions import Context
from gan_core.jobs import queue
from gan_core.storage.store import Job
from gan_core.text import count
from pages.shared.status import try_to
from pages.shared.text import plain

MOST_ROWS = 10


def ahead_of(context: Context, job: Job) -> list[Job]:
    """The runs that come before a waiting one: those that train, then those that will start earlier."""
    running = context.store.jobs(kind="train", states=("running",))
    waiting = context.store.waiting(queue.LANES["train"])
    place = next((at for at, other in enumerate(waiting) if other.id == job.id), len(waiting))
    return running + waiting[:place]


def show(context: Context, run_id: str) -> None:
    """The waiting runs in their order, unfolded where run_id is one of them; nothing where no run waits."""
    waiting = context.store.waiting(queue.LANES["train"])
    if not waiting:
        return
    is_among_them = any(job.subject == run_id for job in waiting)
    # The number is not in the label of the list: with another label the list would be a new one, and folded.
    st.caption(f":material/hourglass_empty: {count(len(waiting), 'run')} waiting")
    with st.expander("Queue", expanded=is_among_them, on_change="rerun", key="queue") as unfolded:
        if not unfolded.open:  # each row costs the training time in every refresh of every tab
            return
        names = {run.id: run.name for run in context.store.runs()}
        for place, job in enumerate(waiting[:MOST_ROWS], 1):
            name = plain(names.get(job.subject, "Run"))
            label = f"{place}\\. **{name}**" if job.subject == run_id else f"{place}\\. {name}"
            show_row(context, job, label, before=waiting[place - 2].id if place > 1 else "")
        if len(waiting) > MOST_ROWS:
            st.caption(f"And {count(len(waiting) - MOST_ROWS, 'more run', 'more runs')}.")


def show_row(context: Context, job: Job, label: str, before: str) -> None:
    """One waiting run. before: the id of the job that it would overtake, '' for the first."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"queue_{job.id}"):
        st.markdown(label)
        st.space("stretch")
        st.button(
            "Move up",
            key=f"queue_up_{job.id}",
            icon=":material/arrow_upward:",
            disabled=not before,
            on_click=try_to,
            args=(lambda: queue.move_up(context.store, job.id, before),),
        )
        st.button(
            "Cancel",
            key=f"queue_cancel_{job.id}",
            icon=":material/close:",
            on_click=try_to,
            args=(lambda: queue.cancel(context.store, job.id),),
        )
