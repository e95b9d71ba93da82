"""The sweeps: each as one group with mean and spread of its runs, and buttons that act on all of them."""

from collections.abc import Callable, Sequence

import streamlit as st

from gan_core import actions
from gan_core.actions import Context, Outcome
from gan_core.errors import UserError
from gan_core.text import and_more, count
from gan_core.views import sweeps as view
from gan_core.views.run_table import Row
from pages.runs.table import select_instead
from pages.shared.links import link
from pages.shared.status import STATES, state_of, state_text
from pages.shared.text import plain, sentence, setting_text

PARAM = "sweep"
SAID = "sweep_said"  # what the last button did
MOST_LINKS = 60


def show_sweeps(context: Context, rows: Sequence[Row]) -> None:
    """The sweep that is chosen; nothing where there is no sweep."""
    found = {one.name: one for one in view.sweeps(context.store, context.workspace, rows)}
    if not found:
        return
    st.header("Sweeps")
    show_outcome()
    wanted = st.query_params.get(PARAM)
    st.session_state["runs_sweep"] = wanted if wanted in found else next(iter(found))
    name = st.selectbox(
        "Sweep", list(found), key="runs_sweep", format_func=lambda name: plain(name), on_change=write_address
    )
    show_sweep(context, found[name])


def write_address() -> None:
    st.query_params[PARAM] = st.session_state["runs_sweep"]


def show_sweep(context: Context, sweep: view.Sweep) -> None:
    states = ", ".join(f"{number:,} {STATES[state].word.lower()}" for state, number in sweep.states.items())
    st.caption(f"{count(len(sweep.rows), 'run')} in {count(len(sweep.groups), 'group')}: {states}.")
    figures = [key for key in view.FIGURES if any(key in group.figures for group in sweep.groups)]
    titles = list(dict.fromkeys(title for group in sweep.groups for title in group.settings))
    table = [
        {title: setting_text(group.settings.get(title)) for title in titles}
        | {"Runs": len(group.rows)}
        | {view.FIGURES[key]: str(group.figures.get(key, "–")) for key in figures}
        for group in sweep.groups
    ]
    st.dataframe(
        table,
        hide_index=True,
        key="runs_sweep_groups",
        alt="Each group of equal settings of this sweep, with mean and spread of the figures of its runs",
    )
    st.caption(plain(explanation(sweep, figures)))
    live = any(row.job is not None and row.job.live for row in sweep.rows)
    ended = any(row.job is None or not (row.job.live or row.job.state == "finished") for row in sweep.rows)
    with st.container(horizontal=True, key="runs_sweep_buttons"):
        st.button(
            "Compare its runs",
            key="sweep_select",
            icon=":material/compare:",
            on_click=lambda: select_instead([row.run.id for row in sweep.rows]),
            help="Selects them in the table of runs.",
        )
        button(context, sweep.name, "Stop all", "stop", actions.stop_sweep, "stop_circle", disabled=not live)
        button(context, sweep.name, "Resume all", "resume", actions.resume_sweep, "play_arrow", disabled=not ended)
        button(context, sweep.name, "Delete all", "delete", actions.delete_sweep, "delete", disabled=live)
    with st.expander("Open its runs", key="runs_sweep_links"):
        for row in sweep.rows[:MOST_LINKS]:
            with st.container(horizontal=True, vertical_alignment="center"):
                link("live", plain(row.run.name), icon="monitoring", width="content", run=row.run.id)
                st.caption(state_text(state_of(row.job)), width="content")
        if len(sweep.rows) > MOST_LINKS:
            st.caption(f"And {count(len(sweep.rows) - MOST_LINKS, 'more run', 'more runs')} in the table of runs.")


def explanation(sweep: view.Sweep, figures: Sequence[str]) -> str:
    """What stands behind the ±, and how the scores were measured."""
    if not figures:
        return "No run has figures yet."
    text = "Mean ± standard deviation over the runs of a group, which differ in the seed alone. A single run has no spread."
    if sweep.measured:
        text += f" Scores: {sweep.measured}."
    if sweep.others:
        text += f" {count(sweep.others, 'run')} evaluated in another way: not counted."
    return text


def button(
    context: Context,
    name: str,
    label: str,
    what: str,
    act: Callable[[Context, str], Outcome],
    icon: str,
    disabled: bool,
) -> None:
    def click() -> None:
        try:
            outcome = act(context, name)
        except UserError as refused:
            st.session_state[SAID] = (sentence(refused), True)
            return
        said = f"{label}: {count(len(outcome.done), 'run')}."
        if outcome.refused:
            said += f" Refused: {and_more(list(dict.fromkeys(outcome.refused.values())), 2)}"
        st.session_state[SAID] = (said, bool(outcome.refused))

    st.button(label, key=f"sweep_{what}", icon=f":material/{icon}:", on_click=click, disabled=disabled)


def show_outcome() -> None:
    said, refused = st.session_state.pop(SAID, ("", False))
    if said:
        (st.warning if refused else st.success)(plain(said))
