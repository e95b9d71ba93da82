"""How many planted copies of training images the one rule finds, and how many held-out real images it takes for copies.

    python benchmarks/near_copies.py --workspace workspace d… [d…] [--images 250] [--cost]

Each row plants so many training images of a dataset, changed in one way. --cost: seconds for an image, over those of a search for
the nearest shrunken pixels, mirrored too (the rule of version 0.1), alternated in one process with one thread.
"""

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from gan_core.data import dataset as dataset_folder
from gan_core.evaluation.near_copies import PixelSpace, TrainingSpace, in_pixels, mirrored, pixel_side
from gan_core.storage.workspace import Workspace

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # uint8 [S, S, C] -> the same


def shifted(image: np.ndarray, by: int, rng: np.random.Generator) -> np.ndarray:
    """By `by` px along at least one axis and at most that along the other; the border is repeated."""
    offset = rng.permutation([by * rng.choice([-1, 1]), rng.integers(-by, by + 1)])
    side = len(image)
    padded = np.pad(image, ((by, by), (by, by), (0, 0)), mode="edge")
    return padded[by + offset[0] :, by + offset[1] :][:side, :side]


def enlarged(image: np.ndarray, times: float) -> np.ndarray:
    """Around the middle, at the same size."""
    side, wide = len(image), 8
    padded = np.pad(image, ((wide, wide), (wide, wide), (0, 0)), mode="edge")
    first = wide + side / 2 * (1 - 1 / times)
    picture = Image.fromarray(padded[..., 0] if image.shape[2] == 1 else padded)
    found = picture.transform(
        (side, side), Image.Transform.AFFINE, (1 / times, 0, first, 0, 1 / times, first), Image.Resampling.BICUBIC
    )
    return np.asarray(found).reshape(image.shape)


def as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)).reshape(image.shape)


def rounded(values: np.ndarray) -> np.ndarray:
    return values.round().clip(0, 255).astype(np.uint8)


def blurred(image: np.ndarray, pixels: float) -> np.ndarray:
    return rounded(gaussian_filter(image.astype(float), (pixels, pixels, 0)))


CHANGES: dict[str, Change] = {
    "unchanged": lambda image, rng: image,
    "mirrored": lambda image, rng: image[:, ::-1],
    "shifted by 1 px": lambda image, rng: shifted(image, 1, rng),
    "shifted by 2 px": lambda image, rng: shifted(image, 2, rng),
    "enlarged by 5 %": lambda image, rng: enlarged(image, 1.05),
    "shrunk by 5 %": lambda image, rng: enlarged(image, 0.95),
    "blurred by 0.5 px": lambda image, rng: blurred(image, 0.5),
    "blurred by 1 px": lambda image, rng: blurred(image, 1.0),
    "brightened by 20 levels": lambda image, rng: rounded(image + 20.0),
    "brightened by 20 %": lambda image, rng: rounded(image * 1.2),
    "darkened by 30 %": lambda image, rng: rounded(image * 0.7),
    "noise of 10 levels": lambda image, rng: rounded(image + rng.normal(0, 10, image.shape)),
    "JPEG of quality 60": lambda image, rng: as_jpeg(image, 60),
    "mirrored, shifted by 1 px, brightened by 15 %": lambda image, rng: rounded(shifted(image[:, ::-1], 1, rng) * 1.15),
}


def rows_of(train: np.ndarray, held_out: np.ndarray, images: int) -> dict[str, float]:
    """Share of near copies, by kind of image."""
    rng, space = np.random.default_rng(0), PixelSpace(train)
    share = lambda some: float(space.copies(space.neighbors(some)).mean())
    chosen = train[np.sort(rng.permutation(len(train))[:images])]
    found = {name: share(np.stack([change(image, rng) for image in chosen])) for name, change in CHANGES.items()}
    return found | {f"held out ({len(held_out):,})": share(held_out)}


def cost(train: np.ndarray, some: np.ndarray, blocks: int = 7) -> float:
    """Median over blocks of seconds of the rule over those of the search in shrunken pixels."""
    side = pixel_side(train)
    before, now, ratios = TrainingSpace(in_pixels(train, side), mirrored(side, train.shape[3])), PixelSpace(train), []
    for block in range(blocks):
        images = some[block * 32 : (block + 1) * 32]
        start = time.process_time()
        before.neighbors(in_pixels(images, side))
        middle = time.process_time()
        now.neighbors(images)
        ratios.append((time.process_time() - middle) / (middle - start))
    return float(np.median(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--images", type=int, default=250)
    parser.add_argument("--cost", action="store_true")
    asked = parser.parse_args()
    for name in asked.datasets:
        folder = Workspace(asked.workspace).dataset(name)
        train = dataset_folder.load(folder, "train").images
        held_out = np.concatenate([dataset_folder.load(folder, split).images for split in ("validation", "test")])
        held_out = held_out[np.random.default_rng(1).permutation(len(held_out))[:2000]]
        print(f"\n{dataset_folder.read_info(folder).name}: {len(train):,} training images of {train.shape[1]} px\n")
        for kind, found in rows_of(np.asarray(train), held_out, asked.images).items():
            print(f"| {kind} | {100 * found:.1f} % |", flush=True)
        if asked.cost:
            print(f"| time for an image, times that of version 0.1 | {cost(np.asarray(train), held_out):.1f} |")


if __name__ == "__main__":
    main()
