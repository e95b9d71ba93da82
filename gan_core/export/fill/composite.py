"""More images of a class without a network: its objects, cut out, changed in scale, shape and rotation, on other backgrounds.

Cut and paste with soft edges, after Dwibedi et al., arXiv:1708.01642. All random numbers of an image come from (seed, class,
number), so that the same request makes the same pixels in any order.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from gan_core.data.dataset import ImageSet
from gan_core.dataset_health.foreground import alpha, background, without_seam
from gan_core.errors import Stopped
from gan_core.export.fill.classical import changed_copy
from gan_core.requests import Policy

SCALE, SHAPE, TURN_DEGREES = (0.92, 1.08), 0.1, 15.0
REACH = (
    0.06  # share of the side that an object may move either way: a classifier tested on real images expects it in place
)
INSIDE = 0.85  # share of the object that must stay in the frame
TRIES = 20  # places tried for an object, and images in which one is looked for
CACHED_BYTES = 64 << 20  # of cut-outs in memory
LEAST_CUT = 0.5  # share of sampled images of a class in which an object must be found


class Composite:
    """A maker of contents.Contents, for the classes that can() accepts."""

    def __init__(self, train: ImageSet, seed: int, policy: Policy, should_stop: Callable[[], bool] = lambda: False):
        self.train, self.seed, self.policy, self.should_stop = train, seed, policy, should_stop
        cached = max(64, CACHED_BYTES // (4 * train.images.shape[1] ** 2))
        self.found, self.empty = lru_cache(cached)(self.cut), set[int]()  # and rows in which no object was found
        self.made: dict[tuple[int, int], tuple[int, int | None]] = {}  # so that the manifest does not cut again

    def __call__(self, label: int, count: int, start: int) -> np.ndarray:
        """Images start, start + 1, ... of an endless sequence, uint8 [count, H, W, C]."""
        return np.stack([self.one(label, number) for number in range(start, start + count)])

    def alpha(self, row: int) -> np.ndarray | None:
        if row in self.empty:
            return None
        mask = self.found(row)
        if mask is None:
            self.empty.add(row)
        return mask

    def cut(self, row: int) -> np.ndarray | None:
        if self.should_stop():
            raise Stopped
        return alpha(np.asarray(self.train.images[row]))

    def can(self, label: int) -> bool:
        """Whether objects can be cut out of some images of a class. Raises Stopped."""
        some = np.random.default_rng([self.seed, label]).permutation(self.train.rows_of_class[label])[:TRIES]
        return sum(self.alpha(int(row)) is not None for row in some) > LEAST_CUT * len(some)

    def sources(self, label: int, number: int) -> tuple[int, int | None]:
        """(row of the object, row of the background) in the training set; no background where no object was found."""
        if (label, number) not in self.made:
            rng = np.random.default_rng([self.seed, label, number])
            first = lambda rows: next((int(row) for row in rows if self.alpha(int(row)) is not None), None)
            source = first(rng.choice(self.train.rows_of_class[label], TRIES))
            # The background is of the same class and its own object must be removable: a rest of it would contradict the label.
            background_row = first(rng.choice(self.train.rows_of_class[label], TRIES))
            if source is None:
                self.made[label, number] = int(rng.choice(self.train.rows_of_class[label])), None
            else:
                self.made[label, number] = source, source if background_row is None else background_row
        return self.made[label, number]

    def one(self, label: int, number: int) -> np.ndarray:
        source, background_row = self.sources(label, number)
        image, mask, rng = (
            np.asarray(self.train.images[source]),
            self.alpha(source),
            np.random.default_rng([self.seed, label, number, 1]),
        )
        if mask is None or background_row is None:  # no object found in TRIES images
            return changed_copy(image, rng, self.policy)
        ground = background(np.asarray(self.train.images[background_row]), self.alpha(background_row))
        return pasted(image, mask, ground, rng, self.policy)

    def entry(self, label: int, number: int) -> dict[str, Any]:
        source, background_row = self.sources(label, number)
        fallback = {"fallback": "a changed copy"} if background_row is None else {}
        return {"index": number, "source_row": source, "background_row": background_row, **fallback}


def pasted(
    image: np.ndarray, mask: np.ndarray, ground: np.ndarray, rng: np.random.Generator, policy: Policy
) -> np.ndarray:
    """The object of image on another background. image and ground uint8 [H, W, C]; mask float32 [H, W], 1 on the object."""
    import cv2

    side, turn = image.shape[0], TURN_DEGREES * rng.uniform(-1, 1) * policy.turns
    if policy.flips and rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    weight = mask.sum()
    center = np.array([(mask.sum(axis) * np.arange(side)).sum() / weight for axis in (0, 1)])  # x, y
    scale, shape = rng.uniform(*SCALE), 1 + SHAPE * rng.uniform(-1, 1)
    matrix = cv2.getRotationMatrix2D(tuple(map(float, center)), turn, 1.0)
    matrix[:, :2] = matrix[:, :2] @ np.diag([scale * shape, scale / shape])
    area = weight * scale**2
    for attempt in range(TRIES):
        free = 1 - attempt / (TRIES - 1)  # the last try leaves it in its place
        place = center + free * REACH * side * rng.uniform(-1, 1, 2)
        matrix[:, 2] = place - matrix[:, :2] @ center
        moved = cv2.warpAffine(np.ascontiguousarray(mask), matrix, (side, side), flags=cv2.INTER_LINEAR)
        if moved.sum() >= INSIDE * area:
            break
    clean = without_seam(image, mask)
    warped = cv2.warpAffine(
        np.ascontiguousarray(clean), matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).reshape(image.shape)
    share = moved[..., None]
    return np.rint(share * warped + (1 - share) * ground).astype(np.uint8)
