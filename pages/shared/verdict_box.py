"""Verdicts as boxes: an icon, a word and a sentence, never colour alone."""

import streamlit as st

from gan_core.evaluation.names_and_thresholds import HELPS, NO_GAIN, level
from gan_core.evaluation.results import UtilityResult
from pages.shared.text import plain

BOXES = {"ok": st.success, "amber": st.warning, "red": st.error}


def verdict_box(verdict: object, subject: str, sentence: object, todo: object = "") -> None:
    """A verdict as icon, word and sentence. subject: what it is about; todo: shown unless all is well."""
    found = level(verdict)
    more = f" {todo}" if todo and verdict in ("amber", "red") else ""
    show = BOXES.get(str(verdict), st.info)
    show(f"**{subject}: {found.word.lower()}.** {plain(f'{sentence}{more}')}", icon=found.icon)


def utility_box(result: UtilityResult) -> None:
    """The verdict of `utility` as icon, word and sentence."""
    found = HELPS["helps"] if result.helps else NO_GAIN
    (st.success if result.helps else st.info)(f"**{found.word}.** {plain(result.sentence)}", icon=found.icon)
