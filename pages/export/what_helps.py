"""Find what helps: the search with one button, what it found with its evidence, and whether the export follows it."""

from typing import Literal

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.actions.as_found import as_found
from gan_core.data.dataset import DatasetInfo
from gan_core.errors import UserError
from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.found import Found
from gan_core.export import plan
from gan_core.requests import ExportRequest, ImproveRequest
from gan_core.storage.store import Job, Run
from gan_core.text import percent, percent_interval, points, points_interval
from gan_core.views import race
from pages.export.growth_plan import show_bars
from pages.export.race_chart import race_chart
from pages.shared import charts, request_form
from pages.shared.double_click import click_token
from pages.shared.status import job_progress, show_refusal
from pages.shared.text import plain, sentence

# Of the table of the race: no column is cut off at 1366 px; what an arm is can be read whole under the pointer.
COLUMNS = {
    "arm": st.column_config.TextColumn(width=520),
    "points": st.column_config.NumberColumn(
        format="%+.1f",
        width=75,
        help="Over the plain baseline, in the last round of the arm, on the validation images.",
    ),
    "rounds": st.column_config.NumberColumn(width=75),
    "ended": st.column_config.TextColumn(width=150),
}
CLASSIFIERS = {"small": "Small network", "resnet": "Residual network", "lite0": "EfficientNet-Lite0"}


def show_what_helps(context: Context, run: Run | None, dataset_id: str) -> Found | None:
    """The form, the progress and the newest answer, which is returned where an export can follow it."""
    st.header("What helps?")
    st.caption(
        "Trains classifiers with and without synthetic images of every kind, and finds by the validation images which training "
        "helps most. The plain baseline, without synthetic images, takes part and wins where nothing is better beyond chance."
    )
    subject = run.id if run else dataset_id
    found = found_file.of(context.workspace.run(run.id) if run else None, context.workspace.dataset(dataset_id))
    job = next(iter(context.store.jobs(kind="improve", subject=subject, limit=1)), None)
    if job is None or not job.live:
        show_form(context, subject, job)
    if job is not None and job.state != "finished":
        job_progress(context, job, "Finding what helps", "improve")
    if found is not None:
        show_answer(found)
    return found


def show_form(context: Context, subject: str, last: Job | None) -> None:
    unfinished = last is not None and last.state in ("interrupted", "stopped", "failed")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        minutes = request_form.number(ImproveRequest, "minutes", "improve_minutes", width=130)
        classifier: Literal["small", "resnet", "lite0"] = request_form.select(
            ImproveRequest, "classifier", "improve_classifier", CLASSIFIERS, width=220
        )
        clicked = st.button("Find what helps", icon=":material/trophy:", key="improve_start")
        go_on = unfinished and st.button(
            "Continue the search",
            icon=":material/resume:",
            key="improve_continue",
            help="It goes on from the last classifier that it had compared.",
        )
    if not clicked and not go_on:
        return
    with show_refusal():
        request = ImproveRequest(minutes=minutes, classifier=classifier)
        if go_on and last is not None:
            request = ImproveRequest.from_payload(last.payload).replace(notes=(), training_minutes=0.0)
        actions.improve(context, subject, request, token=click_token("improve", subject, request.payload()))
        st.rerun()


def show_answer(found: Found) -> None:
    """The sentence, the figures behind it and the picture of the race."""
    with st.container(border=True, key="improve_found"):
        box = st.success if found.gain_ci95 and found.gain_ci95[0] > 0 else st.info
        box(plain(found.sentence), icon=":material/trophy:")
        if found.baseline is not None and found.chosen is not None:
            first, second, third = st.columns(3)
            first.metric("Plain baseline, test images", percent(found.baseline))
            second.metric("As found, test images", percent(found.chosen))
            third.metric("Gain, points", points(found.gain), help=f"95 % interval {points_interval(found.gain_ci95)}")
        if found.teacher is not None:
            interval = percent_interval(found.teacher_ci95)
            st.caption(
                "The teacher alone, EfficientNet-Lite0 with ImageNet weights and a linear head, has "
                f"{percent(found.teacher)} on the test images ({interval})."
            )
        with st.expander("The race", key="improve_race"):
            show_race(found)
        for note in found.notes:
            st.caption(plain(note))


def show_race(found: Found) -> None:
    lines = race.lines(found)
    if not lines:
        st.caption("No race was run.")
        return
    charts.show(
        race_chart(lines, len(found.rungs)),
        key="improve_chart",
        alt="Points over the plain baseline by round, a line for each arm; the table below has the numbers",
    )
    st.dataframe(
        race.table(found),
        hide_index=True,
        column_config=COLUMNS,
        key="improve_table",
        alt="The arms of the race",
    )
    if missing := race.never_ran(found):
        st.caption(f"There was no time for {missing} more.")


def choose_as_found(found: Found | None) -> bool:
    """Whether the export follows what was found; it does so unless the user says otherwise."""
    if found is None:
        return False
    return st.toggle(
        "Export what was found to help",
        value=True,
        key=f"export_as_found_{found.dataset}_{found.run}",
        help="The zip then holds the images, weights and schedule with which the search had its best result, and its train.py "
        "trains that way. Switch it off to choose balance and methods yourself.",
    )


def plan_as_found(
    context: Context, info: DatasetInfo, request: ExportRequest
) -> tuple[tuple[plan.Balance, dict[str, plan.Row]] | None, dict[str, float]]:
    """(balance and rows of the plan, the methods) of an export that follows what was found; shows them as bars."""
    followed = as_found(context, request, info)
    counts, methods = dict(zip(info.classes, info.train_counts, strict=True)), followed.methods or {}
    try:
        rows = plan.deficits(counts, followed.balance, followed.originals)
        shares, _ = plan.shares(rows, counts, methods)
    except UserError as refused:
        st.error(sentence(refused))
        return None, methods
    show_bars(rows, shares)
    return (followed.balance, rows), methods
