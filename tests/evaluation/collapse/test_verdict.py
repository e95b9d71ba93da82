"""verdict.py, indicators.py, variety.py: planted failures are caught and named, healthy samples are left alone."""

import numpy as np
import pytest

from gan_core.errors import UserError
from gan_core.evaluation.collapse.indicators import below
from gan_core.evaluation.collapse.reference import Reference, distances, near_duplicates
from gan_core.evaluation.collapse.variety import z_sensitivity
from gan_core.evaluation.collapse.verdict import FAMILIES, examine, verdict_of
from gan_core.evaluation.features.extractors import Features
from gan_core.evaluation.names_and_thresholds import INDICATORS, SEVERITY
from tests.builders.planted_generators import CLASSES, digits, draw


@pytest.fixture(scope="module")
def data():
    return digits()


@pytest.fixture(scope="module")
def reference(data):
    return data.reference()


def by_key(found):
    return {one["key"]: one for one in found.indicators}


def look_at(data, reference, rows, asked):
    return examine(reference, data.look(data.fresh[rows]), asked, classes=CLASSES)


@pytest.mark.slow
@pytest.mark.parametrize("n", [256, 1000])
def test_real_images_raise_no_alarm_in_twenty_seeds(data, reference, n):
    share = z_sensitivity(data.train, data.train_labels)
    features = data.look(data.fresh)
    for seed in range(20):
        rows = np.random.default_rng(seed).permutation(len(data.fresh))[:n]
        fake, labels = Features(*(part[rows] for part in features)), data.fresh_labels[rows]
        z = z_sensitivity(data.fresh[rows], labels)
        for asked in (labels, None) if n == 256 else (labels,):
            found = examine(reference, fake, asked, z_sensitivity=(z, share), classes=CLASSES)
            assert found.verdict == "ok", (seed, found.sentence)
            assert found.key is None and not found.todo


@pytest.mark.parametrize("n", [256, 1000])
def test_held_out_images_drawn_with_repeats_raise_no_alarm(data, reference, n):
    for seed in range(20):
        rows = np.random.default_rng(seed).integers(0, len(data.held), n)
        found = examine(reference, data.look(data.held[rows]), data.held_labels[rows], classes=CLASSES)
        assert found.verdict == "ok", (seed, found.sentence)


