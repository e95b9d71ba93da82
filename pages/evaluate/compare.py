"""The run beside other runs: their newest scores and their collapse indicators over the epochs."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.evaluation.names_and_thresholds import INDICATORS
from gan_core.evaluation.results import variety_rows
from gan_core.storage import run_folder
from gan_core.storage.store import Run
from pages.shared import charts, run_curves
from pages.shared.score_table import newest_evaluation, show_score_table
from pages.shared.select_run import unique_labels
from pages.shared.text import plain

CURVES = {"variance_ratio": "Variance ratio of the lowest class", "coverage_ratio": "Coverage ratio"}
MOST_RUNS = run_curves.MOST_LINES - 1  # others, beside the run of the page


def compare(context: Context, run: Run) -> None:
    """A multiselect of other runs; nothing where there is no other."""
    runs = context.store.runs()
    others = {other.id: other for other in runs if other.id != run.id}
    if not others:
        return
    st.header("Compare runs")
    labels = unique_labels(runs)
    chosen = st.multiselect(
        "Beside this run",
        list(others),
        format_func=labels.__getitem__,
        key="compare_runs",
        max_selections=MOST_RUNS,
        placeholder="Select runs",
    )
    selected = [run, *(others[id] for id in chosen if id in others)]
    if len(selected) < 2:
        return
    newest = {one.id: newest_evaluation(context, one, labels[one.id]) for one in selected}
    for one in selected:
        if newest[one.id] is None:
            st.caption(f"{plain(one.name)} has not been evaluated yet.")
    evaluated = [found for found in newest.values() if found]
    if len(evaluated) > 1:
        show_score_table(evaluated)
    overlay(context, selected, labels)


def overlay(context: Context, selected: list[Run], labels: dict[str, str]) -> None:
    """The curves of collapse.jsonl, a line for each run."""
    series: dict[str, Sequence[dict[str, Any]]] = {}
    for one in selected:
        rows = variety_rows(run_folder.read_lines(context.workspace.run(one.id) / "collapse.jsonl")[0])
        if rows:
            series[labels[one.id]] = rows
    if not series:
        return
    for column, (key, title) in zip(st.columns(2), CURVES.items(), strict=True):
        column.subheader(title)
        column.plotly_chart(
            run_curves.over_epochs(series, key, INDICATORS[key].threshold),
            key=f"compare_{key}",
            config=charts.CONFIG,
            alt=f"{title} over epochs, a line for each run",
        )
