"""Pick a dataset and a recipe, look at the settings and what they will take, and start the run."""

import streamlit as st

from gan_core import actions
from gan_core.errors import FieldErrors, UserError
from gan_core.jobs import queue
from gan_core.settings import recipes, rules, schema
from gan_core.settings.schema import TrainConfig
from gan_core.text import count, duration, size
from pages.shared.context import click_token, get_context
from pages.shared.select_run import empty, info_or_stop, select_item, unique_labels
from pages.shared.steps import show_steps
from pages.shared.text import plain, sentence
from pages.train import settings_form
from pages.train.clone import say_clone, take_clone
from pages.train.recipe_cards import choose_recipe, recipe_speeds
from pages.train.settings_json import settings_json
from pages.train.suggest import suggest_card

context = get_context()
st.title("Train")
for other in ("run", "job"):  # a page's address names what the page is about
    if other in st.query_params:
        del st.query_params[other]
take_clone(context)
show_steps("Train")
datasets = {dataset.id: dataset for dataset in context.store.datasets()}
if not datasets:
    empty("You need a dataset first: a ready set is imported in seconds.", "data/page.py", "Pick a dataset")
    st.stop()
dataset_id = select_item("Dataset", list(datasets.values()), "ds", "train_dataset")
info = info_or_stop(context, dataset_id)
train_images = sum(info.train_counts)
st.caption(
    f"{count(train_images, 'training image')}, {count(len(info.classes), 'class', 'classes')}, {info.size} × {info.size} px."
)
say_clone(context)
suggest_card(context, dataset_id, info)
recipe_name = choose_recipe(info, recipe_speeds(context, dataset_id))
start = recipes.start(recipe_name, size=info.size, train_images=train_images)
if st.session_state.get("form_of") != (dataset_id, recipe_name) or not settings_form.filled():
    st.session_state["form_of"] = (dataset_id, recipe_name)
    settings_form.fill(start)

st.header("Settings")
st.caption(plain(f"From the recipe {recipes.RECIPES[recipe_name].title}."))
values, slots = settings_form.settings_form(
    unique_labels(actions.possible_starts(context, info, settings_form.current()))
)
settings: TrainConfig | None = None
refused: dict[str, str] = {}
try:
    settings = schema.build({**values, "recipe": recipe_name})
    rules.check(settings, size=info.size, train_counts=dict(zip(info.classes, info.train_counts, strict=True)))
    actions.check_start(context, info, settings)
except FieldErrors as errors:
    refused = errors.fields
    settings_form.show_errors(refused, slots)
if settings and (changed := settings_form.differences(settings, start)):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain("Changed from the recipe: " + "; ".join(changed) + "."))
        st.button("Reset", key="settings_reset", icon=":material/undo:", on_click=settings_form.fill, args=(start,))
settings_json(settings, settings or start, dataset_id, info)


def ask_estimate(settings: TrainConfig) -> str | None:
    """The id of the probe job for these settings. A waiting probe that this tab no longer needs is called off."""
    try:
        probe = actions.probe(context, dataset_id, settings)
    except UserError as error:
        st.caption(sentence(error))
        return None
    before = st.session_state.get("probe_job")
    if before and before != probe.id and context.store.job(before).state == "queued":
        queue.control(context.store, before, "stop")
    st.session_state["probe_job"] = probe.id
    return probe.id


def show_estimate(settings: TrainConfig, job_id: str) -> None:
    """What the run will take, as soon as a few measured steps tell it."""
    first = context.store.job(job_id)

    @st.fragment(run_every=1.0 if first.live else None)
    def poll() -> None:
        probe = context.store.job(job_id)
        with st.container(key="estimate"):
            if probe.state == "finished" and probe.result:
                images = schema.images_total(settings, train_images)
                seconds = images / max(probe.result["images_per_second"], 1e-9)
                if settings.minutes and settings.minutes * 60 < seconds:
                    text, seconds = f"stops after {settings.minutes:g} min", settings.minutes * 60
                else:
                    text = f"about {duration(seconds)}"
                st.info(
                    f"**Estimate:** {text} on {plain(probe.result.get('device', 'this computer'))} "
                    f"at {probe.result['images_per_second']:,.0f} images a second, "
                    f"{size(probe.result.get('memory_bytes'))} of memory, "
                    f"{size((schema.CHECKPOINTS_KEPT + 1) * (probe.result.get('checkpoint_bytes') or 0))} of disk.",
                    icon=":material/timer:",
                )
            elif probe.live:
                st.caption(
                    ":material/hourglass_empty: Estimate: measuring a few training steps. You need not wait for it."
                )
            else:
                st.caption(f":material/info: No estimate. {sentence(probe.error) if probe.error else ''}")
        if first.live and not probe.live:
            st.rerun()  # stops the timer

    poll()


st.header("Start")
if settings and not refused and (probe_id := ask_estimate(settings)):
    show_estimate(settings, probe_id)
waiting = sum(job.lane == "train" for job in context.store.jobs(states=("queued", "running")))
name = st.text_input(
    "Name of the run", key="run_name", max_chars=100, placeholder=f"{datasets[dataset_id].name}, {recipe_name}"
)
if refused:
    elsewhere = "".join(f" {text}" for name, text in refused.items() if name not in slots)
    st.error(plain(f"Start is off: see {settings_form.titles(refused)}.{elsewhere}"), icon=":material/error:")
elif settings:
    st.caption(plain(f"Starts with: {settings_form.summary(settings)}."))
if waiting:
    st.caption(f"{waiting} {'run is' if waiting == 1 else 'runs are'} training or waiting; this one queues behind.")
clicked = st.button(
    "Start training",
    type="primary",
    icon=":material/play_arrow:",
    key="train_start",
    disabled=settings is None or bool(refused),
)
if clicked and settings and not refused:  # a click can come in with the very change that is refused
    try:
        token = click_token("train", dataset_id, settings.model_dump(), name)
        job = actions.train(context, dataset_id, settings, name=name, token=token)
    except UserError as error:
        st.error(sentence(error))
    else:
        st.switch_page("live/page.py", query_params={"run": job.subject})
