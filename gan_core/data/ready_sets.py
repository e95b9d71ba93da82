"""Ready sets: datasets for trying the app without images of your own. Three need no network."""

import math
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from gan_core.data.dataset import DatasetInfo
from gan_core.data.dataset_files import read_items
from gan_core.errors import UserError


class ReadySet(NamedTuple):
    """title and summary are shown; source names licence and origin; needs_network: downloaded at the first use."""

    title: str
    summary: str
    source: str
    needs_network: bool


class DemoItem(NamedTuple):
    """One image, mode L or RGB. held_out: it belongs to the test split that the set's authors published."""

    class_name: str
    name: str
    image: Image.Image
    held_out: bool = False


READY_SETS = {
    "digits": ReadySet(
        "Handwritten digits",
        "1,797 real digits of 8 × 8 pixels in ten classes, trained in minutes.",
        "UCI Optical Recognition of Handwritten Digits, CC BY 4.0, as shipped with scikit-learn",
        False,
    ),
    "shapes": ReadySet(
        "Coloured shapes",
        "600 drawn circles, squares and triangles in 24 known modes, to watch for mode collapse.",
        "drawn by this program, no rights reserved",
        False,
    ),
    "stacked-digits": ReadySet(
        "Stacked digits",
        "6,000 images of three real digits in red, green and blue: 1,000 known modes in one class, to count lost modes.",
        "UCI Optical Recognition of Handwritten Digits, CC BY 4.0, as shipped with scikit-learn, stacked as in arXiv:1611.02163",
        False,
    ),
    "fashion-mnist": ReadySet(
        "Fashion-MNIST",
        "70,000 grey images of clothes in ten classes.",
        "Zalando Research, MIT licence, by torchvision",
        True,
    ),
    "mnist": ReadySet(
        "MNIST",
        "70,000 grey handwritten digits in ten classes.",
        "LeCun, Cortes and Burges, CC BY-SA 3.0, by torchvision",
        True,
    ),
    "cifar10": ReadySet(
        "CIFAR-10",
        "60,000 small colour photos in ten classes.",
        "Krizhevsky, University of Toronto, free for research, by torchvision",
        True,
    ),
}
TORCHVISION_NAMES = {"fashion-mnist": "FashionMNIST", "mnist": "MNIST", "cifar10": "CIFAR10"}

SHAPES = ("circle", "square", "triangle")
COLORS = {"red": (214, 39, 40), "green": (44, 160, 44), "blue": (31, 119, 180), "yellow": (240, 190, 30)}
RADII = {"small": 0.16, "large": 0.30}  # of the side of the image
JITTER = 0.09  # largest move of the centre, of the side
CANVAS_PIXELS = 512  # drawn this large, then shrunk: antialiased, and no two images land on the same pixels


def shape_mode(name: str) -> str:
    """The mode of an image of the set `shapes`, by its name: 'circle-red-small-0012' -> 'circle-red-small'."""
    return name.rsplit("-", 1)[0]


def stack_number(name: str) -> str:
    """The digits in an image of the set `stacked-digits`, red first, by its name: 'stack-472-0001' -> '472'."""
    return name.split("-")[1]


class KnownModes(NamedTuple):
    """The known modes of a ready set. kind: 'kinds' or 'stacked-digits'. train: index of the mode of each training image."""

    kind: str
    names: list[str]
    train: np.ndarray


def known_modes(folder: Path, info: DatasetInfo) -> KnownModes | None:
    """The mode of each training image of the dataset in `folder`, by the names in items.jsonl; None where they are not known."""
    if info.source.get("kind") != "demo" or info.source.get("name") not in ("shapes", "stacked-digits"):
        return None
    items = [item["name"] for item in read_items(folder) if item["split"] == "train"]
    if info.source["name"] == "stacked-digits":
        names = [f"{number:03d}" for number in range(1000)]
        return KnownModes("stacked-digits", names, np.array([int(stack_number(item)) for item in items]))
    names = [f"{shape}-{color}-{extent}" for shape in SHAPES for color in COLORS for extent in RADII]
    return KnownModes("kinds", names, np.array([names.index(shape_mode(item)) for item in items]))


