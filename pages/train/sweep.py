"""A sweep from the form: recipes, settings with several values, seeds; how many runs and minutes that is, and the button."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import streamlit as st

from gan_core import actions
from gan_core.actions import Context
from gan_core.actions.sweep import Planned
from gan_core.data.dataset import DatasetInfo
from gan_core.errors import FieldErrors, UserError
from gan_core.jobs import cluster, devices
from gan_core.requests import SweepRequest
from gan_core.settings import recipes
from gan_core.settings.from_text import values_of
from gan_core.settings.run_time import seconds_left
from gan_core.settings.schema import TrainConfig
from gan_core.text import all_of, count, duration
from pages.shared import request_form
from pages.shared.double_click import click_token
from pages.shared.links import link
from pages.shared.status import show_refusal
from pages.shared.text import plain, sentence
from pages.train import settings_form
from pages.train.recipe_cards import MEASURED, Speeds, speed_of

MOST_SEEDS = 10
VALUES = "sweep_values_"
QUEUED = "sweep_queued"  # (name of the sweep that was queued last, what was asked for)
SEVERAL = [name for name in settings_form.FIELDS if name != "start_from"]  # whose values are no runs or paths


class Form(NamedTuple):
    """The form of settings. recipe: of its card, fitted to the dataset; settings: what it holds, None where that is refused."""

    recipe: TrainConfig
    settings: TrainConfig | None

    def changed(self) -> dict[str, Any]:
        """The settings that differ from the recipe; a sweep has them in every run."""
        held = self.settings or self.recipe
        return {name: value for name, value in held if value != getattr(self.recipe, name)}


def sweep_form(context: Context, dataset_id: str, info: DatasetInfo, form: Form, speeds: Speeds) -> None:
    with st.expander("Several runs: a sweep", icon=":material/grid_view:", key="sweep"):
        st.caption(
            "Every recipe with every combination of the values, and each of these with as many seeds. What you have changed from "
            "the recipe above holds for all runs."
        )
        try:
            request = ask(form.recipe.recipe, info)
            if form.settings is None:
                st.caption("The sweep can be queued when no setting of the form is refused.")
                planned = []
            else:
                planned = plan(context, dataset_id, request, form)
                show_plan(context, planned, info, speeds)
        except UserError as refused:
            st.error(in_a_sentence(refused), icon=":material/error:")
            request, planned = None, []
        clicked = st.button(
            "Queue the sweep", key="sweep_start", icon=":material/playlist_add:", disabled=len(planned) < 2
        )
        if clicked and request and len(planned) > 1:
            with show_refusal():
                fixed = fixed_settings(request, form)
                token = click_token("sweep", dataset_id, request.model_dump(mode="json"), fixed)
                queued = actions.sweep(context, dataset_id, request, fixed, token=token)
                st.session_state[QUEUED] = queued.name
    show_queued(context)


def ask(recipe: str, info: DatasetInfo) -> SweepRequest:
    """The widgets of the sweep. Raises UserError bad_set and FieldErrors, after all of them are shown."""
    fields = SweepRequest.model_fields
    fitting = [recipe, *(name for name, one in recipes.RECIPES.items() if info.size in one.sizes and name != recipe)]
    keep_recipes(recipe, fitting)
    chosen = st.multiselect(
        fields["recipes"].title or "",
        fitting,
        key="sweep_recipes",
        format_func=lambda name: recipes.RECIPES[name].title,
        help=fields["recipes"].description,
        persist_state="page",
    )
    several = st.multiselect(
        "Settings with several values",
        SEVERAL,
        key="sweep_settings",
        format_func=lambda name: str(settings_form.FIELDS[name].title),
        help="Type the values with commas between, as in 32, 64.",
        persist_state="page",
    )
    texts = {name: ask_values(name) for name in several}
    columns, stays = st.columns(2), {"persist_state": "page"}
    seeds = request_form.number(SweepRequest, "seeds", "sweep_seeds", at=columns[0], max_value=MOST_SEEDS, **stays)
    name = request_form.text(SweepRequest, "name", "sweep_name", at=columns[1], placeholder="numbered", **stays)
    evaluate = request_form.tick(SweepRequest, "evaluate", "sweep_evaluate", **stays)
    values = {name: values_of(name, text) for name, text in texts.items()}
    return SweepRequest(recipes=tuple(chosen), values=values, seeds=seeds, evaluate=evaluate, name=name)


def keep_recipes(recipe: str, fitting: Sequence[str]) -> None:
    """The chosen recipes that fit the dataset; another card takes the place of the card before."""
    before = st.session_state.get("sweep_card", recipe)
    chosen = st.session_state.get("sweep_recipes", [recipe])
    now = dict.fromkeys(recipe if name == before else name for name in chosen)
    st.session_state["sweep_recipes"] = [name for name in now if name in fitting]
    st.session_state["sweep_card"] = recipe


def ask_values(name: str) -> str:
    field = settings_form.FIELDS[name]
    options = request_form.options_of(field) or ((True, False) if field.annotation is bool else ())
    written = ", ".join(str(one).lower() if isinstance(one, bool) else str(one) for one in options)
    return st.text_input(
        plain(field.title),
        key=f"{VALUES}{name}",
        placeholder="values with commas between",
        persist_state="page",
        help=plain(f"Of {written}." if written else field.description),
    )


def fixed_settings(request: SweepRequest, form: Form) -> dict[str, Any]:
    """What every run has beside its recipe."""
    return {name: value for name, value in form.changed().items() if name not in request.values}


def plan(context: Context, dataset_id: str, request: SweepRequest, form: Form) -> list[Planned]:
    return actions.plan(context, dataset_id, request, fixed_settings(request, form))


def show_plan(context: Context, planned: Sequence[Planned], info: DatasetInfo, speeds: Speeds) -> None:
    """How many runs there are, and about how many minutes all of them take."""
    if len(planned) < 2:
        st.caption("This is one run so far: add a recipe, a setting with several values, or seeds.")
        return
    st.info(plain(f"{count(len(planned), 'run')}. {how_long(context, planned, info, speeds)}"), icon=":material/timer:")


def how_long(context: Context, planned: Sequence[Planned], info: DatasetInfo, speeds: Speeds) -> str:
    images = sum(info.train_counts)
    total, unknown, where = 0.0, [], set()
    for settings in (one.settings for one in planned):
        speed, measured_on = speed_of(settings, info.size, speeds)
        seconds = seconds_left(settings, images, speed)
        if seconds is None:
            unknown.append(str(recipes.RECIPES[settings.recipe].title))
        else:
            total += seconds
            where |= {measured_on} if settings.minutes is None or seconds < settings.minutes * 60 else set()
    if unknown:
        return f"How long they take is not known: there is no speed yet for {all_of(list(dict.fromkeys(unknown)))}."
    roughly = "Roughly" if where - {MEASURED} else "About"
    on = f" at the speed of {all_of(sorted(where))}" if where else ""
    return f"{roughly} {duration(total)} of training in all{on}{shared(context)}."


def shared(context: Context) -> str:
    """What trains several runs at once."""
    if cluster.chosen():
        return ", shared by the cluster"
    gpus = len(devices.known(context.workspace)) - 1
    return f", shared by {gpus} GPUs" if gpus > 1 else ""


def in_a_sentence(refused: UserError) -> str:
    """The first refusal, with the titles of settings instead of their names."""
    if isinstance(refused, FieldErrors):
        name, text = next(iter(refused.fields.items()))
        return plain(text.replace(f" ({name})", "", 1))
    return sentence(refused)


def show_queued(context: Context) -> None:
    """The link to the sweep that was queued last."""
    name = st.session_state.get(QUEUED)
    runs = [run for run in context.store.runs() if run.sweep == name] if name else []
    if runs:
        with st.container(key="sweep_queued"):
            st.success(plain(f"The sweep {name} is queued: {count(len(runs), 'run')}."), icon=":material/check_circle:")
            link("runs", "See it on Runs", icon="table", sweep=str(name))
