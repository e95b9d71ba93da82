"""What an export would keep and refuse, before it is built; kept images can be left out by hand."""

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
from gan_core.export.quality_filter import CHECKS
from gan_core.requests import ExportRequest, PreviewRequest
from gan_core.storage import checkpoints, export_preview
from gan_core.storage.export_preview import Preview
from gan_core.storage.store import Job, Run
from pages.shared.double_click import click_token
from pages.shared.image_sheets import show_sheet
from pages.shared.status import job_progress, show_refusal
from pages.shared.text import plain

ROW_HEIGHT = 64  # px
COLUMNS = {
    "leave out": st.column_config.CheckboxColumn(width=80),
    "class": st.column_config.TextColumn(width=140),
    "image": st.column_config.ImageColumn(width=90),
    "nearest real": st.column_config.ImageColumn(width=110),
    "class probability": st.column_config.NumberColumn(
        format="percent", help="The probability of this class by the dataset classifier."
    ),
    "realism": st.column_config.NumberColumn(
        format="%.2f", help="1 or more: as close to real images of its class as they are to one another."
    ),
    "number": st.column_config.NumberColumn(),
}


def choose_removed(context: Context, run: Run, info: DatasetInfo, asked: ExportRequest) -> dict[str, list[int]]:
    """Numbers of the drawn images that the user left out, by class name; {} without a preview of the seed, checks and checkpoint
    of the export."""
    seen = checkpoints.chosen(context.workspace.run(run.id), asked.at)
    if st.button("Preview what is kept", icon=":material/visibility:", key="preview_start"):
        with show_refusal():
            request = PreviewRequest(seed=asked.seed, checks=asked.checks, at=asked.at)
            token = click_token("preview", run.id, request.payload(), seen)
            st.session_state["preview_job"] = actions.preview(context, run.id, request, token=token).id
    jobs = context.store.jobs(kind="preview", subject=run.id)
    for job in jobs:
        if job.live or (job.id == st.session_state.get("preview_job") and job.state != "finished"):
            job_progress(context, job, "Preview", f"preview_{job.id}")
    done = next((job for job in jobs if job.state == "finished" and job.result), None)
    preview = export_preview.read(export_preview.path_of(context.workspace.run(run.id))) if done else None
    if done is None or preview is None or str(preview.job) != done.id:
        return {}
    with st.container(border=True, key="preview"):
        result = done.result or {}
        fits = [result.get(key) for key in ("seed", "checks", "images_seen")] == [asked.seed, [*asked.checks], seen]
        show_summary(done, fits)
        left_out = show_kept(preview, str(context.workspace.dataset(run.dataset_id)), info)
        show_refused(preview)
        return left_out if fits else {}


def show_summary(job: Job, fits: bool) -> None:
    """fits: the preview is of the seed, checkpoint and checks of the form."""
    result = job.result or {}
    summary = plain(str(result.get("gate_said", "")))
    if result.get("unfit"):
        st.warning(summary, icon=":material/warning:")
    else:
        st.caption(summary)
    if not fits:
        st.info(
            "This preview is for another seed, checkpoint or set of checks. Make it again to leave images out.",
            icon=":material/info:",
        )


def show_kept(preview: Preview, dataset: str, info: DatasetInfo) -> dict[str, list[int]]:
    """The table of the images that are kept; numbers of those that are ticked, by class name."""
    if not len(preview.images):
        return {}
    st.markdown("**Kept.** Tick the images to leave out; others take their place.")
    edited = st.data_editor(
        kept_columns(dataset, preview, info),
        disabled=[name for name in COLUMNS if name != "leave out"],
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=420,
        key=f"preview_kept_{preview.job}",
        alt="Images that the export would keep, with their scores and the nearest real image",
        column_config=COLUMNS,
    )
    removed: dict[str, list[int]] = {}
    for ticked, name, number in zip(edited["leave out"], edited["class"], edited["number"], strict=True):
        if ticked:
            removed.setdefault(name, []).append(int(number))
    return removed


def show_refused(preview: Preview) -> None:
    reasons = [reason for reason in CHECKS if (preview.refused_reason == reason).any()]
    if not reasons:
        return
    st.markdown("**Refused**, examples of each class:")
    for tab, reason in zip(st.tabs([CHECKS[reason].capitalize() for reason in reasons]), reasons, strict=True):
        with tab:
            show_sheet(preview.refused[preview.refused_reason == reason], f"Refused images, {CHECKS[reason]}", 12)


@st.cache_data(max_entries=4, show_spinner=False, hash_funcs={Preview: lambda preview: str(preview.job)})
def kept_columns(dataset: str, preview: Preview, _info: DatasetInfo) -> dict[str, list]:
    """The columns of the table, the least realistic image of a class first. dataset: its folder."""
    train = dataset_folder.load(Path(dataset), "train")
    order = np.lexsort((np.nan_to_num(preview.realism, nan=np.inf), preview.label)).tolist()
    nearest = [preview.nearest[at] for at in order]
    return {
        "leave out": [False] * len(order),
        "class": [_info.classes[preview.label[at]] for at in order],
        "image": [data_url(preview.images[at]) for at in order],
        "nearest real": [
            data_url(np.asarray(train.images[row])) if 0 <= row < len(train.images) else "" for row in nearest
        ],
        "class probability": [None if np.isnan(value) else float(value) for value in preview.agreement[order]],
        "realism": [None if np.isnan(value) else float(value) for value in preview.realism[order]],
        "number": [int(preview.number[at]) for at in order],
    }


def data_url(picture: np.ndarray) -> str:
    """uint8 [H, W, C] -> a small picture as a data: URL."""
    file = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(file, "WEBP", quality=85)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
