"""A walk from one drawn image to another, or from a class to another, as a strip and as an animation."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.generation import animation
from gan_core.settings.families import why_no_walk
from gan_core.storage import drawn_images
from gan_core.storage.drawn_images import Exploration
from gan_core.storage.store import Run
from pages.samples.explore import image_name
from pages.shared import urls
from pages.shared.context import click_token
from pages.shared.status import job_progress
from pages.shared.text import plain, sentence

IMAGES, CLASSES = "Two images", "Two classes"
WAYS = {
    IMAGES: "The noise goes from that of one image to that of the other.",
    CLASSES: "The noise stays the same, and one class becomes the other.",
}


def walk_section(context: Context, run: Run, found: Exploration | None) -> None:
    """found: the exploration whose images may be chosen."""
    st.header("Latent walk")
    if reason := why_no_walk(run.config["family"]):
        st.caption(f"{reason} A walk needs a run of a GAN or of the autoencoder.")
        return
    try:
        actions.trained_run(context, run.id)
        classes = actions.drawable(context, run)
    except UserError as error:
        st.caption(sentence(error))
        return
    key = f"walk_way_{run.id}"
    if len(classes) > 1:
        st.session_state.setdefault(key, CLASSES if found is None else IMAGES)
        way = st.segmented_control("Walk between", list(WAYS), key=key, required=True)
    else:
        way = IMAGES
    st.caption(f"{WAYS[way]} Smooth steps in between are new images; sudden jumps hint at learning by heart.")
    ends = images(run, found) if way == IMAGES else two_classes(run, classes)
    if ends is not None:
        start(context, run, ends, way == CLASSES, found)
    job = context.store.latest_job("walk", run.id)
    if job:
        job_progress(context, job, "Walk", "walk")
    show(context, run)


def images(run: Run, found: Exploration | None) -> list[tuple[str, int]] | None:
    """Two images of the exploration, or None where there is none."""
    if found is None:
        st.caption("Draw images under Explore first; then choose two of them here, or by a click on each.")
        return None
    ends = []
    for column, (end, label, default) in zip(
        st.columns(2), (("from", "Walk from", 0), ("to", "Walk to", 1)), strict=True
    ):
        key = f"walk_{end}_{found.job}"
        st.session_state.setdefault(key, min(default, len(found.images) - 1))
        with column, st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox(
                label,
                range(len(found.images)),
                format_func=lambda at: image_name(found, found.images[at]),
                key=key,
                width=260,
            )
            one = found.images[chosen]
            address = urls.explored(run.id, found.job) + one["file"]
            st.image(address, width=72, alt=f"{label}: {image_name(found, one)}")
            ends.append((found.classes[one["label"]], one["number"]))
    return ends


def two_classes(run: Run, classes: list[str]) -> list[tuple[str, int]]:
    columns = st.columns(3)
    pick = lambda column, label, at: column.selectbox(
        label,
        range(len(classes)),
        index=at,
        format_func=classes.__getitem__,
        key=f"walk_class_{label.split()[1]}_{run.id}",
    )
    first, last = pick(columns[0], "Walk from", 0), pick(columns[1], "Walk to", 1)
    number = columns[2].number_input(
        "Which noise", 0, 9999, 0, key=f"walk_number_{run.id}", help="Another number is another walk."
    )
    return [(classes[first], int(number)), (classes[last], int(number))]


def start(context: Context, run: Run, ends: list[tuple[str, int]], same_noise: bool, found: Exploration | None) -> None:
    """seed, noise scale and checkpoint are those of the exploration, so that the walk starts and ends at its images."""
    job = context.store.latest_job("walk", run.id)
    if not st.button("Make the walk", key="walk_start", icon=":material/route:", disabled=job is not None and job.live):
        return
    told = {"seed": found.seed, "noise_scale": found.noise_scale, "at": found.images_seen} if found else {}
    try:
        token = click_token("walk", run.id, ends, same_noise, told)
        actions.walk(context, run.id, ends[0], ends[1], same_noise=same_noise, token=token, **told)
        st.rerun()
    except UserError as refused:
        st.error(sentence(refused))


def show(context: Context, run: Run) -> None:
    folder = next(iter(drawn_images.folders(context.workspace.run(run.id), "walks")), None)
    walk = drawn_images.read_walk(folder) if folder else None
    if walk is None:
        return
    start, end = (f"{walk[side]['class']}, image {walk[side]['number']}" for side in ("from", "to"))
    said = f"From {start} to {end}, seed {walk['seed']}, noise scale {walk['noise_scale']:g}"
    if walk["same_noise"]:
        said = f"From {walk['from']['class']} to {walk['to']['class']} with the noise of image {walk['from']['number']}"
    with st.container(key="walk"):
        st.caption(f"{plain(said)}, {walk['frames']} steps at {walk['images_seen']:,} images seen.")
        st.image(urls.walked(run.id, walk["job"], "strip.png"), alt=f"{said}, in {drawn_images.STRIP} stills")
        if st.toggle("Play the animation", True, key="walk_play"):
            st.image(urls.walked(run.id, walk["job"], "walk.webp"), alt=f"{said}, there and back as an animation")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.write("Download the walk:")
            for format in walk["formats"]:
                address = urls.walked(run.id, walk["job"], f"walk.{format}")
                st.html(urls.download_link(address, f"walk.{format}", animation.FORMATS[format]), width="content")
