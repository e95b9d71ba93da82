"""ready_sets.py: the ready sets are what they say, and a failed download leaves nothing behind."""

import collections
import sys
import types
import urllib.error

import numpy as np
import pytest

from gan_core.data.dataset import DatasetInfo
from gan_core.data.dataset_files import write_items
from gan_core.data.ready_sets import (
    COLORS,
    RADII,
    READY_SETS,
    SHAPES,
    demo_items,
    known_modes,
    shape_mode,
    shapes,
    stack_number,
    stacked_digits,
)
from gan_core.errors import UserError


def test_every_ready_set_is_described():
    assert set(READY_SETS) == {"digits", "shapes", "stacked-digits", "fashion-mnist", "mnist", "cifar10"}
    assert all(each.title and each.summary.endswith(".") and each.source for each in READY_SETS.values())
    assert [name for name, each in READY_SETS.items() if not each.needs_network] == [
        "digits",
        "shapes",
        "stacked-digits",
    ]


def test_shapes_are_a_pure_function_with_equal_modes():
    first, second = list(shapes(32, 40, seed=3)), list(shapes(32, 40, seed=3))
    assert all(a.name == b.name and a.image.tobytes() == b.image.tobytes() for a, b in zip(first, second, strict=True))
    modes = collections.Counter(shape_mode(item.name) for item in first)
    assert len(modes) == 24 and set(modes.values()) == {5}
    assert collections.Counter(item.class_name for item in first) == dict.fromkeys(SHAPES, 40)
    assert len({item.image.tobytes() for item in first}) == 120
    assert [i.image.tobytes() for i in shapes(32, 2, seed=4)] != [i.image.tobytes() for i in shapes(32, 2, seed=3)]


def test_a_shape_has_the_colour_size_and_form_in_its_name():
    for item in shapes(64, 8):
        shape, colour, extent, _ = item.name.split("-")
        pixels = np.asarray(item.image).astype(int)
        inked = np.abs(pixels - COLORS[colour]).sum(2) < 10
        assert inked.any() and not any(
            (np.abs(pixels - other).sum(2) < 10).any() for name, other in COLORS.items() if name != colour
        )
        circle = np.pi * (64 * RADII[extent]) ** 2
        assert 0.6 < inked.sum() / circle < 1.25
        rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
        assert min(rows[0], columns[0]) > 0 and max(rows[-1], columns[-1]) < 63  # never cut by the edge
        box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
        assert inked.sum() / box == pytest.approx({"circle": np.pi / 4, "square": 1, "triangle": 0.5}[shape], abs=0.12)


def test_digits_are_the_real_ones(tmp_path):
    items = list(demo_items("digits", 32, 0, tmp_path))
    assert len(items) == 1797 and {item.class_name for item in items} == set("0123456789")
    values = np.stack([np.asarray(item.image) for item in items])
    assert values.shape == (1797, 8, 8) and values.min() == 0 and values.max() == 255


def test_a_stack_shows_the_three_digits_in_its_name():
    items = list(stacked_digits(300, seed=3))
    again = list(stacked_digits(300, seed=3))
    assert all(a.name == b.name and a.image.tobytes() == b.image.tobytes() for a, b in zip(items, again, strict=True))
    assert [i.name for i in stacked_digits(20, seed=4)] != [i.name for i in items[:20]]
    originals = collections.defaultdict(set)
    for item in demo_items("digits", 32, 0, None):
        originals[item.class_name].add(np.asarray(item.image).tobytes())
    for item in items:
        pixels = np.asarray(item.image)
        assert pixels.shape == (8, 8, 3) and item.class_name == "stack" and not item.held_out
        for channel, digit in enumerate(stack_number(item.name)):
            assert np.ascontiguousarray(pixels[..., channel]).tobytes() in originals[digit]


def test_stacks_are_unique_names_of_about_all_thousand_numbers(tmp_path):
    names = [item.name for item in demo_items("stacked-digits", 32, 0, tmp_path)]
    assert len(set(names)) == 6000 and names[0].endswith("-0000")
    assert len({stack_number(name) for name in names}) > 985  # 6,000 draws of 1,000 miss 2.5 on average


def about(source):
    return DatasetInfo("x", 32, "RGB", "crop", ["stack"], [2], [1], source, 0, {}, [], [])


def test_the_known_modes_of_training_images_come_from_their_names(tmp_path):
    def write(*names):
        rows = [("train", name) for name in names[:-1]] + [("test", names[-1])]
        write_items(tmp_path, [{"split": split, "name": name} for split, name in rows])

    write("stack-472-0001", "stack-007-0002", "stack-999-0003")
    found = known_modes(tmp_path, about({"kind": "demo", "name": "stacked-digits"}))
    assert found.kind == "stacked-digits" and found.train.tolist() == [472, 7] and len(found.names) == 1000
    write("circle-red-small-0000", "triangle-yellow-large-0199", "square-red-small-0000")
    found = known_modes(tmp_path, about({"kind": "demo", "name": "shapes"}))
    assert [found.names[mode] for mode in found.train] == ["circle-red-small", "triangle-yellow-large"]
    assert len(set(found.names)) == 24
    assert known_modes(tmp_path, about({"kind": "zip", "name": "shapes"})) is None
    assert known_modes(tmp_path, about({"kind": "demo", "name": "digits"})) is None


def test_an_unknown_set_is_refused(tmp_path):
    with pytest.raises(UserError) as caught:
        demo_items("imagenet", 32, 0, tmp_path)
    assert caught.value.code == "unknown_ready_set"


def fake_torchvision(monkeypatch, source):
    module = types.ModuleType("torchvision")
    module.datasets = types.ModuleType("torchvision.datasets")
    module.datasets.MNIST = source
    monkeypatch.setitem(sys.modules, "torchvision", module)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", module.datasets)


@pytest.mark.parametrize("error", [urllib.error.URLError("no route"), RuntimeError("Error downloading train-images")])
def test_without_network_nothing_half_is_left(tmp_path, monkeypatch, error):
    def source(root, train, download=False):
        root.mkdir()
        (root / "half").write_bytes(b"x")
        raise error

    fake_torchvision(monkeypatch, source)
    with pytest.raises(UserError) as caught:
        list(demo_items("mnist", 28, 0, tmp_path))
    assert caught.value.code == "no_network" and "zip" in caught.value.todo
    assert not list(tmp_path.iterdir())


def test_a_download_is_kept_and_its_test_part_held_out(tmp_path, monkeypatch):
    downloads = []

    def source(root, train, download=False):
        if download:
            downloads.append(train)
            root.mkdir(exist_ok=True)
        return types.SimpleNamespace(data=np.full((3, 28, 28), 9 + train, np.uint8), targets=[0, 1, 1], classes=[])

    fake_torchvision(monkeypatch, source)
    for _ in range(2):
        items = list(demo_items("mnist", 28, 0, tmp_path))
        assert [item.held_out for item in items] == [False] * 3 + [True] * 3
        assert [item.class_name for item in items[:3]] == ["0", "1", "1"]
    assert downloads == [True, False] and [path.name for path in tmp_path.iterdir()] == ["mnist"]
