"""The selected runs side by side: the settings in which they differ, their scores, their curves and their newest samples."""

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from gan_core.actions import Context
from gan_core.storage import run_folder
from gan_core.storage.store import Run
from gan_core.views import curves, run_table
from pages.shared import charts, run_curves, urls
from pages.shared.links import link
from pages.shared.score_table import newest_evaluation, show_score_table
from pages.shared.select_run import unique_labels
from pages.shared.status import no_grid_yet, state_of_run
from pages.shared.text import plain, setting_text

MOST_RUNS = run_curves.MOST_LINES
GRIDS_A_ROW = 4
METRICS = {
    "loss_g": "Loss of G",
    "loss_d": "Loss of D",
    "d_real": "D(x), real",
    "d_fake": "D(G(z)), fake",
    "penalty": "Gradient penalty",
    "images_per_second": "Images per second",
}
AXES = {"Epochs": "epoch", "Minutes": "minutes"}


def compare_runs(context: Context, runs: list[Run]) -> None:
    """runs: two or more; the first MOST_RUNS are shown."""
    st.header("Compare")
    if len(runs) > MOST_RUNS:
        st.info(f"These are the first {MOST_RUNS} of the {len(runs)} selected runs: untick some to see the others.")
        runs = runs[:MOST_RUNS]
    labels = {run.id: run.name for run in runs}
    if len(set(labels.values())) < len(runs):
        labels = unique_labels(runs)
    show_settings(runs, labels)
    show_scores(context, runs, labels)
    show_curves(context, runs, labels)
    show_grids(context, runs)


def show_settings(runs: list[Run], labels: dict[str, str]) -> None:
    st.subheader("Settings that differ")
    apart = run_table.differing_settings(runs)
    if not apart:
        st.caption("None: these runs have the same settings.")
        return
    rows = [
        {"setting": title} | {labels[run.id]: setting_text(value) for run, value in zip(runs, values, strict=True)}
        for title, values in apart.items()
    ]
    st.dataframe(rows, hide_index=True, key="runs_settings", alt="The settings in which the selected runs differ")


def show_scores(context: Context, runs: list[Run], labels: dict[str, str]) -> None:
    st.subheader("Newest scores")
    newest = {run.id: newest_evaluation(context, run, labels[run.id]) for run in runs}
    if missing := [run for run in runs if newest[run.id] is None]:
        with st.container(horizontal=True, vertical_alignment="center", key="runs_not_evaluated"):
            st.caption("Not evaluated yet, click to evaluate:", width="content")
            for run in missing:
                link("evaluate", plain(labels[run.id]), icon="straighten", run=run.id)
    if evaluated := [found for found in newest.values() if found]:
        show_score_table(evaluated)


@st.cache_data(max_entries=64, show_spinner=False)
def points(path: str, stamp: tuple[int, int]) -> list[dict[str, Any]]:
    """At most MOST_POINTS rows of metrics.jsonl, each with its minutes of training. stamp: mtime and size of the file."""
    rows, keep = run_folder.read_lines(Path(path))[0], set[int]()
    for name in METRICS:
        values = np.array([value if (value := row.get(name)) is not None else np.nan for row in rows], np.float64)
        keep.update(curves.thin(values, curves.MOST_POINTS // len(METRICS)).tolist())
    chosen = [rows[at] for at in sorted(keep)]
    return [row | {"minutes": row["elapsed_seconds"] / 60 if "elapsed_seconds" in row else None} for row in chosen]


def rows_of(context: Context, run: Run) -> list[dict[str, Any]]:
    """The rows of a run's log to draw; [] before the first."""
    path = context.workspace.run(run.id) / "metrics.jsonl"
    try:
        found = path.stat()
    except FileNotFoundError:
        return []
    return points(str(path), (found.st_mtime_ns, found.st_size))


def show_curves(context: Context, runs: list[Run], labels: dict[str, str]) -> None:
    st.subheader("Curves")
    series = {labels[run.id]: rows for run in runs if (rows := rows_of(context, run))}
    there = {
        key: word
        for key, word in METRICS.items()
        if any(row.get(key) is not None for rows in series.values() for row in rows)
    }
    if not there:
        st.caption("None of these runs has numbers yet.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox("Curve", list(there), format_func=there.__getitem__, key="runs_metric", width=260)
        axis = st.segmented_control("Horizontal axis", list(AXES), default="Epochs", required=True, key="runs_axis")
    charts.show(
        run_curves.over_runs(series, metric, AXES[axis], axis.lower(), there[metric]),
        key="runs_curves",
        alt=f"{there[metric]} over {axis.lower()}, a line for each selected run",
    )


def show_grids(context: Context, runs: list[Run]) -> None:
    st.subheader("Newest samples")
    for start in range(0, len(runs), GRIDS_A_ROW):
        row = runs[start : start + GRIDS_A_ROW]
        for column, run in zip(st.columns(min(len(runs), GRIDS_A_ROW)), row, strict=False):
            with column:
                show_newest_grid(context, run)


def show_newest_grid(context: Context, run: Run) -> None:
    status = run_folder.read_status(context.workspace.run(run.id))
    st.markdown(f"**{plain(run.name)}**")
    if grid := status.get("latest_grid"):
        st.image(urls.sample(run.id, grid), width="stretch", alt=f"Newest generated images of {run.name}")
        st.caption(f"Epoch {status.get('epoch', 0):.1f}")
    else:
        st.caption(no_grid_yet(state_of_run(context, run.id, context.store.latest_job("train", run.id))))
