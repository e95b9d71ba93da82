"""Which grid is meant, and whether two grids correspond."""

import pytest

from gan_core.views.grid_timeline import compare_places, nearest_grid

GRIDS = [{"images_seen": seen, "epoch": seen / 100, "file": ""} for seen in (0, 100, 250, 400)]
RUN = {"run": "a", "seed": 1, "z_dim": 64, "family": "dcgan", "classes": ["cat", "owl"], "size": 32}


@pytest.mark.parametrize(("asked", "at"), [("250", 2), ("0", 0), ("260", 2), ("9999", 3), (None, 3), ("x", 3), (90, 1)])
def test_the_grid_that_is_meant(asked, at):
    assert nearest_grid(GRIDS, asked) == at


def test_grids_of_one_run_and_of_equal_noise_correspond():
    assert compare_places(RUN, RUN)[0]
    same, said = compare_places(RUN, RUN | {"run": "b", "family": "r3lite"})
    assert same and "seed 1" in said and "trained apart" in said


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"classes": ["cat"]}, "classes differ"),
        ({"size": 64}, "32 px and the other 64 px"),
        ({"seed": 2}, "seeds (1 and 2)"),
        ({"z_dim": 8}, "64 and 8 numbers"),
    ],
)
def test_what_keeps_grids_apart_is_named(other, why):
    same, said = compare_places(RUN, RUN | {"run": "b"} | other)
    assert not same and why in said


def test_several_reasons_make_one_sentence():
    _, said = compare_places(RUN, RUN | {"run": "b", "seed": 2, "size": 64, "classes": []})
    assert "classes" in said and "32 px" in said and "64 px" in said and "noise" in said
