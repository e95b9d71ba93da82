"""The suggestion of a recipe for the dataset, the computer and the minutes there are."""

import pytest

from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import letters, open_page


@pytest.mark.slow
def test_the_suggestion_says_why_and_fills_the_form(full, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    at = open_page("train", ds=seeded_workspace.DATASET)
    shown = letters(at)
    assert "Quick: there is no GPU" in shown and "the largest has 25 times as many images" in shown
    at.number_input(key="suggest_minutes").set_value(7.0).run()
    assert at.number_input(key="setting_minutes").value is None  # nothing is filled in unasked
    at.button(key="suggest_use").click().run()
    assert at.number_input(key="setting_minutes").value == 7 and at.number_input(key="setting_label_full").value == 0.5
    assert not at.button(key="train_start").disabled
    at.button(key="train_start").click().run()
    config = Store(full).runs()[0].config
    assert (config["minutes"], config["label_start"], config["augment"]) == (7, 0.25, "translation")


def test_the_suggestion_believes_the_last_measured_steps(full):
    store = Store(full)
    probe = {"images_per_second": 9e3, "device": "cuda: Some GPU"}
    seeded_workspace.add_job(store, "probe", seeded_workspace.DATASET, "finished", {}, result=probe)
    assert "no GPU" not in letters(open_page("train", ds=seeded_workspace.DATASET))
