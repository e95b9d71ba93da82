"""The utility of synthetic images: do they help a classifier?"""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.evaluation.lights import of_evaluation
from gan_core.evaluation.results import Gain, UtilityResult
from gan_core.requests import UtilityRequest
from gan_core.storage.store import Run
from gan_core.text import ago, percent, percent_interval, points, points_interval
from pages.evaluate import charts as evaluate_charts
from pages.evaluate.newest_job import newest_finished
from pages.shared import charts, request_form
from pages.shared.double_click import click_token
from pages.shared.fill_methods import select_methods
from pages.shared.light_box import light_box
from pages.shared.status import show_refusal
from pages.shared.text import plain

ARMS_WITH_RECALL = ("real", "classical", "baseline", "synthetic", "synthetic_only")  # in the chart of recalls


def show_utility(context: Context, run: Run) -> None:
    """The form, the progress, and the newest result."""
    st.header("Utility: does it help a classifier?")
    st.caption(
        "Finds the best training on the real images alone and the best use of synthetic images beside them, on the validation "
        "images, and tests both on the test images. Takes minutes. To search over all ways to make images, use *Find what "
        "helps* on the Export page."
    )
    utility_form(context, run)
    job = newest_finished(context, run, "utility", "Comparing classifiers")
    if job is None:
        return
    result = UtilityResult.read(job.result)
    light_box("usefulness", of_evaluation(None, result)["usefulness"])
    left, right = st.columns(2)
    with left:
        show_accuracies(result)
    with right:
        show_recalls(result)
    if result.sweep:
        st.subheader("How much synthetic data")
        charts.show(
            evaluate_charts.sweep(result.sweep),
            key="utility_sweep",
            alt="Gain over classical augmentation by synthetic images per real one",
        )
    show_parts(result)
    show_choices(result)
    show_gains(result)
    st.markdown("\n".join(f"- {plain(caveat)}" for caveat in result.caveats))
    st.caption(f"Compared {ago(job.finished_at or job.created_at)}, with images from {result.about_checkpoint}.")


def utility_form(context: Context, run: Run) -> None:
    with st.form("utility"):
        methods = select_methods(
            "Synthetic images are", "utility_ways", help="Made as an export would make them, in equal shares."
        )
        first, second = st.columns(2)
        seeds = request_form.number(UtilityRequest, "seeds", "utility_seeds", first)
        classifier = request_form.select(UtilityRequest, "classifier", "utility_classifier", at=second)
        if st.form_submit_button("Find out", icon=":material/science:", key="utility_start"):
            with show_refusal():
                request = UtilityRequest(seeds=seeds, classifier=classifier, methods=dict.fromkeys(methods, 1.0))
                actions.utility(context, run.id, request, token=click_token("utility", run.id, request.payload()))


def show_accuracies(result: UtilityResult) -> None:
    st.subheader("Balanced accuracy")
    arms = list(result.arms.values())
    charts.show(
        evaluate_charts.accuracies(arms),
        key="utility_arms",
        alt="Balanced accuracy of each arm with its 95 % interval; the table below has the numbers",
    )
    st.dataframe(
        {
            "trained on": [arm.title for arm in arms],
            "balanced accuracy": [percent(arm.balanced_accuracy) for arm in arms],
            "95 % interval": [percent_interval(arm.ci95) for arm in arms],
        },
        hide_index=True,
        key="utility_table",
        alt="Balanced accuracy of each arm",
    )


def show_recalls(result: UtilityResult) -> None:
    st.subheader("Recall of each class")
    arms = [result.arms[key] for key in ARMS_WITH_RECALL if key in result.arms]
    classes = list(dict.fromkeys(name for arm in arms for name in arm.per_class))
    if classes:
        charts.show(
            evaluate_charts.recalls({arm.title: arm.per_class for arm in arms}, classes),
            key="utility_recalls",
            alt="Recall of each class by what the classifier was trained on",
        )


def show_parts(result: UtilityResult) -> None:
    """What the better training on real images is worth, and what the synthetic images add to it."""
    parts = {
        "a better training on real images": result.baseline_gain,
        "the synthetic images on top": Gain(gain=result.gain, ci95=result.gain_ci95),
        "both": result.total_gain,
        "the synthetic images, over real ones again in their place": result.own_gain,
    }
    if result.total_gain:
        st.dataframe(
            {
                "gain of balanced accuracy by": list(parts),
                "points": [points(one.gain) if one else "" for one in parts.values()],
                "95 % interval": [points_interval(one.ci95) if one else "" for one in parts.values()],
            },
            hide_index=True,
            key="utility_parts",
            alt="What a better training on real images and the synthetic images are worth",
        )


def show_choices(result: UtilityResult) -> None:
    rows = [*result.baselines, *result.uses]
    if not rows:
        return
    with st.expander("What was tried on the validation images", key="utility_choices"):
        taken = {result.baseline, result.use}
        st.dataframe(
            {
                "training": [row.name for row in rows],
                "balanced accuracy": [percent(row.validation) for row in rows],
                "tested": ["yes" if row.name in taken else "" for row in rows],
            },
            hide_index=True,
            key="utility_choice_table",
            alt="Baselines and uses of synthetic images with their balanced accuracy on the validation images",
        )


def show_gains(result: UtilityResult) -> None:
    if not result.per_class_gain:
        return
    gains = result.per_class_gain.values()
    with st.expander("Gain of recall per class, in percentage points", key="utility_gains"):
        st.dataframe(
            {
                "class": list(result.per_class_gain),
                "gain": [points(one.gain) for one in gains],
                "95 % interval": [points_interval(one.ci95) for one in gains],
            },
            hide_index=True,
            key="utility_gain_table",
            alt="Gain of recall per class over real images alone",
        )
