"""The recipes as cards to choose from, a group at a time; those for other image sizes are listed below with their reason."""

import json
from pathlib import Path
from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.settings import recipes, schema
from gan_core.text import count, duration
from pages.shared.select_run import empty
from pages.shared.text import plain

A_ROW = 3
PICTURES = Path(__file__).parent.parent.parent / "assets" / "recipes"  # made by benchmarks/recipe_pictures.py
Speeds = dict[str, float]  # images a second by recipe, measured on this computer with this very dataset


def choose_recipe(info: DatasetInfo, speeds: Speeds) -> str:
    """The name of the chosen recipe, which draws info.size. Stops the page where no recipe does."""
    fitting = [name for name, recipe in recipes.RECIPES.items() if info.size in recipe.sizes]
    if not fitting:
        sizes = sorted({side for recipe in recipes.RECIPES.values() for side in recipe.sizes})
        empty(
            f"No recipe draws {info.size} px yet. Import the images again at one of {', '.join(map(str, sizes))} px.",
            "data/page.py",
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
    cards([name for name in inside if name in fitting], info, speeds)
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


@st.cache_data(show_spinner=False)
def measured_facts() -> dict[str, dict[str, Any]]:
    """What the script that drew the pictures noted for each recipe."""
    return json.loads((PICTURES / "facts.json").read_text())


def recipe_speeds(context: Context, dataset_id: str) -> Speeds:
    """From the estimates that were measured on a dataset, the newest for each recipe, so long as they ran its own networks."""
    speeds: Speeds = {}
    for job in context.store.jobs(kind="probe", subject=dataset_id, states=("finished",)):
        asked, told = job.payload.get("config") or {}, job.result or {}
        name = str(asked.get("recipe"))
        own = recipes.RECIPES[name].config if name in recipes.RECIPES else None
        same = own and all(asked.get(key) == getattr(own, key) for key in ("family", "width", "d_steps", "guide"))
        if same and told.get("images_per_second"):
            speeds.setdefault(name, told["images_per_second"])
    return speeds


def time_of(name: str, info: DatasetInfo, speeds: Speeds) -> str:
    """How long the recipe takes for the dataset: by its own speed here, else by that of one core on small images."""
    images = sum(info.train_counts)
    shown = schema.images_total(recipes.start(name, size=info.size, train_images=images), images)
    if name in speeds:
        return f":material/timer: {duration(shown / speeds[name])} here, as measured."
    facts = measured_facts().get(name, {})
    if "images_per_second" not in facts:
        return ""
    seconds = shown / facts["images_per_second"] * (info.size / facts["size"]) ** 2
    return f":material/timer: Roughly {duration(seconds)} on one processor core; choose it and it is measured here."


def picture(name: str) -> None:
    """Images that the recipe really drew, or why there are none."""
    facts, file = measured_facts().get(name, {}), PICTURES / f"{name}.png"
    if "images_seen" in facts and file.is_file():
        about = f"{facts['dataset']}, after {count(facts['images_seen'], 'image')} shown"
        about += "".join(f", {setting} {value}" for setting, value in facts.get("changed", {}).items())
        st.image(str(file), width="stretch", alt=f"Images drawn by this recipe: {about}")
        st.caption(plain(f"Drawn by this recipe: {about}."))
    else:
        st.caption("No picture yet: it takes a GPU, or hours of a processor, to draw one.")


def cards(names: list[str], info: DatasetInfo, speeds: Speeds) -> None:
    for first in range(0, len(names), A_ROW):
        for column, name in zip(st.columns(A_ROW), names[first : first + A_ROW], strict=False):
            recipe = recipes.RECIPES[name]
            with column, st.container(border=True, height="stretch"):
                st.subheader(plain(recipe.title))
                picture(name)
                st.write(plain(recipe.sentence))
                if how_long := time_of(name, info, speeds):
                    st.caption(how_long)
                st.caption(plain(recipe.shortfall))
                st.caption(plain(f"{', '.join(map(str, recipe.sizes))} px. {recipe.source}"))
                if name == st.session_state["recipe"]:
                    st.badge("Chosen", icon=":material/check_circle:")
                else:
                    st.button("Choose", key=f"recipe_{name}", on_click=take, args=(name,))
