"""The images that passed the quality filter, on disk until the zip is written: how many there are decides what the zip holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.errors import UserError
from gan_core.export.quality_filter import ADVICE, BATCH_IMAGES, CHECKS, QualityFilter


class KeptImages:
    """A maker of contents.Contents. images uint8 [N, H, W, C], class by class; counts: images by class index."""

    def __init__(self, quality_filter: QualityFilter, images: np.ndarray, counts: list[int]):
        self.quality_filter, self.images, self.counts = quality_filter, images, counts
        self.starts = np.cumsum([0, *counts])

    def __call__(self, label: int, count: int, start: int) -> np.ndarray:
        first = int(self.starts[label]) + start
        return np.asarray(self.images[first : first + min(count, self.counts[label] - start)])

    def entry(self, label: int, number: int) -> dict[str, Any]:
        return self.quality_filter.entry(label, number)


def keep_images(
    quality_filter: QualityFilter,
    wanted: list[int],
    shape: tuple[int, ...],
    path: Path,
    on_progress: Callable[[float, str], None],
) -> KeptImages:
    """Draw until every class has its number of good images, or cannot get them. wanted: by class index; shape: of an image.

    path: a new file that gets the pixels. Raises UserError nothing_kept where no image of any class passes; Stopped.
    """
    counts: list[int] = []
    total = max(1, sum(wanted))
    with open(path, "xb") as file:
        for label, count in enumerate(wanted):
            done = 0
            while done < count:
                some = quality_filter(label, min(BATCH_IMAGES, count - done), done)
                if not len(some):
                    break
                file.write(np.ascontiguousarray(some).data)
                done += len(some)
                on_progress((sum(counts) + done) / total, f"Choosing images: {sum(counts) + done:,} of {total:,}")
            quality_filter.short[label] = count - done
            counts.append(done)
    if sum(wanted) and not sum(counts):
        raise nothing_kept(quality_filter)
    if not sum(counts):
        return KeptImages(quality_filter, np.empty((0, *shape), np.uint8), counts)
    return KeptImages(quality_filter, np.memmap(path, np.uint8, "r", shape=(sum(counts), *shape)), counts)


def nothing_kept(quality_filter: QualityFilter) -> UserError:
    """Why no image passed, by the check that refused most."""
    refused, reason = quality_filter.refused_in_all(), quality_filter.worst(list(quality_filter.refused))
    if reason == "copy":
        return UserError(
            "copies",
            "All drawn images that passed the other checks are near copies of training images.",
            "Train for a shorter time or with more augmentation; to export anyway, switch the check off (--no-gate).",
        )
    return UserError(
        "nothing_kept",
        f"No drawn image passed the checks: {refused[reason]:,} of {sum(refused.values()):,} are {CHECKS[reason]}.",
        f"{ADVICE[reason].capitalize()}, leave that check out, or fill the classes by another method.",
    )
