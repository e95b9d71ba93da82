"""The cache of features: one look per content, whatever is torn, damaged, raced for or too large."""

import multiprocessing
import os
import time

import numpy as np
import pytest
import torch
from torch import nn

from gan_core.errors import Stopped, UserError
from gan_core.evaluation.features.cache import FeatureCache, content_key
from gan_core.evaluation.features.extractors import Extractor


class Counting(nn.Module):
    """Features are means of the image's quarters; counts the images it was shown."""

    def __init__(self, spoil: float = 0.0):
        super().__init__()
        self.images, self.spoil = 0, spoil

    def forward(self, pixels):
        self.images += len(pixels)
        x = nn.functional.adaptive_avg_pool2d(pixels.float(), 2).flatten(1)
        return x + self.spoil, x[:, :5]


def extractor(spoil: float = 0.0, **changes) -> Extractor:
    facts = {"name": "counting", "title": "Counting", "resize": "none", "weights_hash": "0123abcd", **changes}
    return Extractor(network=Counting(spoil), **facts)


def pictures(n: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8, channels), dtype=np.uint8)


def test_the_second_look_is_from_disk_and_the_same(tmp_path):
    cache, network, images = FeatureCache(tmp_path / "c"), extractor(), pictures(70)
    first, second = cache.get(network, images), FeatureCache(tmp_path / "c").get(network, images)
    assert network.network.images == 70
    straight = network.extract(images)
    for a, b, c in zip(first, second, straight, strict=True):
        assert isinstance(a, np.memmap) and isinstance(b, np.memmap)
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
        assert not b.flags.writeable and b.dtype == np.float32
    assert first.features.shape == (70, 12) and first.logits.shape == (70, 5)


def test_rows_are_content_not_numbers(tmp_path):
    cache, network, images = FeatureCache(tmp_path), extractor(), pictures(30)
    chosen = cache.get(network, images, rows=np.array([4, 2]))
    np.testing.assert_array_equal(chosen.features, network.extract(images[[4, 2]]).features)
    seen = network.network.images
    cache.get(network, images[[4, 2]])
    cache.get(network, images[::-1], rows=np.array([25, 27]))
    assert network.network.images == seen


def test_whatever_features_depend_on_is_in_the_key():
    images, rows, network = pictures(6, channels=3), np.arange(6), extractor()
    other_pixel = images.copy()
    other_pixel[5, 7, 7, 2] ^= 1
    keys = [
        content_key(network, images, rows),
        content_key(network, other_pixel, rows),
        content_key(network, images, rows[::-1]),
        content_key(network, images, rows[:5]),
        content_key(network, images.reshape(6, 4, 16, 3), rows),
        content_key(extractor(name="other"), images, rows),
        content_key(extractor(weights_hash="ffffffff"), images, rows),
        content_key(extractor(resize="bilinear"), images, rows),
    ]
    assert len(set(keys)) == len(keys)
    assert content_key(network, images.copy(), rows) == keys[0]


@pytest.mark.parametrize("name", ["features.npy", "logits.npy", "json"])
@pytest.mark.parametrize("damage", ["gone", "empty", "short", "flipped"])
def test_a_damaged_entry_is_replaced(tmp_path, name, damage):
    cache, network, images = FeatureCache(tmp_path), extractor(), pictures(20)
    before = cache.get(network, images).features.copy()
    (path,) = tmp_path.glob(f"*.{name}")
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[-20] ^= 64
    path.unlink() if damage == "gone" else path.write_bytes(data[: {"empty": 0, "short": -30}.get(damage)])
    if name == "json" and damage == "flipped":
        path.write_text("[]")
    np.testing.assert_array_equal(cache.get(network, images).features, before)
    assert network.network.images == 40
    cache.get(network, images)
    assert network.network.images == 40, "the replacement holds"


def test_features_that_are_not_finite_are_not_kept(tmp_path):
    cache, network = FeatureCache(tmp_path), extractor(spoil=float("nan"))
    assert np.isnan(cache.get(network, pictures(3)).features).all()
    assert list(tmp_path.iterdir()) == []


def test_a_stop_or_an_error_leaves_nothing(tmp_path):
    looks = iter([False, False, True])  # once for the hash, then per batch
    with pytest.raises(Stopped):
        FeatureCache(tmp_path).get(extractor(), pictures(100), should_stop=lambda: next(looks))
    broken = extractor()
    broken.network.forward = lambda pixels: 1 / 0
    with pytest.raises(ZeroDivisionError):
        FeatureCache(tmp_path).get(broken, pictures(3))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError) as nothing:
        FeatureCache(tmp_path).get(extractor(), pictures(0))
    assert nothing.value.code == "too_few_images"


def test_progress_runs_to_1(tmp_path):
    told = []
    FeatureCache(tmp_path).get(extractor(), pictures(100), on_progress=lambda share, text: told.append((share, text)))
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[-1][0] == 1 and all(text for _, text in told)


def test_the_least_recently_used_go_first_and_the_newest_stays(tmp_path):
    network = extractor()
    entry = sum(
        path.stat().st_size for path in (FeatureCache(tmp_path).get(network, pictures(50, 9)), tmp_path)[1].iterdir()
    )
    for path in tmp_path.iterdir():
        path.unlink()
    cache = FeatureCache(tmp_path, budget_bytes=int(2.5 * entry))
    keys = [content_key(network, pictures(50, i), np.arange(50)) for i in range(4)]
    kept = lambda: [i for i, key in enumerate(keys) if cache.path(key, "json").exists()]

    def get(i: int, age: int) -> None:
        cache.get(network, pictures(50, i))
        for path in tmp_path.glob(f"{keys[i]}.*"):
            os.utime(path, (time.time() - age,) * 2)

    get(0, 300)
    get(1, 200)
    cache.get(network, pictures(50, 0))  # used again: 1 is now the older
    get(2, 100)
    assert kept() == [0, 2]
    mine = tmp_path / "mine.txt"
    mine.write_text("not the cache's")
    FeatureCache(tmp_path, budget_bytes=0).get(network, pictures(50, 3))
    assert kept() == [3] and mine.exists(), "an entry larger than the budget is still given"


def test_leftovers_of_dead_processes_are_swept_and_live_ones_left(tmp_path):
    dead, alive = (tmp_path / f"{c * 64}.features.npy.tmp-1-{c * 8}" for c in "ab")
    for path in (dead, alive):
        path.write_bytes(bytes(100))
    os.utime(dead, (time.time() - 7200,) * 2)
    FeatureCache(tmp_path, budget_bytes=0).get(extractor(), pictures(3))
    assert not dead.exists() and alive.exists()


def fill(folder, barrier):
    torch.set_num_threads(1)
    barrier.wait(30)
    for i in range(20):
        FeatureCache(folder, budget_bytes=4000).get(extractor(), pictures(30, i % 3))


def test_two_processes_may_fill_and_prune_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    processes = [context.Process(target=fill, args=(tmp_path, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert not list(tmp_path.glob("*.tmp-*"))
    network = extractor()
    np.testing.assert_array_equal(
        FeatureCache(tmp_path).get(network, pictures(30, 1)).features, network.extract(pictures(30, 1)).features
    )
