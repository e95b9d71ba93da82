"""What an export would keep and refuse, before it is built: kept images can be left out with a click."""

import base64
import io
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from gan_core import actions
from gan_core.actions import Context
from gan_core.data import dataset as dataset_folder
from gan_core.data.dataset import DatasetInfo
from gan_core.errors import UserError
from gan_core.export.quality_filter import CHECKS
from gan_core.storage import export_preview, run_folder
from gan_core.storage.store import Job, Run
from pages.shared.context import click_token
from pages.shared.image_sheets import show_sheet
from pages.shared.status import job_progress
from pages.shared.text import plain, sentence

TILE = 64  # px


def choose(context: Context, run: Run, info: DatasetInfo, seed: int, checks: list[str]) -> dict[str, list[int]]:
    """Numbers of drawn images that a person left out, by class name."""
    if st.button("Preview what is kept", icon=":material/visibility:", key="preview_start"):
        try:
            newest = run_folder.checkpoints(context.workspace.run(run.id))[:1]
            token = click_token("preview", run.id, seed, checks, newest)
            st.session_state["preview_job"] = actions.preview(context, run.id, seed=seed, checks=checks, token=token).id
        except UserError as refused:
            st.error(sentence(refused))
    jobs = context.store.jobs(kind="preview", subject=run.id)
    for job in jobs:
        if job.live or (job.id == st.session_state.get("preview_job") and job.state != "finished"):
            job_progress(context, job, "Preview", f"preview_{job.id}")
    done = next((job for job in jobs if job.state == "finished" and job.result), None)
    found = export_preview.read(export_preview.path_of(context.workspace.run(run.id))) if done else None
    if done is None or found is None or str(found.job) != done.id:
        return {}
    with st.container(border=True, key="preview"):
        return show(context, run, info, done, found, seed, checks)


def show(
    context: Context, run: Run, info: DatasetInfo, job: Job, found: export_preview.Preview, seed: int, checks: list[str]
) -> dict[str, list[int]]:
    result = job.result or {}
    said = plain(str(result.get("gate_said", "")))
    if result.get("unfit"):
        st.warning(said, icon=":material/warning:")
    else:
        st.caption(said)
    newest = run_folder.checkpoints(context.workspace.run(run.id))[:1]
    same = (result.get("seed"), result.get("checks")) == (seed, checks) and newest == [result.get("images_seen")]
    if not same:
        st.info(
            "This preview is of another seed, checkpoint or set of checks: make it again to leave images out.",
            icon=":material/info:",
        )
    removed: dict[str, list[int]] = {}
    if len(found.images):
        st.markdown("**Kept.** Tick what you do not want; another image takes its place.")
        edited = st.data_editor(
            rows(str(context.workspace.dataset(run.dataset_id)), found, info),
            disabled=("class", "image", "nearest real", "sure of the class", "realism", "number"),
            hide_index=True,
            row_height=TILE,
            height=420,
            key=f"preview_kept_{job.id}",
            alt="Images that the export would keep, with their scores and the nearest real image",
            column_config={
                "leave out": st.column_config.CheckboxColumn(width=80),
                "class": st.column_config.TextColumn(width=140),
                "image": st.column_config.ImageColumn(width=90),
                "nearest real": st.column_config.ImageColumn(width=110),
                "sure of the class": st.column_config.NumberColumn(
                    format="percent", help="How sure the classifier of the real images is of the class."
                ),
                "realism": st.column_config.NumberColumn(
                    format="%.2f", help="1 or more: as near to real images of its class as they are to one another."
                ),
            },
        )
        for out, name, number in zip(edited["leave out"], edited["class"], edited["number"], strict=True):
            if out and same:
                removed.setdefault(name, []).append(int(number))
    reasons = [reason for reason in CHECKS if (found.refused_reason == reason).any()]
    if reasons:
        st.markdown("**Refused**, some of each class:")
        for tab, reason in zip(st.tabs([CHECKS[reason].capitalize() for reason in reasons]), reasons, strict=True):
            with tab:
                show_sheet(found.refused[found.refused_reason == reason], f"Refused images, {CHECKS[reason]}", 12)
    return removed


@st.cache_data(max_entries=4, show_spinner=False, hash_funcs={export_preview.Preview: lambda found: str(found.job)})
def rows(dataset: str, found: export_preview.Preview, _info: DatasetInfo) -> dict[str, list]:
    """The columns of the table, the least realistic image of a class first."""
    train = dataset_folder.load(Path(dataset), "train")
    order = np.lexsort((np.nan_to_num(found.realism, nan=np.inf), found.label)).tolist()
    return {
        "leave out": [False] * len(order),
        "class": [_info.classes[found.label[at]] for at in order],
        "image": [data_address(found.images[at]) for at in order],
        "nearest real": [
            data_address(np.asarray(train.images[found.nearest[at]]))
            if 0 <= found.nearest[at] < len(train.images)
            else ""
            for at in order
        ],
        "sure of the class": [None if np.isnan(value) else float(value) for value in found.agreement[order]],
        "realism": [None if np.isnan(value) else float(value) for value in found.realism[order]],
        "number": [int(found.number[at]) for at in order],
    }


def data_address(picture: np.ndarray) -> str:
    """uint8 [H, W, C] -> a data: address of a small picture."""
    file = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(file, "WEBP", quality=85)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
