"""Train: cards with picture and time, a cloned run, settings in and out; and the step rail of the working pages."""

import json

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from gan_core import actions
from gan_core.actions import Context
from gan_core.settings import recipes
from gan_core.settings.schema import TrainConfig
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace
from pages.shared import settings_form
from pages.shared.steps import LOOKS, TITLES
from pages.train import recipe_cards
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page, words

DONE = seeded_workspace.RUNS["finished"]


def change(workspace: Workspace, run_id: str, **settings) -> None:
    store = Store(workspace)
    run = store.run(run_id)
    store.add_run(run_id, "Birds", run.dataset_id, run.config | settings, run.created_at)


def paste(at: AppTest, text: str) -> AppTest:
    at.text_area(key="settings_text").set_value(text).run()
    return at.button(key="settings_load").click().run()


# -- cards -------------------------------------------------------------------------------------------------------------


def test_every_picture_belongs_to_a_recipe_and_says_what_it_shows():
    facts = recipe_cards.measured_facts()
    assert set(facts) <= set(recipes.RECIPES)
    files = {path.stem for path in recipe_cards.PICTURES.glob("*.png")}
    assert files == {name for name, fact in facts.items() if "images_seen" in fact} and len(files) > 5
    for name in files:
        with Image.open(recipe_cards.PICTURES / f"{name}.png") as picture:
            assert picture.width <= 700 and (recipe_cards.PICTURES / f"{name}.png").stat().st_size < 60_000
        assert facts[name]["images_seen"] > 0 and facts[name]["dataset"]


def test_a_card_shows_its_picture_and_a_rough_time_until_one_is_measured(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    shown = letters(at)
    assert "Drawn by this recipe: Handwritten digits, after" in shown and "Roughly" in shown
    assert "as measured" not in shown
    store = Store(full)
    told = {"images_per_second": 100.0, "memory_bytes": 1, "checkpoint_bytes": 1, "device": "cpu"}
    asked = {"config": recipes.RECIPES["quick"].config.model_dump()}
    seeded_workspace.add_job(store, "probe", seeded_workspace.DATASET, "finished", asked, result=told)
    asked = {"config": recipes.RECIPES["best"].config.model_dump() | {"width": 16}}  # says nothing of the recipe
    seeded_workspace.add_job(store, "probe", seeded_workspace.DATASET, "finished", asked, result=told)
    shown = letters(open_page("train", ds=seeded_workspace.DATASET))
    assert "3 min here, as measured" in shown and shown.count("as measured") == 1  # 30 epochs of 620 images


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("quick", "Drawn by this recipe: Handwritten digits, after"),
        ("garbage-gan-128", "Drawn by this recipe: Garbage, after 252 images shown, batch 2."),
        ("not-drawn-yet", "No picture yet: it takes a GPU"),
    ],
)
def test_a_card_says_how_its_picture_came_or_why_there_is_none(recipe, said):
    page = f"from pages.train import recipe_cards\nrecipe_cards.picture({recipe!r})"
    (caption,) = AppTest.from_string(page).run().caption
    assert caption.value.replace("\\", "").startswith(said)


# -- clone -------------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("run", ["r" + "9" * 16, "../../x", DONE])
def test_a_run_that_is_gone_cannot_be_cloned_and_train_works(full, run):
    if run == DONE:
        actions.delete(Context(Store(full), full), DONE)
    at = open_page("train", clone=run)
    assert "This run cannot be cloned" in at.error[0].value and not at.button(key="train_start").disabled


# -- settings as JSON --------------------------------------------------------------------------------------------------


