"""The health of a dataset: each finding with its effect on a GAN, its images, and a button that resolves it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.data.dataset_files import images_file, place
from gan_core.data.split_names import SPLITS, Split
from gan_core.dataset_health import describe, exclusions, findings, image_stats
from gan_core.dataset_health.findings import Finding, Picture
from gan_core.text import ago, count
from gan_core.views.image_sheet import png, sheet
from pages.data.import_again import query
from pages.shared.double_click import click_token
from pages.shared.links import link
from pages.shared.status import job_progress, show_refusal
from pages.shared.text import plain

MEANS_SHOWN = 24
CELL_PIXELS = 156
NAME_LETTERS = 28


class Level(NamedTuple):
    icon: str
    word: str


LEVELS = {
    "high": Level(":material/report:", "Fix this"),
    "medium": Level(":material/warning:", "Worth checking"),
    "low": Level(":material/info:", "Good to know"),
}


def show_health(context: Context, id: str, info: DatasetInfo) -> None:
    """The findings of the newest check; before the first, those that follow from the counts alone."""
    st.header("Health")
    folder = context.workspace.dataset(id)
    health = findings.read(folder)
    show_check(context, id, folder, health)
    found = findings.in_order(describe.of_info(info)) if health is None else health.findings
    if not found and health is None:
        st.caption("The counts are fine. Check the images for near duplicates and wrong labels.")
    elif not found:
        st.success("No problems were found.", icon=":material/check_circle:")
    for finding in found:
        show_finding(context, id, folder, info, finding)
    show_means(folder, info)


def show_check(context: Context, id: str, folder: Path, health: findings.Health | None) -> None:
    """The button that starts a check of all images, its progress, and how many images were compared."""
    job = context.store.latest_job("inspect", id)
    live = job is not None and job.live
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Check the images" if health is None else "Check again",
            key="inspect_start",
            icon=":material/search:",
            disabled=live,
        ):
            with show_refusal():
                job = actions.inspect(context, id, token=click_token("inspect", id))
        if health is None:
            st.caption(
                "Looks for near duplicates, wrong labels and outliers, with a network that comes with Ganvas. It takes about a "
                "minute for a few thousand images on a CPU."
            )
        else:
            part = "" if health.looked_at == health.of else ", as many of each class"
            when = (place(folder) / "health.json").stat().st_mtime
            st.caption(f"{health.looked_at:,} of {count(health.of, 'image')} compared{part}, {ago(when)}.")
    if job is not None and job.state != "finished":
        job_progress(context, job, "Check of the images", "inspect")


def show_finding(context: Context, id: str, folder: Path, info: DatasetInfo, finding: Finding) -> None:
    """One finding: level, title and effect; its images on request; the button that resolves it."""
    level, hint = LEVELS[finding.level], f" {finding.hint}" if finding.hint else ""
    with st.container(border=True, key=f"finding_{finding.kind}"):
        st.markdown(f"{level.icon} {level.word}: **{plain(finding.title)}**")
        st.caption(plain(finding.effect + hint))
        is_shown = False
        if finding.shown or finding.action:
            with st.container(horizontal=True, vertical_alignment="center"):
                if finding.shown:
                    is_shown = st.toggle("Show the images", key=f"see_{finding.kind}_{id}")
                show_action(context, id, folder, info, finding)
        if is_shown:
            show_images(context, id, folder, finding)


def show_action(context: Context, id: str, folder: Path, info: DatasetInfo, finding: Finding) -> None:
    """The button or link that resolves a finding, or a note that it was done."""
    again = finding.action == "import_again" and info.source.get("kind") != "curated"
    if again:
        link("data", "Import again", icon="refresh", **query(id, finding.proposes))
    left = set(finding.rows) - exclusions.left_out(exclusions.read(folder))
    if finding.rows and not left:
        st.caption(":material/check: Excluded.")
    elif left and (not again or 2 * len(left) <= sum(info.totals)):
        label = "Keep one of each" if finding.action == "keep_one" else f"Exclude {len(left):,}"
        if st.button(label, key=f"exclude_{finding.kind}", icon=":material/playlist_remove:"):
            exclude(context, id, finding.kind)


def exclude(context: Context, id: str, finding: str = "", rows: Sequence[tuple[str, int]] | None = None) -> None:
    with show_refusal():
        actions.exclude(context, id, finding, rows)
        st.rerun()


def show_images(context: Context, id: str, folder: Path, finding: Finding) -> None:
    """The images of a finding, or its pairs side by side, each with its name; and a selection of some to exclude."""
    images = {split: read_images(folder, split) for split in SPLITS}
    groups = [group for group in finding.shown if all(0 <= one.row < len(images[one.split]) for one in group)]
    if not groups:
        st.caption("The images are not there any more.")
        return
    with st.container(horizontal=True, gap="small", key=f"shown_{finding.kind}"):
        for number, group in enumerate(groups, 1):
            with st.container(width=CELL_PIXELS):
                row = sheet([np.asarray(images[one.split][one.row]) for one in group], len(group))
                st.image(png(row), width="stretch", alt=" beside ".join(named(one) for one in group))
                st.caption(f"{number} · " + "  \n".join(plain(about(one)) for one in group))
    select_some(context, id, finding, groups)
    if len(groups) < finding.total:
        st.caption(f"{len(groups)} of {finding.total:,} are shown.")


def select_some(context: Context, id: str, finding: Finding, groups: Sequence[Sequence[Picture]]) -> None:
    """Exclude only some of the images that are shown."""
    flat = [(number, one) for number, group in enumerate(groups, 1) for one in group]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Only some of these",
            range(len(flat)),
            format_func=lambda at: f"{flat[at][0]}: {named(flat[at][1])}",
            key=f"some_{finding.kind}_{id}",
            placeholder="Select images",
            width=420,
        )
        if st.button("Exclude the selected", key=f"exclude_some_{finding.kind}", disabled=not chosen):
            exclude(context, id, rows=[(flat[at][1].split, flat[at][1].row) for at in chosen])


def named(one: Picture) -> str:
    """Its file name in the zip or folder, or its row where the name is not known."""
    return one.name or f"{one.split} {one.row}"


def about(one: Picture) -> str:
    """Class, end of the file name, its split where that is not train, and the note of the finding."""
    name = named(one).rsplit("/", 1)[-1]
    short = name if len(name) <= NAME_LETTERS else f"…{name[1 - NAME_LETTERS :]}"
    rest = [*([f"{one.split} image"] if one.split != "train" else []), *([one.note] if one.note else [])]
    return ", ".join([f"{one.label}: {short}", *rest])


def read_images(folder: Path, split: Split) -> np.ndarray:
    """The images of a split, uint8 [N, H, W, C], read from disk when used; empty where the file is missing or damaged."""
    try:
        return np.load(images_file(folder, split), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return np.empty((0, 1, 1, 1), np.uint8)


def show_means(folder: Path, info: DatasetInfo) -> None:
    """The mean training image of each class."""
    means = image_stats.read_means(folder, info)
    if means is None:
        return
    st.subheader("Mean image of each class")
    with st.container(horizontal=True, gap="small", key="class_means"):
        for name, mean in list(zip(info.classes, means, strict=False))[:MEANS_SHOWN]:
            with st.container(width=96):
                st.image(png(sheet([mean], 1)), width=84, alt=f"Mean image of {name}")
                st.caption(plain(name))
    more = f" The first {MEANS_SHOWN} of {len(info.classes):,} classes." if len(info.classes) > MEANS_SHOWN else ""
    st.caption(
        "A sharp mean: the images of this class are alike, and a GAN learns them soon. A grey blur: they vary." + more
    )
