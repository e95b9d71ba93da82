"""The teacher: what it knows, what it keeps, the soft labels that it gives, and what lies on disk."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from gan_core.errors import UserError
from gan_core.evaluation import teacher
from gan_core.evaluation.acceptance import AcceptanceChecks
from gan_core.evaluation.features.cache import FeatureCache
from gan_core.evaluation.inputs import Labeled, RealImages

CLASSES = ["stripes", "checks", "plain"]


def pictures(labels: np.ndarray, seed: int) -> np.ndarray:
    """Stripes, checks and plain colours with noise, uint8 [N, 16, 16, 3]."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:16, :16] // 2 % 2
    patterns = np.stack([down, down ^ across, np.full_like(down, 0)]) * 120
    found = patterns[labels][..., None] + rng.integers(0, 100, (len(labels), 1, 1, 3))
    return (found + rng.integers(0, 30, (len(labels), 16, 16, 3))).astype(np.uint8)


def split(each: int, seed: int) -> Labeled:
    labels = np.repeat(np.arange(3), each)
    return Labeled(pictures(labels, seed), labels)


def reals(**parts: Labeled) -> RealImages:
    return RealImages(
        **{"train": split(12, 0), "validation": split(5, 1), "test": split(5, 2)} | parts, classes=CLASSES
    )


@pytest.fixture(autouse=True, scope="module")
def loaded_once() -> Iterator[None]:
    """Loading the weights takes longer than all else here."""
    extractor = teacher.load_efficientnet_lite0()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teacher, "load_efficientnet_lite0", lambda: extractor)
        yield


@pytest.fixture(scope="module")
def taught() -> teacher.Teacher:
    return teacher.fit(reals())


def test_it_knows_what_it_learned_and_refuses_what_shows_another_class(taught):
    new = split(8, 3)
    assert taught.knows and taught.accuracy > 0.9 and teacher.known(taught) is taught
    assert taught.right(new).mean() > 0.9
    assert taught.keeps(new.images, new.labels).mean() > 0.8
    assert not taught.keeps(new.images, (new.labels + 1) % 3).any()


def test_soft_labels_are_probabilities_at_temperature_two(taught):
    images = split(4, 4).images
    soft, logits = taught.soft_labels(images), taught.logits(images)
    assert soft.dtype == np.float32 and soft.shape == (12, 3) and np.allclose(soft.sum(1), 1)
    assert np.allclose(soft, torch.softmax(torch.from_numpy(logits) / 2, 1), atol=1e-6)
    both = taught.taught(images, np.zeros(12, int))
    assert np.array_equal(both.soft, soft) and np.array_equal(both.keeps, taught.keeps(images, np.zeros(12, int)))
    assert taught.taught(images[:0], np.zeros(0, int)).soft.shape == (0, 3)


def test_the_penalty_is_the_best_on_validation_images_and_every_class_counts_the_same():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [90, 10])
    features = rng.normal(size=(100, 40)).astype(np.float32) + labels[:, None] * np.float32(0.5)
    held_labels = np.repeat([0, 1], 60)
    held = rng.normal(size=(120, 40)).astype(np.float32) + held_labels[:, None] * np.float32(0.5)
    train, validation = Labeled(features, labels), Labeled(held, held_labels)
    head, decay = teacher.best_head(train, validation, 3, teacher.Progress())
    losses = {}
    mean, scale = head.mean, head.scale
    for penalty in teacher.DECAYS:
        weights = teacher.balanced_weights(labels, 3)
        table = teacher.minimized((features - mean) / scale, labels, weights, penalty, np.zeros((3, 41)))
        one = teacher.Head(mean, scale, table[:, :-1].astype(np.float32), table[:, -1].astype(np.float32))
        losses[penalty] = teacher.cross_entropy(one(held)[:, :2], held_labels, 2)
    assert decay == min(losses, key=losses.__getitem__)
    assert (head(held).argmax(1) == held_labels)[held_labels == 1].mean() > 0.7  # the class of ten images
    assert (teacher.softened(head(held))[:, 2] == 0).all()  # no image of the third class was seen


