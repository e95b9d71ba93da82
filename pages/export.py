"""Plan how many images each class gets, build the zip, download it."""

from typing import Any

import streamlit as st

from gan_core import actions, runfolder
from gan_core.data.classical import Policy
from gan_core.data.dataset import DatasetInfo
from gan_core.errors import UserError
from gan_core.export import gate, plan
from gan_core.meaning import checkpoint
from pages.components import charts, cutouts, packing
from pages.components.desk import click_token, get_desk
from pages.components.helps import help_box
from pages.components.pick import info_or_stop, pick_run
from pages.components.scorecard import verdict_box
from pages.components.status import job_progress, state_of, state_text
from pages.components.text import ago, count, plain, sentence

BALANCES = ("As many as the largest class", "The same total for each class", "By hand", "At least the median")
WAYS = {
    "gan": "Images from the run",
    "classical": "Changed copies of real images",
    "composite": "Objects on other backgrounds",
}
MOSTLY_SYNTHETIC = 0.9

desk = get_desk()
st.title("Export")
run = pick_run(desk, "export_run", "No run yet: train a model first, it draws the images that your rare classes lack.")
info = info_or_stop(desk, run.dataset_id)
counts = dict(zip(info.classes, info.train_counts, strict=True))


def choose_balance(info: DatasetInfo, originals: bool) -> plan.Balance:
    way = st.segmented_control("Balance to", BALANCES, default=BALANCES[0], required=True, key="export_balance")
    if way == BALANCES[1]:
        return int(st.number_input("Images per class", 1, 1_000_000, max(info.train_counts), 100, key="export_total"))
    if way == BALANCES[2]:
        st.caption(
            f"Type the totals you want; {'real images count towards them' if originals else 'all are generated'}."
        )
        edited = st.data_editor(
            {"class": info.classes, "real": info.train_counts, "total": [max(info.train_counts)] * len(info.classes)},
            disabled=["class", "real"],
            hide_index=True,
            key=f"export_totals_{run.dataset_id}",
            alt="Total of each class, to be edited",
            column_config={
                "total": st.column_config.NumberColumn(min_value=0, max_value=1_000_000, step=1, required=True)
            },
        )
        return {
            name: int(total) if total == total else 0
            for name, total in zip(edited["class"], edited["total"], strict=True)
        }
    return "median" if way == BALANCES[3] else "largest"


def choose_methods() -> tuple[dict[str, float], Policy]:
    """How the missing images are made, and what a changed copy may change."""
    chosen = st.pills(
        "Fill with", list(WAYS), selection_mode="multi", default=["gan"], format_func=WAYS.get, key="export_ways"
    )
    methods = dict.fromkeys(chosen, 1.0)
    if len(chosen) > 1:
        for column, method in zip(st.columns(len(chosen)), chosen, strict=True):
            methods[method] = float(column.slider(f"Parts: {WAYS[method].lower()}", 1, 10, 1, key=f"export_{method}"))
    if methods.keys() <= {"gan"}:
        return methods, Policy()
    st.caption(
        "A changed copy is a real training image, a little moved and enlarged; an object on another background is cut out of "
        "one and pasted on another. Both may also be:"
    )
    with st.container(horizontal=True):
        flips = st.checkbox("mirrored", key="export_flips", help="Not for digits, letters, or left and right hands.")
        turns = st.checkbox("turned", value=True, key="export_turns", help="By at most 10 degrees either way.")
        light = st.checkbox("relit", value=True, key="export_light", help="Changed copies: light, contrast, colour.")
    if "composite" in methods:
        cutouts.show(desk.workspace.dataset(run.dataset_id), info.classes)
    return methods, Policy(flips, turns, light)


def show_plan(rows: dict[str, plan.Row], shares: dict[str, dict[str, int]], originals: bool) -> None:
    """Real, missing and planned images of each class, as a table and as bars."""
    counted = {WAYS[method]: [share.get(method, 0) for share in shares.values()] for method in plan.METHODS}
    made = {name.lower(): numbers for name, numbers in counted.items() if any(numbers)}
    numbers, picture = st.columns([3, 2])
    numbers.dataframe(
        {
            "class": list(rows),
            "real": [row.real for row in rows.values()],
            **made,
            "total": [row.planned for row in rows.values()],
            "synthetic": [row.synthetic_share for row in rows.values()],
        },
        hide_index=True,
        key="export_plan",
        alt="Real, missing and planned images of each class",
        column_config={
            "class": st.column_config.TextColumn(width=150),
            "synthetic": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
        },
    )
    picture.plotly_chart(
        charts.planned_counts(list(rows), [row.real for row in rows.values()], made),
        key="export_chart",
        config=charts.CONFIG,
        alt="Real and synthetic images of each class as stacked bars",
    )
    mostly = sum(row.synthetic_share > MOSTLY_SYNTHETIC for row in rows.values())
    if mostly and originals:
        st.warning(
            f"{mostly} {'class is' if mostly == 1 else 'classes are'} more than {MOSTLY_SYNTHETIC:.0%} synthetic: "
            "look at the samples first, a GAN repeats what it saw in so few images.",
            icon=":material/warning:",
        )


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
        key=f"export_side_{run.dataset_id}",
        width=130,
        help="Pictures are resized to it.",
    )