@pytest.mark.slow
def test_clumps_with_twins_and_outliers_raise_no_alarm():
    """24 tight clumps in 3 classes; every tenth image there twice, every thirtieth far out."""
    rng = np.random.default_rng(0)
    clumps, n = rng.normal(size=(24, 16)) * 4, 2600
    clump = rng.integers(0, 24, n)
    x = clumps[clump] + rng.normal(size=(n, 16)) * np.where(rng.random((n, 1)) < 1 / 30, 3.0, 0.05)
    x[rng.permutation(n)[: n // 10]] = x[rng.permutation(n)[: n // 10]]
    labels = np.argmin(np.square(x[:, None] - clumps).sum(axis=2), axis=1) // 8
    features = Features(x.astype(np.float32), np.eye(3, dtype=np.float32)[labels])
    part = lambda rows: Features(features.features[rows], features.logits[rows])
    some, held = np.arange(600), np.arange(600, 900)
    reference = Reference.build(part(some), labels[some], part(held), labels[held], 3)
    for seed in range(20):
        for size in (256, 1000):
            rows = 900 + np.random.default_rng(seed).permutation(n - 900)[:size]
            found = examine(reference, part(rows), labels[rows])
            assert found.verdict == "ok", (seed, found.sentence)


@pytest.mark.parametrize("n", [256, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_one_image_per_class_is_red(data, reference, n, seed):
    y, rng = np.arange(n) % 10, np.random.default_rng(seed)
    rows = draw(data.fresh, data.fresh_labels, np.arange(10), rng)[y]
    for asked in (y, None):
        found = look_at(data, reference, rows, asked)
        assert found.verdict == "red" and found.todo
        levels = {key: one["level"] for key, one in by_key(found).items()}
        assert (
            levels["variance_ratio"]
            == levels["near_duplicates"]
            == levels["support"]
            == levels["coverage_ratio"]
            == "red"
        )
    assert by_key(found)["support"]["value"] == pytest.approx(
        10 / len(data.train), rel=0.2
    )  # ten images: it counts them


@pytest.mark.parametrize("seed", range(5))
def test_one_collapsed_class_among_ten_is_named(data, reference, seed):
    y, rng = np.arange(256) % 10, np.random.default_rng(seed)
    rows = draw(data.fresh, data.fresh_labels, y, rng)
    rows[y == 3] = rows[y == 3][0]
    found = look_at(data, reference, rows, y)
    assert found.verdict == "red" and found.key == "variance_ratio"
    assert "'digit 3'" in found.sentence
    assert by_key(found)["variance_ratio"]["classes"] == ["digit 3"]
    assert found.per_class[3]["variance_ratio"] < 1e-6 < 0.4 < found.per_class[4]["variance_ratio"]


@pytest.mark.parametrize("n", [256, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_two_dropped_classes_are_named(data, reference, n, seed):
    y, rng = np.arange(n) % 10, np.random.default_rng(seed)
    lost = rng.permutation(10)[:2]
    kept = np.setdiff1d(np.arange(10), lost)
    shown = np.where(np.isin(y, lost), rng.choice(kept, n), y)
    found = look_at(data, reference, draw(data.fresh, data.fresh_labels, shown, rng), y)
    assert found.verdict == "red" and found.key == "agreement"
    assert set(by_key(found)["agreement"]["classes"]) == {CLASSES[c] for c in lost}
    unreached = by_key(found)["coverage_ratio"]
    assert unreached["level"] == "red" and len(set(unreached["classes"]) & {CLASSES[c] for c in lost}) > 0
    without = look_at(data, reference, draw(data.fresh, data.fresh_labels, rng.choice(kept, n), rng), None)
    assert without.verdict == "red" and without.key == "class_shares"
    named = by_key(without)["class_shares"]["classes"]
    assert named and set(named) <= {CLASSES[c] for c in lost} and named[0] in without.sentence


@pytest.mark.parametrize("n", [256, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_an_ignored_label_is_red_though_the_pictures_are_real(data, reference, n, seed):
    rng = np.random.default_rng(seed)
    found = look_at(data, reference, rng.permutation(len(data.fresh))[:n], rng.integers(0, 10, n))
    assert found.verdict == "red" and found.key == "agreement" and "requested class" in found.sentence
    assert {one["key"] for one in found.indicators if one["level"] != "ok"} <= {"agreement"}


@pytest.mark.slow
def test_three_classes_and_a_hundred():
    three = digits(250, 100, (1, 4, 7))
    reference = Reference.build(
        three.look(three.train), three.train_labels, three.look(three.held), three.held_labels, 3
    )
    names, y, rng = ["1", "4", "7"], np.arange(180) % 3, np.random.default_rng(0)
    rows = draw(three.fresh, three.fresh_labels, y, rng)
    assert examine(reference, three.look(three.fresh[rows]), y, classes=names).verdict == "ok"
    found = examine(reference, three.look(three.fresh[rows]), np.roll(y, 1), classes=names)
    assert found.verdict == "red"

    means = rng.normal(size=(100, 32)) * 3
    labels = rng.permutation(np.arange(3000) % 100)
    x = means[labels] + rng.normal(size=(3000, 32))
    everything = Features(x, -np.square(x[:, None] - means).sum(axis=2))
    part = lambda rows: Features(everything.features[rows], everything.logits[rows])
    reference = Reference.build(
        part(np.arange(1000)), labels[:1000], part(np.arange(1000, 1500)), labels[1000:1500], 100
    )
    for seed in range(20):
        rows = 1500 + np.random.default_rng(seed).permutation(1500)[:256]
        found = examine(reference, part(rows), labels[rows])
        assert found.verdict == "ok"
        assert sum(row["variance_ratio"] is not None for row in found.per_class) < 5  # 2 or 3 images a class
    one_each = np.array([np.flatnonzero(labels == c)[-1] for c in range(100)])[np.arange(256) % 100]
    assert examine(reference, part(one_each), labels[one_each]).verdict != "ok"


def test_one_class_has_no_label_indicators(data):
    digit = data.fresh_labels == 3
    one = np.zeros(1000, np.int64)
    fake = data.look(data.fresh[digit])
    reference = Reference.build(
        data.look(data.train[data.train_labels == 3]),
        one[: (data.train_labels == 3).sum()],
        data.look(data.held[:0]),
        one[:0],
        1,
    )
    found = examine(reference, fake, one[: len(fake.features)])
    assert found.verdict == "ok" and {"agreement", "class_shares", "z_sensitivity", "d_overfit"} <= set(found.absent)
    same = Features(np.repeat(fake.features[:1], 64, axis=0), np.repeat(fake.logits[:1], 64, axis=0))
    assert examine(reference, same, None).verdict == "red"


def test_without_held_out_images_or_a_classifier_what_is_left_still_alarms(data):
    foreign = lambda images: Features(data.look(images).features, np.zeros((len(images), 1000), np.float32))
    none = np.empty(0, np.int64)
    for look in (data.look, foreign):
        reference = Reference.build(look(data.train), data.train_labels, look(data.held[:0]), none, 10)
        y = data.fresh_labels[:256]
        healthy = examine(reference, look(data.fresh[:256]), y)
        assert healthy.verdict == "ok" and {"agreement", "class_shares"} <= set(healthy.absent)
        rows = draw(data.fresh, data.fresh_labels, np.arange(10), np.random.default_rng(0))[y]
        assert examine(reference, look(data.fresh[rows]), y).verdict == "red"


def test_the_share_of_the_noise_is_a_share_of_variance():
    rng = np.random.default_rng(0)
    y = np.arange(400) % 4
    label, noise = rng.normal(size=(4, 5, 5, 1))[y] * 30, rng.normal(size=(400, 5, 5, 1)) * 30
    pixels = lambda x: np.clip(x + 128, 0, 255).astype(np.uint8)
    between = np.var(label, axis=0, ddof=0).sum()
    assert z_sensitivity(pixels(label + noise), y) == pytest.approx(25 * 900 / (25 * 900 + between), rel=0.1)
    assert z_sensitivity(pixels(label), y) == 0
    assert z_sensitivity(pixels(noise), y) == pytest.approx(1, abs=0.02)
    assert z_sensitivity(pixels(noise), np.zeros(400, int)) is None


def test_ratios_are_what_they_say():
    rng = np.random.default_rng(0)
    x, half = rng.normal(size=(1000, 8)), rng.normal(size=(1000, 8)) / 2
    labels = np.zeros(1000, np.int64)
    logits = np.zeros((1000, 1), np.float32)
    reference = Reference.build(
        Features(x, logits), labels, Features(rng.normal(size=(500, 8)), logits[:500]), labels[:500], 1
    )
    found = by_key(examine(reference, Features(half, logits), labels))
    assert found["variance_ratio"]["value"] == pytest.approx(0.25, rel=0.1)
    assert found["pairwise_ratio"]["value"] == pytest.approx(0.5, rel=0.05)
    same = by_key(examine(reference, Features(rng.normal(size=(1000, 8)), logits), labels))
    assert same["coverage_ratio"]["value"] == pytest.approx(1, abs=0.05)
    few = Reference.build(Features(x, logits), labels, Features(x[:0], logits[:0]), labels[:0], 1)
    assert by_key(examine(few, Features(rng.normal(size=(1000, 8)), logits), labels))["coverage_ratio"]["value"] == (
        pytest.approx(1, abs=0.05)  # the expected coverage of arXiv:2002.09797 stands in
    )
    assert near_duplicates(distances(x[[0, 1, 1, 1, 2]], x[[0, 1, 1, 1, 2]]), 1e-6) == (0.6, 3)


def test_verdicts_need_two_witnesses_and_levels_more_than_chance():
    assert set(FAMILIES) == set(INDICATORS) and SEVERITY == ("ok", "amber", "red")
    assert verdict_of({}) == "ok"
    assert verdict_of({"coverage_ratio": "amber"}) == "ok"
    assert verdict_of({"coverage_ratio": "red"}) == "amber"
    assert verdict_of({"coverage_ratio": "amber", "agreement": "amber"}) == "amber"
    assert verdict_of({"variance_ratio": "red", "pairwise_ratio": "red"}) == "amber"  # of one family
    assert verdict_of({"variance_ratio": "red", "coverage_ratio": "red"}) == "red"
    assert verdict_of({"agreement": "red"}, label_is_unused=True) == "red"
    assert [below(value, (0.6, 0.3), 0) for value in (0.7, 0.5, 0.2)] == ["ok", "amber", "red"]
    assert below(0.2, (0.6, 0.3), 0.01) == "ok"


def test_bad_input_is_refused(data, reference):
    fake = data.look(data.fresh[:64])
    with pytest.raises(UserError) as caught:
        examine(reference, Features(fake.features[:5], fake.logits[:5]), None)
    assert caught.value.code == "too_few_images"
    with pytest.raises(UserError) as caught:
        examine(reference, Features(fake.features * np.nan, fake.logits), None)
    assert caught.value.code == "bad_features"
    alike = Features(np.ones((64, 3)), np.zeros((64, 2)))
    with pytest.raises(UserError) as caught:
        Reference.build(alike, np.zeros(64, int), alike, np.zeros(64, int), 2)
    assert caught.value.code == "no_variety"
    with pytest.raises(UserError) as caught:
        Reference.build(Features(fake.features[:4], fake.logits[:4]), np.zeros(4, int), fake, np.zeros(64, int), 10)
    assert caught.value.code == "too_few_images"