@pytest.mark.slow
def test_one_that_knows_nothing_says_so():
    rng = np.random.default_rng(0)
    noise = lambda each: Labeled(
        rng.integers(0, 256, (3 * each, 16, 16, 3), dtype=np.uint8), np.repeat(np.arange(3), each)
    )
    found = teacher.fit(reals(train=noise(10), validation=noise(40)))
    assert not found.knows
    with pytest.raises(UserError) as refused:
        teacher.known(found)
    assert refused.value.code == "knows_nothing"


def test_without_validation_images_or_a_second_class_there_is_none():
    with pytest.raises(UserError) as refused:
        teacher.fit(reals(validation=Labeled(*(part[:0] for part in split(1, 0)))))
    assert refused.value.code == "no_validation_images"
    with pytest.raises(UserError) as refused:
        teacher.fit(reals(train=Labeled(*(part[:12] for part in split(12, 0)))))
    assert refused.value.code == "one_class"


def test_it_is_kept_in_the_folder_and_test_images_are_not_looked_at(tmp_path, monkeypatch):
    real, cache = reals(), FeatureCache(tmp_path / "cache")
    first = teacher.ready(tmp_path, real, cache=cache)
    data = (tmp_path / teacher.FILE).read_bytes()
    assert json.loads((tmp_path / "teacher.json").read_text())["accuracy"] == first.accuracy
    noise = Labeled(np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), dtype=np.uint8), np.arange(9) % 3)
    (tmp_path / teacher.FILE).unlink()
    teacher.ready(tmp_path, real._replace(test=noise), cache=cache)
    assert (tmp_path / teacher.FILE).read_bytes() == data
    monkeypatch.setattr(teacher, "fit", lambda *_: pytest.fail("trained again"))
    again = teacher.ready(tmp_path, real, cache=cache)
    assert np.array_equal(again.logits(noise.images), first.logits(noise.images))


@pytest.mark.parametrize("damage", ["torn", "other"])
def test_a_damaged_or_another_one_is_replaced(tmp_path, damage):
    real = reals()
    teacher.ready(tmp_path, real)
    path = tmp_path / teacher.FILE
    data = path.read_bytes()
    if damage == "torn":
        path.write_bytes(data[: len(data) // 2])
    else:
        real = reals(train=split(11, 0))
    teacher.ready(tmp_path, real)
    found = teacher.load(path, teacher.facts_of(real, teacher.load_efficientnet_lite0()))
    assert found is not None and (path.read_bytes() == data) == (damage == "torn")


def test_a_large_class_gives_no_more_than_its_share(monkeypatch):
    monkeypatch.setattr(teacher, "MOST_IMAGES", 20)
    labels = np.repeat([0, 1], [100, 5])
    rows = teacher.evenly(labels, 2)
    assert np.bincount(labels[rows]).tolist() == [10, 5] and rows[0] == 0 and rows[9] == 99


@pytest.mark.slow
def test_the_quality_filter_asks_it_about_what_passed_the_other_checks(taught):
    real, new = reals(), split(8, 5)
    checks = AcceptanceChecks(real, None, ("teacher", "twin"), teacher=taught)
    found = []
    for label in range(3):
        checks.begin(label)
        found.append(checks(label, new.images, np.zeros(len(new.images), bool)).refused)
    assert checks.checks == ("teacher", "twin")
    for label, refused in enumerate(found):
        expected = ~taught.keeps(new.images, np.full(len(new.images), label))
        assert np.array_equal(np.array(refused) == "teacher", expected) and expected.sum() >= 14
    without = AcceptanceChecks(real, None, ("twin",), teacher=taught)
    without.begin(0)
    assert "teacher" not in without(0, new.images, np.zeros(len(new.images), bool)).refused
