"""Settings from the form to a JSON file and back."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from gan_core.storage.store import Store
from tests.builders import seeded_workspace
from tests.builders.app_pages import open_page, words

DONE = seeded_workspace.RUNS["finished"]


def paste(at: AppTest, text: str) -> AppTest:
    at.text_area(key="settings_text").set_value(text).run()
    return at.button(key="settings_load").click().run()


@pytest.mark.slow
def test_pasted_settings_fill_the_form_and_its_recipe(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    paste(at, json.dumps({"recipe": "wgan-gp", "seed": 11}))
    assert at.session_state["recipe"] == "wgan-gp" and at.number_input(key="setting_seed").value == 11
    assert "now holds these settings" in words(at)
    at.button(key="train_start").click().run()
    newest = Store(full).runs()[0]
    assert newest.config["recipe"] == "wgan-gp" and newest.config["seed"] == 11


@pytest.mark.slow
def test_refused_settings_are_told_one_by_one_and_change_nothing(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    at.number_input(key="setting_batch").set_value(16.0).run()
    paste(at, '{"batch": 0, "lr_g": 1}')
    told = at.error[0].value.replace("\\", "")
    assert "Batch size (batch) must be at least 1" in told and "no setting 'lr_g'" in told
    assert at.number_input(key="setting_batch").value == 16 and at.text_area(key="settings_text").value
    paste(at, "no json")
    assert "This is no JSON" in at.error[0].value and not at.button(key="train_start").disabled


def test_settings_can_be_downloaded_only_where_none_is_refused(full):
    at = open_page("train", ds=seeded_workspace.DATASET)
    assert at.get("download_button")
    at.number_input(key="setting_batch").set_value(None).run()
    assert not at.get("download_button") and "can be downloaded when none" in words(at)