def shapes(size: int, per_class: int = 200, seed: int = 0) -> Iterator[DemoItem]:
    """per_class images of size x size for each shape, their 8 combinations of colour and size in turn; a pure function."""
    generator = np.random.Generator(np.random.PCG64(seed))
    variants = [(color, extent) for color in COLORS for extent in RADII]
    for shape in SHAPES:
        for number in range(per_class):
            color, extent = variants[number % len(variants)]
            x, y = 0.5 + generator.uniform(-JITTER, JITTER, 2)
            image = _draw(shape, COLORS[color], x, y, RADII[extent] * generator.uniform(0.94, 1.06), size)
            yield DemoItem(shape, f"{shape}-{color}-{extent}-{number:04d}", image)


def demo_items(name: str, size: int, seed: int, cache: Path) -> Iterator[DemoItem]:
    """The images of a ready set, class after class or not. cache: an existing folder that keeps what is downloaded.

    Raises UserError: unknown_ready_set, no_network.
    """
    if name not in READY_SETS:
        raise UserError(
            "unknown_ready_set",
            f"There is no ready set called {name[:100]!r}.",
            f"Choose one of: {', '.join(READY_SETS)}.",
        )
    if name == "shapes":
        return shapes(size, seed=seed)
    if name == "stacked-digits":
        return stacked_digits(seed=seed)
    return _digits() if name == "digits" else _torchvision_items(name, cache)


def _digits() -> Iterator[DemoItem]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (values, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        image = Image.fromarray(np.rint(values * 255 / 16).astype(np.uint8))
        yield DemoItem(str(label), f"digit-{label}-{number:04d}", image)


def stacked_digits(count: int = 6000, seed: int = 0) -> Iterator[DemoItem]:
    """count images of 8 x 8: three random digits as R, G and B, every number from 000 to 999 as likely; a pure function."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    values = np.rint(digits.images * 255 / 16).astype(np.uint8)
    by_digit = [values[digits.target == digit] for digit in range(10)]
    generator = np.random.Generator(np.random.PCG64(seed))
    for number in range(count):
        shown = generator.integers(10, size=3)
        channels = [by_digit[digit][generator.integers(len(by_digit[digit]))] for digit in shown]
        name = f"stack-{''.join(map(str, shown))}-{number:04d}"
        yield DemoItem("stack", name, Image.fromarray(np.stack(channels, axis=2)))


def _torchvision_items(name: str, cache: Path) -> Iterator[DemoItem]:
    """A published set with its own test split. The download counts only once it is whole."""
    import torchvision.datasets

    source = getattr(torchvision.datasets, TORCHVISION_NAMES[name])
    if not (cache / name).is_dir():
        temporary = cache / f"{name}.tmp-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            source(temporary, train=True, download=True)
            source(temporary, train=False, download=True)
            os.replace(temporary, cache / name)
        except (OSError, RuntimeError) as error:  # torchvision has no type of its own for "no mirror answered"
            raise UserError(
                "no_network",
                f"{READY_SETS[name].title} could not be downloaded.",
                "Check the network connection, or upload a zip of class folders instead.",
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    for train in (True, False):
        dataset = source(cache / name, train=train)
        for number, (values, label) in enumerate(zip(dataset.data, dataset.targets, strict=True)):
            class_name = str(int(label)) if name == "mnist" else dataset.classes[int(label)]
            image = Image.fromarray(np.asarray(values))
            yield DemoItem(class_name, f"{'train' if train else 'test'}-{number:05d}", image, not train)


def _draw(shape: str, color: tuple[int, int, int], x: float, y: float, radius: float, size: int) -> Image.Image:
    """One antialiased shape on light grey. x, y and radius are fractions of the side."""
    factor = max(4, CANVAS_PIXELS // size)
    side = size * factor
    image = Image.new("RGB", (side, side), (236, 236, 236))
    pen, cx, cy, r = ImageDraw.Draw(image), x * side, y * side, radius * side
    if shape == "circle":
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=color)
    elif shape == "square":
        half = r * math.sqrt(math.pi) / 2  # the area of the circle
        pen.rectangle((cx - half, cy - half, cx + half, cy + half), fill=color)
    else:
        corners = [
            (cx + 1.4 * r * math.sin(turn), cy - 1.4 * r * math.cos(turn) + 0.35 * r)
            for turn in (0, 2 * math.pi / 3, 4 * math.pi / 3)
        ]
        pen.polygon(corners, fill=color)
    return image.reduce(factor)
