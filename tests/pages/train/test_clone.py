"""A run as the start of another: the form is filled with its settings."""

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates

from gan_core import actions
from gan_core.actions import Context
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page

DONE = seeded_workspace.RUNS["finished"]


def change(workspace: Workspace, run_id: str, **settings) -> None:
    store = Store(workspace)
    run = store.run(run_id)
    store.add_run(run_id, "Birds", run.dataset_id, run.config | settings, run.created_at)


@pytest.mark.slow
def test_a_clone_has_dataset_settings_and_the_next_name(full):
    Store(full).add_dataset("d" + "2" * 16, "Newer", 3e9)
    change(
        full, DONE, recipe="dcgan", **{"batch": 24, "lr_D": 3e-4, "penalty": "none", "family": "dcgan", "loss": "hinge"}
    )
    at = open_page("train", clone=DONE)
    assert at.selectbox(key="train_dataset").value == seeded_workspace.DATASET
    assert at.text_input(key="run_name").value == "Birds (2)" and "settings of Birds" in letters(at)
    assert at.session_state["recipe"] == "dcgan" and not at.button(key="train_start").disabled
    at.number_input(key="setting_seed").set_value(5.0).run()
    at.button(key="train_start").click().run()
    store = Store(full)
    (new,) = (run for run in store.runs() if run.name == "Birds (2)")
    apart = {key for key, value in store.run(DONE).config.items() if new.config[key] != value}
    assert apart == {"seed"} and new.dataset_id == seeded_workspace.DATASET


def test_a_clone_is_filled_in_once_so_that_changes_stay(full):
    change(full, DONE, batch=24)
    at = open_page("train", clone=DONE)
    at.number_input(key="setting_batch").set_value(16.0).run()
    at.text_input(key="run_name").set_value("Mine").run()
    assert at.number_input(key="setting_batch").value == 16 and at.text_input(key="run_name").value == "Mine"


@pytest.mark.slow
def test_a_busy_browser_gets_the_values_again_until_it_has_drawn_the_fields(full):
    change(full, DONE, batch=24, loss="hinge", penalty="r1")
    at = open_page("train", clone=DONE)
    wanted = {"setting_batch": 24, "setting_loss": "hinge", "setting_conditional": True, "run_name": "Birds (2)"}

    def sent() -> dict:
        kinds = (at.number_input, at.selectbox, at.toggle, at.text_input)
        shown = {key: kind(key=key) for key, kind in zip(wanted, kinds, strict=True)}
        return {key: (widget.value, widget.proto.set_value) for key, widget in shown.items()}

    at._run(WidgetStates())  # the page runs again, as when its estimate is there, and the browser reports no field yet
    assert sent() == {key: (value, True) for key, value in wanted.items()}
    at.run()  # now it reports all of them, and what is typed meanwhile is not overwritten
    assert sent() == {key: (value, False) for key, value in wanted.items()}


@pytest.mark.parametrize("run", ["r" + "9" * 16, "../../x", DONE])
def test_a_run_that_is_gone_cannot_be_cloned_and_train_works(full, run):
    if run == DONE:
        actions.delete(Context(Store(full), full), DONE)
    at = open_page("train", clone=run)
    assert "This run cannot be cloned" in at.error[0].value and not at.button(key="train_start").disabled
