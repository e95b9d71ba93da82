"""The lights of the run that is exported, from its newest evaluation and its newest comparison of classifiers."""

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.evaluation.lights import LOOKS, SUBJECTS, of_evaluation
from gan_core.evaluation.results import EvaluationResult, UtilityResult
from gan_core.export import plan
from gan_core.storage.store import Run
from gan_core.views.evaluation_results import newest_utility
from pages.export.growth_plan import warn_beyond
from pages.shared.light_box import light_box
from pages.shared.text import plain


def show_verdicts(
    context: Context,
    run: Run,
    info: DatasetInfo,
    rows: dict[str, plan.Row] | None,
    methods: dict[str, float],
    originals: bool,
    seen: int | None,
) -> None:
    """rows: of the plan, None while there is none. seen: images seen of the checkpoint that the export draws from."""
    found = next(
        (job.result for job in context.store.jobs(kind="evaluate", subject=run.id, states=("finished",))), None
    )
    evaluation = EvaluationResult.read(found) if found else None
    utility = newest_utility(context.store, run.id)
    shown = of_evaluation(evaluation, utility)
    usefulness = shown.pop("usefulness")
    if evaluation:
        for subject, light in shown.items():
            light_box(subject, light)
        st.caption(about(evaluation, seen))
    else:
        words = plain(", ".join(SUBJECTS[subject].lower() for subject in shown))
        st.info(f"Not known yet: {words}. Evaluate the run to measure them.", icon=LOOKS["grey"].icon)
    light_box("usefulness", usefulness)
    if utility:
        filtered = f" Drawn images: {utility.quality_filter}" if utility.quality_filter else ""
        st.caption(about(utility, seen) + plain(filtered))
    if rows:
        warn_beyond(newest_utility(context.store, run.id, of_run=False), rows, info, methods, originals)


def about(result: EvaluationResult | UtilityResult, seen: int | None) -> str:
    """Which checkpoint a verdict is about, and which the export draws from where that is another. seen: its images."""
    other = f" The export draws from the one at {seen:,}." if seen not in (None, result.images_seen) else ""
    return f"About {result.about_checkpoint}.{other}"
