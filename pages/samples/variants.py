"""Variants of real images: as far as the generator can draw one, with more or less fresh noise."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import read_info
from gan_core.errors import UserError
from gan_core.storage.store import Job, Run
from pages.shared.context import click_token
from pages.shared.status import job_progress
from pages.shared.text import plain, sentence


def fuse_section(context: Context, run: Run) -> None:
    st.header("Variants of real images")
    try:
        actions.trained_run(context, run.id)
        classes = read_info(context.workspace.dataset(run.dataset_id)).classes if run.config["conditional"] else ["all"]
    except UserError as error:
        st.caption(sentence(error))
        return
    job = context.store.latest_job("fuse", run.id)
    columns = st.columns(2)
    with columns[0]:
        number = st.selectbox("Class", range(len(classes)), format_func=classes.__getitem__, key=f"fuse_class_{run.id}")
    with columns[1]:
        strength = st.slider(
            "Fresh noise",
            0.0,
            1.0,
            0.3,
            0.05,
            key=f"fuse_strength_{run.id}",
            help="0: only what the generator makes of the real image. 1: any image of the class.",
        )
    if st.button("Make variants", key="fuse_start", icon=":material/blender:", disabled=job is not None and job.live):
        try:
            token = click_token("fuse", run.id, classes[number], strength)
            job = actions.fuse(context, run.id, classes[number], strength, token=token)
        except UserError as refused:
            st.error(sentence(refused))
    if job:
        job_progress(context, job, "Variants", "fuse")
    if job is None or job.state != "finished":
        st.caption("Finds the noise from which the generator draws a real image best, and stirs it. Takes seconds.")
        return
    show(context, job)


def show(context: Context, job: Job) -> None:
    result = job.result or {}
    path = context.workspace.run(job.subject) / "fusions" / f"{job.id}.png"
    if not path.is_file():
        st.caption("The picture is not kept any more: make the variants again.")
        return
    st.caption(
        f"{plain(result['class'])}, fresh noise {result['strength']:g}. Left: a real training image. Second: what the "
        f"generator can draw of it. Then six variants. The second is off by {result['error']:.1%} of the brightness "
        f"range, any image of the class by {result['error_at_random']:.1%}. With little fresh noise a variant is near "
        f"to a copy of a training image."
    )
    with st.container(width=720, key="fusion"):
        st.image(
            path.read_bytes(),
            width="stretch",
            alt="Rows of a real image, what the generator can draw of it, and six variants",
        )
