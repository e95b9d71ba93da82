"""Runs that began before their dataset had a validation split: they go on, and what is said of them says so."""

import numpy as np
import pytest

from gan_core.actions.runs import new_run
from gan_core.data.dataset import DatasetInfo, load, read_info, write_info
from gan_core.errors import FieldErrors
from gan_core.jobs.handlers.train import config_and_data
from gan_core.jobs.shared.evaluation_inputs import seen_validation_caveat
from gan_core.storage.workspace import new_id, read_json, write_json
from tests.builders.toy_images import toy_images

EACH = 32


@pytest.fixture
def older(workspace, store) -> str:
    """The id of a dataset that was written without a validation split: 64 training images, as many as fill one batch."""
    folder = workspace.dataset(new_id("dataset"))
    folder.mkdir()
    for split, count in (("train", 2 * EACH), ("test", 4)):
        images, labels = toy_images(count, 32, 1, 2, seed=len(split))
        np.save(folder / f"{split}_images.npy", images)
        np.save(folder / f"{split}_labels.npy", labels)
    info = DatasetInfo("Old", 32, "L", "crop", ["a", "b"], [EACH] * 2, [2, 2], {"kind": "test"}, 0, {}, [], [])
    write_info(folder, info)
    value = read_json(folder / "dataset.json")
    del value["validation_counts"]
    write_json(folder / "dataset.json", value)
    store.add_dataset(folder.name, "Old")
    return folder.name


@pytest.fixture
def run_of(context, older, tiny):
    """run_of(began_before, **settings) -> a run of the older dataset."""

    def make(began_before: bool, **settings):
        run = new_run(context, older, tiny(batch=2 * EACH, **settings), "A run").subject
        if began_before:
            path = context.workspace.run(run) / "config.json"
            write_json(path, {key: value for key, value in read_json(path).items() if key != "held_out"})
        return context.store.run(run)

    return make


def test_an_older_run_is_checked_against_all_the_images_that_it_trains_on(workspace, older, run_of):
    run = run_of(True)
    load(workspace.dataset(older), "validation")
    assert sum(read_info(workspace.dataset(older)).train_counts) < 2 * EACH
    config, data = config_and_data(workspace, run)
    assert config.batch == len(data.images) == 2 * EACH


def test_a_new_run_is_checked_against_what_is_left_to_train_on(workspace, run_of):
    run = run_of(False)
    with pytest.raises(FieldErrors) as refused:
        config_and_data(workspace, run)
    assert set(refused.value.fields) == {"batch"}


def test_a_run_that_started_from_the_weights_of_an_older_one_says_so_too(workspace, run_of):
    before, after = run_of(True), run_of(False)
    started = run_of(False, start_from=before.id)
    twice = run_of(False, start_from=started.id)
    assert seen_validation_caveat(workspace, after) == [] == seen_validation_caveat(workspace, None)
    for run in (before, started, twice):
        assert "saw the validation images" in seen_validation_caveat(workspace, run)[0]
    assert seen_validation_caveat(workspace, run_of(False, start_from="/weights/file.pt")) == []
    assert seen_validation_caveat(workspace, run_of(False, start_from=new_id("run"))) == []  # it was deleted
