"""found.json: what is written reads back, what is of another protocol or damaged counts as nothing."""

import pytest

from gan_core.evaluation.utility import found as found_file
from gan_core.evaluation.utility.found import obstacle
from gan_core.evaluation.utility.protocol import Arm
from tests.builders.found_search import GAN, found


def test_what_is_written_reads_back(tmp_path):
    found_file.write(tmp_path, found(["a"]))
    kept = found_file.read(tmp_path)
    assert kept == found(["a"]) and kept.arm == kept.usable == GAN


@pytest.mark.parametrize("changes", [{"protocol": 1}, {"choice": {"way": "gan"}}, {"gain": "much"}])
def test_another_protocol_or_a_damaged_file_counts_as_nothing(tmp_path, changes):
    found_file.write_json(tmp_path / found_file.FILE, found(["a"]).to_json() | changes)
    assert found_file.read(tmp_path) is None


def test_a_choice_that_the_test_images_refute_is_not_followed():
    assert found(["a"], gain_ci95=[-0.04, -0.01]).usable == Arm()


def test_what_was_found_with_the_images_of_another_run_is_not_for_this_one(tmp_path):
    mine, other, dataset = tmp_path / "r1", tmp_path / "r2", tmp_path / "d"
    for folder in (mine, other, dataset):
        folder.mkdir()
    found_file.write(dataset, found(["a"], run="r2"))
    assert found_file.of(mine, dataset) is None
    assert found_file.of(other, dataset) is not None and found_file.of(None, dataset) is not None
    found_file.write(mine, found(["a"], run="r1"))
    assert found_file.of(mine, dataset).run == "r1"


@pytest.mark.parametrize(
    ("train", "validation", "test", "reason"),
    [
        ([20, 20], [4, 4], [4, 4], None),
        ([20, 0], [4, 0], [4, 0], "one_class"),
        ([20, 5], [4, 2], [4, 4], "no_validation"),
        ([20, 20], [4, 0], [4, 4], "no_validation"),
        ([20, 20], [4, 4], [0, 4], "no_test_images"),
        ([20, 20, 0], [4, 4, 0], [4, 4, 0], None),
    ],
)
def test_the_obstacles(train, validation, test, reason):
    found = obstacle(["a", "b", "c"][: len(train)], train, validation, test)
    assert (found.reason if found else None) == reason
