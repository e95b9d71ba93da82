"""The lights of the newest check of the collapse monitor, its indicators and their curves."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from gan_core.evaluation.lights import of_check
from gan_core.evaluation.names_and_thresholds import INDICATORS, level
from gan_core.text import number
from pages.live.live_chart import live_chart
from pages.shared.collapse_curves import LEGEND, REPEATS, curves
from pages.shared.light_box import light_box
from pages.shared.text import plain


def show_variety(rows: Sequence[dict[str, Any]]) -> None:
    """rows: of collapse.jsonl, at least one."""
    last = rows[-1]
    shown = of_check(last)
    light_box("variety", shown["variety"])
    if shown["right_class"].color != "grey":
        light_box("right_class", shown["right_class"])
    values = last.get("values") or {}
    numbers = [
        f"{name} {number(values[key])}" for key, name in (LEGEND | REPEATS).items() if values.get(key) is not None
    ]
    if numbers:
        st.caption(f"At epoch {number(last.get('epoch'))}: {', '.join(numbers)}.")
    if modes := last.get("modes"):
        even = (
            f" Images of equally frequent modes would show about {modes['expected']:,}." if "expected" in modes else ""
        )
        st.caption(f"Known modes: {plain(modes['sentence'] + even)}")
    curves(rows, "live", repeats=False, show=live_chart)
    show_indicators(values, last.get("levels") or {})


def show_indicators(values: dict[str, Any], levels: dict[str, str]) -> None:
    """Each indicator that has a value in the newest row, with its level in words."""
    found = [
        {"indicator": name, "level": level(levels.get(key)).word, "value": values[key]}
        for key, (name, _) in INDICATORS.items()
        if values.get(key) is not None
    ]
    if not found:
        return
    with st.expander("All indicators at this epoch", on_change="rerun", key="live_indicators") as unfolded:
        if unfolded.open:
            st.dataframe(
                found,
                hide_index=True,
                key="live_indicators_table",
                alt="Indicators of mode collapse in the newest check, with their levels",
                column_config={"value": st.column_config.NumberColumn(format="%.3g")},
            )
