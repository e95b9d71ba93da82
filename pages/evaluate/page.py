"""Evaluate a run: its scores beside real images' own, variety, copies, use for a classifier; and runs side by side."""

import json
from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.errors import UserError
from gan_core.evaluation.result_dicts import scores_of
from gan_core.storage import run_folder
from gan_core.storage.store import Job
from gan_core.text import ago
from gan_core.views import evaluation_results
from pages.evaluate import collapse, memorization, per_class, score_curves, utility
from pages.evaluate.compare import compare
from pages.evaluate.scorecard import scores, verdicts
from pages.shared import collapse_curves
from pages.shared.context import click_token, get_context
from pages.shared.select_run import select_run
from pages.shared.status import job_progress
from pages.shared.steps import show_steps
from pages.shared.text import sentence

EXTRACTORS = {
    "auto": "Automatic",
    "inception-v3": "Inception-v3",
    "efficientnet-lite0": "EfficientNet-Lite0",
    "referee": "This dataset's own classifier",
}
AGAINST = {"train": "Training images", "test": "Held-out test images"}

context = get_context()
st.title("Evaluate")
show_steps("Evaluate")
run = select_run(context, "evaluate_run", "No run yet, so there is nothing to evaluate: train a model first.")
folder = context.workspace.run(run.id)


def ask() -> None:
    """The form. A measurement takes minutes and is a job."""
    with st.form("evaluate"):
        first, second, third, fourth = st.columns(4)
        samples = first.number_input(
            "Images to compare",
            2,
            actions.MOST_SAMPLES,
            1000,
            500,
            key="evaluate_samples",
            help="As many are drawn from the model; scores from different numbers do not compare.",
        )
        draws = second.number_input(
            "Independent draws",
            1,
            actions.MOST_DRAWS,
            5,
            1,
            key="evaluate_draws",
            help="Each draws its own images; their spread gives the 95 % intervals. One is quicker and gives none.",
        )
        extractor = third.selectbox(
            "Features from",
            list(EXTRACTORS),
            format_func=EXTRACTORS.__getitem__,
            key="evaluate_extractor",
            help="Automatic: Inception-v3 if its weights are on this computer, else EfficientNet-Lite0. "
            "Only on Inception-v3 is a Frechet distance called FID. The dataset's own classifier knows your classes "
            "and is trained here in seconds.",
        )
        against = fourth.selectbox(
            "Compare with", list(AGAINST), format_func=AGAINST.__getitem__, key="evaluate_against"
        )
        earlier = run_folder.checkpoints(folder)[1:]
        if st.session_state.get("evaluate_at") not in (None, *earlier):  # another run, or gone since
            del st.session_state["evaluate_at"]
        at = st.selectbox(
            "Checkpoint",
            [None, *earlier],
            format_func=lambda at: "The newest" if at is None else f"{at:,} images seen",
            key="evaluate_at",
            help="A run keeps its newest three. Evaluate each, and the scores are drawn against the epoch.",
        )
        weights = st.text_input(
            "Inception-v3 weights file (optional)",
            key="evaluate_weights",
            help="A path on this computer. Without it the usual places are searched; "
            "only choosing Inception-v3 itself downloads them (92 MB).",
        )
        if st.form_submit_button("Evaluate", type="primary", icon=":material/straighten:", key="evaluate_start"):
            asked = (int(samples), int(draws), extractor, weights.strip(), against, at)
            try:
                actions.evaluate(
                    context,
                    run.id,
                    samples=int(samples),
                    draws=int(draws),
                    extractor=extractor,
                    weights=weights.strip(),
                    against=against,
                    at=at,
                    token=click_token("evaluate", run.id, *asked),
                )
            except UserError as refused:
                st.error(sentence(refused))


def show(job: Job, result: dict[str, Any]) -> None:
    """The newest measurement, the most urgent first."""
    kept = evaluation_results.read_kept(folder / "evaluations" / job.id)
    dataset = context.workspace.dataset(run.dataset_id)
    looks, _ = run_folder.read_lines(folder / "collapse.jsonl")
    verdicts(result)
    downloads(done)
    st.header("Scores")
    scores(result)
    score_curves.score_curves([result for _, result in done])
    per_class.per_class(result, kept, dataset)
    per_class.confusion(result, kept)
    if result.get("collapse") or looks:
        st.header("Variety")
        collapse.indicators(result)
        collapse.beside(result)
        collapse_curves.curves(looks, "evaluate")
    memorization.copies(result, kept, dataset)


def table(results: list[tuple[Job, dict[str, Any]]]) -> list[dict[str, Any]]:
    """One row per measurement, newest first; one column per kind of score."""
    rows = []
    for job, result in results:
        row = {
            "when": ago(job.finished_at or job.created_at),
            "extractor": result.get("extractor_title"),
            "against": result.get("against"),
            "images": result.get("n_fake"),
            "draws": result.get("draws"),
            "images seen": result.get("images_seen"),
        }
        row |= {result["labels"][key]: result[key] for key in scores_of(result)}
        rows.append(row | {"times floor": result.get("times_floor")})
    return rows


def downloads(results: list[tuple[Job, dict[str, Any]]]) -> None:
    """All measurements as CSV and JSON, and the newest as a report: each is made when it is asked for."""
    newest = results[0][0]
    all_results = [result for _, result in results]
    files = {
        "scores_csv": (
            "Download as CSV",
            lambda: evaluation_results.to_csv(all_results).encode(),
            "scores.csv",
            "text/csv",
        ),
        "scores_json": (
            "Download as JSON",
            lambda: json.dumps(all_results, indent=2).encode(),
            "scores.json",
            "application/json",
        ),
        "report_html": (
            "Download the report (HTML)",
            lambda: evaluation_results.report(context.store, context.workspace, newest).encode(),
            "measurement.html",
            "text/html",
        ),
    }
    with st.container(horizontal=True):
        for key, (label, data, name, kind) in files.items():
            st.download_button(label, data, name, kind, key=key, on_click="ignore", icon=":material/download:")


done = [
    (job, job.result) for job in context.store.jobs(kind="evaluate", subject=run.id, states=("finished",)) if job.result
]
with st.expander("Evaluate again" if done else "What to evaluate", expanded=not done, key=f"ask_{bool(done)}"):
    ask()
measurements = context.store.jobs(kind="evaluate", subject=run.id)  # with the one that the form has just asked for
if measurements:
    job_progress(context, measurements[0], "Measuring", "evaluate")
if done:
    show(*done[0])
elif not measurements:
    st.info(
        "Not measured yet. A Frechet distance says how far the generated images are from real ones, a kernel distance "
        "says it with less bias on few images; lower is nearer. The floor beside each is what real images score.",
        icon=":material/info:",
    )
utility.does_it_help(context, run)
utility.real_or_made(context, run, done[0][1] if done else None)
compare(context, run)
if done:
    st.header("All measurements")
    st.dataframe(table(done), hide_index=True, key="evaluations", alt="Earlier measurements, newest first")
