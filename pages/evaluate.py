"""Measure a run: how far its images are from real ones, beside how far real ones are from each other."""

import csv
import io
import json
from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.errors import UserError
from gan_core.store import Job
from pages.components.desk import click_token, get_desk
from pages.components.pick import pick_run
from pages.components.status import job_progress
from pages.components.text import ago, count, csv_cell, number, plain, sentence

EXTRACTORS = {
    "auto": "Automatic",
    "inception-v3": "Inception-v3",
    "efficientnet-lite0": "EfficientNet-Lite0",
}
AGAINST = {"train": "Training images", "test": "Held-out test images"}
DISTANCES = ("fid", "frechet_distance")

desk = get_desk()
st.title("Measure")
run = pick_run(desk, "evaluate_run", "No run yet, so there is nothing to measure: train a model first.")


def ask() -> None:
    """The form. A measurement takes minutes and is a job."""
    with st.form("evaluate"):
        first, second, third = st.columns(3)
        samples = first.number_input(
            "Images to compare",
            2,
            100_000,
            1000,
            500,
            key="evaluate_samples",
            help="As many are drawn from the model; scores from different numbers do not compare.",
        )
        extractor = second.selectbox(
            "Features from",
            list(EXTRACTORS),
            format_func=EXTRACTORS.__getitem__,
            key="evaluate_extractor",
            help="Automatic: Inception-v3 if its weights are on this computer, else EfficientNet-Lite0. "
            "Only on Inception-v3 is a Frechet distance called FID.",
        )
        against = third.selectbox(
            "Compare with", list(AGAINST), format_func=AGAINST.__getitem__, key="evaluate_against"
        )
        weights = st.text_input(
            "Inception-v3 weights file (optional)",
            key="evaluate_weights",
            help="A path on this computer. Without it the usual places are searched; "
            "only choosing Inception-v3 itself downloads them (92 MB).",
        )
        if st.form_submit_button("Measure", type="primary", icon=":material/straighten:", key="evaluate_start"):
            asked = {"samples": int(samples), "extractor": extractor, "weights": weights.strip(), "against": against}
            token = click_token("evaluate", run.id, asked)
            try:
                actions.evaluate(
                    desk,
                    run.id,
                    samples=int(samples),
                    extractor=extractor,
                    weights=weights.strip(),
                    against=against,
                    token=token,
                )
            except UserError as refused:
                st.error(sentence(refused))


def score_keys(result: dict[str, Any]) -> list[str]:
    """The scores of a result, in the order of its labels."""
    return [key for key in result.get("labels", {}) if key in result]


def show(result: dict[str, Any]) -> None:
    """Every score under its own name, with the floor beside it, then everything one must know to read it."""
    floor, labels, absent = result.get("floor") or {}, result.get("labels", {}), result.get("absent", {})
    keys = score_keys(result)
    for column, key in zip(st.columns(max(1, len(keys))), keys, strict=False):
        with column, st.container(border=True, height="stretch", key=f"score_{key}"):
            st.metric(plain(labels[key]), number(result[key]))
            st.caption(f"{result['n_real']:,} real, {result['n_fake']:,} generated")
            if result[key] is None:
                st.caption(plain(absent.get(key, "It could not be computed.")))
            if result.get(f"{key}_ci"):
                st.caption(f"95 % interval {number(result[f'{key}_ci'][0])} to {number(result[f'{key}_ci'][1])}")
            if result.get(f"{key}_std") is not None:
                st.caption(f"± {number(result[f'{key}_std'])} over splits")
            if floor.get(key) is not None:
                st.caption(f"Real against real: {number(floor[key])} ({count(floor['n'], 'image')} a side)")
            if key in DISTANCES and result.get("times_floor") is not None:
                st.caption(f"**{number(result['times_floor'])} times the floor**; 1 is as near as real to real.")
    st.caption(
        plain(
            f"{result['n_real']:,} real against {count(result['n_fake'], 'generated image')} "
            f"({AGAINST[result.get('against', 'train')].lower()}). "
            f"Features: {result['extractor_title']}, weights {str(result.get('weights'))[:12]}, "
            f"resize {result.get('resize')}. "
            f"Model after {count(result.get('images_seen', 0), 'image')} seen"
            f"{', averaged weights' if result.get('ema') else ''}. "
            f"Seed {result.get('seed')}."
        )
    )
    for key, reason in absent.items():
        if key not in keys:
            st.caption(plain(f"Not given: {labels.get(key, key)}. {reason}"))
    if result.get("caveats"):
        st.subheader("Keep in mind")
        st.markdown("\n".join(f"- {plain(caveat)}" for caveat in result["caveats"]))


def table(results: list[tuple[Job, dict[str, Any]]]) -> list[dict[str, Any]]:
    """One row per measurement, newest first; one column per kind of score."""
    rows = []
    for job, result in results:
        row = {
            "when": ago(job.finished_at or job.created_at),
            "extractor": result.get("extractor_title"),
            "against": result.get("against"),
            "images": result.get("n_fake"),
            "images seen": result.get("images_seen"),
        }
        row |= {result["labels"][key]: result[key] for key in score_keys(result)}
        rows.append(row | {"times floor": result.get("times_floor")})
    return rows


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode()


ask()
evaluations = desk.store.jobs(kind="evaluate", subject=run.id)
if evaluations:
    job_progress(desk, evaluations[0], "Measuring", "evaluate")
done = [(job, job.result) for job in evaluations if job.state == "finished" and job.result]
if done:
    st.header("Scores")
    show(done[0][1])
    st.header("All measurements of this run")
    rows = table(done)
    st.dataframe(rows, hide_index=True, key="evaluations", alt="Earlier measurements, newest first")
    with st.container(horizontal=True):
        st.download_button(
            "Download as CSV",
            as_csv(rows),
            "scores.csv",
            "text/csv",
            key="scores_csv",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Download as JSON",
            json.dumps([result for _, result in done], indent=2).encode(),
            "scores.json",
            "application/json",
            key="scores_json",
            on_click="ignore",
            icon=":material/download:",
        )
elif not evaluations:
    st.info(
        "Not measured yet. A Frechet distance says how far the generated images are from real ones, a kernel distance "
        "says it with less bias on few images; lower is nearer. The floor beside each is what real images score.",
        icon=":material/info:",
    )
