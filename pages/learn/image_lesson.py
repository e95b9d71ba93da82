"""Mode collapse and its cure on real images: two runs on handwritten digits, started by one click, side by side."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.evaluation.vocabulary import INDICATORS, level
from gan_core.storage import run_folder
from gan_core.storage.store import Run
from gan_core.text import number
from pages.shared import refresh_rate, urls
from pages.shared.context import click_token
from pages.shared.status import STATES, state_of, state_of_run
from pages.shared.text import plain, sentence

EVERY_SECONDS = 3
HEADS = {"teach-collapse": "Collapse: the classic loss", "teach-cure": "Cure: relativistic loss, R1 + R2"}


def image_lesson(context: Context) -> None:
    """The newest run of each recipe, or the button that starts them."""
    st.markdown(
        "The same networks, rates, seed and images, twice: handwritten digits, a row for each class from 0 to 9. Only the loss and "
        "the penalty differ. Look along a row: how many different threes does each of them draw? **Variety** compares the spread "
        "of the poorest class with that of its real images: 1 is as varied as they are, 0 is the same picture every time."
    )
    st.radio(
        "**Predict first:** after as many images, what is the difference?",
        [
            "None: the networks are the same.",
            "The classic loss draws the same few digits again and again.",
            "The classic loss draws nothing but noise.",
        ],
        index=None,
        key="lab_guess_images",
        persist_state="session",
    )
    runs = newest(context)
    busy = [run for run in runs.values() if run and (job := context.store.latest_job("train", run.id)) and job.live]
    label = "Start both runs" if not any(runs.values()) else "Start both again"
    if st.button(
        label,
        type="secondary" if any(runs.values()) else "primary",
        icon=":material/play_arrow:",
        key="lab_lesson_start",
        disabled=bool(busy),
    ):
        try:
            actions.lesson(context, token=click_token("lesson"))
        except UserError as refused:
            st.error(sentence(refused))
        else:
            st.rerun()
    st.caption(
        "They train one after the other on this computer, some 20,000 images each: minutes, not seconds. Everyone in the class "
        "sees the same two runs; you may leave the page."
    )
    if any(runs.values()):
        side_by_side(context, runs, bool(busy))


def newest(context: Context) -> dict[str, Run | None]:
    """The newest run of each recipe of the lesson."""
    found: dict[str, Run | None] = dict.fromkeys(actions.LESSON_RECIPES)
    for run in context.store.runs():
        recipe = run.config.get("recipe")
        if recipe in found and found[recipe] is None:
            found[recipe] = run
    return found


def side_by_side(context: Context, runs: dict[str, Run | None], busy: bool) -> None:
    @st.fragment(run_every=max(EVERY_SECONDS, refresh_rate.seconds()) if busy else None)
    def both() -> None:
        live = False
        for column, (recipe, run) in zip(st.columns(2), runs.items(), strict=True):
            with column:
                st.subheader(HEADS[recipe])
                if run is None:
                    st.caption("There is no such run yet.")
                else:
                    live = one(context, run, recipe) or live
        reason(context, runs)
        if busy and not live:
            st.rerun()

    both()


def one(context: Context, run: Run, recipe: str) -> bool:
    """State, newest grid and variety of a run; is it still going?"""
    folder, job = context.workspace.run(run.id), context.store.latest_job("train", run.id)
    state, status = state_of_run(context, run.id, job), run_folder.read_status(folder)
    if job and job.live:
        st.progress(job.progress, text=f"{STATES[state_of(job)].word}: {job.progress:.0%}")
    else:
        st.markdown(f"{STATES[state].icon} {STATES[state].word}")
        if job and job.state == "failed":
            st.error(sentence(job.error or {}))
    look = last_look(context, run)
    with st.container(horizontal=True):
        st.metric("Variety, poorest class", number((look.get("values") or {}).get("variance_ratio")))
        twins = (look.get("values") or {}).get("near_duplicates")
        st.metric("Near duplicates", "–" if twins is None else f"{twins:.0%}")
        st.metric("Images seen", f"{status.get('images_seen', 0):,}")
    if look.get("verdict"):
        told = level(look["verdict"])
        st.markdown(f"{told.icon} **{told.word}:** {plain(look.get('sentence') or 'too early to say.')}")
    grids = run_folder.read_samples(folder)
    if grids:
        st.image(
            urls.sample(run.id, grids[-1]["file"]),
            width="stretch",
            alt=f"{HEADS[recipe]}: generated digits, a row per class, after {grids[-1]['images_seen']:,} images seen",
        )
        st.caption(f"Epoch {grids[-1]['epoch']:.1f}")
    else:
        st.caption("The first grid appears within the first epoch.")
    st.page_link("live/page.py", label="Open on Live", icon=":material/monitoring:", query_params={"run": run.id})
    return bool(job and job.live)


def last_look(context: Context, run: Run) -> dict:
    """The newest row of collapse.jsonl, {} before the first."""
    rows = run_folder.read_lines(context.workspace.run(run.id) / "collapse.jsonl")[0]
    return rows[-1] if rows else {}


def reason(context: Context, runs: dict[str, Run | None]) -> None:
    """The answer, once both have been looked at."""
    looks = [last_look(context, run).get("values", {}).get("variance_ratio") if run else None for run in runs.values()]
    if None in looks:
        st.caption("The answer shows here when both runs have been looked at for variety.")
        return
    st.subheader("What happened, and why")
    st.markdown(
        f"Variety of the poorest class: {number(looks[0])} with the classic loss, {number(looks[1])} with the cure; "
        f"below {INDICATORS['variance_ratio'].threshold.red:g} a class counts as collapsed. With the classic loss G is paid for "
        "any picture that D takes for real, so one good digit a class is enough. The relativistic loss compares each generated "
        "picture with a real one, and "
        "the penalty keeps D's surface smooth, so that there is a way back to the digits that were left out."
    )
