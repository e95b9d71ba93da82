"""The sweep of the Train page: what it would queue is told before, what is refused stays in its fields, and Runs shows it."""

import pytest

from gan_core.settings import recipes
from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page


@pytest.fixture
def train(full, started, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    return open_page("train", ds=seeded_workspace.DATASET)


def sweep_runs(full) -> list:
    return [run for run in Store(full).runs() if run.sweep][::-1]


def test_it_lies_in_a_closed_expander_and_one_run_is_no_sweep(train):
    (expander,) = (one for one in train.expander if one.label == "Several runs: a sweep")
    assert not expander.proto.expanded
    assert train.multiselect(key="sweep_recipes").value == ["quick"] and train.button(key="sweep_start").disabled
    assert "one run so far" in letters(train)


def test_the_form_with_several_recipes_values_and_seeds_is_queued_and_linked(train, full):
    train.number_input(key="setting_epochs").set_value(3.0)
    train.number_input(key="setting_width").set_value(32.0).run()
    train.multiselect(key="sweep_recipes").set_value(["quick", "balanced"])
    train.multiselect(key="sweep_settings").set_value(["batch"]).run()
    train.text_input(key="sweep_values_batch").set_value("16, 32, 16")
    train.number_input(key="sweep_seeds").set_value(2)
    train.text_input(key="sweep_name").set_value("Batches").run()
    assert "8 runs" in letters(train) and " of training in all" in letters(train) and not sweep_runs(full)
    train.button(key="sweep_start").click().run()
    runs = sweep_runs(full)
    told = {(run.config["recipe"], run.config["batch"], run.config["seed"]) for run in runs}
    assert told == {(r, b, s) for r in ("quick", "balanced") for b in (16, 32) for s in (0, 1)} and len(runs) == 8
    assert {(run.config["epochs"], run.config["width"], run.sweep) for run in runs} == {(3.0, 32, "Batches")}
    assert "The sweep Batches is queued: 8 runs." in letters(train)
    (link,) = (one for one in train.get("page_link") if "sweep=Batches" in one.proto.query_string)
    assert link.proto.page == "runs"
    train.query_params["sweep"] = "Batches"
    train.switch_page("runs/page.py").run()
    assert train.selectbox(key="runs_sweep").value == "Batches"


@pytest.mark.slow
def test_every_run_has_the_settings_of_the_form_but_the_seed(train, full):
    train.number_input(key="suggest_minutes").set_value(7.0).run()
    train.button(key="suggest_use").click().run()
    train.number_input(key="sweep_seeds").set_value(3).run()
    assert "3 runs. About 21 min of training in all." in letters(train)
    train.button(key="sweep_start").click()
    train.run()
    train.button(key="train_start").click().run()
    single = Store(full).runs()[0].config
    assert not Store(full).runs()[0].sweep
    assert [run.config for run in sweep_runs(full)] == [single | {"seed": seed} for seed in range(3)]


@pytest.mark.parametrize(
    ("setting", "typed", "said"),
    [
        ("batch", "16, ", "has an empty value"),
        ("batch", "16, 9000", "9000"),
        ("batch", "16, 700", "With batch 700: Batch size 700 is larger"),
        ("loss", "hinge, hing", "hing"),
    ],
)
def test_what_is_refused_is_one_sentence_and_stays_typed(train, full, setting, typed, said):
    train.multiselect(key="sweep_settings").set_value([setting]).run()
    train.text_input(key=f"sweep_values_{setting}").set_value(typed).run()
    (told,) = (error.value for error in train.error)
    assert said in told.replace("\\", "") and train.button(key="sweep_start").disabled
    assert not train.button(key="train_start").disabled
    assert train.text_input(key=f"sweep_values_{setting}").value == typed and not sweep_runs(full)


def test_too_many_runs_and_seeds_given_twice_are_refused(train):
    train.multiselect(key="sweep_settings").set_value(["seed"]).run()
    train.text_input(key="sweep_values_seed").set_value("1, 2")
    train.number_input(key="sweep_seeds").set_value(2).run()
    assert any("seeds are given twice" in error.value for error in train.error)
    train.number_input(key="sweep_seeds").set_value(1)
    train.text_input(key="sweep_values_seed").set_value(", ".join(map(str, range(201)))).run()
    assert any("201 runs" in error.value for error in train.error) and train.button(key="sweep_start").disabled


def test_a_taken_name_is_refused_at_the_click_and_nothing_is_lost(train, full):
    train.text_input(key="sweep_name").set_value("Mine")
    train.number_input(key="sweep_seeds").set_value(2).run()
    train.button(key="sweep_start").click().run()
    train.number_input(key="sweep_seeds").set_value(3).run()
    train.button(key="sweep_start").click().run()
    assert any("already a sweep" in error.value for error in train.error) and len(sweep_runs(full)) == 2
    assert train.text_input(key="sweep_name").value == "Mine" and train.number_input(key="sweep_seeds").value == 3


def test_a_refused_form_queues_no_sweep(train):
    train.number_input(key="sweep_seeds").set_value(2).run()
    assert not train.button(key="sweep_start").disabled
    train.number_input(key="setting_batch").set_value(None).run()
    assert train.button(key="sweep_start").disabled and train.number_input(key="sweep_seeds").value == 2


def test_another_card_takes_the_place_of_the_card_before(train):
    train.multiselect(key="sweep_recipes").set_value(["quick", "few-shot"]).run()
    train.button(key="recipe_balanced").click().run()
    assert train.multiselect(key="sweep_recipes").value == ["balanced", "few-shot"]
    options = train.multiselect(key="sweep_recipes").options
    assert options[0] == recipes.RECIPES["balanced"].title and len(options) == len(set(options))
