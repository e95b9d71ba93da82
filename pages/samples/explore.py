"""New images of a run to look at: which class, seed and noise, and the real images that lie nearest to each."""

from pathlib import Path
from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import read_info
from gan_core.errors import UserError
from gan_core.evaluation.vocabulary import how_near
from gan_core.settings.families import why_no_walk
from gan_core.storage import drawn_images, run_folder
from gan_core.storage.drawn_images import Exploration
from gan_core.storage.store import Run
from pages.samples.image_grid import WalkEnd, image_grid
from pages.shared import urls
from pages.shared.context import click_token
from pages.shared.status import job_progress
from pages.shared.text import sentence

SHOWN = "smp_x"  # in the address: the exploration that is shown
SMALL = 100  # px: below, pixels are shown as squares
SCALE_HELP = (
    "Truncation. 1: as the run was trained. Below 1: safer images that are more alike, at 0 one image a class. "
    "Above 1: more different, and more often broken."
)


def explore_section(context: Context, run: Run) -> Exploration | None:
    """The exploration that is shown, None where there is none."""
    st.header("Explore")
    st.caption("Draws new images in seconds. Click one to enlarge it beside the real images that lie nearest to it.")
    try:
        actions.trained_run(context, run.id)
        classes = actions.drawable(context, run)
    except UserError as error:
        st.caption(sentence(error))
        return None
    ask(context, run, classes)
    job = context.store.latest_job("explore", run.id)
    if job:
        job_progress(context, job, "Drawing", "explore")
    found = choose(context, run)
    if found is not None:
        show(context, run, found)
    return found


def ask(context: Context, run: Run, classes: list[str]) -> None:
    kept = run_folder.checkpoints(context.workspace.run(run.id))
    columns = st.columns(4)
    all_classes = len(classes)  # one beyond the last
    number = columns[0].selectbox(
        "Class",
        [all_classes, *range(len(classes))] if len(classes) > 1 else [all_classes],
        format_func=lambda at: "All classes" if at == all_classes else classes[at],
        key=f"explore_class_{run.id}",
    )
    seed = columns[1].number_input(
        "Seed", 0, 2**31 - 1, 0, key=f"explore_seed_{run.id}", help="The same seed draws the same images again."
    )
    scale = columns[2].slider(
        "Noise scale", 0.0, drawn_images.MOST_NOISE_SCALE, 1.0, 0.05, key=f"explore_scale_{run.id}", help=SCALE_HELP
    )
    at = columns[3].selectbox(
        "Checkpoint",
        [None, *kept[1:]],
        format_func=lambda at: "Newest" if at is None else f"At {at:,} images",
        key=f"explore_at_{run.id}",
        help="A run keeps its newest three.",
    )
    job = context.store.latest_job("explore", run.id)
    if st.button("Draw images", key="explore_start", icon=":material/casino:", disabled=job is not None and job.live):
        name = None if number == all_classes else classes[number]
        try:
            token = click_token("explore", run.id, name, seed, scale, at, kept[:1])
            asked = actions.explore(context, run.id, name=name, seed=int(seed), noise_scale=scale, at=at, token=token)
            st.query_params[SHOWN] = asked.id
            st.rerun()
        except UserError as refused:
            st.error(sentence(refused))
    if reason := why_no_walk(run.config["family"]):
        st.caption(f"{reason} So the noise scale says little here.")


def choose(context: Context, run: Run) -> Exploration | None:
    """That of the address, else the newest; with a list where there are several."""
    found = {path.name: path for path in drawn_images.folders(context.workspace.run(run.id), "explore")}
    labels: dict[str, str] = {}
    for name, path in found.items():
        if one := read(path):
            what = (
                f"{one.only or 'all classes'}, seed {one.seed}, noise {one.noise_scale:g}, {one.images_seen:,} images"
            )
            again = sum(label.startswith(what) for label in labels.values())
            labels[name] = f"{what} ({again + 1})" if again else what
    if not labels:
        return None
    asked, key = st.query_params.get(SHOWN), f"explore_shown_{run.id}"
    st.session_state[key] = asked if asked in labels else next(iter(labels))

    def write() -> None:
        st.query_params[SHOWN] = st.session_state[key]

    if len(labels) > 1:
        st.selectbox(
            "Drawn so far, the newest first",
            list(labels),
            format_func=labels.__getitem__,
            key=key,
            on_change=write,
            help=f"The newest {drawn_images.KEPT} of a run are kept.",
        )
    return read(found[st.session_state[key]])


def read(folder: Path) -> Exploration | None:
    return read_once(str(folder))  # a folder never changes once it is there


@st.cache_data(max_entries=64, show_spinner=False)
def read_once(folder: str) -> Exploration | None:
    return drawn_images.read(Path(folder))


def show(context: Context, run: Run, found: Exploration) -> None:
    size = read_info(context.workspace.dataset(run.dataset_id)).size
    chosen = image_grid(
        groups(found),
        base=urls.explored(run.id, found.job),
        id=found.job,
        small=size < SMALL,
        walks=not why_no_walk(run.config["family"]),
        key=f"image_grid_{found.job}",
    )
    if isinstance(chosen, WalkEnd) and 0 <= chosen.image < len(found.images):
        st.session_state[f"walk_{chosen.end}_{found.job}"] = chosen.image
        st.session_state[f"walk_way_{run.id}"] = "Two images"
    copies = sum(one["copy"] for one in found.images)
    said = (
        f"{copies} of {len(found.images)} look like near copies of a training image; they are marked."
        if copies
        else f"None of the {len(found.images)} is a near copy of a training image."
    )
    if found.looked_at < found.train_images:
        said += f" Looked at {found.looked_at:,} of {found.train_images:,} training images."
    st.caption(
        f"{said} Drawn at {found.images_seen:,} images seen, seed {found.seed}, noise scale {found.noise_scale:g}. "
        "Each PNG holds its settings."
    )
    address = urls.explored(run.id, found.job) + "grid.png"
    st.html(urls.download_link(address, f"grid-seed-{found.seed}.png", "Download the grid (PNG)"))


def groups(found: Exploration) -> list[dict[str, Any]]:
    """What image_grid shows: a group for each class that was drawn."""
    by_label: dict[int, list[dict[str, Any]]] = {}
    for one in found.images:
        by_label.setdefault(one["label"], []).append(picture(found, one))
    names = {label: found.classes[label] if len(by_label) > 1 else "" for label in by_label}
    return [{"name": names[label], "images": images} for label, images in by_label.items()]


def picture(found: Exploration, one: dict[str, Any]) -> dict[str, Any]:
    title = image_name(found, one)
    return {
        "file": one["file"],
        "title": title,
        "alt": f"{title}, a near copy of a training image" if one["copy"] else title,
        "words": how_near(one["near"][0]["distance"], found.usual, one["copy"]),
        "copy": one["copy"],
        "download": f"seed-{found.seed}-{one['file']}",
        "near": [real(found, near) for near in one["near"]],
    }


def real(found: Exploration, near: dict[str, Any]) -> dict[str, Any]:
    name = found.train_classes[near["label"]]
    times = f", {near['distance'] / found.usual:.2f} times the usual distance" if found.usual > 0 else ""
    return {
        "file": f"real-{near['row']:07d}.webp",
        "alt": f"Real image of the class {name}",
        "text": f"{name}{times}{', nearest when mirrored' if near['flipped'] else ''}",
    }


def image_name(found: Exploration, one: dict[str, Any]) -> str:
    return f"{found.classes[one['label']]}, image {one['number']}"
