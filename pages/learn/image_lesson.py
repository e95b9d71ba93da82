"""Mode collapse and its cure on real images: two runs on handwritten digits, started by one click, side by side."""

from typing import Any

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.evaluation.lights import look, of_check
from gan_core.evaluation.names_and_thresholds import INDICATORS
from gan_core.storage import run_folder
from gan_core.storage.store import Run
from gan_core.text import number
from pages.shared import refresh_rate, urls
from pages.shared.double_click import click_token
from pages.shared.links import link
from pages.shared.status import STATES, show_refusal, state_of, state_of_run
from pages.shared.text import plain, sentence

REFRESH_SECONDS = 3
TITLES = {"teach-collapse": "Collapse: the classic loss", "teach-cure": "Cure: relativistic loss, R1 + R2"}

Runs = dict[str, Run | None]  # by recipe


def show_lesson(context: Context) -> None:
    """The question, the button that starts both runs, and the newest run of each recipe."""
    st.markdown(
        "The same networks, learning rates, seed and images, twice: handwritten digits, a row for each class from 0 to 9. Only the "
        "loss and the penalty differ. Look along a row: how many different threes does each run draw? **Variety** is the variance "
        "within the least varied class, over that of its real images: 1 means as varied as real images, 0 means always the same "
        "image."
    )
    st.radio(
        "**Predict first:** after the same number of images, what is the difference?",
        [
            "None: the networks are the same.",
            "The classic loss draws the same few digits again and again.",
            "The classic loss draws only noise.",
        ],
        index=None,
        key="lab_guess_images",
        persist_state="session",
    )
    runs = newest_runs(context)
    started = any(runs.values())
    training = any(run and (job := context.store.latest_job("train", run.id)) and job.live for run in runs.values())
    if st.button(
        "Start both again" if started else "Start both runs",
        type="secondary" if started else "primary",
        icon=":material/play_arrow:",
        key="lab_lesson_start",
        disabled=training,
    ):
        with show_refusal():
            actions.lesson(context, token=click_token("lesson"))
            st.rerun()
    st.caption(
        "The runs train one after the other on this computer, about 20,000 images each, which takes minutes. The whole class sees "
        "the same two runs. Training continues when you leave the page."
    )
    if started:
        show_runs(context, runs, training)


def newest_runs(context: Context) -> Runs:
    """The newest run of each recipe of the lesson."""
    found: Runs = dict.fromkeys(actions.LESSON_RECIPES)
    for run in context.store.runs():
        recipe = run.config.get("recipe")
        if recipe in found and found[recipe] is None:
            found[recipe] = run
    return found


def show_runs(context: Context, runs: Runs, training: bool) -> None:
    """Both runs side by side and the answer, refreshed while one of them trains."""

    @st.fragment(run_every=max(REFRESH_SECONDS, refresh_rate.seconds()) if training else None)
    def refresh() -> None:
        live = False
        for column, (recipe, run) in zip(st.columns(2), runs.items(), strict=True):
            with column:
                st.subheader(TITLES[recipe])
                if run is None:
                    st.caption("There is no such run yet.")
                else:
                    live = show_run(context, run, TITLES[recipe]) or live
        show_answer(context, runs)
        if training and not live:
            st.rerun()

    refresh()


def show_run(context: Context, run: Run, title: str) -> bool:
    """State, variety and newest samples of a run; returns whether it is still training."""
    folder, job = context.workspace.run(run.id), context.store.latest_job("train", run.id)
    live = bool(job and job.live)
    if job and live:
        st.progress(job.progress, text=f"{STATES[state_of(job)].word}: {job.progress:.0%}")
    else:
        state = STATES[state_of_run(context, run.id, job)]
        st.markdown(f"{state.icon} {state.word}")
        if job and job.state == "failed":
            st.error(sentence(job.error or {}))
    row = newest_collapse_row(context, run)
    values = row.get("values") or {}
    with st.container(horizontal=True):
        st.metric("Variety, least varied class", number(values.get("variance_ratio")))
        duplicates = values.get("near_duplicates")
        st.metric("Near duplicates", "–" if duplicates is None else f"{duplicates:.0%}")
        st.metric("Images seen", f"{run_folder.read_status(folder).get('images_seen', 0):,}")
    if row.get("verdict"):
        light = of_check(row)["variety"]
        found = look("variety", light)
        st.markdown(f"{found.icon} **{found.word}:** {plain(light.sentence)}")
    grids = run_folder.read_samples(folder)
    if grids:
        st.image(
            urls.sample(run.id, grids[-1]["file"]),
            width="stretch",
            alt=f"{title}: generated digits, a row per class, after {grids[-1]['images_seen']:,} images seen",
        )
        st.caption(f"Epoch {grids[-1]['epoch']:.1f}")
    else:
        st.caption("The first samples appear within the first epoch.")
    link("live", "Open on Live", icon="monitoring", run=run.id)
    return live


def newest_collapse_row(context: Context, run: Run) -> dict[str, Any]:
    """The newest row of collapse.jsonl, {} before the first."""
    rows = run_folder.read_lines(context.workspace.run(run.id) / "collapse.jsonl")[0]
    return rows[-1] if rows else {}


def show_answer(context: Context, runs: Runs) -> None:
    """The answer, once the variety of both runs is known."""
    variety = [
        (newest_collapse_row(context, run).get("values") or {}).get("variance_ratio") if run else None
        for run in runs.values()
    ]
    if None in variety:
        st.caption("The answer appears when the variety of both runs is known.")
        return
    st.subheader("What happened, and why")
    st.markdown(
        f"Variety of the least varied class: {number(variety[0])} with the classic loss, {number(variety[1])} with the cure. Below "
        f"{INDICATORS['variance_ratio'].threshold.red:g} a class counts as collapsed. The classic loss rewards every image that D "
        "takes for real, so one good image per class is enough. The relativistic loss compares each generated image with a real "
        "one. The penalty keeps D smooth, so that G still gets a gradient towards the digits that it does not draw."
    )
