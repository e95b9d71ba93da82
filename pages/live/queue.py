"""The runs that wait: their order, a way to move one up, a way to cancel one."""

from collections.abc import Callable

import streamlit as st

from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.storage.store import Job
from gan_core.text import count
from pages.shared.text import plain, sentence

MOST_ROWS = 10


def ahead_of(context: Context, job: Job) -> list[Job]:
    """Who is before a waiting run: those that train, then those that will be taken earlier."""
    running = context.store.jobs(kind="train", states=("running",))
    waiting = context.store.waiting(queue.LANES["train"])
    place = next((at for at, other in enumerate(waiting) if other.id == job.id), len(waiting))
    return running + waiting[:place]


def try_to(wish: Callable[[], object]) -> None:
    """Carry out a click. One that came too late, because the queue has moved meanwhile, is told in a toast."""
    try:
        wish()
    except UserError as late:
        st.toast(sentence(late), icon=":material/info:")


def show(context: Context, run_id: str) -> None:
    """The waiting runs in order; open where run_id is one of them; nothing where nobody waits."""
    waiting = context.store.waiting(queue.LANES["train"])
    if not waiting:
        return
    names = {run.id: run.name for run in context.store.runs()}
    is_mine = any(job.subject == run_id for job in waiting)
    # Not in the label of the list: another label is another list, which folds.
    st.caption(f":material/hourglass_empty: {count(len(waiting), 'run')} waiting")
    with st.expander("Queue", expanded=is_mine, on_change="rerun", key="queue") as unfolded:
        if not unfolded.open:  # each row is paid by the training, in every refresh of every tab
            return
        for place, job in enumerate(waiting[:MOST_ROWS]):
            before = waiting[place - 1].id if place else ""
            name = plain(names.get(job.subject, "Run"))
            with st.container(horizontal=True, vertical_alignment="center", key=f"queue_{job.id}"):
                st.markdown(f"{place + 1}\\. **{name}**" if job.subject == run_id else f"{place + 1}\\. {name}")
                st.space("stretch")
                st.button(
                    "Move up",
                    key=f"queue_up_{job.id}",
                    icon=":material/arrow_upward:",
                    disabled=not place,
                    on_click=try_to,
                    args=(lambda job=job, before=before: queue.move_up(context.store, job.id, before),),
                )
                st.button(
                    "Cancel",
                    key=f"queue_cancel_{job.id}",
                    icon=":material/close:",
                    on_click=try_to,
                    args=(lambda job=job: queue.cancel(context.store, job.id),),
                )
        if len(waiting) > MOST_ROWS:
            st.caption(f"And {count(len(waiting) - MOST_ROWS, 'more run', 'more runs')}.")
