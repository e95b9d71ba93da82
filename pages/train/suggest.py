"""The card that suggests a recipe for the dataset, the computer and the minutes that the user has, with the reasons."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.errors import UserError
from gan_core.settings import recipes, training_size
from gan_core.settings.recipes.auto import Suggestion
from pages.shared.text import plain, sentence
from pages.train.clone import fill_form


def suggest_card(context: Context, dataset_id: str, info: DatasetInfo) -> None:
    """A button fills the form below with the suggestion."""
    device = actions.likely_device(context)
    with st.container(border=True, key="suggest"):
        st.header("Suggestion")
        minutes = st.number_input(
            "Minutes you have",
            value=None,
            min_value=1.0,
            step=5.0,
            format="%g",
            key="suggest_minutes",
            placeholder="as many as it takes",
            help="The run ends after this many minutes of training.",
            width=260,
        )
        try:
            found = actions.suggest(info, device, minutes)
        except UserError as error:
            st.caption(sentence(error))
            return
        reasons = [*found.reasons, training_size.sentence(found.settings, info.size)]
        st.markdown("\n".join(f"- {plain(reason)}" for reason in filter(None, reasons)))
        st.button(
            f"Use {plain(recipes.RECIPES[found.settings.recipe].title)} with these settings",
            key="suggest_use",
            icon=":material/magic_button:",
            on_click=use,
            args=(found, dataset_id),
        )
        st.markdown("This fills in the form below; then [continue to Start](#start).")


def use(found: Suggestion, dataset_id: str) -> None:
    fill_form(found.settings, dataset_id)
    st.toast("The form is filled in: Start is at its end.", icon=":material/check:")
