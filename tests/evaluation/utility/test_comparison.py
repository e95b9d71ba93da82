"""Does it help: planted generators with a known answer, one look at the test images, and refusals."""

import json

import numpy as np
import pytest
import torch

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.utility import arms, batches, comparison
from gan_core.evaluation.utility.comparison import draw_pools, utility
from gan_core.evaluation.utility.decisions import choose_baseline, decide
from gan_core.evaluation.utility.draws import Draw, Settings, without_test
from gan_core.evaluation.utility.protocol import PLAIN, Use, stages
from tests.builders.planted_data import planted

torch.set_num_threads(1)
SEEDS = 20
QUICK = Settings(updates=20, batch=32, seeds=2)


class Ridge:
    """A linear classifier of pixels, for the batches that a network would see: a comparison in a tenth of a second."""

    def __init__(self, arm, real, pools, options, progress):
        progress.check()
        pool = pools.get(arm.way)
        pool_labels = pool.labels if arm.use else np.empty(0, np.int64)
        size = batches.Size(options.updates, options.batch, options.seed)
        plan = batches.plan(real.train.labels, pool_labels, arm.baseline.sampling, arm.use, size)
        rows = [real.train.images[plan.real.ravel()]] if plan.real.size else []
        targets = [np.eye(len(real.classes))[real.train.labels[plan.real.ravel()]]] if plan.real.size else []
        soft = arm.use and arm.use.labels == "soft"
        for part in (plan.synthetic, plan.pretrain):
            if part.size:
                rows.append(pool.images[part.ravel()])
                targets.append((pool.soft if soft else np.eye(len(real.classes))[pool.labels])[part.ravel()])
        x, y = self.features(np.concatenate(rows)), np.concatenate(targets)
        self.weight = np.linalg.solve(x.T @ x + 0.1 * len(x) * np.eye(x.shape[1]), x.T @ y)

    @staticmethod
    def features(images):
        x = images.reshape(len(images), -1) / 64 - 2
        return np.concatenate([x, np.ones((len(x), 1))], 1)

    def right(self, split):
        return (self.features(split.images) @ self.weight).argmax(1) == split.labels


def ask(kind, seed, train=Ridge, settings=QUICK):
    """Three draws of the training images, two generators of each."""
    found, draws = planted(seed), []
    labels = found.real.train.labels
    for draw in range(3):
        rows = np.sort(np.random.default_rng([seed, draw]).permutation(len(labels))[:35])
        real = found.real._replace(train=Labeled(found.real.train.images[rows], labels[rows]))
        makes = getattr(found._replace(real=real), kind)
        other = lambda label, count, makes=makes: makes(label, 300)[::-1][:count]
        draws.append(Draw(real, [makes, other]))
    return utility(draws, settings._replace(seed=1000 * seed), train=train)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["held_out", "copies", "noise", "permuted"])
def test_the_verdict_is_right_in_19_of_20_seeds(kind):
    found = [ask(kind, seed) for seed in range(SEEDS)]
    if kind == "held_out":
        assert sum(one.helps for one in found) >= 19
        return
    assert sum(not one.helps for one in found) >= 19
    if kind == "copies":
        assert sum(abs(one.gain) < 0.015 for one in found) >= 19


def test_held_out_images_help_and_noise_does_not():
    helped, hurt = ask("held_out", 1), ask("noise", 1)
    assert helped.helps and helped.chosen and helped.gain > 0.02 and helped.sentence.startswith("The synth")
    assert not hurt.helps and not hurt.chosen and hurt.arms["synthetic_only"].balanced_accuracy < 0.5


def test_the_result_says_what_was_chosen_and_what_each_part_is_worth():
    found = ask("held_out", 0)
    assert list(found.arms) == ["real", "classical", "baseline", "synthetic", "control", "synthetic_only"]
    assert (found.protocol, found.draws, found.gan_seeds, found.seeds) == (2, 3, 2, 2)
    assert all(len(arm.values) == 12 and arm.updates == 20 for arm in found.arms.values())
    mean = {key: arm.balanced_accuracy for key, arm in found.arms.items()}
    assert found.gain == pytest.approx(mean["synthetic"] - mean["baseline"])
    assert found.baseline_gain.gain == pytest.approx(mean["baseline"] - mean["classical"])
    assert found.total_gain.gain == pytest.approx(mean["synthetic"] - mean["classical"])
    assert found.own_gain.gain == pytest.approx(mean["synthetic"] - mean["control"])
    best = max(found.uses, key=lambda row: row.validation)
    assert found.use == best.name and found.baseline in {row.name for row in found.baselines}
    stored = found.to_json()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored


