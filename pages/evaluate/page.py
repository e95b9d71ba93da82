"""Evaluate a run: scores, variety, copies of training images, utility, the detector, and a comparison of runs."""

import json

import streamlit as st

from gan_core import actions
from gan_core.evaluation.lights import of_evaluation
from gan_core.evaluation.results import EvaluationResult
from gan_core.requests import EvaluateRequest
from gan_core.storage import run_folder
from gan_core.storage.store import Job
from gan_core.text import ago
from gan_core.views import evaluation_results
from gan_core.views.best_checkpoint import about_best
from pages.evaluate.collapse import show_basis, show_indicators
from pages.evaluate.compare import compare
from pages.evaluate.detector import show_detector
from pages.evaluate.memorization import show_memorization
from pages.evaluate.per_class import show_class_table, show_confusion
from pages.evaluate.score_curves import show_score_curves
from pages.evaluate.scorecard import show_scores
from pages.evaluate.utility import show_utility
from pages.shared import collapse_curves, request_form
from pages.shared.context import get_context
from pages.shared.double_click import click_token
from pages.shared.light_box import light_boxes
from pages.shared.select_checkpoint import select_checkpoint
from pages.shared.select_run import select_run
from pages.shared.status import job_progress, show_refusal
from pages.shared.steps import show_steps

EXTRACTORS = {
    "auto": "Automatic",
    "inception-v3": "Inception-v3",
    "efficientnet-lite0": "EfficientNet-Lite0",
    "referee": "Dataset classifier",
}
AGAINST = {"train": "Training images", "test": "Held-out test images"}

Evaluation = tuple[Job, EvaluationResult]

context = get_context()
st.title("Evaluate")
show_steps("Evaluate")
run = select_run(context, "evaluate_run", "No run yet, so there is nothing to evaluate: train a model first.")
folder = context.workspace.run(run.id)


def evaluate_form() -> None:
    with st.form("evaluate"):
        first, second, third, fourth = st.columns(4)
        samples = request_form.number(EvaluateRequest, "samples", "evaluate_samples", first, step=500)
        draws = request_form.number(EvaluateRequest, "draws", "evaluate_draws", second)
        extractor = request_form.select(EvaluateRequest, "extractor", "evaluate_extractor", EXTRACTORS, third)
        against = request_form.select(EvaluateRequest, "against", "evaluate_against", AGAINST, fourth)
        at = select_checkpoint(context, run, EvaluateRequest, "evaluate_at")
        if best := about_best(folder):
            st.caption(f":material/star: {best}")
        weights = request_form.text(EvaluateRequest, "weights", "evaluate_weights")
        if st.form_submit_button("Evaluate", type="primary", icon=":material/straighten:", key="evaluate_start"):
            with show_refusal():
                request = EvaluateRequest(
                    samples=samples, draws=draws, extractor=extractor, weights=weights, against=against, at=at
                )
                token = click_token("evaluate", run.id, request.payload())
                actions.evaluate(context, run.id, request, token=token)


def show_newest(evaluations: list[Evaluation]) -> None:
    """All parts of the newest evaluation, the most urgent first. evaluations: the newest first."""
    job, result = evaluations[0]
    kept = evaluation_results.read_images(folder / "evaluations" / job.id)
    train = evaluation_results.read_training_set(context.workspace.dataset(run.dataset_id), result)
    during_training, _ = run_folder.read_lines(folder / "collapse.jsonl")
    light_boxes(of_evaluation(result, evaluation_results.newest_utility(context.store, run.id)))
    show_downloads(job, [job.result or {} for job, _ in evaluations])
    st.header("Scores")
    show_scores(result)
    show_score_curves([result for _, result in evaluations])
    show_class_table(result, kept, train)
    show_confusion(result.agreement, result.classes, kept)
    if result.collapse or during_training:
        st.header("Variety")
        if result.collapse:
            show_indicators(result.collapse)
        show_basis(result)
        collapse_curves.curves(during_training, "evaluate")
    if result.memorization:
        show_memorization(result.memorization, kept, train)


def show_downloads(newest: Job, results: list[dict[str, object]]) -> None:
    """All evaluations as CSV and JSON, and the newest as a report. A file is made when it is asked for."""
    files = {
        "scores_csv": (
            "Download as CSV",
            lambda: evaluation_results.to_csv(results).encode(),
            "scores.csv",
            "text/csv",
        ),
        "scores_json": (
            "Download as JSON",
            lambda: json.dumps(results, indent=2).encode(),
            "scores.json",
            "application/json",
        ),
        "report_html": (
            "Download the report (HTML)",
            lambda: evaluation_results.report(context.store, context.workspace, newest).encode(),
            "evaluation.html",
            "text/html",
        ),
    }
    with st.container(horizontal=True):
        for key, (label, data, name, mime) in files.items():
            st.download_button(label, data, name, mime, key=key, on_click="ignore", icon=":material/download:")


def show_all(evaluations: list[Evaluation]) -> None:
    """A row for each evaluation, the newest first; a column for each score by each extractor."""
    st.header("All evaluations")
    rows = [
        {
            "when": ago(job.finished_at or job.created_at),
            "extractor": result.extractor_title,
            "compared with": result.against,
            "images": result.n_fake,
            "draws": result.draws,
            "images seen": result.images_seen,
            **{score.name: score.value for score in result.scores},
            "times floor": result.times_floor,
        }
        for job, result in evaluations
    ]
    st.dataframe(rows, hide_index=True, key="evaluations", alt="All evaluations, the newest first")


evaluations = [
    (job, EvaluationResult.read(job.result))
    for job in context.store.jobs(kind="evaluate", subject=run.id, states=("finished",))
    if job.result
]
any_done = bool(evaluations)
with st.expander("Evaluate again" if any_done else "What to evaluate", expanded=not any_done, key=f"ask_{any_done}"):
    evaluate_form()
jobs = context.store.jobs(kind="evaluate", subject=run.id)  # with the one that the form has just queued
if jobs:
    job_progress(context, jobs[0], "Evaluating", "evaluate")
if evaluations:
    show_newest(evaluations)
elif not jobs:
    st.info(
        "Not evaluated yet. The scores compare generated images with real ones; beside each distance stands its floor, the "
        "score that real images get.",
        icon=":material/info:",
    )
show_utility(context, run)
show_detector(context, run, evaluations[0][1].detector if evaluations else None)
compare(context, run)
if evaluations:
    show_all(evaluations)
