"""The recipes as cards, a group at a time; recipes for other image sizes are listed below them."""

import json
from pathlib import Path
from typing import Any

import streamlit as st

from gan_core.actions import Context
from gan_core.data.dataset import DatasetInfo
from gan_core.settings import recipes
from gan_core.settings.run_time import cpu_images_per_second, seconds_left, speed_at
from gan_core.settings.schema import TrainConfig
from gan_core.text import count, duration
from pages.shared.select_run import empty
from pages.shared.text import plain

A_ROW = 3
IMAGES = Path(__file__).parent.parent.parent / "assets" / "recipes"  # made by benchmarks/recipe_pictures.py
MEASURED, ONE_CORE, TWO_CORES = "this computer", "one CPU core", "two CPU cores"
Speeds = dict[str, float]  # images per second by recipe, measured on this computer with this dataset


def choose_recipe(info: DatasetInfo, speeds: Speeds) -> str:
    """The name of the selected recipe, one for images of info.size. Stops the page where there is none."""
    fitting = [name for name, recipe in recipes.RECIPES.items() if info.size in recipe.sizes]
    if not fitting:
        sizes = sorted({side for recipe in recipes.RECIPES.values() for side in recipe.sizes})
        empty(
            f"There is no recipe for {info.size} px yet. Import the images again at one of {', '.join(map(str, sizes))} px.",
            "data/page.py",
            "Import again",
        )
        st.stop()
    if st.session_state.get("recipe") not in fitting:
        select(fitting[0])
    groups = [title for title, group in recipes.GROUPS.items() if group]
    if st.session_state.get("recipe_group") not in groups:
        st.session_state["recipe_group"] = group_of(st.session_state["recipe"])
    shown = st.segmented_control("Recipes", groups, key="recipe_group", required=True)
    inside = recipes.GROUPS[shown or groups[0]]
    cards([name for name in inside if name in fitting], info, speeds)
    if others := [name for name in inside if name not in fitting]:
        with st.expander(f"{count(len(others), 'recipe')} for other image sizes", key=f"recipes_elsewhere_{shown}"):
            for name in others:
                fitting_sizes = ", ".join(map(str, inside[name].sizes))
                st.caption(plain(f"{inside[name].title}: for {fitting_sizes} px; this dataset has {info.size} px."))
    return st.session_state["recipe"]


def select(name: str) -> None:
    st.session_state["recipe"] = name


def group_of(name: str) -> str:
    return next(title for title, group in recipes.GROUPS.items() if name in group)


@st.cache_data(show_spinner=False)
def measured_facts() -> dict[str, dict[str, Any]]:
    """What benchmarks/recipe_pictures.py has recorded for each recipe: dataset, images seen, speed."""
    return json.loads((IMAGES / "facts.json").read_text())


def recipe_speeds(context: Context, dataset_id: str, info: DatasetInfo) -> Speeds:
    """The newest estimate of each recipe on a dataset, where the networks were not changed from the recipe's."""
    speeds: Speeds = {}
    for job in context.store.jobs(kind="probe", subject=dataset_id, states=("finished",)):
        asked, result = job.payload.get("config") or {}, job.result or {}
        name = str(asked.get("recipe"))
        fits = name in recipes.RECIPES and info.size in recipes.RECIPES[name].sizes
        own = recipes.start(name, size=info.size, train_images=sum(info.train_counts)) if fits else None
        same = own and all(asked.get(key) == getattr(own, key) for key in ("family", "width", "d_steps", "guide"))
        if same and result.get("images_per_second"):
            speeds.setdefault(name, result["images_per_second"])
    return speeds


def time_of(name: str, info: DatasetInfo, speeds: Speeds) -> str:
    """How long the recipe takes: by its speed on this computer, else by the recorded speed of one core, scaled by the pixels."""
    images = sum(info.train_counts)
    settings = recipes.start(name, size=info.size, train_images=images)
    speed, where = speed_of(settings, info.size, speeds)
    how_long = duration(seconds_left(settings, images, speed))
    if where == MEASURED:
        return f":material/timer: {how_long} on this computer, as measured."
    if where == TWO_CORES:
        return f":material/timer: Roughly {how_long} on {where}: it is made for a GPU." if speed else ""
    return f":material/timer: Roughly {how_long} on {where}; select the recipe, and this computer is measured."


def speed_of(settings: TrainConfig, size: int, speeds: Speeds) -> tuple[float | None, str]:
    """(images per second of a run with the networks of its recipe, where that is so). size: of the dataset, in px."""
    if settings.recipe in speeds:
        return speeds[settings.recipe], MEASURED
    facts = measured_facts().get(settings.recipe, {})
    if "images_per_second" not in facts:
        return cpu_images_per_second(settings, size), TWO_CORES
    return speed_at(facts["images_per_second"], facts["size"], size), ONE_CORE


def recipe_image(name: str) -> None:
    """Images that this recipe has generated, or why there are none."""
    facts, file = measured_facts().get(name, {}), IMAGES / f"{name}.png"
    if "images_seen" in facts and file.is_file():
        about = f"{facts['dataset']}, after {count(facts['images_seen'], 'image')} shown"
        about += "".join(f", {setting} {value}" for setting, value in facts.get("changed", {}).items())
        st.image(str(file), width="stretch", alt=f"Images generated by this recipe: {about}")
        st.caption(plain(f"Generated by this recipe: {about}."))
    else:
        st.caption("No image yet: this recipe needs a GPU, or hours on a CPU.")


def cards(names: list[str], info: DatasetInfo, speeds: Speeds) -> None:
    for first in range(0, len(names), A_ROW):
        for column, name in zip(st.columns(A_ROW), names[first : first + A_ROW], strict=False):
            recipe = recipes.RECIPES[name]
            with column, st.container(border=True, height="stretch"):
                st.subheader(plain(recipe.title))
                recipe_image(name)
                st.write(plain(recipe.sentence))
                if how_long := time_of(name, info, speeds):
                    st.caption(how_long)
                st.caption(plain(recipe.shortfall))
                st.caption(plain(f"{', '.join(map(str, recipe.sizes))} px. {recipe.source}"))
                if name == st.session_state["recipe"]:
                    st.badge("Selected", icon=":material/check_circle:")
                else:
                    st.button("Select", key=f"recipe_{name}", on_click=select, args=(name,))
