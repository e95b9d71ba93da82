"""Lights as boxes: an icon, a word and a sentence, never colour alone."""

from collections.abc import Mapping

import streamlit as st

from gan_core.evaluation.lights import SUBJECTS, Light, Subject, look
from pages.shared.text import plain

BOXES = {"green": st.success, "yellow": st.warning, "red": st.error, "grey": st.info}


def light_box(subject: Subject, light: Light) -> None:
    """One light, with what to do next where there is something to do."""
    found = look(subject, light)
    text = f"{light.sentence} {light.next_step}".strip()
    BOXES[light.color](f"**{SUBJECTS[subject]}: {found.word.lower()}.** {plain(text)}", icon=found.icon)


def light_boxes(shown: Mapping[Subject, Light]) -> None:
    for subject, light in shown.items():
        light_box(subject, light)
