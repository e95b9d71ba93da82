"""Does it help: planted generators with a known answer, fair arms, and refusals."""

import json

import numpy as np
import pytest
import torch

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.classifier import fit
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.utility import comparison as utility
from gan_core.evaluation.utility import gain as utility_gain
from gan_core.evaluation.utility.comparison import PLANS, ArmPlan, Settings
from gan_core.evaluation.utility.comparison import utility as compare

torch.set_num_threads(1)
NAMES = ["zero", "one", "two", "three", "four"]


def planted() -> tuple[np.ndarray, np.ndarray]:
    """Each class has four patterns of its own that no shift or turn of another resembles: [900, 8, 8, 1], labels."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(40, 216, (5, 4, 8, 8, 1))
    labels, kind = rng.integers(0, 5, 900), rng.integers(0, 4, 900)
    return (patterns[labels, kind] + rng.integers(-30, 31, (900, 8, 8, 1))).astype(np.uint8), labels


IMAGES, LABELS = planted()
TRAIN, OTHER, TEST = slice(0, 60), slice(60, 500), slice(500, 900)
STARVED = 3  # of this class two training images are left, so most of its variety is unseen


def starved() -> tuple[np.ndarray, np.ndarray]:
    images, labels = IMAGES[TRAIN], LABELS[TRAIN]
    keep = np.sort(np.concatenate([np.flatnonzero(labels != STARVED), np.flatnonzero(labels == STARVED)[:2]]))
    return images[keep], labels[keep]


def true(label: int, count: int) -> np.ndarray:
    """The best generator there can be: real images that no other part of the test holds."""
    own = np.flatnonzero(LABELS[OTHER] == label)
    return IMAGES[OTHER][own[np.arange(count) % len(own)]]


def noise(label: int, count: int) -> np.ndarray:
    return np.random.default_rng(label).integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)


def ask(synthetic, train=None, progress=Progress(), **changes):  # noqa: B008
    settings = {"seeds": 3, "updates": 30, "batch": 32, "shares": (1.0,), **changes}
    return compare(real(train or starved()), synthetic, Settings(**settings), progress).to_json()


def real(train, test=(IMAGES[TEST], LABELS[TEST])):
    return RealImages(Labeled(*train), Labeled(*test), Labeled(*test), NAMES)


@pytest.fixture(scope="module")
def helped():
    return ask(true)


def test_a_true_generator_helps_a_starved_class(helped):
    assert helped["verdict"] == "helps" and helped["gain_ci95"][0] > 0 and helped["sentence"].startswith("The synth")
    assert helped["test_bootstrap_ci95"][0] > 0
    of_class = {name: value["gain"] for name, value in helped["per_class_gain"].items()}
    assert max(of_class, key=of_class.get) == NAMES[STARVED] and of_class[NAMES[STARVED]] > 0.2


def test_the_arms_are_fair_and_complete(helped):
    arms = helped["arms"]
    assert list(arms) == ["real", "oversampling", "classical", "synthetic", "synthetic_only"]
    assert {arm["updates"] for arm in arms.values()} == {30}
    for arm in arms.values():
        assert len(arm["values"]) == 3 and arm["balanced_accuracy"] == pytest.approx(np.mean(arm["values"]))
        assert arm["ci95"][0] <= arm["balanced_accuracy"] <= arm["ci95"][1]
        assert np.mean(list(arm["per_class"].values())) == pytest.approx(arm["balanced_accuracy"])
    differences = np.array(arms["synthetic"]["values"]) - np.array(arms["classical"]["values"])
    assert helped["gain"] == pytest.approx(differences.mean())
    assert helped["sweep"][0]["gain"] == pytest.approx(helped["gain"]) and helped["sweep"][0]["share"] == 1
    assert json.loads(json.dumps(helped, allow_nan=False)) == helped
    assert (helped["n_test"], helped["n_train"]) == (400, len(starved()[1]))


def test_arms_differ_in_what_they_are_said_to_differ_in_only(monkeypatch):
    seen = []

    def watched(images, labels, classes, options, progress):
        seen.append(options)
        return fit(images, labels, classes, options, progress)

    monkeypatch.setattr(utility, "fit", watched)
    ask(true, seeds=2, updates=3, seed=7, shares=(1.0,))
    assert [options.seed for options in seen] == [7] * 5 + [8] * 5
    assert {(options.updates, options.batch) for options in seen} == {(3, 32)}
    plain = [("none", False), ("none", True), ("classical", True), ("none", True), ("classical", True)]
    assert [(options.augment, options.balanced) for options in seen] == plain * 2


def test_same_seed_same_result_and_global_random_numbers_stay(helped):
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    short = {"seeds": 2, "updates": 5}
    assert ask(true, **short) == ask(true, **short) != ask(true, **short, seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_noise_does_not_help():
    found = ask(noise, seeds=2)
    assert found["verdict"] == "no measurable gain" and found["sentence"].startswith("No measurable gain")
    assert found["gain_ci95"][0] <= 0
    assert found["arms"]["synthetic_only"]["balanced_accuracy"] < 0.5
    assert any("2 seeds" in text for text in found["caveats"])


def test_shots_share_and_sweep():
    asked = {}
    draw = lambda label, count: (asked.__setitem__(label, count), true(label, count))[1]
    train = IMAGES[OTHER], LABELS[OTHER]
    found = ask(draw, train, seeds=2, updates=10, shots=6, shares=(0.5, 2.0), share=1.0)
    assert found["n_train"] == 30 and found["shots"] == 6
    assert asked == dict.fromkeys(range(5), 12)  # (1 + 2) * 6 - 6
    assert [row["share"] for row in found["sweep"]] == [0.5, 1.0, 2.0]
    assert any("at most 6 real images" in text for text in found["caveats"])


def test_every_class_is_filled_to_the_same_total():
    used, pool_labels, counts = np.array([1.0, 0, 1, 1, 1]), np.array([0] * 4 + [1] * 10), np.array([1, 3])
    weights = utility.weights_of(ArmPlan(1.0), used, pool_labels, counts)
    assert weights[:5].tolist() == used.tolist()
    assert weights[5:9].sum() == pytest.approx(5) and weights[9:].sum() == pytest.approx(3)  # 2 * 3 - 1, 2 * 3 - 3
    assert np.count_nonzero(weights[9:]) == 3
    assert utility.weights_of(PLANS["real"], used, pool_labels, counts)[5:].sum() == 0
    assert utility.weights_of(PLANS["synthetic_only"], used, pool_labels, counts)[:5].sum() == 0
    assert utility.most_useful(np.array([10, 4, 0]), 1.0, 10**6).tolist() == [10, 16, 0]
    assert utility.most_useful(np.array([10, 4, 0]), 1.0, 20).tolist() == [10, 10, 0]


def test_each_seed_draws_its_own_shots():
    labels = np.array([0] * 5 + [1] * 2)
    drawn = [utility.few(labels, 3, np.random.default_rng([0, number])) for number in range(5)]
    assert all(np.bincount(labels[rows]).tolist() == [3, 2] and len(set(rows)) == 5 for rows in drawn)
    assert len({tuple(sorted(rows)) for rows in drawn}) > 1


def test_arrays_in_place_of_a_function():
    only = LABELS[OTHER] != 2
    gone = ask((IMAGES[OTHER][only], LABELS[OTHER][only]), seeds=2, updates=5)
    assert any("Without any synthetic image: 'two'" in text for text in gone["caveats"])


def test_no_synthetic_image_is_no_gain():
    empty = (IMAGES[:0], LABELS[:0])
    found = ask(empty, seeds=2, updates=5)
    assert found["gain"] == 0 and found["verdict"] == "no measurable gain" and "synthetic_only" not in found["arms"]


def test_a_class_without_held_out_images():
    keep = LABELS[TEST] != 1
    images, labels = IMAGES[TEST][keep], LABELS[TEST][keep]
    settings = Settings(seeds=2, updates=5, batch=16, shares=(1.0,))
    found = compare(real(starved(), (images, labels)), true, settings).to_json()
    assert found["arms"]["real"]["per_class"]["one"] is None and found["per_class_gain"]["one"]["gain"] is None
    assert any("'one'" in text for text in found["caveats"])
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    "code, changes",
    [
        ("bad_seeds", {"seeds": 1}),
        ("bad_shots", {"shots": 0}),
        ("bad_share", {"shares": (0.0,)}),
        ("one_class", {"train": (IMAGES[:9], np.zeros(9, np.int64))}),
    ],
)
def test_refusals(code, changes):
    with pytest.raises(UserError) as refused:
        ask(true, **changes)
    assert refused.value.code == code


def test_no_held_out_images_and_a_stop():
    with pytest.raises(UserError) as refused:
        compare(real(starved(), (IMAGES[:0], LABELS[:0])), true)
    assert refused.value.code == "no_test_images"
    with pytest.raises(Stopped):
        ask(true, progress=Progress(should_stop=lambda: True))


def test_intervals_and_verdict_are_the_textbooks():
    mean, (low, high) = utility_gain.mean_and_interval(np.array([1.0, 2.0, 3.0]))
    assert mean == 2 and high == pytest.approx(2 + 4.302653 / np.sqrt(3), abs=1e-5) and low == pytest.approx(4 - high)
    labels = np.repeat([0, 1], [90, 10])
    base, arm = np.zeros((3, 100), bool), np.zeros((3, 100), bool)
    arm[:, 90:] = True  # the rare class alone is right: accuracy 10 %, balanced accuracy 50 %
    found = utility_gain.compare(base, arm, labels, ["a", "b"], 0)
    assert found["gain"] == pytest.approx(0.5) and found["per_class_gain"]["b"]["gain"] == 1
    assert found["verdict"] == "helps" and utility_gain.compare(arm, base, labels, ["a", "b"], 0)["verdict"] != "helps"
    assert "measurably worse" in utility_gain.compare(arm, base, labels, ["a", "b"], 0)["sentence"]


def test_a_gain_within_its_interval_is_no_gain():
    base, arm = np.zeros((3, 100), bool), np.zeros((3, 100), bool)
    base[:, 50:], arm[:, 50:] = True, True
    arm[0, :40] = True  # one seed of three alone is better
    found = utility_gain.compare(base, arm, np.repeat([0, 1], 50), ["a", "b"], 0)
    assert found["gain"] > 0.1 and found["gain_ci95"][0] < 0 and found["verdict"] == "no measurable gain"
    assert "worse" not in found["sentence"]


def test_the_bootstrap_is_as_wide_as_theory_says():
    rng = np.random.default_rng(0)
    difference = rng.choice([-1.0, 0.0, 1.0], 400)
    low, high = utility_gain.bootstrap(difference, np.zeros(400, int), 0)
    assert (high - low) / 2 == pytest.approx(1.96 * difference.std() / 20, rel=0.08)
    assert low < difference.mean() < high
