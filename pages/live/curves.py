"""The curves of a run on the Live page: their controls, the diagnosis, the charts, and the numbers and events as tables."""

import time
from pathlib import Path
from typing import Any

import streamlit as st

from gan_core.evaluation import names_and_thresholds
from gan_core.settings.families import TRAITS
from gan_core.views import training_diagnosis
from gan_core.views.curves import Columns, Curves, last
from gan_core.views.run_events import KINDS, RunEvent, places, read_events
from pages.live import curve_charts
from pages.live.chart_specs import MACHINE, Chart, charts_of
from pages.live.curve_charts import CurveOptions
from pages.live.live_chart import live_chart
from pages.shared.text import plain

WINDOWS = {"All": 0, "Last 500": 500, "Last 100": 100}
AXES = {"Epochs": "epochs", "Minutes": "minutes", "Images": "images"}
ROWS = 200  # of the table of numbers


@st.cache_resource(max_entries=8)
def curves_of(path: str) -> Curves:
    """One reader of a file for all tabs, so that a run of 100,000 rows is parsed once."""
    return Curves(Path(path))


def columns_of(folder: Path) -> Columns:
    """What the run has logged so far; {} before the first row."""
    return curves_of(str(folder / "metrics.jsonl")).columns()


def curve_controls() -> CurveOptions:
    """The controls above the charts; they keep their values while the tab is open."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="live_curve_controls"):
        smoothing = st.slider(
            "Smoothing", 0.0, 0.98, 0.6, 0.02, key="live_smoothing", persist_state="session", width=220,
            help="Weight of the earlier points in the exponential average. The faint line shows the values as measured.",
        )  # fmt: skip
        axis = st.segmented_control(
            "Horizontal axis", list(AXES), default="Epochs", required=True, key="live_axis", persist_state="session"
        )
        window = st.segmented_control(
            "Show", list(WINDOWS), default="All", required=True, key="live_window", persist_state="session",
            help="How many rows of the log, about one per second. Drag in a chart to zoom; a double click shows all again.",
        )  # fmt: skip
        log = st.toggle(
            "Log scale", key="live_log_scale", persist_state="session",
            help="For losses and errors. Values of 0 and below cannot be shown on it.",
        )  # fmt: skip
    return CurveOptions(AXES[axis], smoothing, log, WINDOWS[window])


def show_curves(folder: Path, config: dict[str, Any], options: CurveOptions, is_paused: bool) -> None:
    """Diagnosis, charts and tables of a run that has logged at least one row."""
    columns = columns_of(folder)
    game, loss = TRAITS[config["family"]].game, config.get("loss", "")
    events = read_events(folder)
    if is_paused:
        events.append(RunEvent(int(columns["images_seen"][-1]), "pause", "Paused now."))
    show_diagnosis(columns, loss, game)
    show_charts(charts_of(game), columns, options, events, training_diagnosis.band(loss))
    with st.expander("Speed and memory", on_change="rerun", key="live_machine") as unfolded:
        if unfolded.open:
            show_charts(MACHINE, columns, options, events)
    with st.expander("Events", on_change="rerun", key="live_events") as unfolded:
        if unfolded.open:
            list_events(events, columns)
    with st.expander("Show the numbers", on_change="rerun", key="live_numbers") as unfolded:
        if unfolded.open:
            rows = {name.replace("_", " "): values for name, values in last(columns, ROWS).items()}
            st.dataframe(rows, alt=f"The last {ROWS} rows of the training log")


def show_diagnosis(columns: Columns, loss: str, game: str) -> None:
    """The state of the training in a sentence, with the rules behind it in a popover."""
    found, rules = training_diagnosis.diagnose(columns, loss, game), training_diagnosis.rules(loss, game)
    with st.container(horizontal=True, vertical_alignment="center", key="live_diagnosis"):
        if found is None:
            return
        st.markdown(f"{names_and_thresholds.level(found.health).icon} **Diagnosis:** {plain(found.text)}")
        with st.popover("The rules", icon=":material/rule:", on_change="rerun", key="live_rules") as opened:
            if not opened.open:
                return
            st.markdown(
                f"Rules of thumb for the mean of the last {training_diagnosis.RECENT} rows. The first rule that holds is shown."
            )
            words = [
                f"{plain(key.replace('_', ' ').capitalize())}: {plain(when)}"
                + (" **(this one)**" if key == found.key else "")
                for key, when in rules
            ]
            st.markdown("\n".join(f"{place}. {line}" for place, line in enumerate(words, 1)) or plain(found.text))
            if game not in training_diagnosis.WITHOUT_D and (band := training_diagnosis.band(loss)):
                st.markdown(
                    f"The networks are balanced while both lines lie in the shaded band, {band[0]:.2f} to {band[1]:.2f}."
                )


def show_charts(
    charts: dict[str, Chart],
    columns: Columns,
    options: CurveOptions,
    events: list[RunEvent],
    band: tuple[float, float] | None = None,
) -> None:
    """Two in a row; a chart without any values is left out."""
    shown = {key: chart for key, chart in charts.items() if any(line.key in columns for line in chart.lines)}
    for number, (key, chart) in enumerate(shown.items()):
        if number % 2 == 0:
            halves = st.columns(2)
        with halves[number % 2]:
            st.header(chart.title)
            live_chart(curve_charts.draw(chart, columns, options, events, band), key=f"chart_{key}", alt=chart.alt)


def list_events(events: list[RunEvent], columns: Columns) -> None:
    """The events of the run as a table, the newest first."""
    if not events:
        st.caption("Nothing yet: pauses, alarms and checkpoints are listed here.")
        return
    epochs = places(events, columns, "epochs")
    st.dataframe(
        [
            {
                "event": KINDS[event.kind],
                "epoch": round(float(epoch), 2),
                "images": event.images_seen,
                "what happened": event.text,
                "time": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at)) if event.at else None,
            }
            for event, epoch in list(zip(events, epochs, strict=True))[::-1]
        ],
        hide_index=True,
        key="live_events_table",
        alt="What happened during the run, the newest first",
    )