def test_nothing_before_the_verdict_depends_on_the_test_images():
    """No leak: with noise in the place of the test split every decision is the same to the byte."""
    decisions = []
    for noise in (False, True):
        found = planted(3)
        real = found.real
        if noise:
            images = np.random.default_rng(9).integers(0, 256, real.test.images.shape, dtype=np.uint8)
            real = real._replace(test=Labeled(images, real.test.labels[::-1].copy()))
        seen = []

        def train(arm, real, pools, options, progress, seen=seen):
            seen.append((arm.name, options))
            return Ridge(arm, real, pools, options, progress)

        result = utility([Draw(real, [found.held_out])], QUICK, train=train)
        keys = ("updates", "baseline", "use", "chosen", "baselines", "uses", "n_synthetic")
        decisions.append((json.dumps({key: result.to_json()[key] for key in keys}), seen))
    assert decisions[0] == decisions[1]


def test_decisions_are_made_without_any_test_image():
    found, seen = planted(0), []

    def train(arm, real, pools, options, progress):
        seen.append(len(real.test.labels))
        return Ridge(arm, real, pools, options, progress)

    draws = [Draw(without_test(found.real), [found.held_out])]
    pools = draw_pools(draws, 20, QUICK, Progress())
    decide(draws, pools, 20, QUICK, Progress(), train)
    assert seen and not any(seen)


def test_every_classifier_of_the_verdict_has_a_seed_of_its_own_and_arms_are_paired():
    found, seen = planted(0), []

    def train(arm, real, pools, options, progress):
        seen.append((arm.name, len(real.test.labels) > 0, options))
        return Ridge(arm, real, pools, options, progress)

    utility([Draw(found.real, [found.held_out] * 2)], QUICK._replace(tries=2), train=train)
    chosen_with = {options.seed for _, final, options in seen if not final}
    of_arm = {}
    for name, final, options in seen:
        if final:
            of_arm.setdefault(name, []).append(options.seed)
    assert len(of_arm) >= 4 and len({tuple(seeds) for seeds in of_arm.values()}) == 1
    seeds = next(iter(of_arm.values()))
    assert len(set(seeds)) == len(seeds) == 4 and not set(seeds) & chosen_with
    assert len({options._replace(seed=0) for _, _, options in seen}) == 1


def test_a_baseline_is_chosen_stage_by_stage():
    tried = []

    def validation(one):
        tried.append(one)
        return 0.5 + 0.1 * (one.sampling == "deferred") + 0.1 * (one.mix == "cmo") - 0.1 * (one.policy == "none")

    best, scores = choose_baseline(stages(even=False), validation)
    assert best.model_dump() == {"sampling": "deferred", "policy": "classical", "mix": "cmo"}
    assert tried[0] == PLAIN and len(tried) == len(scores) == 9
    assert all(one.sampling == "deferred" for one in tried[3:])


def test_soft_labels_have_to_beat_the_same_labels_on_real_images_shown_again():
    """Half of the labels are wrong, and the teacher knows the right ones: copies of train help, and no more than train would."""
    found, rng = planted(4), np.random.default_rng(0)
    right = found.real.train.labels
    wrong = np.where(rng.random(len(right)) < 0.5, (right + rng.integers(1, 4, len(right))) % 4, right)
    known = {image.tobytes(): label for image, label in zip(found.real.train.images, right, strict=True)}
    teacher = lambda images: np.eye(4, dtype=np.float32)[[known[image.tobytes()] for image in images]]
    real = found.real._replace(train=Labeled(found.real.train.images, wrong))
    settings = QUICK._replace(uses=(Use(share=0.5, labels="soft"),), seeds=4)
    result = utility([Draw(real, [found._replace(real=real).copies], teacher)], settings, train=Ridge)
    assert result.use == "50% soft" and result.gain_ci95[0] > 0 and result.test_bootstrap_ci95[0] > 0
    assert not result.helps and result.own_gain.ci95[0] <= 0
    untaught = utility([Draw(real, [found._replace(real=real).copies])], settings, train=Ridge)
    assert untaught.use is None  # without a teacher there are no soft labels


