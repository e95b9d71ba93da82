"""Plan how many images each class gets, look at them, build the zip, download it."""

from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.errors import UserError
from gan_core.evaluation.result_dicts import checkpoint
from gan_core.export import plan, quality_filter
from gan_core.storage import run_folder
from gan_core.storage.store import Job, Run
from gan_core.text import ago, count
from pages.export import downloads, preview
from pages.shared import cutout_preview
from pages.shared.context import click_token, get_context
from pages.shared.growth_plan import choose_balance, choose_methods, choose_plan, warn_beyond
from pages.shared.select_run import empty, info_or_stop, select_item, select_run
from pages.shared.status import job_progress, state_of, state_text
from pages.shared.steps import show_steps
from pages.shared.text import plain, sentence
from pages.shared.verdict_box import utility_box, verdict_box

LAYOUTS = {"auto": "As it fits", "imagefolder": "A folder per class", "webdataset": "Tar shards (WebDataset)"}

context = get_context()
st.title("Export")
show_steps("Export")
runs, datasets = context.store.runs(), {dataset.id: dataset for dataset in context.store.datasets()}
alone = False
if datasets:
    alone = st.toggle(
        "Without a run",
        value=not runs or ("ds" in st.query_params and "run" not in st.query_params),
        key="export_alone",
        disabled=not runs,
        help="Real images, changed copies of them and pasted objects; nothing is drawn by a GAN.",
    )
run: Run | None = None
if alone:
    dataset_id = select_item("Dataset", list(datasets.values()), "ds", "export_dataset")
elif runs:
    run = select_run(context, "export_run", "")
    dataset_id = run.dataset_id
else:
    empty("Nothing to export yet: bring in a dataset first.", "data/page.py", "Go to Data")
    st.stop()
info = info_or_stop(context, dataset_id)

balance_slot = st.container()
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
        help="Pictures are resized to it.",
    )
    layout = st.selectbox(
        "Files",
        plan.LAYOUTS,
        format_func=LAYOUTS.__getitem__,
        key="export_layout",
        width=220,
        help=f"As it fits: a folder per class, and tar shards for more than {plan.SHARDS_ABOVE:,} pictures.",
    )
    unpad = info.fit == "pad" and st.checkbox("Cut the padding off", key=f"export_unpad_{dataset_id}")
with balance_slot:
    balance = choose_balance(info)
    methods, policy = choose_methods(run is not None)
    if "composite" in methods:
        cutout_preview.show(context.workspace.dataset(dataset_id), info.classes)
planned = choose_plan(info, balance, methods, originals, dataset_id)
st.caption("The held-out test images go into the zip as they are, so a classifier can be tested on real images only.")


def said_of(run: Run, result: dict[str, Any]) -> None:
    """Which checkpoint a verdict is about, beside the one that the export draws from."""
    newest = run_folder.checkpoints(context.workspace.run(run.id))[:1]
    other = (
        f" The export draws from the newest, at {newest[0]:,}."
        if newest and newest[0] != result.get("images_seen")
        else ""
    )
    labels = plain(f" Drawn images: {said}") if (said := result.get("gate_said")) else ""
    st.caption(f"Said of {checkpoint(result)}.{other}{labels}")


def show_verdicts(run: Run) -> None:
    """What the newest measurement and the newest comparison said of this run."""
    for measured in context.store.jobs(kind="evaluate", subject=run.id, states=("finished",))[:1]:
        if copying := (measured.result or {}).get("memorisation"):
            verdict_box(copying["verdict"], "Copies", copying.get("sentence", ""), copying.get("todo", ""))
            said_of(run, measured.result or {})
    compared = next(
        (job.result for job in context.store.jobs(kind="utility", subject=run.id, states=("finished",))), None
    )
    if compared:
        utility_box(compared)
        said_of(run, compared)
    if planned:
        warn_beyond(compared, planned[1], info, methods, originals)


