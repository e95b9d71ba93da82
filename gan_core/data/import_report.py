"""The report of an import: duplicates and label conflicts, counts and sizes, notices, contact sheets."""

import collections
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gan_core.data.split_names import Split
from gan_core.text import and_more, count

FEW_IMAGES = 5  # training with labels refuses a class below this
SHEET_IMAGES, SHEET_COLUMNS, TILE_PIXELS, SHEET_GAP = 40, 10, 96, 3


class Record(NamedTuple):
    """One decoded image. position: of its pixels in the pixel file. channels: 1 where it is grey. sha256: of its source's bytes.

    animated: its file holds more frames or pages.
    """

    position: int
    label: int
    split: Split
    name: str
    sha256: str
    channels: int
    width: int
    height: int
    mode: str
    animated: bool = False


class Deduplicated(NamedTuple):
    """records without duplicates, in their old order. leaked: images of a given split that another one had too.

    conflicts: SHA-256 of images that lie in several classes.
    """

    records: list[Record]
    duplicates: int
    leaked: int
    conflicts: set[str]


def deduplicate(records: Sequence[Record]) -> Deduplicated:
    """Drop the same bytes within a class, and from train what is also in validation or test, from validation what is in test."""
    of: dict[Split, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for record in records:
        of[record.split].add(record.sha256)
    elsewhere = {"train": of["validation"] | of["test"], "validation": of["test"], "test": set[str]()}
    seen: set[tuple[int, str]] = set()
    first_label: dict[str, int] = {}
    conflicts: set[str] = set()
    kept, duplicates, leaked = [], 0, 0
    for record in records:
        label, sha256 = record.label, record.sha256
        if first_label.setdefault(sha256, label) != label:
            conflicts.add(sha256)
        if sha256 in elsewhere[record.split]:
            leaked += 1
        elif (label, sha256) in seen:
            duplicates += 1
        else:
            seen.add((label, sha256))
            kept.append(record)
    return Deduplicated(kept, duplicates, leaked, conflicts)


def health(
    records: Sequence[Record],
    classes: Sequence[str],
    *,
    duplicates: int,
    conflicts: int,
    ignored: int,
    rejected: int,
    channels: int,
) -> dict[str, Any]:
    """DatasetInfo.health. source_sizes: [width, height] in pixels, the statistics of each side on its own.

    channels: of the dataset; images of another number were converted.
    """
    counts = np.bincount([record.label for record in records], minlength=len(classes))
    sizes = np.array([(record.width, record.height) for record in records])
    modes = collections.Counter(record.mode for record in records)
    return {
        "images": len(records),
        "classes": {name: int(images) for name, images in zip(classes, counts, strict=True)},
        "source_sizes": {
            name: [int(side) for side in statistic(sizes, axis=0)]
            for name, statistic in (("min", np.min), ("median", np.median), ("max", np.max))
        },
        "source_modes": dict(sorted(modes.items())),
        "duplicates": duplicates,
        "conflicts": conflicts,
        "ignored": ignored,
        "rejected": rejected,
        "animations": sum(record.animated for record in records),
        "converted": sum(record.channels != channels for record in records),
        "imbalance": round(float(counts.max() / counts.min()), 2),
    }


def notices(records: Sequence[Record], classes: Sequence[str], size: int, conflicts: int, leaked: int) -> list[str]:
    """Sentences about what will matter later; none where all is well."""
    counts = collections.Counter(record.label for record in records)
    found = []
    if len(classes) == 1:
        found.append(f"Only one class ({classes[0]}): a network can learn it, but there is nothing to balance.")
    few = [f"{name} ({counts[label]})" for label, name in enumerate(classes) if counts[label] < FEW_IMAGES]
    if few:
        found.append(
            f"Fewer than {FEW_IMAGES} images in {and_more(few)}: training with labels refuses so small a "
            "class, so add images or remove the class."
        )
    small = sum(min(record.width, record.height) < size for record in records)
    if small:
        found.append(
            f"{small:,} of {len(records):,} images are smaller than {size} px and were enlarged, which "
            "makes them blurred; a smaller size fits them better."
        )
    if conflicts:
        found.append(
            f"Label conflict: {count(conflicts, 'image is', 'images are')} in more than one class; check which class is right."
        )
    if leaked:
        found.append(
            f"{count(leaked, 'image is', 'images are')} in two splits: test keeps {'it' if leaked == 1 else 'them'} before "
            "validation, and validation before train."
        )
    return found


def file_type_notices(records: Sequence[Record], mode: str, wanted: str) -> list[str]:
    """Sentences about animations, and about grey among coloured images. mode: L or RGB, as they were read; wanted: or auto."""
    found = []
    animations = sum(record.animated for record in records)
    if animations:
        found.append(
            f"{count(animations, 'file holds', 'files hold')} several frames or pages; the first one was taken."
        )
    grey = sum(record.channels == 1 for record in records)
    if 0 < grey < len(records):
        how = f"read {'in grey' if mode == 'L' else 'in colour'}{'' if wanted == 'auto' else ' as you chose'}"
        converted = len(records) - grey if mode == "L" else grey
        found.append(
            f"A mixture of {grey:,} grey and {len(records) - grey:,} coloured images: the dataset is {how}, and {converted:,} "
            f"{'was' if converted == 1 else 'were'} converted."
        )
    return found


def picks(images: int) -> list[int]:
    """Rows of the images that a contact sheet of so many images shows: up to 40, evenly picked."""
    return np.unique(np.linspace(0, images - 1, min(images, SHEET_IMAGES)).round().astype(int)).tolist()


def contact_sheet(images: np.ndarray) -> Image.Image:
    """Up to 40 of the images uint8 [N, H, W, C], evenly picked, ten in a row; small ones enlarged by a whole factor."""
    chosen = picks(len(images))
    size = images.shape[1]
    tile = size * max(1, round(TILE_PIXELS / size)) if size < TILE_PIXELS * 2 else TILE_PIXELS + TILE_PIXELS // 3
    step = tile + SHEET_GAP
    columns = min(SHEET_COLUMNS, len(chosen))
    sheet = Image.new("RGB", (columns * step - SHEET_GAP, -(-len(chosen) // SHEET_COLUMNS) * step - SHEET_GAP), "white")
    way = Image.Resampling.NEAREST if tile >= size else Image.Resampling.LANCZOS
    for place, row in enumerate(chosen):
        pixels = np.array(images[row])
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).resize((tile, tile), way)
        sheet.paste(picture, (place % SHEET_COLUMNS * step, place // SHEET_COLUMNS * step))
    return sheet


def write_contact_sheet(path: Path, images: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    contact_sheet(images).save(path, "WEBP", quality=90, method=1)