def test_no_synthetic_image_is_no_gain_and_a_sentence():
    found = planted(0)
    result = utility([Draw(found.real, [lambda label, count: found.others.images[:0]])], QUICK, train=Ridge)
    assert result.gain == 0 and not result.helps and result.use is None and "synthetic_only" not in result.arms
    assert any("no synthetic images" in text for text in result.caveats)


def test_a_run_of_several_that_draws_nothing_leaves_nothing_to_compare():
    found = planted(0)
    nothing = lambda label, count: found.others.images[:0]
    result = utility([Draw(found.real, [found.held_out, nothing])], QUICK, train=Ridge)
    assert result.use is None and result.gain == 0 and not result.helps


def test_without_validation_images_nothing_is_chosen():
    found = planted(0)
    real = found.real._replace(validation=Labeled(found.real.validation.images[:0], found.real.validation.labels[:0]))
    result = utility([Draw(real, [found.held_out])], QUICK, train=Ridge)
    assert result.baseline == PLAIN.name and result.use == Use().name and not result.baselines and not result.uses
    assert any("validation" in text for text in result.caveats)


def test_a_class_without_held_out_or_synthetic_images():
    found = planted(0)
    keep = found.real.test.labels != 1
    real = found.real._replace(test=Labeled(found.real.test.images[keep], found.real.test.labels[keep]))
    only = lambda label, count: found.held_out(label, count if label != 2 else 0)
    result = utility([Draw(real, [only])], QUICK, train=Ridge)
    assert result.arms["real"].per_class["one"] is None and result.per_class_gain["one"].gain is None
    assert any("'one'" in text for text in result.caveats) and any("'two'" in text for text in result.caveats)
    json.dumps(result.to_json(), allow_nan=False)


def test_refusals_and_a_stop():
    found = planted(0)
    one = found.real.train.labels == 0
    lonely = found.real._replace(train=Labeled(found.real.train.images[one], found.real.train.labels[one]))
    refusals = [
        (lonely, {}, "one_class"),
        (without_test(found.real), {}, "no_test_images"),
        (found.real, {"seeds": 1}, "bad_seeds"),
    ]
    for real, changes, code in refusals:
        with pytest.raises(UserError) as refused:
            utility([Draw(real, [found.held_out])], QUICK._replace(**changes), train=Ridge)
        assert refused.value.code == code
    with pytest.raises(Stopped):
        utility([Draw(found.real, [found.held_out])], QUICK, Progress(should_stop=lambda: True), Ridge)


def test_a_pool_is_no_larger_than_what_is_shown(monkeypatch):
    found = planted(0)
    pools = draw_pools([Draw(found.real, [found.held_out])], 20, QUICK, Progress())
    assert np.bincount(pools[0][0].labels).tolist() == [20 * 32 // 4 + 1] * 4
    monkeypatch.setattr(comparison, "LEAST_POOL", 7)
    pools = draw_pools([Draw(found.real, [found.held_out])], 20, QUICK, Progress())
    assert np.bincount(pools[0][0].labels).tolist() == [36] * 4  # three times the largest class


@pytest.mark.slow
def test_with_a_network_held_out_images_help_and_noise_does_not():
    settings = Settings(updates=60, batch=32, seeds=3, uses=(Use(share=0.5),))
    found = planted(2)
    helped, hurt = (utility([Draw(found.real, [makes])], settings) for makes in (found.held_out, found.noise))
    assert helped.helps and helped.gain > 0.02 and not hurt.helps


@pytest.mark.slow
def test_same_seed_same_result_and_global_random_numbers_stay(monkeypatch):
    monkeypatch.setattr(arms, "NORM_BATCH", 8)
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    found = planted(0)
    real = RealImages(found.real.train, found.real.validation, found.real.test, found.real.classes)
    short = Settings(updates=3, batch=16, seeds=2, uses=(Use(share=0.5),))
    results = [utility([Draw(real, [found.held_out])], short).to_json() for _ in range(2)]
    assert results[0] == results[1]
    assert torch.equal(torch.random.get_rng_state(), state)