checks, removed, no_gate = list(quality_filter.CHECKS), dict[str, list[int]](), False
if run is not None:
    show_verdicts(run)
    if "gan" in methods:
        chosen = st.pills(
            "Leave out drawn images that are",
            list(quality_filter.CHECKS),
            selection_mode="multi",
            default=list(quality_filter.CHECKS),
            format_func=quality_filter.CHECKS.__getitem__,
            key="export_checks",
            help="A small classifier, trained on the real images, looks at each drawn one, and its neighbours among the real "
            "ones are looked up; in the place of one that is left out another is drawn, with noise "
            f"{quality_filter.WIDE_TRUNCATION:g} times as wide for more variety. Of a class that it confuses with others only clear mistakes are left "
            "out; of one that it cannot tell from the others neither class nor realism is judged.",
        )
        no_gate = st.checkbox(
            "Export even if the copying check is red",
            key="export_no_gate",
            help="Before it writes, the export compares its generated images with the training images, and stops where they "
            "are copies. Ticked, near copies are not left out either.",
        )
        checks = [check for check in quality_filter.CHECKS if check in chosen and not (no_gate and check == "copy")]
        removed = preview.choose(context, run, info, int(seed), checks)
if st.button("Build zip", type="primary", icon=":material/folder_zip:", key="export_start", disabled=planned is None):
    wanted = {
        "originals": originals,
        "seed": int(seed),
        "gate": not no_gate,
        "checks": checks,
        "removed": removed,
        "methods": methods,
        "policy": policy,
        "format": format,
        "side": None if int(side) == info.size else int(side),
        "layout": layout,
        "unpad": unpad,
    }
    source, totals = run.id if run else dataset_id, planned[0] if planned else balance
    try:
        token = click_token("export", source, totals, *wanted.values())
        st.session_state["export_job"] = actions.export(context, source, totals, **wanted, token=token).id
    except UserError as refused:
        st.error(sentence(refused))


def gate_said(result: dict[str, Any]) -> None:
    """What the checks kept; a warning where a class came out short."""
    said = result.get("gate_said") or result.get("label_check_said") or "not checked"
    classes = ((result.get("gate") or {}).get("classes") or {}).values()
    if any(row["missing"] for row in classes):
        st.warning(plain(f"Drawn images: {said}"), icon=":material/warning:")
    else:
        st.caption(plain(f"Drawn images: {said}"))


run_ids = {one.id for one in runs}


def is_mine(job: Job) -> bool:
    """Of the chosen run; without a run, those of the dataset that no run made, or one that was deleted since."""
    maker = job.payload.get("run")
    return maker == run.id if run else job.payload.get("dataset") == dataset_id and maker not in run_ids


exports = [job for job in context.store.jobs(kind="export") if is_mine(job)]
for job in exports:
    if job.live or job.id == st.session_state.get("export_job"):
        job_progress(context, job, "Export", f"export_{job.id}")
done = [job for job in exports if job.state == "finished" and job.result]
if done:
    st.header("Exports of this run" if run else "Exports of this dataset")
    for job in done:
        with st.container(border=True, key=f"export_done_{job.subject}"):
            made = sum(entry["synthetic"] for entry in job.result.get("per_class", {}).values())
            st.caption(
                f"{state_text(state_of(job))}, {ago(job.finished_at or job.created_at)}: {count(made, 'generated image')}"
            )
            if (context.workspace.export(job.subject) / str(job.result["file"])).is_file():
                downloads.link(job.result, job.subject)
                for note in job.result.get("notes", ()):
                    st.caption(plain(note))
                gate_said(job.result)
            else:
                st.caption("The file is not in the workspace any more; build it again.")
            if job.payload.get("run") not in (None, *run_ids):
                st.caption("The run that drew its images was deleted; the file is whole.")
else:
    st.caption("No export yet.")

if run is not None:
    downloads.generator(context, run)
