"""Padding that an import added is cut off again: exactly for real images, by its colour for drawn ones."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_core.data.dataset import ImageSet
from gan_core.data.decode import fit_square
from gan_core.errors import UserError
from gan_core.export.contents import Group
from gan_core.export.fill.classical import Classical
from gan_core.export.unpad import Unpad, trimmed
from gan_core.requests import Policy


def padded(width: int, height: int, seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 200, (height, width, 3)).astype(np.uint8)
    return np.asarray(fit_square(Image.fromarray(pixels), 32, "pad"))


@pytest.fixture
def unpad(tmp_path):
    sizes = [(64, 32), (32, 64), (50, 49), (40, 40), (400, 4)]
    images = np.stack([padded(*size, seed) for seed, size in enumerate(sizes)])
    train = ImageSet(images[:4], np.array([0, 0, 0, 1]), ["a", "b"])
    test = ImageSet(images[4:], np.array([1]), ["a", "b"])
    lines = [
        {"split": "train" if row < 4 else "test", "row": row % 4, "width": width, "height": height}
        for row, (width, height) in enumerate(sizes)
    ]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    makers = {"classical": Classical(train, 0, Policy())}
    return Unpad(tmp_path, {"train": train, "test": test}, "white", makers), train, test


def test_without_a_list_of_its_images_a_dataset_knows_no_shapes(unpad, tmp_path):
    _, train, test = unpad
    (tmp_path / "items.jsonl").unlink()
    with pytest.raises(UserError) as refused:
        Unpad(tmp_path, {"train": train, "test": test}, "white", {})
    assert refused.value.code == "unknown_shapes"


def test_a_real_image_gets_the_shape_that_it_came_with(unpad):
    cut, train, test = unpad
    shapes = [cut(Group("train", 0, "real", 3), number, train.images[number]).shape[:2] for number in range(3)]
    assert shapes == [(16, 32), (32, 16), (31, 32)]
    assert cut(Group("train", 1, "real", 1), 0, train.images[3]).shape[:2] == (32, 32)
    thin = cut(Group("test", 1, "real", 1), 0, test.images[0])
    assert thin.shape[:2] == (1, 32) and (thin < 255).all()


def test_a_drawn_image_is_cut_where_both_sides_are_background(unpad):
    cut, train, _ = unpad
    noise = np.random.default_rng(9).integers(0, 8, (32, 32, 3)).astype(np.uint8)
    drawn = lambda row: cut(Group("train", 0, "gan", 1), 0, train.images[row] - noise * (train.images[row] == 255))
    assert [drawn(row).shape[:2] for row in range(2)] == [(16, 32), (32, 16)]
    assert drawn(3).shape[:2] == (32, 32)
    white = np.array([255, 255, 255])
    nearly_empty = np.full((32, 32, 3), 255, np.uint8)
    nearly_empty[15:17] = 0
    assert trimmed(nearly_empty, white, 1.0, 0.5).shape[:2] == (16, 32)  # no flatter than a real one is
    assert trimmed(train.images[0], white, 1.0, 1.0).shape[:2] == (32, 32)  # where no real image was padded none is cut
    one_side = train.images[3].copy()
    one_side[:10] = 255
    assert trimmed(one_side, white, 0.5, 0.5).shape[:2] == (32, 32)  # not padded: padding is on both sides


def test_a_changed_copy_gets_the_shape_of_what_it_is_a_copy_of(unpad):
    cut, train, _ = unpad
    copies = cut.makers["classical"]
    for number in range(4):
        real = cut(Group("train", 0, "real", 3), copies.source(0, number), train.images[copies.source(0, number)])
        assert cut(Group("train", 0, "classical", 4), number, copies.one(0, number)).shape == real.shape


def test_a_dataset_without_source_sizes_cannot_be_cut(unpad, tmp_path):
    _, train, test = unpad
    lines = (tmp_path / "items.jsonl").read_text().replace('"width"', '"w"')
    (tmp_path / "items.jsonl").write_text(lines)
    with pytest.raises(UserError, match="does not know the shapes"):
        Unpad(tmp_path, {"train": train, "test": test}, "white", {})
