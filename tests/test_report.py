"""The report: its keys, its floor, what it leaves out and why."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from gan_core.errors import Stopped
from gan_core.metrics.extractors import Extractor
from gan_core.metrics.report import scores

torch.set_num_threads(1)


class Means(nn.Module):
    """Features: the mean of each quadrant and channel. Logits: the first ten of them."""

    def __init__(self, spoil: float = 0.0):
        super().__init__()
        self.spoil = spoil

    def forward(self, pixels):
        features = nn.functional.adaptive_avg_pool2d(pixels.float() / 255, 2).flatten(1) + self.spoil
        return features, features[:, :10] * 20


def extractor(name: str = "efficientnet-lite0", note: str = "", spoil: float = 0.0) -> Extractor:
    return Extractor(name, "Means of quadrants", "none", "01234567", Means(spoil), note)


def pictures(n: int, seed: int, shift: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(shift, 200 + shift, (n, 8, 8, 3), dtype=np.uint8)


def test_same_distribution_scores_its_floor_and_a_shift_scores_more():
    real = pictures(400, 0)
    same = scores(extractor(), real, pictures(200, 1), None, seed=0)
    moved = scores(extractor(), real, pictures(200, 1, shift=20), None, seed=0)
    assert 0.4 < same["times_floor"] < 2.5
    assert moved["times_floor"] > 10
    assert same["kid_ci"][0] <= 0 <= same["kid_ci"][1] < moved["kid_ci"][0]
    assert (same["n_real"], same["n_fake"], same["floor"]["n"]) == (200, 200, 200)
    assert same["absent"] == {}


def test_it_is_json_and_the_seed_decides():
    real, fake, held_out = pictures(100, 0), pictures(90, 1), pictures(50, 2)
    first = scores(extractor(), real, fake, held_out, seed=3)
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert first == scores(extractor(), real, fake, held_out, seed=3)
    assert first["kid"] != scores(extractor(), real, fake, held_out, seed=4)["kid"]


def test_only_inception_is_called_fid():
    arguments = (pictures(60, 0), pictures(60, 1), None, 0)
    lite, inception = scores(extractor(), *arguments), scores(extractor("inception-v3"), *arguments)
    assert "fid" not in lite and "fid" not in lite["floor"] and "inception_score" not in lite
    assert not any("FID" in text or "KID" in text for text in lite["labels"].values())
    assert lite["frechet_distance"] == inception["fid"]
    assert lite["inception_score_formula"] == inception["inception_score"]
    assert inception["labels"]["fid"] == "FID" and "frechet_distance" not in inception
    assert any("not Inception-v3" in text for text in lite["caveats"])


def test_own_weights_are_said_in_the_label_and_the_caveats():
    result = scores(extractor("inception-v3", note="Own weights."), pictures(60, 0), pictures(60, 1), None, 0)
    assert result["labels"]["fid"] != "FID" and "Own weights." in result["caveats"]


def test_a_smaller_floor_is_said_and_the_ratio_is_taken_at_its_size():
    real = pictures(60, 0)
    result = scores(extractor(), real, pictures(200, 1), pictures(25, 2), seed=0)
    assert (result["n_real"], result["n_fake"]) == (60, 60)
    assert (result["floor"]["n"], result["floor"]["held_out"]["n"]) == (30, 25)
    assert result["n_fake_available"] == 200
    assert any("floor of 60" in text for text in result["caveats"])
    assert any("held-out floor compares 25" in text for text in result["caveats"])
    assert 0.3 < result["times_floor"] < 3


def test_too_few_images_are_told_not_raised():
    result = scores(extractor(), pictures(12, 0), pictures(8, 1), pictures(3, 2), seed=0)
    assert result["kid"] is None and result["kid_ci"] is None and "at least 20" in result["absent"]["kid"]
    assert result["frechet_distance"] is not None
    assert "at least 50" in result["absent"]["inception_score_formula"]
    nothing = scores(extractor(), pictures(1, 0), pictures(1, 1), None, seed=0)
    assert nothing["frechet_distance"] is None
    assert nothing["times_floor"] is None and nothing["floor"]["frechet_distance"] is None
    assert set(nothing["absent"]) == {
        "frechet_distance",
        "kid",
        "inception_score_formula",
        "floor.frechet_distance",
        "floor.kid",
        "times_floor",
    }
    assert scores(extractor(), pictures(30, 0), pictures(0, 1), None, seed=0)["frechet_distance"] is None


def test_broken_features_are_told_not_raised():
    result = scores(extractor(spoil=float("nan")), pictures(40, 0), pictures(40, 1), None, seed=0)
    assert result["frechet_distance"] is None and "not finite" in result["absent"]["frechet_distance"]
    assert json.dumps(result, allow_nan=False)


def test_progress_runs_from_0_to_1_through_all_phases_and_stop_stops():
    told = []
    tell = lambda *step: told.append(step)
    scores(extractor(), pictures(100, 0), pictures(50, 1), pictures(50, 2), 0, on_progress=tell)
    assert [share for share, _ in told] == sorted(share for share, _ in told) and told[-1][0] == 1
    assert len({text for _, text in told}) == 3
    with pytest.raises(Stopped):
        scores(extractor(), pictures(100, 0), pictures(50, 1), None, 0, should_stop=lambda: len(told) > 0)
