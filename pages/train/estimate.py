"""What a run will take: time, memory and disk, from a few training steps that a probe job measures."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.jobs import queue
from gan_core.settings import schema
from gan_core.settings.run_time import seconds_left
from gan_core.settings.schema import TrainConfig
from gan_core.storage.store import Job
from gan_core.text import duration, size
from pages.shared.text import plain, sentence


def show_estimate(context: Context, dataset_id: str, settings: TrainConfig, train_images: int) -> None:
    """Ask for the probe of these settings, and show its result as soon as it is there."""
    try:
        first = actions.probe(context, dataset_id, settings)
    except UserError as refused:
        st.caption(sentence(refused))
        return
    cancel_earlier_probe(context, first.id)

    @st.fragment(run_every=1.0 if first.live else None)
    def refresh() -> None:
        probe = context.store.job(first.id)
        with st.container(key="estimate"):
            show_probe(probe, settings, train_images)
        if first.live and not probe.live:
            st.rerun()  # stops the timer

    refresh()


def cancel_earlier_probe(context: Context, probe_id: str) -> None:
    """A probe of this tab that still waits while the settings have changed is not needed any more."""
    before = st.session_state.get("probe_job")
    if before and before != probe_id and context.store.job(before).state == "queued":
        queue.control(context.store, before, "stop")
    st.session_state["probe_job"] = probe_id


def show_probe(probe: Job, settings: TrainConfig, train_images: int) -> None:
    result = probe.result
    if probe.state == "finished" and result:
        seconds = seconds_left(settings, train_images, result["images_per_second"])
        ends_early = settings.minutes is not None and seconds == settings.minutes * 60
        st.info(
            f"**Estimate:** {f'stops after {settings.minutes:g} min' if ends_early else f'about {duration(seconds)}'} "
            f"on {plain(result.get('device', 'this computer'))} at {result['images_per_second']:,.0f} images per second, "
            f"{size(result.get('memory_bytes'))} of memory, "
            f"{size((schema.CHECKPOINTS_KEPT + 1) * (result.get('checkpoint_bytes') or 0))} of disk.",
            icon=":material/timer:",
        )
        if beside := result.get("beside"):
            st.caption(
                f":material/info: Measured while {beside} was running on the same device: alone, this run would be faster."
            )
    elif probe.live:
        st.caption(
            ":material/hourglass_empty: Estimate: measuring a few training steps. You can start without waiting for it."
        )
    else:
        st.caption(f":material/info: No estimate. {sentence(probe.error) if probe.error else ''}")
