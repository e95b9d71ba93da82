"""The recipes as cards to choose from, a group at a time; those for other image sizes are listed below with their reason."""

import streamlit as st

from gan_core import recipes
from gan_core.data.dataset import DatasetInfo
from pages.components.pick import empty
from pages.components.text import count, plain

A_ROW = 3


def choose_recipe(info: DatasetInfo) -> str:
    """The name of the chosen recipe, which draws info.size. Stops the page where no recipe does."""
    fitting = [name for name, recipe in recipes.RECIPES.items() if info.size in recipe.sizes]
    if not fitting:
        sizes = sorted({side for recipe in recipes.RECIPES.values() for side in recipe.sizes})
        empty(
            f"No recipe draws {info.size} px yet. Import the images again at one of {', '.join(map(str, sizes))} px.",
            "dataset.py",
            "Import again",
        )
        st.stop()
    if st.session_state.get("recipe") not in fitting:
        take(fitting[0])
    groups = [title for title, group in recipes.GROUPS.items() if group]
    if st.session_state.get("recipe_group") not in groups:
        st.session_state["recipe_group"] = group_of(st.session_state["recipe"])
    shown = st.segmented_control("Recipes", groups, key="recipe_group", required=True)
    inside = recipes.GROUPS[shown or groups[0]]
    cards([name for name in inside if name in fitting])
    if others := [name for name in inside if name not in fitting]:
        with st.expander(f"{count(len(others), 'recipe')} for other image sizes", key=f"recipes_elsewhere_{shown}"):
            for name in others:
                sizes = ", ".join(map(str, inside[name].sizes))
                st.caption(plain(f"{inside[name].title}: draws {sizes} px, and this dataset is {info.size} px."))
    return st.session_state["recipe"]


def take(name: str) -> None:
    st.session_state["recipe"] = name


def group_of(name: str) -> str:
    return next(title for title, group in recipes.GROUPS.items() if name in group)


def cards(names: list[str]) -> None:
    for first in range(0, len(names), A_ROW):
        for column, name in zip(st.columns(A_ROW), names[first : first + A_ROW], strict=False):
            recipe = recipes.RECIPES[name]
            with column, st.container(border=True, height="stretch"):
                st.subheader(plain(recipe.title))
                st.write(plain(recipe.sentence))
                st.caption(plain(recipe.shortfall))
                st.caption(plain(f"{', '.join(map(str, recipe.sizes))} px. {recipe.source}"))
                if name == st.session_state["recipe"]:
                    st.badge("Chosen", icon=":material/check_circle:")
                else:
                    st.button("Choose", key=f"recipe_{name}", on_click=take, args=(name,))
