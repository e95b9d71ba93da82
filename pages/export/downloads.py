"""Zips to take away: the link to one, and the generator itself."""

from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.evaluation.result_dicts import checkpoint
from gan_core.storage import run_folder
from gan_core.storage.store import Run
from gan_core.text import ago, size
from pages.shared import urls
from pages.shared.context import click_token
from pages.shared.status import job_progress
from pages.shared.text import plain, sentence


def link(result: dict[str, Any], export_id: str) -> None:
    """The download, its size and its checksum."""
    st.html(
        urls.download_link(
            urls.export(export_id, result["file"]),
            result["file"],
            f"Download {result['file']} ({size(result['bytes'])})",
        )
    )
    st.caption(f"SHA-256 `{str(result['sha256'])[:64]}`")


def generator(context: Context, run: Run) -> None:
    """The run's generator itself, to take away."""
    st.header("The generator itself")
    st.caption(
        "One zip with the trained network as ONNX (draws anywhere, without Ganvas) and as safetensors, and a script for each. "
        "It can repeat its training images: share it as you would share them."
    )
    if st.button("Pack the generator", icon=":material/deployed_code:", key="share_start"):
        try:
            token = click_token("share", run.id, run_folder.checkpoints(context.workspace.run(run.id))[:1])
            st.session_state["share_job"] = actions.share(context, run.id, token=token).id
        except UserError as refused:
            st.error(sentence(refused))
    for job in [job for job in context.store.jobs(kind="share") if job.payload.get("run") == run.id]:
        if job.live or (job.id == st.session_state.get("share_job") and job.state != "finished"):
            job_progress(context, job, "Generator", f"share_{job.id}")
        elif job.state == "finished" and job.result:
            with st.container(border=True, key=f"share_done_{job.subject}"):
                st.caption(f"Of {checkpoint(job.result)}, {ago(job.finished_at or job.created_at)}")
                if (context.workspace.export(job.subject) / str(job.result["file"])).is_file():
                    link(job.result, job.subject)
                else:
                    st.caption("The file is not in the workspace any more; pack it again.")
                if job.result["onnx"] != "written":
                    st.caption(plain(f"Without ONNX: {job.result['onnx']}"))
