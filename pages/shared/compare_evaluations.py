"""Runs side by side: their newest results where these may be compared, what keeps them apart where not, and their curves."""

from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.evaluation.vocabulary import LINES, differences, level, scores_of, variety_rows
from gan_core.storage import run_folder
from gan_core.storage.store import Run
from gan_core.text import ago, all_of
from pages.shared import charts, evaluation_charts
from pages.shared.select_run import unique_labels
from pages.shared.text import plain

CURVES = {"variance_ratio": "Variance ratio of the lowest class", "coverage_ratio": "Coverage ratio"}
MOST_RUNS = evaluation_charts.MOST_LINES - 1  # others, beside the run of the page


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
        placeholder="Choose runs",
    )
    picked = [run, *(others[id] for id in chosen if id in others)]
    if len(picked) < 2:
        return
    results = {one.id: newest(context, one) for one in picked}
    measured = [one for one in picked if results[one.id] is not None]
    for one in picked:
        if results[one.id] is None:
            st.caption(f"{plain(one.name)} has not been measured yet.")
    if len(measured) > 1:
        table(measured, {one.id: results[one.id] for one in measured}, labels)
    overlay(context, picked, labels)


def newest(context: Context, run: Run) -> dict[str, Any] | None:
    """The newest result of a run, with its dataset: only runs on one dataset compare."""
    for job in context.store.jobs(kind="evaluate", subject=run.id, states=("finished",)):
        if job.result:
            return {**job.result, "dataset": run.dataset_id, "when": ago(job.finished_at or job.created_at)}
    return None


def table(measured: list[Run], results: dict[str, Any], labels: dict[str, str]) -> None:
    apart = differences(list(results.values()))
    if len(measured) < 2:
        st.caption("Only one of these runs has scores, so there is nothing to compare yet.")
    elif apart:
        st.warning(
            f"**Not comparable:** {all_of(apart)} {'differs' if len(apart) == 1 else 'differ'}, so a higher or lower score "
            "here says nothing about the runs. Measure them again in the same way.",
            icon=":material/warning:",
        )
    else:
        st.success(
            "**Comparable:** same dataset, extractor, weights, split and number of images.",
            icon=":material/check_circle:",
        )
    rows = []
    for one in measured:
        result = results[one.id]
        row = {
            "run": labels[one.id],
            "measured": result["when"],
            "images seen": result.get("images_seen"),
            "extractor": result.get("extractor_title"),
            "against": result.get("against"),
            "images": result.get("n_fake"),
        }
        row |= {result["labels"][key]: result[key] for key in scores_of(result)}  # the label names the extractor
        row["times floor"] = result.get("times_floor")
        for name, part in (("variety", "collapse"), ("copies", "memorisation")):
            row[name] = level(result[part]["verdict"]).word if result.get(part) else None
        rows.append(row)
    st.space("small")  # for the toolbar of the table
    st.dataframe(rows, hide_index=True, key="compare_table", alt="Newest results of the chosen runs")


def overlay(context: Context, picked: list[Run], labels: dict[str, str]) -> None:
    """The curves of collapse.jsonl, a line for each run."""
    series = {}
    for one in picked:
        rows = variety_rows(run_folder.read_lines(context.workspace.run(one.id) / "collapse.jsonl")[0])
        if rows:
            series[labels[one.id]] = rows
    if not series:
        return
    for column, (key, title) in zip(st.columns(2), CURVES.items(), strict=True):
        column.subheader(title)
        column.plotly_chart(
            evaluation_charts.over_epochs(series, key, LINES[key]),
            key=f"compare_{key}",
            config=charts.CONFIG,
            alt=f"{title} over epochs, a line for each run",
        )
