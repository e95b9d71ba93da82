"""The indicators of mode collapse in an evaluation, and what they are based on."""

from typing import Any

import streamlit as st

from gan_core.evaluation.vocabulary import indicator_name, level
from pages.shared.text import plain


def indicators(result: dict[str, Any]) -> None:
    """Each sign of collapse with its level in words and the lines it is judged by."""
    found = result.get("collapse")
    if not found or not found.get("indicators"):
        return
    st.dataframe(
        [
            {
                "indicator": one.get("name", one["key"]),
                "level": level(one.get("level")).word,
                "value": one.get("value"),
                "amber at": one.get("amber"),
                "red at": one.get("red"),
                "class": ", ".join(one.get("classes") or filter(None, [one.get("class")])) or None,
                "what it says": one.get("sentence"),
            }
            for one in found["indicators"]
        ],
        hide_index=True,
        key="collapse_indicators",
        alt="Signs of mode collapse with their levels",
        column_config={
            **{name: st.column_config.NumberColumn(format="%.3g") for name in ("value", "amber at", "red at")},
            "what it says": st.column_config.TextColumn(width="large"),
        },
    )
    absent = found.get("absent") or {}
    for reason in dict.fromkeys(absent.values()):
        names = [indicator_name(key).lower() for key, why in absent.items() if why == reason]
        st.caption(plain(f"Not looked at: {', '.join(names)}. {reason}"))


def beside(result: dict[str, Any]) -> None:
    """Modes counted exactly where they are known, and how far the referee can be trusted."""
    if modes := result.get("modes"):
        st.markdown(f"**Known kinds:** {plain(modes['sentence'])}")
    judge = result.get("referee")
    if judge and judge.get("accuracy") is not None:
        low, high = judge["accuracy_ci"]
        st.caption(
            f"The classes are judged by this dataset's own classifier, right on {judge['accuracy']:.1%} "
            f"({low:.1%} to {high:.1%}) of {judge['n_test']:,} held-out real images."
        )