with balance_slot:
    balance = choose_balance(info, originals)
    methods, policy = choose_methods()
planned: dict[str, plan.Row] | None = None
try:
    rows = plan.deficits(counts, balance, originals=originals)
    shares, small = plan.shares(rows, counts, plan.checked_methods(methods))
    show_plan(rows, shares, originals)
    if small:
        st.info(plain(plan.too_small(small)), icon=":material/info:")
    planned = rows
except UserError as refused:
    st.error(sentence(refused))
st.caption("The held-out test images go into the zip as they are, so a classifier can be tested on real images only.")


def said_of(result: dict[str, Any]) -> None:
    """Which checkpoint a verdict is about, beside the one that the export draws from."""
    newest = runfolder.checkpoints(desk.workspace.run(run.id))[:1]
    other = (
        f" The export draws from the newest, at {newest[0]:,}."
        if newest and newest[0] != result.get("images_seen")
        else ""
    )
    labels = plain(f" Labels: {said}") if (said := result.get("label_check_said")) else ""
    st.caption(f"Said of {checkpoint(result)}.{other}{labels}")


for measured in desk.store.jobs(kind="evaluate", subject=run.id, states=("finished",))[:1]:
    if copying := (measured.result or {}).get("memorisation"):
        verdict_box(copying["verdict"], "Copies", copying.get("sentence", ""), copying.get("todo", ""))
        said_of(measured.result or {})
for compared in desk.store.jobs(kind="utility", subject=run.id, states=("finished",))[:1]:
    if compared.result:
        help_box(compared.result)
        said_of(compared.result)
check_labels = st.checkbox(
    "Leave out images of the wrong class",
    value=True,
    key="export_check_labels",
    help="A small classifier, trained on the real images, looks at each generated one; where it sees another class, another image "
    f"is drawn, with noise {gate.WIDE:g} times as wide for more variety. Not done where that classifier is right in less than "
    f"{gate.LEAST_ACCURACY:.0%} of the held-out images.",
)
no_gate = st.checkbox(
    "Export even if the copying check is red",
    key="export_no_gate",
    help="Before it writes, the export compares its generated images with the training images, and stops where they "
    "are copies.",
)
if st.button("Build zip", type="primary", icon=":material/folder_zip:", key="export_start", disabled=planned is None):
    token = click_token(
        "export", run.id, balance, originals, int(seed), no_gate, check_labels, methods, policy, format, side
    )
    try:
        st.session_state["export_job"] = actions.export(
            desk,
            run.id,
            balance,
            originals=originals,
            seed=int(seed),
            gate=not no_gate,
            check_labels=check_labels,
            methods=methods,
            policy=policy,
            format=format,
            side=None if int(side) == info.size else int(side),
            token=token,
        ).id
    except UserError as refused:
        st.error(sentence(refused))


def labels_checked(result: dict[str, Any]) -> None:
    """What the label check kept; a warning where it gave a class up."""
    said = f"Labels: {result.get('label_check_said', 'not checked')}"
    classes = ((result.get("label_check") or {}).get("classes") or {}).values()
    if any(row["unchecked"] for row in classes):
        st.warning(plain(said), icon=":material/warning:")
    else:
        st.caption(plain(said))


exports = [job for job in desk.store.jobs(kind="export") if job.payload.get("run") == run.id]
for job in exports:
    if job.live or job.id == st.session_state.get("export_job"):
        job_progress(desk, job, "Export", f"export_{job.id}")
done = [job for job in exports if job.state == "finished" and job.result]
if done:
    st.header("Exports of this run")
    for job in done:
        with st.container(border=True, key=f"export_done_{job.subject}"):
            made = sum(entry["synthetic"] for entry in job.result.get("per_class", {}).values())
            st.caption(
                f"{state_text(state_of(job))}, {ago(job.finished_at or job.created_at)}: {count(made, 'generated image')}"
            )
            if (desk.workspace.export(job.subject) / str(job.result["file"])).is_file():
                packing.link(job.result, job.subject)
                for note in job.result.get("notes", ()):
                    st.caption(plain(note))
                labels_checked(job.result)
            else:
                st.caption("The file is not in the workspace any more; build it again.")
else:
    st.caption("No export of this run yet.")

packing.generator(desk, run)
