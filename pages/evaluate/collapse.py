"""The indicators of mode collapse in an evaluation, and what they are based on."""

import streamlit as st

from gan_core.evaluation.names_and_thresholds import indicator_name, level
from gan_core.evaluation.result_parts import Collapse
from gan_core.evaluation.results import EvaluationResult
from pages.shared.text import plain


def show_indicators(collapse: Collapse) -> None:
    """Each indicator with its value, its level and the thresholds of the levels."""
    if not collapse.indicators:
        return
    st.dataframe(
        [
            {
                "indicator": one.name or one.key,
                "level": level(one.level).word,
                "value": one.value,
                "amber at": one.amber,
                "red at": one.red,
                "class": ", ".join(one.classes or filter(None, [one.class_name])) or None,
                "meaning": one.sentence,
            }
            for one in collapse.indicators
        ],
        hide_index=True,
        key="collapse_indicators",
        alt="Indicators of mode collapse with their levels",
        column_config={
            **{name: st.column_config.NumberColumn(format="%.3g") for name in ("value", "amber at", "red at")},
            "meaning": st.column_config.TextColumn(width="large"),
        },
    )
    for reason in dict.fromkeys(collapse.absent.values()):
        names = [indicator_name(key).lower() for key, why in collapse.absent.items() if why == reason]
        st.caption(plain(f"Not available: {', '.join(names)}. {reason}"))


def show_basis(result: EvaluationResult) -> None:
    """The modes that were counted exactly, where they are known, and how accurate the dataset classifier is."""
    if result.modes:
        st.markdown(f"**Known modes:** {plain(result.modes.sentence)}")
    classifier = result.dataset_classifier
    if classifier and classifier.accuracy is not None and classifier.accuracy_ci:
        low, high = classifier.accuracy_ci
        st.caption(
            f"Classes are predicted by the dataset classifier. It is right on {classifier.accuracy:.1%} ({low:.1%} to "
            f"{high:.1%}) of {classifier.n_test:,} held-out real images."
        )
