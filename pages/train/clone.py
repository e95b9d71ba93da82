"""The settings of an earlier run as the start of a new one: Train opened with ?clone=<run id>."""

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.errors import UserError
from gan_core.settings import recipes, schema
from pages.shared.text import plain, sentence
from pages.train import settings_form
from pages.train.recipe_cards import group_of

PARAM = "clone"


def take_clone(context: Context) -> None:
    """Select the dataset of the run in ?clone= and fill the form with its settings, once. Call before the widgets are shown."""
    run_id = st.query_params.get(PARAM)
    if not run_id or st.session_state.get("cloned") == run_id:
        return
    try:
        run = context.store.run(run_id)
        settings = schema.build(run.config)
        context.store.dataset(run.dataset_id)
        if settings.recipe not in recipes.RECIPES:
            raise UserError(
                "unknown_recipe", f"There is no recipe {settings.recipe!r} any more.", "Choose another one."
            )
    except UserError as refused:
        st.error(f"This run cannot be cloned. {sentence(refused)}", icon=":material/error:")
        return
    st.session_state["cloned"] = run_id
    st.query_params["ds"] = run.dataset_id
    fill_form(settings, run.dataset_id)
    st.session_state["run_name"] = actions.name_of_copy(context, run)


def fill_form(settings: schema.TrainConfig, dataset_id: str) -> None:
    """Put settings into the form and select the card of their recipe, so that the recipe does not overwrite them."""
    name = settings.recipe
    st.session_state["recipe"], st.session_state["recipe_group"] = name, group_of(name)
    st.session_state["form_of"] = (dataset_id, name)
    settings_form.fill(settings)


def show_clone(context: Context) -> None:
    """The run from which the form was filled."""
    run_id = st.query_params.get(PARAM)
    if run_id and st.session_state.get("cloned") == run_id:
        try:
            name = plain(context.store.run(run_id).name)
        except UserError:
            return
        st.info(
            f"The form holds the settings of {name}: change what you like, then start.", icon=":material/content_copy:"
        )
