"""What the newest evaluation and the newest comparison of classifiers found about the run that is exported."""

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.evaluation.results import EvaluationResult, UtilityResult
from gan_core.export import plan
from gan_core.storage.store import Run
from pages.export.growth_plan import warn_beyond
from pages.shared.text import plain
from pages.shared.verdict_box import utility_box, verdict_box


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
    evaluation = EvaluationResult.read(newest_result(context, run, "evaluate"))
    if evaluation.memorization:
        found = evaluation.memorization
        verdict_box(found.verdict, "Copies", found.sentence, found.todo)
        st.caption(about(evaluation, seen))
    stored = newest_result(context, run, "utility")
    utility = UtilityResult.read(stored) if stored else None
    if utility:
        utility_box(utility)
        filtered = f" Drawn images: {utility.quality_filter}" if utility.quality_filter else ""
        st.caption(about(utility, seen) + plain(filtered))
    if rows:
        warn_beyond(utility, rows, info, methods, originals)


def newest_result(context: Context, run: Run, kind: str) -> dict[str, object] | None:
    return next((job.result for job in context.store.jobs(kind=kind, subject=run.id, states=("finished",))), None)


def about(result: EvaluationResult | UtilityResult, seen: int | None) -> str:
    """Which checkpoint a verdict is about, and which the export draws from where that is another. seen: its images."""
    other = f" The export draws from the one at {seen:,}." if seen not in (None, result.images_seen) else ""
    return f"About {result.about_checkpoint}.{other}"
