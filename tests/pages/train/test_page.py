"""The Train page: it starts what its form says, for the dataset in its address."""

import json
import time

import pytest

from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words


@pytest.mark.slow
def test_train_comes_back_to_its_dataset(full):
    Store(full).add_dataset("d" + "2" * 16, "Newer", time.time() + 60)
    at = open_page("train", ds=seeded_workspace.DATASET, run=seeded_workspace.RUNS["finished"])
    assert "run" not in at.query_params
    at.button(key="train_start").click().run()
    assert at.title[0].value == "Live"
    at.query_params.clear()
    at.switch_page("train/page.py").run()
    assert at.selectbox(key="train_dataset").value == seeded_workspace.DATASET


@pytest.mark.slow
def test_train_starts_what_the_form_says(full, started):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.number_input(key="setting_epochs").set_value(3.0)
    at.number_input(key="setting_lr_D").set_value(1e-4)
    at.run()
    assert "Learning rate of D: 0.0005 → 0.0001" in words(at).replace("\\", "").replace("\u2060", "")
    at.button(key="train_start").click().run()
    newest = Store(full).runs()[0]
    assert newest.config["epochs"] == 3.0 and newest.config["lr_D"] == 1e-4 and at.title[0].value == "Live"
    assert at.query_params["run"] == newest.id


@pytest.mark.slow
def test_the_estimate_follows_epochs_without_a_new_probe(full):
    store = Store(full)
    at = open_page("train", ds=seeded_workspace.DATASET)
    probe = store.jobs(kind="probe")[0]
    with store.transaction() as db:
        db.execute(
            "UPDATE jobs SET state = 'finished', result = ? WHERE id = ?",
            (
                json.dumps(
                    {"images_per_second": 100.0, "memory_bytes": 10**9, "checkpoint_bytes": 10**7, "device": "cpu"}
                ),
                probe.id,
            ),
        )
    at.run()
    assert "about 3 min" in words(at)  # 30 epochs of 620 images at 100 a second
    at.number_input(key="setting_epochs").set_value(300.0).run()
    assert "about 31 min" in words(at) and len(store.jobs(kind="probe")) == 1


def test_a_click_that_brings_a_refused_change_starts_nothing(full):
    at, runs = open_page("train", ds=seeded_workspace.DATASET), len(Store(full).runs())
    at.number_input(key="setting_batch").set_value(None)
    at.button(key="train_start").click().run()
    assert not at.exception and at.title[0].value == "Train" and len(Store(full).runs()) == runs


@pytest.mark.slow
def test_train_says_at_which_size_a_smaller_run_is_trained(full, started):
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert "refiner enlarges" not in words(at)
    at.selectbox(key="setting_train_size").set_value(16).run()
    assert "refiner enlarges the images to 32 px" in words(at)
    at.button(key="train_start").click().run()
    assert Store(full).runs()[0].config["train_size"] == 16 and "trained at 16 px" in words(at)


def test_best_on_a_cpu_says_how_long_it_takes_and_can_be_started(full, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert "made for a GPU" not in " ".join(box.value for box in at.warning)
    at.button(key="recipe_best").click().run()
    assert any("made for a GPU" in box.value and "days" in box.value for box in at.warning)
    assert not at.button(key="train_start").disabled