def test_pasted_settings_fill_the_form_and_its_recipe(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    paste(at, json.dumps({"recipe": "wgan-gp", "seed": 11}))
    assert at.session_state["recipe"] == "wgan-gp" and at.number_input(key="setting_seed").value == 11
    assert "The form holds these settings now." in words(at)
    at.button(key="train_start").click().run()
    newest = Store(full).runs()[0]
    assert newest.config["recipe"] == "wgan-gp" and newest.config["seed"] == 11


def test_refused_settings_are_told_one_by_one_and_change_nothing(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.number_input(key="setting_batch").set_value(16.0).run()
    paste(at, '{"batch": 0, "lr_g": 1}')
    told = at.error[0].value.replace("\\", "")
    assert "Batch size (batch) must be at least 1" in told and "no setting named 'lr_g'" in told
    assert at.number_input(key="setting_batch").value == 16 and at.text_area(key="settings_text").value
    paste(at, "no json")
    assert "This is no JSON" in at.error[0].value and not at.button(key="train_start").disabled


def test_settings_can_be_downloaded_only_where_none_is_refused(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert at.get("download_button")
    at.number_input(key="setting_batch").set_value(None).run()
    assert not at.get("download_button") and "can be downloaded once none of them is refused" in words(at)


# -- the rail ----------------------------------------------------------------------------------------------------------


def rail(at: AppTest) -> dict[str, tuple[str, str]]:
    """{step: (state word, query of its link)}"""
    found = {}
    for link in at.get("page_link"):
        label = link.proto.label.strip("*")
        number, _, rest = label.partition(" ")
        title, _, word = rest.partition(": ")
        if number.isdigit() and title in TITLES:
            found[title] = (word, link.proto.query_string)
            assert link.proto.icon in {icon for icon, said in LOOKS.values() if said == word}
    return found


@pytest.mark.parametrize(
    ("page", "here"),
    [
        ("dataset", "Data"),
        ("train", "Train"),
        ("live", "Look"),
        ("samples", "Look"),
        ("evaluate", "Measure"),
        ("export", "Export"),
    ],
)
def test_the_rail_says_where_one_is_and_its_links_carry_the_ids(page, here, full):
    names = {"ds": seeded_workspace.DATASET} if page in ("dataset", "train") else {"run": DONE}
    found = rail(open_page(page, **names))
    assert list(found) == list(TITLES)
    assert [title for title, (word, _) in found.items() if word == "you are here"] == [here]
    assert all(word in ("done", "you are here") for word, _ in found.values())  # this run did everything
    run = DONE if names.get("run") else Store(full).runs()[0].id
    queries = [query for _, query in found.values()]
    assert queries == [f"ds={seeded_workspace.DATASET}"] * 2 + [f"run={run}"] * 3


@pytest.mark.parametrize(
    ("state", "train", "measure"),
    [("running", "under way", "open"), ("queued", "under way", "open"), ("failed", "done", "under way")],
)
def test_the_rail_tells_what_is_done_from_what_is_there(state, train, measure, full):
    run = seeded_workspace.RUNS[state]
    if measure == "under way":
        seeded_workspace.add_job(Store(full), "evaluate", run, "running", {})
    found = rail(open_page("export", run=run))
    assert (found["Train"][0], found["Measure"][0]) == (train, measure)
    assert found["Look"][0] == ("done" if train == "done" else "open") and found["Data"][0] == "done"


def test_the_rail_of_an_empty_workspace_is_open_everywhere_else(empty):
    found = rail(open_page("dataset"))
    assert {word for title, (word, _) in found.items() if title != "Data"} == {"open"}
    assert {query for _, query in found.values()} == {""}


# -- home --------------------------------------------------------------------------------------------------------------


def test_home_shows_all_that_is_active_and_leads_to_every_run(full):
    store = Store(full)
    for number in range(12):
        seeded_workspace.seed_run(full, store, f"r{number + 500:016x}", f"Later {number}", "finished", 4e9 + number)
    at = open_page("home")
    labels = [link.proto.label.replace("\\", "") for link in at.get("page_link")]
    assert {"Birds, running", "Birds, queued", "All 18 runs, with their scores"} <= set(labels)
    assert sum(label.startswith("Later") for label in labels) == 8


def test_no_limit_is_said_of_epochs_alone():
    assert settings_form.differences(
        TrainConfig(epochs=1_000_000.0, seed=1_000_000), TrainConfig(seed=0, epochs=5.0)
    ) == [
        "Epochs: 5 → no limit",
        "Seed: 0 → 1000000",
    ]
