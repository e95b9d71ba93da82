"""The newest scores of several runs in one table, and whether they may be compared."""

from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.evaluation.result_dicts import differences, scores_of
from gan_core.evaluation.vocabulary import level
from gan_core.storage.store import Run
from gan_core.text import ago, all_of


def newest_result(context: Context, run: Run) -> dict[str, Any] | None:
    """The newest result of a run, with its dataset: only runs on one dataset compare."""
    for job in context.store.jobs(kind="evaluate", subject=run.id, states=("finished",)):
        if job.result:
            return {**job.result, "dataset": run.dataset_id, "when": ago(job.finished_at or job.created_at)}
    return None


def show_score_table(measured: list[Run], results: dict[str, Any], labels: dict[str, str]) -> None:
    apart = differences(list(results.values()))
    if len(measured) < 2:
        st.caption("Only one of these runs has scores, so there is nothing to compare yet.")
    elif apart:
        st.warning(
            f"**Not comparable:** {all_of(apart)} {'differs' if len(apart) == 1 else 'differ'}, so a higher or lower score "
            "here says nothing about the runs. Evaluate them again in the same way.",
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
