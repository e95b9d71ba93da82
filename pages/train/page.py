"""Choose a dataset and a recipe, see the settings and what they will take, and start the run."""

import streamlit as st

from gan_core import actions
from gan_core.errors import FieldErrors
from gan_core.jobs import devices
from gan_core.settings import recipes, rules, schema, training_size
from gan_core.settings.recipes import on_cpu
from gan_core.settings.schema import TrainConfig
from gan_core.system import info as system_info
from gan_core.text import count
from pages.shared.context import get_context
from pages.shared.double_click import click_token
from pages.shared.select_run import dataset_info_or_stop, empty, select_item, unique_labels
from pages.shared.status import show_refusal
from pages.shared.steps import show_steps
from pages.shared.text import plain
from pages.train import proposal, settings_form, settings_text
from pages.train.clone import show_clone, take_clone
from pages.train.estimate import show_estimate
from pages.train.recipe_cards import choose_recipe, recipe_speeds
from pages.train.settings_json import settings_json
from pages.train.suggest import suggest_card
from pages.train.sweep import Form, sweep_form

context = get_context()
st.title("Train")
for other in ("run", "job"):  # this page is about a dataset
    if other in st.query_params:
        del st.query_params[other]
take_clone(context)
show_steps("Train")
datasets = {dataset.id: dataset for dataset in context.store.datasets()}
if not datasets:
    empty("You need a dataset first: a ready set is imported in seconds.", "data/page.py", "Choose a dataset")
    st.stop()
dataset_id = select_item("Dataset", list(datasets.values()), "ds", "train_dataset")
info = dataset_info_or_stop(context, dataset_id)
train_images = sum(info.train_counts)
st.caption(
    f"{count(train_images, 'training image')}, {count(len(info.classes), 'class', 'classes')}, {info.size} × {info.size} px."
)
show_clone(context)
suggest_card(context, dataset_id, info)
speeds = recipe_speeds(context, dataset_id, info)
recipe_name = choose_recipe(info, speeds)
gpu = actions.likely_device(context) == "cuda"
own = recipes.start(recipe_name, size=info.size, train_images=train_images, gpu=gpu)
if st.session_state.get("form_of") != (dataset_id, recipe_name) or not settings_form.filled():
    st.session_state["form_of"] = (dataset_id, recipe_name)
    settings_form.fill(own)
start = proposal.follow(own, info, gpu)

st.header("Settings")
st.caption(plain(f"From the recipe {recipes.RECIPES[recipe_name].title}."))
possible_starts = actions.possible_starts(context, info, settings_form.current())
values, places = settings_form.settings_form(
    unique_labels(possible_starts), devices.known(context.workspace), proposal.why(start, info, gpu)
)
settings: TrainConfig | None = None
refused: dict[str, str] = {}
try:
    settings = schema.build({**values, "recipe": recipe_name})
    rules.check(settings, size=info.size, train_counts=dict(zip(info.classes, info.train_counts, strict=True)))
    actions.check_device(context, settings.device)
    actions.check_start(context, info, settings)
except FieldErrors as errors:
    refused = errors.fields
    settings_form.show_refusals(refused, places)
if settings and (changed := settings_text.differences(settings, start)):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain("Changed from the recipe: " + "; ".join(changed) + "."))
        st.button("Reset", key="settings_reset", icon=":material/undo:", on_click=settings_form.fill, args=(own,))
settings_json(settings, settings or start, dataset_id, info)

st.header("Start")
found = system_info.devices(context.workspace) or {}
if settings and settings.device != "cpu" and (obstacle := found.get("obstacle")):
    st.warning(plain(f"{obstacle['what']} {obstacle['todo']}"), icon=":material/memory:")
if settings and actions.likely_device(context) == "cpu" and (said := on_cpu.notice(settings, info.size, train_images)):
    st.warning(plain(said), icon=":material/hourglass_top:")
if settings and not refused:
    show_estimate(context, dataset_id, settings, train_images)
waiting = sum(job.lane == "train" for job in context.store.jobs(states=("queued", "running")))
name = st.text_input(
    "Name of the run",
    key="run_name",
    max_chars=100,
    placeholder=f"{datasets[dataset_id].name}, {recipe_name}",
    persist_state="page",  # as the settings, see settings_form
)
if refused:
    elsewhere = "".join(f" {text}" for name, text in refused.items() if name not in places)
    st.error(plain(f"Start is disabled: see {settings_text.titles(refused)}.{elsewhere}"), icon=":material/error:")
elif settings:
    st.caption(
        plain(f"Starts with: {settings_text.summary(settings)}. {training_size.sentence(settings, info.size)}".strip())
    )
if waiting and settings and not devices.is_free(context.store, context.workspace, settings.device):
    st.caption(f"{count(waiting, 'run is', 'runs are')} training or waiting; this one starts after them.")
clicked = st.button(
    "Start training",
    type="primary",
    icon=":material/play_arrow:",
    key="train_start",
    disabled=settings is None or bool(refused),
)
if clicked and settings and not refused:  # a click can arrive together with the change that is refused
    with show_refusal():
        token = click_token("train", dataset_id, settings.model_dump(), name)
        job = actions.train(context, dataset_id, settings, name=name, token=token)
        st.switch_page("live/page.py", query_params={"run": job.subject})
sweep_form(context, dataset_id, info, Form(start, None if refused else settings), speeds)
