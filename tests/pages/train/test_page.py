"""The Train page: it starts what its form says, for the dataset in its address."""

import json
import time

from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words


def test_train_comes_back_to_its_dataset(full):
    Store(full).add_dataset("d" + "2" * 16, "Newer", time.time() + 60)
    at = open_page("train", ds=seeded_workspace.DATASET, run=seeded_workspace.RUNS["finished"])
    assert "run" not in at.query_params
    at.button(key="train_start").click().run()
    assert at.title[0].value == "Live"
    at.query_params.clear()
    at.switch_page("train/page.py").run()
    assert at.selectbox(key="train_dataset").value == seeded_workspace.DATASET


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
