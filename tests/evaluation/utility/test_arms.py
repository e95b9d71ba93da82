"""Training an arm: the real part of a batch is the same in every arm, batch norm is of real images, mixes keep their promise."""

import numpy as np
import pytest
import torch

from gan_core.errors import UserError
from gan_core.evaluation.inputs import Labeled
from gan_core.evaluation.utility import arms, mixes
from gan_core.evaluation.utility.arms import ArmOptions, Fitted, Pool, choose_updates, train_arm
from gan_core.evaluation.utility.protocol import ALONE, FILL, USES, Arm, Baseline, Use
from tests.builders.planted_data import planted

torch.set_num_threads(1)
FOUND = planted(0)
OPTIONS = ArmOptions("small", updates=6, batch=16, seed=5)


def pool_of(makes, count=30):
    labels = np.repeat(np.arange(4), count)
    return Pool(np.concatenate([makes(label, count) for label in range(4)]), labels)


POOLS = {"gan": pool_of(FOUND.noise)}


def batches_of(monkeypatch, arm, options=OPTIONS):
    """The batches that the network of an arm is shown."""
    seen = []
    whole = arms.together
    monkeypatch.setattr(
        arms, "together", lambda real, synthetic: (seen.append((real, synthetic)), whole(real, synthetic))[1]
    )
    train_arm(arm, FOUND.real, POOLS, options)
    monkeypatch.undo()
    return seen


@pytest.mark.parametrize("mix", ["none", "mixup", "cutmix", "cmo"])
@pytest.mark.parametrize(
    "use", [Use(), Use(share=0.25, phase="first"), Use(phase="pretrain"), FILL], ids=lambda use: use.name
)
def test_the_real_part_of_each_batch_is_the_same_to_the_bit_in_every_arm(monkeypatch, mix, use):
    baseline = Baseline(sampling="natural", policy="strong", mix=mix)
    without = batches_of(monkeypatch, Arm(baseline=baseline))
    beside = batches_of(monkeypatch, Arm(baseline=baseline, way="gan", use=use))
    assert len(without) == len(beside) == 6 and all(synthetic is None for _, synthetic in without)
    for (before, _), (after, _) in zip(without, beside, strict=True):
        assert torch.equal(before.x, after.x) and torch.equal(before.y, after.y)


def test_synthetic_images_are_augmented_like_real_ones(monkeypatch):
    same = {"gan": Pool(np.repeat(POOLS["gan"].images[:1], 8, 0), np.arange(8) % 4)}
    monkeypatch.setitem(POOLS, "gan", same["gan"])
    for policy, differ in (("none", False), ("classical", True)):
        shown = batches_of(monkeypatch, Arm(baseline=Baseline(policy=policy), way="gan", use=ALONE))
        x = shown[0][1].x
        assert (x[0] != x[1]).any().item() is differ
        monkeypatch.setitem(POOLS, "gan", same["gan"])


def test_soft_labels_are_the_pools(monkeypatch):
    soft = np.random.default_rng(0).dirichlet(np.ones(4), 120).astype(np.float32)
    monkeypatch.setitem(POOLS, "gan", POOLS["gan"]._replace(soft=soft))
    (_, hard), *_ = batches_of(monkeypatch, Arm(way="gan", use=Use()))
    assert set(np.round(hard.y.max(1).values.tolist(), 4)) == {0.9625}  # smoothed by 0.05 over four classes
    monkeypatch.setitem(POOLS, "gan", POOLS["gan"]._replace(soft=soft))
    (_, shown), *_ = batches_of(monkeypatch, Arm(way="gan", use=Use(labels="soft")))
    assert all((soft == row).all(1).any() for row in shown.y.numpy())


