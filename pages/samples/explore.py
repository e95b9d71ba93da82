"""New images of a run: a form for class, seed and truncation, and the images with the real ones nearest to each."""

from pathlib import Path
from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import read_info
from gan_core.errors import UserError
from gan_core.evaluation.names_and_thresholds import how_near
from gan_core.requests import ExploreRequest
from gan_core.settings.families import why_no_walk
from gan_core.storage import checkpoints, drawn_images
from gan_core.storage.drawn_images import Exploration
from gan_core.storage.store import Run
from pages.samples.image_grid import WalkEnd, image_grid
from pages.shared import request_form, urls
from pages.shared.double_click import click_token
from pages.shared.select_checkpoint import select_checkpoint
from pages.shared.status import job_progress, show_refusal
from pages.shared.text import sentence

SHOWN = "smp_x"  # in the address: the exploration that is shown
SMALL = 100  # px: below, pixels are shown as squares


def show_explore(context: Context, run: Run) -> Exploration | None:
    """The section; returns the exploration that is shown, None where there is none."""
    st.header("Explore")
    st.caption("Draws new images in seconds. Click one to enlarge it beside the real images nearest to it.")
    try:
        actions.trained_run(context, run.id)
        classes = actions.drawable(context, run)
    except UserError as error:
        st.caption(sentence(error))
        return None
    explore_form(context, run, classes)
    if job := context.store.latest_job("explore", run.id):
        job_progress(context, job, "Drawing", "explore")
    exploration = choose_exploration(context, run)
    if exploration is not None:
        show_images(context, run, exploration)
    return exploration


def explore_form(context: Context, run: Run, classes: list[str]) -> None:
    columns = st.columns(4)
    all_classes = len(classes)  # one beyond the last
    number = columns[0].selectbox(
        "Class",
        [all_classes, *range(len(classes))] if len(classes) > 1 else [all_classes],
        format_func=lambda at: "All classes" if at == all_classes else classes[at],
        key=f"explore_class_{run.id}",
    )
    seed = request_form.number(ExploreRequest, "seed", f"explore_seed_{run.id}", columns[1])
    truncation = request_form.slider(ExploreRequest, "truncation", f"explore_truncation_{run.id}", columns[2])
    at = select_checkpoint(context, run, ExploreRequest, f"explore_at_{run.id}", columns[3])
    job = context.store.latest_job("explore", run.id)
    if st.button("Draw images", key="explore_start", icon=":material/casino:", disabled=job is not None and job.live):
        name = None if number == all_classes else classes[number]
        with show_refusal():
            request = ExploreRequest(class_name=name, seed=seed, truncation=truncation, at=at)
            token = click_token(
                "explore", run.id, request.payload(), checkpoints.chosen(context.workspace.run(run.id), at)
            )
            job = actions.explore(context, run.id, request, token=token)
            st.query_params[SHOWN] = job.id
            st.rerun()
    if reason := why_no_walk(run.config["family"]):
        st.caption(f"{reason} So truncation has little effect here.")


def choose_exploration(context: Context, run: Run) -> Exploration | None:
    """That of the address, else the newest; with a list where there are several."""
    paths = {path.name: path for path in drawn_images.folders(context.workspace.run(run.id), "explore")}
    labels: dict[str, str] = {}
    for name, path in paths.items():
        if one := read(str(path)):
            label = f"{one.only or 'all classes'}, seed {one.seed}, truncation {one.truncation:g}, {one.images_seen:,} images"
            equal = sum(other.startswith(label) for other in labels.values())
            labels[name] = f"{label} ({equal + 1})" if equal else label
    if not labels:
        return None
    in_address, key = st.query_params.get(SHOWN), f"explore_shown_{run.id}"
    st.session_state[key] = in_address if in_address in labels else next(iter(labels))

    def write() -> None:
        st.query_params[SHOWN] = st.session_state[key]

    if len(labels) > 1:
        st.selectbox(
            "Drawn images, the newest first",
            list(labels),
            format_func=labels.__getitem__,
            key=key,
            on_change=write,
            help=f"The newest {drawn_images.KEPT} of a run are kept.",
        )
    return read(str(paths[st.session_state[key]]))


@st.cache_data(max_entries=64, show_spinner=False)
def read(folder: str) -> Exploration | None:
    """Cached: a folder never changes once it is there."""
    return drawn_images.read(Path(folder))


def show_images(context: Context, run: Run, exploration: Exploration) -> None:
    folder = urls.explored(run.id, exploration.job)
    chosen = image_grid(
        groups(exploration),
        base=folder,
        id=exploration.job,
        small=read_info(context.workspace.dataset(run.dataset_id)).size < SMALL,
        walks=not why_no_walk(run.config["family"]),
        key=f"image_grid_{exploration.job}",
    )
    images = exploration.images
    if isinstance(chosen, WalkEnd) and 0 <= chosen.image < len(images):
        st.session_state[f"walk_{chosen.end}_{exploration.job}"] = chosen.image
        st.session_state[f"walk_between_{run.id}"] = "Two images"
    copies = sum(image["copy"] for image in images)
    summary = (
        f"{copies} of {len(images)} are near copies of a training image and are marked."
        if copies
        else f"None of the {len(images)} is a near copy of a training image."
    )
    if exploration.looked_at < exploration.train_images:
        summary += f" Compared with {exploration.looked_at:,} of {exploration.train_images:,} training images."
    st.caption(
        f"{summary} Drawn at {exploration.images_seen:,} images seen, seed {exploration.seed}, truncation "
        f"{exploration.truncation:g}. Each PNG contains its settings."
    )
    st.html(urls.download_link(f"{folder}grid.png", f"grid-seed-{exploration.seed}.png", "Download the grid (PNG)"))


def groups(exploration: Exploration) -> list[dict[str, Any]]:
    """What image_grid shows: a group for each class that was drawn."""
    by_label: dict[int, list[dict[str, Any]]] = {}
    for image in exploration.images:
        by_label.setdefault(image["label"], []).append(cell(exploration, image))
    names = {label: exploration.classes[label] if len(by_label) > 1 else "" for label in by_label}
    return [{"name": names[label], "images": images} for label, images in by_label.items()]


def cell(exploration: Exploration, image: dict[str, Any]) -> dict[str, Any]:
    title = image_name(exploration, image)
    return {
        "file": image["file"],
        "title": title,
        "alt": f"{title}, a near copy of a training image" if image["copy"] else title,
        "words": how_near(image["near"][0]["distance"], exploration.usual, image["copy"]),
        "copy": image["copy"],
        "download": f"seed-{exploration.seed}-{image['file']}",
        "near": [real_image(exploration, near) for near in image["near"]],
    }


def real_image(exploration: Exploration, near: dict[str, Any]) -> dict[str, Any]:
    name, usual = exploration.train_classes[near["label"]], exploration.usual
    times = f", {near['distance'] / usual:.2f} times the usual distance" if usual > 0 else ""
    return {
        "file": f"real-{near['row']:07d}.webp",
        "alt": f"Real image of the class {name}",
        "text": f"{name}{times}{', nearest when mirrored' if near['flipped'] else ''}",
    }


def image_name(exploration: Exploration, image: dict[str, Any]) -> str:
    return f"{exploration.classes[image['label']]}, image {image['number']}"
