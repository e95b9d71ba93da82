"""modes.py: known modes are counted exactly, and garbage counts for none."""

import numpy as np
import pytest

from gan_core.data.ready_sets import shape_mode, shapes, stack_number, stacked_digits
from gan_core.errors import UserError
from gan_core.evaluation.mode_counting import (
    KnownModes,
    digit_classifier,
    labeled_mode_counter,
    stacked_digits_modes,
)


@pytest.fixture(scope="module")
def kinds():
    """(train images, their modes, fresh images, their modes, names)."""
    sets = []
    for seed, per_class in ((0, 160), (1, 80)):
        items = list(shapes(32, per_class, seed))
        sets.append((np.stack([np.asarray(item.image) for item in items]), [shape_mode(item.name) for item in items]))
    names = sorted(set(sets[0][1]))
    number = lambda modes: np.array([names.index(mode) for mode in modes])
    return sets[0][0], number(sets[0][1]), sets[1][0], number(sets[1][1]), names


def test_every_kind_of_shape_is_found_and_counted(kinds):
    train, modes, fresh, fresh_modes, names = kinds
    found = labeled_mode_counter(train, modes, names)(fresh)
    assert (found["found"], found["of"]) == (24, 24) and found["rejected"] <= 2
    assert found["kl"] == pytest.approx(0, abs=0.01)
    assert "24 of 24 known modes" in found["sentence"]
    few = labeled_mode_counter(train, modes, names)(fresh[fresh_modes < 22])
    assert few["found"] == 22 and names[22] in few["sentence"] and names[23] in few["sentence"]
    assert few["kl"] == pytest.approx(np.log(24 / 22), abs=0.02)


def test_a_collapsed_generator_has_the_kl_of_its_modes(kinds):
    train, modes, fresh, fresh_modes, names = kinds
    found = labeled_mode_counter(train, modes, names)(np.repeat(fresh[fresh_modes == 5][:1], 50, axis=0))
    assert found["found"] == 1 and found["counts"] == {names[5]: 50} and found["kl"] == pytest.approx(np.log(24))


@pytest.mark.slow
def test_slightly_noisy_shapes_count_and_garbage_does_not(kinds):
    train, modes, fresh, _, names = kinds
    rng = np.random.default_rng(0)
    noisy = np.clip(fresh + rng.normal(0, 6, fresh.shape), 0, 255).astype(np.uint8)
    assert labeled_mode_counter(train, modes, names)(noisy)["rejected"] <= 0.05 * len(noisy)
    garbage = {
        "noise": rng.integers(0, 256, fresh.shape, dtype=np.uint8),
        "black": np.zeros_like(fresh),
        "inverted": 255 - fresh,
        "two at once": np.minimum(fresh, rng.permutation(fresh)[:, ::-1]),
    }
    for name, images in garbage.items():
        found = labeled_mode_counter(train, modes, names)(images)
        assert found["rejected"] > 0.6 * len(images), (name, found["sentence"])
    black = labeled_mode_counter(train, modes, names)(garbage["black"])
    assert black["found"] == 0 and black["kl"] is None and "show none of them" in black["sentence"]


def test_known_modes_choose_their_way_of_counting(kinds):
    train, modes, fresh, _, names = kinds
    assert KnownModes("kinds", train, modes, names).count(fresh[:100]) == labeled_mode_counter(train, modes, names)(
        fresh[:100]
    )
    items = list(stacked_digits(1500))
    images = np.stack([np.asarray(item.image) for item in items])
    numbers = np.array([int(stack_number(item.name)) for item in items])
    fresh_items = list(stacked_digits(1000, seed=5))
    new = np.stack([np.asarray(item.image) for item in fresh_items])
    truth = np.array([int(stack_number(item.name)) for item in fresh_items])
    found = KnownModes("stacked-digits", images, numbers, [f"{n:03d}" for n in range(1000)]).count(new)
    assert found["of"] == 1000 and found["found"] == pytest.approx(len(set(truth)), abs=15)
    one = KnownModes("stacked-digits", images, numbers, []).count(new[:1].repeat(80, axis=0))
    assert one["found"] == 1 and one["kl"] == pytest.approx(np.log(1000))


def test_the_digit_classifier_reads_digits_it_has_not_seen():
    from sklearn.datasets import load_digits

    digits = load_digits()
    values = np.rint(digits.images * 255 / 16).astype(np.uint8)
    rng = np.random.default_rng(0)
    by = [np.flatnonzero(digits.target[:1200] == d) for d in range(10)]
    numbers = rng.integers(0, 1000, 1300)
    pick = lambda column: np.stack([values[rng.choice(by[d])] for d in column])
    stacks = np.stack([pick(numbers // 100), pick(numbers // 10 % 10), pick(numbers % 10)], axis=-1)
    classify = digit_classifier(stacks, numbers)
    assert (classify(values[1200:]) == digits.target[1200:]).mean() > 0.93


def test_stacks_are_counted_by_their_three_digits():
    images = np.zeros((3, 4, 4, 3), np.uint8)
    images[:, 0, 0] = [[4, 7, 2], [0, 0, 9], [4, 7, 2]]
    found = stacked_digits_modes(images, lambda channel: channel[:, 0, 0].astype(np.int64))
    assert found["counts"] == {"009": 1, "472": 2} and found["found"] == 2 and found["rejected"] == 0
    expected = 1 / 3 * np.log(1000 / 3) + 2 / 3 * np.log(2000 / 3)
    assert found["kl"] == pytest.approx(expected)


def test_a_kind_of_one_image_is_refused(kinds):
    train, modes, fresh, _, names = kinds
    keep = (modes != 3) | (np.cumsum(modes == 3) == 1)
    with pytest.raises(UserError) as caught:
        labeled_mode_counter(train[keep], modes[keep], names)(fresh)
    assert caught.value.code == "too_few_images"
