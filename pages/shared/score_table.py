"""The newest scores of several runs in one table, and whether they may be compared."""

from typing import NamedTuple

import streamlit as st

from gan_core.actions import Context
from gan_core.evaluation.lights import SUBJECTS, look, of_evaluation
from gan_core.evaluation.results import EvaluationResult, differences
from gan_core.storage.store import Run
from gan_core.text import ago, all_of


class Evaluated(NamedTuple):
    """The newest evaluation of a run. name: of the run, as the table shows it; when: how long ago."""

    name: str
    when: str
    result: EvaluationResult


def newest_evaluation(context: Context, run: Run, name: str) -> Evaluated | None:
    """None where the run has none. The result carries its dataset: only runs on one dataset may be compared."""
    for job in context.store.jobs(kind="evaluate", subject=run.id, states=("finished",)):
        if job.result:
            result = EvaluationResult.read({**job.result, "dataset": run.dataset_id})
            return Evaluated(name, ago(job.finished_at or job.created_at), result)
    return None


def show_score_table(evaluated: list[Evaluated]) -> None:
    """A warning where the results may not be compared, and a row for each run."""
    unequal = differences([one.result for one in evaluated])
    if len(evaluated) < 2:
        st.caption("Only one of these runs has scores, so there is nothing to compare yet.")
    elif unequal:
        st.warning(
            f"**Not comparable:** {all_of(unequal)} {'differs' if len(unequal) == 1 else 'differ'}, so a higher or lower score "
            "here says nothing about the runs. Evaluate them again in the same way.",
            icon=":material/warning:",
        )
    else:
        st.success(
            "**Comparable:** same dataset, extractor, weights, split and number of images.",
            icon=":material/check_circle:",
        )
    st.space("small")  # for the toolbar of the table
    st.dataframe(
        [row_of(one) for one in evaluated],
        hide_index=True,
        key="compare_table",
        alt="Newest scores of the selected runs",
    )


def row_of(evaluated: Evaluated) -> dict[str, object]:
    """The column of a score names its extractor."""
    result = evaluated.result
    return {
        "run": evaluated.name,
        "evaluated": evaluated.when,
        "images seen": result.images_seen,
        "extractor": result.extractor_title,
        "against": result.against,
        "images": result.n_fake,
        **{score.name: score.value for score in result.scores},
        "times floor": result.times_floor,
        **{
            SUBJECTS[subject].lower(): look(subject, light).word
            for subject, light in of_evaluation(result).items()
            if subject != "usefulness"
        },
    }
