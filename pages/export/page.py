"""Export: plan how many images each class gets, preview the drawn ones, build the zip and download it."""

from typing import NamedTuple

import streamlit as st

from gan_core import actions
from gan_core.data.dataset import DatasetInfo
from gan_core.errors import UserError
from gan_core.export import plan, quality_filter
from gan_core.requests import ExportRequest
from gan_core.storage.store import Run
from pages.export.exports import show_exports
from pages.export.filter_form import FilterChoice, choose_filter
from pages.export.model_bundle import show_model_export
from pages.export.verdicts import show_verdicts
from pages.shared import cutout_preview
from pages.shared.context import click_token, get_context
from pages.shared.growth_plan import choose_balance, choose_methods, choose_plan
from pages.shared.select_run import dataset_info_or_stop, empty, select_item, select_run
from pages.shared.steps import show_steps
from pages.shared.text import sentence

LAYOUTS = {"auto": "Automatic", "imagefolder": "A folder per class", "webdataset": "Tar shards (WebDataset)"}


class FileChoice(NamedTuple):
    originals: bool
    seed: int
    format: str
    side: int | None  # px, None for the size of the dataset
    layout: str
    unpad: bool


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


def choose_files(info: DatasetInfo, dataset_id: str) -> FileChoice:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        originals = st.checkbox("Include the real images", value=True, key="export_originals")
        seed = st.number_input(
            "Seed", 0, 2**31 - 1, 0, 1, key="export_seed", width=160, help="The same seed draws the same images."
        )
        format = st.selectbox("Format", list(plan.FORMATS), format_func=str.upper, key="export_format", width=120)
        side = st.number_input(
            "Pixels",
            plan.SMALLEST_SIDE,
            plan.LARGEST_SIDE,
            info.size,
            key=f"export_side_{dataset_id}",
            width=130,
            help="Images are resized to this side.",
        )
        layout = st.selectbox(
            "Files",
            plan.LAYOUTS,
            format_func=LAYOUTS.__getitem__,
            key="export_layout",
            width=220,
            help=f"Automatic: a folder per class, and tar shards for more than {plan.SHARDS_ABOVE:,} images.",
        )
        unpad = info.fit == "pad" and st.checkbox("Cut the padding off", key=f"export_unpad_{dataset_id}")
    return FileChoice(originals, int(seed), format, None if int(side) == info.size else int(side), layout, unpad)


context = get_context()
st.title("Export")
show_steps("Export")
run, dataset_id = choose_source()
info = dataset_info_or_stop(context, dataset_id)

above = st.container()
files = choose_files(info, dataset_id)
with above:
    balance = choose_balance(info)
    methods, policy = choose_methods(run is not None)
    if "composite" in methods:
        cutout_preview.show(context.workspace.dataset(dataset_id), info.classes)
planned = choose_plan(info, balance, methods, files.originals, dataset_id)
st.caption(
    "The zip also contains the held-out test images, unchanged, so that a classifier is tested on real images only."
)

filtering = FilterChoice(True, list(quality_filter.CHECKS), {})
if run is not None:
    show_verdicts(context, run, info, planned[1] if planned else None, methods, files.originals)
    if "gan" in methods:
        filtering = choose_filter(context, run, info, files.seed)
if st.button("Build zip", type="primary", icon=":material/folder_zip:", key="export_start", disabled=planned is None):
    source = {"run": run.id if run else None, "dataset": dataset_id, "balance": planned[0] if planned else balance}
    try:
        request = ExportRequest(**source, methods=methods, policy=policy, **files._asdict(), **filtering._asdict())
        token = click_token("export", request.payload())
        st.session_state["export_job"] = actions.export(context, request, token=token).id
    except UserError as refused:
        st.error(sentence(refused))
show_exports(context, run, dataset_id)
if run is not None:
    show_model_export(context, run)
