"""Synthetic is not anonymous: said where the classes are small enough for it to matter, with the closest pairs beside it."""

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.evaluation.results import EvaluationResult
from gan_core.storage.store import Run
from gan_core.text import count
from gan_core.views import evaluation_results
from gan_core.views.evaluation_results import Pair
from pages.shared.image_sheets import show_pairs
from pages.shared.text import plain

FEW_IMAGES = 1000  # of a class: below it a network repeats training images more often (arXiv:2202.11765)
MOST_PAIRS = 4


def show_privacy(context: Context, run: Run | None, info: DatasetInfo, methods: dict[str, float]) -> None:
    """run: the one that draws images, None where no network does. methods: the ways in which classes are filled."""
    small = [name for name, n in zip(info.classes, info.train_counts, strict=True) if n < FEW_IMAGES]
    reasons = []
    if run and "gan" in methods and small:
        which = (
            "every class" if len(small) == len(info.classes) else f"{len(small)} of {count(len(info.classes), 'class')}"
        )
        reasons.append(
            f"A network can repeat training images, above all where it saw few: {which} with fewer than {FEW_IMAGES:,}."
        )
    if {"classical", "composite"} & set(methods):
        reasons.append("Changed copies and pasted objects are real images, slightly changed.")
    if not reasons:
        return
    st.info(
        f"**Synthetic is not anonymous.** {plain(' '.join(reasons))} Publish the zip only where you may publish the real images.",
        icon=":material/visibility:",
    )
    if run and "gan" in methods:
        show_nearest(context, run)


def show_nearest(context: Context, run: Run) -> None:
    """The closest pairs of the newest evaluation."""
    pairs = nearest_pairs(context, run)
    if pairs is None:
        st.caption("Evaluate the run to see its images that are nearest to training images here.")
        return
    with st.expander("The generated images that are nearest to a training image", key="export_nearest"):
        show_pairs(pairs, "The closest pairs of a generated and a training image", "export_pairs")


def nearest_pairs(context: Context, run: Run) -> list[Pair] | None:
    """None where the run was not evaluated, or the images of its newest evaluation are gone."""
    job = next(iter(context.store.jobs(kind="evaluate", subject=run.id, states=("finished",))), None)
    if job is None or not job.result:
        return None
    result = EvaluationResult.read(job.result)
    kept = evaluation_results.read_images(context.workspace.run(run.id) / "evaluations" / job.id)
    train = evaluation_results.read_training_set(context.workspace.dataset(run.dataset_id), result)
    if kept is None or train is None:
        return None
    return evaluation_results.closest_pairs(result.memorization, kept, train[0])[:MOST_PAIRS]
