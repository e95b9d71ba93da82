"""A latent walk: interpolates from one image to another, or from one class to another, as a strip and as an animation."""

from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.generation import animation
from gan_core.requests import WalkEnd, WalkRequest
from gan_core.settings.families import why_no_walk
from gan_core.storage import drawn_images
from gan_core.storage.drawn_images import Exploration
from gan_core.storage.store import Run
from pages.samples.explore import image_name
from pages.shared import urls
from pages.shared.double_click import click_token
from pages.shared.status import job_progress, show_refusal
from pages.shared.text import plain, sentence

IMAGES, CLASSES = "Two images", "Two classes"
BETWEEN = {
    IMAGES: "The latent code goes from that of one image to that of the other.",
    CLASSES: "The latent code stays the same, and the class changes.",
}


def show_walk(context: Context, run: Run, exploration: Exploration | None) -> None:
    """The section. exploration: the images that can be chosen as ends."""
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
    key, between = f"walk_between_{run.id}", IMAGES
    if len(classes) > 1:
        st.session_state.setdefault(key, CLASSES if exploration is None else IMAGES)
        between = st.segmented_control("Walk between", list(BETWEEN), key=key, required=True) or IMAGES
    st.caption(
        f"{BETWEEN[between]} Gradual change means that the steps are new images; sudden jumps suggest memorization."
    )
    ends = choose_images(run, exploration) if between == IMAGES else choose_classes(run, classes)
    if ends is not None:
        start_button(context, run, ends, between == CLASSES, exploration)
    if job := context.store.latest_job("walk", run.id):
        job_progress(context, job, "Walk", "walk")
    show_newest(context, run)


def choose_images(run: Run, exploration: Exploration | None) -> list[tuple[str, int]] | None:
    """(class, number) of two images of the exploration, or None where there is none."""
    if exploration is None:
        st.caption("Draw images under Explore first. Then choose two of them here, or click on each.")
        return None
    ends, images = [], exploration.images
    for column, (end, label, default) in zip(
        st.columns(2), (("from", "Walk from", 0), ("to", "Walk to", 1)), strict=True
    ):
        key = f"walk_{end}_{exploration.job}"
        st.session_state.setdefault(key, min(default, len(images) - 1))
        with column, st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = images[
                st.selectbox(
                    label,
                    range(len(images)),
                    format_func=lambda at: image_name(exploration, images[at]),
                    key=key,
                    width=260,
                )
            ]
            address = urls.explored(run.id, exploration.job) + chosen["file"]
            st.image(address, width=72, alt=f"{label}: {image_name(exploration, chosen)}")
            ends.append((exploration.classes[chosen["label"]], chosen["number"]))
    return ends


def choose_classes(run: Run, classes: list[str]) -> list[tuple[str, int]]:
    """(class, number) of the same latent code in two classes."""
    columns, chosen = st.columns(3), []
    for at, (end, label) in enumerate((("from", "Walk from"), ("to", "Walk to"))):
        chosen.append(
            columns[at].selectbox(
                label,
                range(len(classes)),
                index=at,
                format_func=classes.__getitem__,
                key=f"walk_class_{end}_{run.id}",
            )
        )
    number = columns[2].number_input(
        "Latent code", 0, 9999, 0, key=f"walk_number_{run.id}", help="Another number gives another walk."
    )
    return [(classes[label], int(number)) for label in chosen]


def start_button(
    context: Context, run: Run, ends: list[tuple[str, int]], same_noise: bool, exploration: Exploration | None
) -> None:
    """Seed, truncation and checkpoint are those of the exploration, so that the walk starts and ends at its images."""
    job = context.store.latest_job("walk", run.id)
    if not st.button("Make the walk", key="walk_start", icon=":material/route:", disabled=job is not None and job.live):
        return
    drawn: dict[str, Any] = {}
    if exploration:
        drawn = {"seed": exploration.seed, "truncation": exploration.truncation, "at": exploration.images_seen}
    with show_refusal():
        start, end = (WalkEnd(class_name=name, number=number) for name, number in ends)
        request = WalkRequest(start=start, end=end, same_noise=same_noise, **drawn)
        actions.walk(context, run.id, request, token=click_token("walk", run.id, request.payload()))
        st.rerun()


def show_newest(context: Context, run: Run) -> None:
    folder = next(iter(drawn_images.folders(context.workspace.run(run.id), "walks")), None)
    walk = drawn_images.read_walk(folder) if folder else None
    if walk is None:
        return
    start, end = walk["from"], walk["to"]
    title = f"From {start['class']}, image {start['number']} to {end['class']}, image {end['number']}"
    title += f", seed {walk['seed']}, truncation {walk['noise_scale']:g}"
    if walk["same_noise"]:
        title = f"From {start['class']} to {end['class']} with the latent code of image {start['number']}"
    with st.container(key="walk"):
        st.caption(f"{plain(title)}, {walk['frames']} steps at {walk['images_seen']:,} images seen.")
        st.image(urls.walked(run.id, walk["job"], "strip.png"), alt=f"{title}, in {drawn_images.STRIP} stills")
        if st.toggle("Play the animation", True, key="walk_play"):
            st.image(urls.walked(run.id, walk["job"], "walk.webp"), alt=f"{title}, there and back as an animation")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.write("Download the walk:")
            for format in walk["formats"]:
                address = urls.walked(run.id, walk["job"], f"walk.{format}")
                st.html(urls.download_link(address, f"walk.{format}", animation.FORMATS[format]), width="content")
