"""Variants of real images: the latent code that best reconstructs a real image, mixed with more or less fresh noise."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.requests import VariantsRequest
from gan_core.storage.store import Job, Run
from pages.shared import request_form
from pages.shared.double_click import click_token
from pages.shared.status import job_progress, show_refusal
from pages.shared.text import plain, sentence


def show_variants(context: Context, run: Run) -> None:
    st.header("Variants of real images")
    try:
        actions.trained_run(context, run.id)
        classes = actions.drawable(context, run)
    except UserError as error:
        st.caption(sentence(error))
        return
    job = context.store.latest_job("variants", run.id)
    left, right = st.columns(2)
    number = left.selectbox(
        "Class", range(len(classes)), format_func=classes.__getitem__, key=f"variants_class_{run.id}"
    )
    strength = request_form.slider(VariantsRequest, "strength", f"variants_strength_{run.id}", right)
    if st.button(
        "Make variants", key="variants_start", icon=":material/blender:", disabled=job is not None and job.live
    ):
        with show_refusal():
            request = VariantsRequest(class_name=classes[number], strength=strength)
            token = click_token("variants", run.id, request.payload())
            job = actions.variants(context, run.id, request, token=token)
    if job:
        job_progress(context, job, "Variants", "variants")
    if job is None or job.state != "finished":
        st.caption("Finds the latent code that best reconstructs a real image, then varies it. Takes seconds.")
        return
    show_sheet(context, job)


def show_sheet(context: Context, job: Job) -> None:
    result = job.result or {}
    path = context.workspace.run(job.subject) / "fusions" / f"{job.id}.png"
    if not path.is_file():
        st.caption("The image was removed. Make the variants again.")
        return
    st.caption(
        f"{plain(result['class'])}, fresh noise {result['strength']:g}. Each row: a real training image, its reconstruction by "
        f"the generator, and six variants. The mean error of the reconstruction is {result['error']:.1%} of the brightness "
        f"range; that of a random image of the class is {result['error_at_random']:.1%}. With little fresh noise a variant is "
        "close to a copy of the training image."
    )
    with st.container(width=720, key="variants"):
        st.image(
            path.read_bytes(),
            width="stretch",
            alt="Rows of a real image, its reconstruction by the generator, and six variants",
        )
