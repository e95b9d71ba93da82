"""The report: its keys, its floor, its intervals, its table per class, what it leaves out and why."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from gan_core.evaluation.caveats import same_network
from gan_core.evaluation.features.extractors import Extractor, Features
from gan_core.evaluation.inputs import Progress
from gan_core.evaluation.names_and_thresholds import MANIFOLD
from gan_core.evaluation.scores import all_scores

torch.set_num_threads(1)
DIMENSIONS = 6


def extractor(name: str = "efficientnet-lite0", note: str = "") -> Extractor:
    return Extractor(name, "Some network", "none", "01234567", nn.Identity(), note)


def cloud(n: int, seed: int, shift: float = 0.0) -> Features:
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, DIMENSIONS)).astype(np.float32) + np.float32(shift)
    return Features(features, 3 * rng.standard_normal((n, 10)).astype(np.float32))


def scores(real: Features, *draws: Features, held_out: Features | None = None, seed: int = 0, network=None):
    """report.scores with the counts that the handler would find."""
    counts = all_scores.count(
        len(real.features), len(draws[0].features), 0 if held_out is None else len(held_out.features)
    )
    needed = max(counts.n, 2 * counts.floor)
    cut = lambda features, n: all_scores.first_rows(features, n)
    beside = None if held_out is None else cut(held_out, counts.held_out)
    fakes = [cut(draw, counts.n) for draw in draws]
    return all_scores.scores(network or extractor(), cut(real, needed), fakes, beside, counts, seed)


def test_same_distribution_scores_its_floor_and_a_shift_scores_more():
    same, moved = scores(cloud(800, 0), cloud(400, 1)), scores(cloud(800, 0), cloud(400, 1, shift=0.5))
    assert 0.3 < same["times_floor"] < 3
    assert moved["times_floor"] > 8
    assert same["kid_ci"][0] <= 0 <= same["kid_ci"][1] < moved["kid_ci"][0]
    assert moved["coverage"] < same["coverage"] and moved["density"] < same["density"]
    assert same["coverage"] == pytest.approx(1 - 2**-5, abs=0.03)  # arXiv:2002.09797, equation 8
    assert same["floor"]["coverage"] == pytest.approx(1 - 2**-5, abs=0.03)
    assert (same["n_real"], same["n_fake"], same["floor"]["n"]) == (400, 400, 400)
    assert same["absent"] == {}


def test_a_score_is_the_mean_of_its_draws_with_the_interval_of_that_mean():
    draws = [cloud(200, seed) for seed in range(1, 6)]
    together = scores(cloud(400, 0), *draws)
    alone = [scores(cloud(400, 0), draw) for draw in draws]
    for key in ("frechet_distance", "inception_score_formula", "precision", "recall", "density", "coverage"):
        values = [one[key] for one in alone]
        assert together[key] == pytest.approx(np.mean(values))
        low, high = together[f"{key}_ci"]
        assert high - low == pytest.approx(2 * 2.7764 * np.std(values, ddof=1) / np.sqrt(5), rel=1e-4)
        assert all(one[f"{key}_ci"] is None for one in alone)
    assert together["draws"] == 5 and any("One draw" in text for text in alone[0]["caveats"])
    assert together["kid"] == alone[0]["kid"]


def test_it_is_json_and_the_seed_decides():
    arguments = (cloud(100, 0), cloud(90, 1))
    first = scores(*arguments, held_out=cloud(50, 2), seed=3)
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert first == scores(*arguments, held_out=cloud(50, 2), seed=3)
    assert first["kid"] != scores(*arguments, seed=4)["kid"]


def test_only_inception_is_called_fid():
    lite = scores(cloud(60, 0), cloud(60, 1))
    inception = scores(cloud(60, 0), cloud(60, 1), network=extractor("inception-v3"))
    assert "fid" not in lite and "fid" not in lite["floor"] and "inception_score" not in lite
    assert not any("FID" in text or "KID" in text for text in lite["labels"].values())
    assert lite["frechet_distance"] == inception["fid"]
    assert lite["inception_score_formula"] == inception["inception_score"]
    assert inception["labels"]["fid"] == "FID" and "frechet_distance" not in inception
    assert any("not Inception-v3" in text for text in lite["caveats"])
    of_classes = scores(cloud(60, 0), cloud(60, 1), network=extractor("referee"))
    assert "fid" not in of_classes and any("only separates your classes" in text for text in of_classes["caveats"])


def test_a_network_that_the_discriminator_learned_with_is_named():
    lite, guided = (
        same_network("efficientnet-lite0", "projected", False),
        same_network("efficientnet-lite0", "r3lite", True),
    )
    assert len(lite) == 1 and "EfficientNet-Lite0 itself" in lite[0]
    assert len(guided) == 1 and "label agreement is too good" in guided[0]
    assert same_network("referee", "projected", False) == same_network("inception-v3", "dcgan", False) == []


def test_own_weights_are_said_in_the_label_and_the_caveats():
    result = scores(cloud(60, 0), cloud(60, 1), network=extractor("inception-v3", note="Own weights."))
    assert result["labels"]["fid"] != "FID" and "Own weights." in result["caveats"]


def test_a_smaller_floor_is_said_and_the_ratio_is_taken_at_its_size():
    result = scores(cloud(60, 0), cloud(200, 1), held_out=cloud(25, 2))
    assert (result["n_real"], result["n_fake"]) == (60, 60)
    assert (result["floor"]["n"], result["floor"]["held_out"]["n"]) == (30, 25)
    assert result["n_fake_available"] == 200
    assert any("floor of 60" in text for text in result["caveats"])
    assert any("held-out floor compares 25" in text for text in result["caveats"])
    assert 0.2 < result["times_floor"] < 4


def test_too_few_images_are_told_not_raised():
    result = scores(cloud(12, 0), cloud(8, 1), held_out=cloud(3, 2))
    assert result["kid"] is None and result["kid_ci"] is None and "at least 20" in result["absent"]["kid"]
    assert result["frechet_distance"] is not None
    assert "at least 50" in result["absent"]["inception_score_formula"]
    nothing = scores(cloud(1, 0), cloud(1, 1))
    keys = ("frechet_distance", "kid", "inception_score_formula", *MANIFOLD, "times_floor")
    assert all(nothing[key] is None and nothing["absent"][key] for key in keys)
    assert nothing["floor"]["frechet_distance"] is None and nothing["absent"]["floor.kid"]
    assert scores(cloud(30, 0), cloud(0, 1))["frechet_distance"] is None


def test_broken_features_are_told_not_raised():
    broken = cloud(40, 1)
    broken.features[7, 2] = np.nan
    result = scores(cloud(40, 0), broken)
    assert result["frechet_distance"] is None and "not finite" in result["absent"]["frechet_distance"]
    assert result["coverage"] is None and "not finite" in result["absent"]["coverage"]
    assert result["floor"]["frechet_distance"] is not None
    assert json.dumps(result, allow_nan=False)


def test_identical_images_are_told_or_scored_but_never_crash():
    flat = Features(np.ones((60, DIMENSIONS), np.float32), np.zeros((60, 10), np.float32))
    result = scores(flat, flat)
    assert json.dumps(result, allow_nan=False) and result["frechet_distance"] == 0
    assert result["times_floor"] is None and result["absent"]["times_floor"]


def test_progress_grows_to_1():
    told = []
    counts = all_scores.count(100, 50, 50)
    all_scores.scores(
        extractor(),
        cloud(100, 0),
        [cloud(50, 1)] * 2,
        cloud(50, 2),
        counts,
        0,
        Progress(lambda share, message: told.append(share)),
    )
    assert told == sorted(told) and told[-1] == 1 and len(told) == 4


def test_a_broken_later_draw_says_why_its_score_is_missing():
    broken = cloud(60, 2)
    broken.features[:] = np.nan
    result = scores(cloud(60, 0), cloud(60, 1), broken)
    assert result["frechet_distance"] is None and "not finite" in result["absent"]["frechet_distance"]
    assert result["kid"] is not None  # of the first draw


def test_without_its_network_every_score_is_absent_for_that_reason():
    whole = scores(cloud(60, 0), cloud(60, 1), network=extractor("inception-v3"))
    nothing = all_scores.no_scores("inception-v3", "No weights.", all_scores.count(60, 60, 0), 0)
    assert set(whole) == set(nothing)
    assert all(nothing[key] is None and nothing["absent"][key] == "No weights." for key in nothing["labels"])
    assert nothing["labels"]["fid"] == "FID" and nothing["extractor"] == "inception-v3"


# -- per class ---------------------------------------------------------------------------------------------------------


def table(real_counts, fake_counts, shift=0.0, network=None):
    real_labels, fake_labels = (np.repeat(np.arange(len(c)), c) for c in (real_counts, fake_counts))
    real, fake = cloud(len(real_labels), 0).features, cloud(len(fake_labels), 1).features
    fake[fake_labels == 0] += np.float32(shift)
    names = [f"class {i}" for i in range(len(real_counts))]
    half = np.arange(len(fake)) % 2 == 0  # two draws: a class gathers its images from both
    draws, asked = [fake[half], fake[~half]], [fake_labels[half], fake_labels[~half]]
    compared = all_scores.Compared(real, real_labels, draws, asked)
    return all_scores.class_scores((network or extractor()).name, compared, names, 0)


def test_each_class_is_scored_by_its_own_images():
    rows = table((300, 300, 300), (300, 300, 300), shift=1.0)
    assert rows["class 0"]["kid"] > 10 * max(abs(rows["class 1"]["kid"]), abs(rows["class 2"]["kid"]))
    assert rows["class 0"]["coverage"] < 0.7 < 0.9 < rows["class 1"]["coverage"]
    assert rows["class 0"]["n"] == 300 and rows["class 0"]["k"] == 5


def test_a_small_class_has_no_distance_and_says_why():
    rows = table((49, 300, 80), (300, 49, 80))
    for name in ("class 0", "class 1"):
        assert all(rows[name][key] is None for key in ("kid", "frechet_distance", *MANIFOLD))
        assert "with more images" in rows[name]["absent"]["kid"]
    assert rows["class 2"]["kid"] is not None and rows["class 2"]["k"] == 5
    assert "2,000" in rows["class 2"]["absent"]["frechet_distance"]


def test_a_large_class_has_a_frechet_distance():
    row = table((2100,), (2000,), network=extractor("inception-v3"))["class 0"]
    assert row["fid"] < 0.1 and row["n"] == 2000 and row["absent"] == {}


def test_a_class_that_was_never_drawn_is_told():
    rows = table((100, 100), (100, 0))
    assert rows["class 1"]["n_fake"] == 0 and rows["class 1"]["absent"]["coverage"]