def test_batch_norm_is_estimated_of_real_images_after_training():
    """Of black synthetic images the statistics of the first layer would be another network's."""
    black = {"gan": Pool(np.zeros((8, 8, 8, 1), np.uint8), np.arange(8) % 4)}
    fitted = train_arm(Arm(baseline=Baseline(policy="none"), way="gan", use=ALONE), FOUND.real, black, OPTIONS)
    first, norm = fitted.network.body[0], fitted.network.body[1]
    x = fitted.network.prepare(torch.from_numpy(FOUND.real.train.images).permute(0, 3, 1, 2))
    counts = np.bincount(FOUND.real.train.labels)
    share = torch.from_numpy(1 / counts[FOUND.real.train.labels] / 4).float()
    with torch.no_grad():
        expected = (first(x).mean((2, 3)) * share[:, None]).sum(0)
    assert torch.allclose(norm.running_mean, expected, atol=0.02)
    assert fitted.right(FOUND.real.test).dtype == bool


@pytest.mark.slow
@pytest.mark.parametrize("name, size, channels", [("small", 8, 1), ("resnet", 8, 1), ("resnet", 48, 3)])
def test_each_classifier_trains_saves_and_loads(tmp_path, monkeypatch, name, size, channels):
    monkeypatch.setattr(arms, "NORM_BATCH", 8)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (12, size, size, channels), dtype=np.uint8), np.arange(12) % 4
    real = FOUND.real._replace(train=Labeled(images, labels), test=Labeled(images, labels))
    state = torch.random.get_rng_state()
    options = ArmOptions(name, updates=2, batch=8, seed=1)
    fitted, again = train_arm(Arm(), real, {}, options), train_arm(Arm(), real, {}, options)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(fitted.logits(images), again.logits(images)) and np.isfinite(fitted.logits(images)).all()
    fitted.save(tmp_path / "weights.pt")
    loaded = Fitted.load(tmp_path / "weights.pt", name, size, channels, 4)
    assert np.array_equal(loaded.logits(images), fitted.logits(images))
    with pytest.raises(UserError, match="weights"):
        Fitted.load(tmp_path / "weights.pt", name, size, channels, 5)


def test_updates_are_chosen_on_validation(monkeypatch):
    right, tried = {10: 0.5, 20: 0.6, 40: 0.7, 80: 0.7, 160: 0.9}, []
    monkeypatch.setitem(arms.UPDATES, "small", tuple(right))

    class Planted:
        def __init__(self, updates):
            self.updates = updates

        def right(self, split):
            n = len(split.labels)
            return np.arange(n) % 50 < 50 * right[self.updates] - 1e-6

    def train(arm, real, pools, options, progress):
        assert arm == Arm() and real.test is FOUND.real.test
        tried.append(options.updates)
        return Planted(options.updates)

    monkeypatch.setattr(arms, "train_arm", train)
    assert choose_updates(FOUND.real, OPTIONS) == 40 and tried == [10, 20, 40, 80]
    assert choose_updates(FOUND.real, OPTIONS, most=20) == 20
    blind = FOUND.real._replace(validation=Labeled(FOUND.real.validation.images[:0], FOUND.real.validation.labels[:0]))
    assert choose_updates(blind, OPTIONS) == 40


def test_a_mix_keeps_the_targets_in_proportion_to_what_is_seen():
    """Black images of class 0 and white ones of class 1: the share of white is that of class 1."""
    n = 400
    x = (torch.arange(n) % 2).float().view(n, 1, 1, 1).expand(n, 3, 16, 16).contiguous()
    y = torch.nn.functional.one_hot(torch.arange(n) % 2, 2).float()
    for mix in ("mixup", "cutmix", "cmo"):
        mixed_x, mixed_y = mixes.mixed((x, y), mix, np.random.default_rng(0), (1 - x, 1 - y))
        assert torch.allclose(mixed_x.mean((1, 2, 3)), mixed_y[:, 1], atol=1e-5) and torch.allclose(
            mixed_y.sum(1), torch.ones(n)
        )
        assert not torch.equal(mixed_y, y)
    untouched = (mixed_y == y).all(1).float().mean()
    assert 0.4 < untouched < 0.65  # half of the images get no rectangle


def test_every_use_trains():
    for use in (*USES, ALONE):
        assert train_arm(Arm(way="gan", use=use), FOUND.real, POOLS, OPTIONS).right(FOUND.real.test).shape == (400,)
