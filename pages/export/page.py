"""Export: plan how many images each class gets, preview the drawn ones, build the zip and download it."""

import streamlit as st

from gan_core import actions
from gan_core.data.dataset import DatasetInfo
from gan_core.requests import ExportRequest
from gan_core.storage import checkpoints
from gan_core.storage.store import Run
from pages.export.exports import show_exports
from pages.export.filter_form import choose_filter
from pages.export.growth_plan import choose_balance, choose_methods, choose_plan
from pages.export.model_bundle import show_model_export
from pages.export.privacy import show_privacy
from pages.export.verdicts import show_verdicts
from pages.export.what_helps import choose_as_found, plan_as_found, show_what_helps
from pages.shared import cutout_preview, request_form
from pages.shared.context import get_context
from pages.shared.double_click import click_token
from pages.shared.select_checkpoint import select_checkpoint
from pages.shared.select_run import dataset_info_or_stop, empty, select_item, select_run
from pages.shared.status import show_refusal
from pages.shared.steps import show_steps

FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
LAYOUTS = {"auto": "Automatic", "imagefolder": "A folder per class", "webdataset": "Tar shards (WebDataset)"}


def choose_source() -> tuple[Run | None, str]:
    """A run, or None, and the id of the dataset. Stops the page where there is neither."""
    runs, datasets = context.store.runs(), context.store.datasets()
    without_run = bool(datasets) and st.toggle(
        "Without a run",
        value=not runs or ("ds" in st.query_params and "run" not in st.query_params),
        key="export_alone",
        disabled=not runs,
        help="Fills classes with changed copies of real images and pasted objects; no GAN draws images.",
    )
    if without_run:
        return None, select_item("Dataset", datasets, "ds", "export_dataset")
    if runs:
        run = select_run(context, "export_run", "")
        return run, run.dataset_id
    empty("Nothing to export yet: import a dataset first.", "data/page.py", "Go to Data")
    st.stop()


def choose_files(info: DatasetInfo, dataset_id: str, run: Run | None) -> ExportRequest:
    """The request as far as the files of the zip are concerned."""
    key = f"export_side_{dataset_id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        originals = request_form.tick(ExportRequest, "originals", "export_originals")
        held_out = request_form.tick(ExportRequest, "held_out", "export_held_out")
        seed = request_form.number(ExportRequest, "seed", "export_seed", width=160)
        format = request_form.select(ExportRequest, "format", "export_format", FORMATS, width=120)
        side = request_form.number(ExportRequest, "side", key, value=info.size, width=130)
        layout = request_form.select(ExportRequest, "layout", "export_layout", LAYOUTS, width=220)
        unpad = info.fit == "pad" and request_form.tick(ExportRequest, "unpad", f"export_unpad_{dataset_id}")
        at = select_checkpoint(context, run, ExportRequest, f"export_at_{run.id}") if run else None
    size = None if side == info.size else side
    files = ExportRequest(originals=originals, held_out=held_out, format=format, side=size, layout=layout, unpad=unpad)
    return files.replace(seed=seed, at=at)


context = get_context()
st.title("Export")
show_steps("Export")
run, dataset_id = choose_source()
info = dataset_info_or_stop(context, dataset_id)

following = choose_as_found(show_what_helps(context, run, dataset_id))

st.header("The zip")
above = st.container()
request = choose_files(info, dataset_id, run)
request = request.replace(run=run.id if run else None, dataset=dataset_id, as_found=following)
if following:
    planned, methods = plan_as_found(context, info, request)
else:
    with above:
        balance = choose_balance(info)
        methods, policy = choose_methods(run is not None)
        if "composite" in methods:
            cutout_preview.show(context.workspace.dataset(dataset_id), info.classes)
    planned = choose_plan(info, balance, methods, request.originals, dataset_id)
    request = request.replace(balance=planned[0] if planned else balance, methods=methods, policy=policy)
st.caption(
    "The zip has a train.py, which trains a classifier in the way that was found and tests it on the test images: real ones, "
    "unchanged, that no network trained on."
)
drawn = not following or "gan" in methods  # what was found may need no image of the run
if run is not None and drawn:
    seen = checkpoints.chosen(context.workspace.run(run.id), request.at)
    show_verdicts(context, run, info, planned[1] if planned else None, methods, request.originals, seen)
    if "gan" in methods and not following:
        request = choose_filter(context, run, info, request)
show_privacy(context, run, info, methods)
if st.button("Build zip", type="primary", icon=":material/folder_zip:", key="export_start", disabled=planned is None):
    with show_refusal():
        token = click_token("export", request.payload())
        st.session_state["export_job"] = actions.export(context, request, token=token).id
show_exports(context, run, dataset_id)
if run is not None:
    show_model_export(context, run, request.at)
