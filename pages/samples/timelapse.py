"""The sample grids of a run as one animation."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.generation import animation
from gan_core.requests import TimelapseRequest
from gan_core.storage.store import Run
from pages.shared import urls
from pages.shared.double_click import click_token
from pages.shared.status import job_progress, show_refusal


def show_timelapse(context: Context, run: Run) -> None:
    st.header("Timelapse")
    job = context.store.latest_job("timelapse", run.id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        format = st.segmented_control(
            "Format",
            [format for format in animation.FORMATS if animation.can_write(format)],
            format_func=animation.FORMATS.__getitem__,
            default="webp",
            key="timelapse_format",
            required=True,
            help=TimelapseRequest.model_fields["format"].description,
        )
        if st.button(
            "Make the timelapse", key="timelapse_start", icon=":material/movie:", disabled=job is not None and job.live
        ):
            with show_refusal():
                token = click_token("timelapse", run.id, format)
                job = actions.timelapse(context, run.id, TimelapseRequest().replace(format=format), token=token)
    if not animation.can_write("mp4"):
        st.caption("For MP4, install PyAV with `pip install av` and start Ganvas again.")
    if job:
        job_progress(context, job, "Timelapse", "timelapse")
    show_made(context, run, job is None)


def show_made(context: Context, run: Run, never_asked: bool) -> None:
    paths = {format: context.workspace.run(run.id) / f"timelapse.{format}" for format in animation.FORMATS}
    times = {format: path.stat().st_mtime_ns for format, path in paths.items() if path.is_file()}
    if not times:
        if never_asked:
            st.caption(
                f"All grids of the run as one animation of at most {animation.MOST_FRAMES} frames. Takes seconds."
            )
        return
    addresses = {format: f"{urls.timelapse(run.id, format)}?v={at}" for format, at in times.items()}
    pictures = sorted((format for format in times if format != "mp4"), key=times.__getitem__)
    with st.container(key="timelapse", width=720):
        if pictures and st.toggle("Play the animation", True, key="timelapse_play"):
            st.image(addresses[pictures[-1]], alt="The samples from the first epoch to the last, as an animation")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.write("Download the timelapse:")
            for format in times:
                st.html(
                    urls.download_link(addresses[format], f"timelapse.{format}", animation.FORMATS[format]),
                    width="content",
                )
