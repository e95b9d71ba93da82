"""The curves of a run on a page: how they are to be drawn, the reading, the charts, and their numbers and events as tables."""

import time
from pathlib import Path
from typing import Any

import streamlit as st

from gan_core.evaluation import vocabulary
from gan_core.settings.families import TRAITS
from gan_core.views import training_diagnosis
from gan_core.views.curves import Columns, Curves, last
from gan_core.views.run_events import KINDS, Milestone, milestones, places
from pages.live import curve_charts
from pages.live.curve_charts import Chart, Look
from pages.live.live_chart import live_chart
from pages.shared.text import plain

WINDOWS = {"All": 0, "Last 500": 500, "Last 100": 100}
AXES = {"Epochs": "epochs", "Minutes": "minutes", "Images": "images"}
ROWS = 200  # of the table of numbers


@st.cache_resource(max_entries=8)
def curves_of(path: str) -> Curves:
    """One reader a file for all tabs: a run of 100,000 rows is parsed once."""
    return Curves(Path(path))


def columns_of(folder: Path) -> Columns:
    return curves_of(str(folder / "metrics.jsonl")).columns()


def controls() -> Look:
    """How the user wants the curves; kept while the tab is open."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="live_look"):
        smoothing = st.slider(
            "Smoothing", 0.0, 0.98, 0.6, 0.02, key="live_smoothing", persist_state="session", width=220,
            help="How much of each point is what came before (exponential average). The faint line behind is what was measured.",
        )  # fmt: skip
        axis = st.segmented_control(
            "Along", list(AXES), default="Epochs", required=True, key="live_axis", persist_state="session"
        )
        window = st.segmented_control(
            "Show", list(WINDOWS), default="All", required=True, key="live_window", persist_state="session",
            help="Rows of the log, about one a second. Drag in a chart to zoom; a double click shows all again.",
        )  # fmt: skip
        log = st.toggle(
            "Log scale", key="live_log_scale", persist_state="session",
            help="For losses and errors. Values of 0 and below have no place on it and are left out.",
        )  # fmt: skip
    return Look(AXES[axis], smoothing, log, WINDOWS[window])


def say_reading(columns: Columns, loss: str, game: str) -> None:
    """How the run stands, in a sentence, and the rules behind it on a click."""
    said, rules = training_diagnosis.read(columns, loss, game), training_diagnosis.rules(loss, game)
    with st.container(horizontal=True, vertical_alignment="center", key="live_reading"):
        if said is None:
            return
        st.markdown(f"{vocabulary.level(said.health).icon} **Reading:** {plain(said.text)}")
        with st.popover("How this is read", icon=":material/rule:", on_change="rerun", key="live_rules") as opened:
            if not opened.open:
                return
            st.markdown(
                f"Rules of thumb on the mean of the last {training_diagnosis.RECENT} rows. The first that fits is told."
            )
            words = [
                f"{plain(key.replace('_', ' ').capitalize())}: {plain(when)}"
                + (" **(this one)**" if key == said.key else "")
                for key, when in rules
            ]
            st.markdown("\n".join(f"{place}. {line}" for place, line in enumerate(words, 1)) or plain(said.text))
            if game not in training_diagnosis.WITHOUT_D and (between := training_diagnosis.band(loss)):
                st.markdown(
                    f"The shaded band, {between[0]:.2f} to {between[1]:.2f}: with both lines in it, they are balanced."
                )


def show(folder: Path, config: dict[str, Any], look: Look, is_paused: bool, nothing: str) -> None:
    """Reading, charts and tables of a run. nothing: what is said before the first numbers."""
    columns = columns_of(folder)
    if not columns:
        st.caption(nothing)
        return
    game, loss = TRAITS[config["family"]].game, config.get("loss", "")
    marks = milestones(folder)
    if is_paused:
        marks.append(Milestone(int(columns["images_seen"][-1]), "pause", "Paused now."))
    say_reading(columns, loss, game)
    two_a_row(curve_charts.of_game(game), columns, look, marks, training_diagnosis.band(loss))
    with st.expander("Speed and memory", on_change="rerun", key="live_machine") as machine:
        if machine.open:
            two_a_row(curve_charts.MACHINE, columns, look, marks, None)
    with st.expander("Events", on_change="rerun", key="live_events") as events:
        if events.open:
            list_events(marks, columns)
    with st.expander("Show the numbers", on_change="rerun", key="live_numbers") as numbers:
        if numbers.open:
            rows = {name.replace("_", " "): values for name, values in last(columns, ROWS).items()}
            st.dataframe(rows, alt=f"The last {ROWS} rows of the training log")


def two_a_row(
    charts: dict[str, Chart], columns: Columns, look: Look, marks: list[Milestone], band: tuple[float, float] | None
) -> None:
    shown = {key: chart for key, chart in charts.items() if any(line.key in columns for line in chart.lines)}
    for number, (key, chart) in enumerate(shown.items()):
        if number % 2 == 0:
            halves = st.columns(2)
        with halves[number % 2]:
            st.header(chart.title)
            live_chart(curve_charts.draw(chart, columns, look, marks, band), key=f"chart_{key}", alt=chart.alt)


def list_events(marks: list[Milestone], columns: Columns) -> None:
    """The marks of the curves as a table, the newest first."""
    if not marks:
        st.caption("Nothing yet: pauses, alarms and checkpoints are listed here.")
        return
    epochs = places(marks, columns, "epochs")
    clock = lambda at: time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else None
    st.dataframe(
        [
            {
                "event": KINDS[mark.kind],
                "epoch": round(float(epoch), 2),
                "images": mark.images_seen,
                "what happened": mark.text,
                "time": clock(mark.at),
            }
            for mark, epoch in list(zip(marks, epochs, strict=True))[::-1]
        ],
        hide_index=True,
        key="live_events_table",
        alt="What happened during the run, the newest first",
    )
