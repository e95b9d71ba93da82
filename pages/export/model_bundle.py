"""The generator of a run as a file: the model bundle."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.evaluation.results import about_checkpoint
from gan_core.requests import ExportModelRequest
from gan_core.storage import checkpoints
from gan_core.storage.store import Run
from gan_core.text import ago
from pages.export.exports import show_download
from pages.shared.double_click import click_token
from pages.shared.status import job_progress, show_refusal
from pages.shared.text import plain


def show_model_export(context: Context, run: Run, at: checkpoints.At) -> None:
    st.header("Model bundle")
    st.caption(
        "A zip with the trained generator as ONNX, which runs without Ganvas, and as safetensors, each with a script that draws. "
        "A generator can reproduce its training images: publish it only where you may publish them."
    )
    if st.button("Export the model", icon=":material/deployed_code:", key="model_start"):
        with show_refusal():
            token = click_token("model", run.id, checkpoints.chosen(context.workspace.run(run.id), at))
            st.session_state["model_job"] = actions.export_model(
                context, ExportModelRequest(run=run.id, at=at), token=token
            ).id
    for job in context.store.jobs(kind="export_model"):
        if job.payload.get("run") != run.id:
            continue
        if job.live or (job.id == st.session_state.get("model_job") and job.state != "finished"):
            job_progress(context, job, "Model export", f"model_{job.id}")
        elif job.state == "finished" and job.result:
            with st.container(border=True, key=f"model_done_{job.subject}"):
                about = about_checkpoint(job.result.get("images_seen"), job.result.get("epoch"))
                st.caption(f"From {about}, {ago(job.finished_at or job.created_at)}")
                show_download(context, job)
                if job.result["onnx"] != "written":
                    st.caption(plain(f"Without ONNX: {job.result['onnx']}"))
