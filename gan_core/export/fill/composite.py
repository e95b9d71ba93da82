"""More images of a class without a network: its objects, cut out, changed in scale, shape and rotation, on other backgrounds.

As the clothing project wished for (cut and paste: Dwibedi et al., arXiv:1708.01642; soft edges against the pasted look). Every
number of an image comes from (seed, class, number) alone.
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
REACH = 0.06  # share of the side that an object may move either way: a classifier tested on real pictures expects them in place
INSIDE = 0.85  # share of the object that must stay in the frame
TRIES = 20  # places for an object, and pictures asked for one
CACHED_BYTES = 64 << 20  # of cut-outs that are kept
LEAST_CUT = 0.5  # of some of a class's pictures with an object; a class with less has none to cut


class Composite:
    """A maker of contents.Contents, for classes of which can() says so."""

    def __init__(self, train: ImageSet, seed: int, policy: Policy, should_stop: Callable[[], bool] = lambda: False):
        self.train, self.seed, self.policy, self.should_stop = train, seed, policy, should_stop
        cached = max(64, CACHED_BYTES // (4 * train.images.shape[1] ** 2))
        self.found, self.empty = lru_cache(cached)(self.cut), set[int]()  # and rows without an object
        self.made: dict[tuple[int, int], tuple[int, int | None]] = {}  # so that the manifest cuts nothing again

    def __call__(self, label: int, count: int, start: int) -> np.ndarray:
        """Images start, start + 1, ... of an endless row, uint8 [count, H, W, C]."""
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
            # Of its own class, and a picture whose own object can be taken out: what is left of one must not belie the label.
            behind = first(rng.choice(self.train.rows_of_class[label], TRIES))
            if source is None:
                self.made[label, number] = int(rng.choice(self.train.rows_of_class[label])), None
            else:
                self.made[label, number] = source, source if behind is None else behind
        return self.made[label, number]

    def one(self, label: int, number: int) -> np.ndarray:
        source, behind = self.sources(label, number)
        image, mask, rng = (
            np.asarray(self.train.images[source]),
            self.alpha(source),
            np.random.default_rng([self.seed, label, number, 1]),
        )
        if mask is None or behind is None:  # no luck in so many tries
            return changed_copy(image, rng, self.policy)
        ground = background(np.asarray(self.train.images[behind]), self.alpha(behind))
        return pasted(image, mask, ground, rng, self.policy)

    def entry(self, label: int, number: int) -> dict[str, Any]:
        source, behind = self.sources(label, number)
        fallback = {"fallback": "a changed copy"} if behind is None else {}
        return {"index": number, "source_row": source, "background_row": behind, **fallback}


def pasted(
    image: np.ndarray, mask: np.ndarray, ground: np.ndarray, rng: np.random.Generator, policy: Policy
) -> np.ndarray:
    """image and ground uint8 [H, W, C], mask float32 [H, W], 1 on the object."""
    import cv2

    side, turn = image.shape[0], TURN_DEGREES * rng.uniform(-1, 1) * policy.turns
    if policy.flips and rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    weight = mask.sum()
    centre = np.array([(mask.sum(axis) * np.arange(side)).sum() / weight for axis in (0, 1)])  # x, y
    scale, shape = rng.uniform(*SCALE), 1 + SHAPE * rng.uniform(-1, 1)
    matrix = cv2.getRotationMatrix2D(tuple(map(float, centre)), turn, 1.0)
    matrix[:, :2] = matrix[:, :2] @ np.diag([scale * shape, scale / shape])
    area = weight * scale**2
    for attempt in range(TRIES):
        free = 1 - attempt / (TRIES - 1)  # the last try leaves it in its place
        place = centre + free * REACH * side * rng.uniform(-1, 1, 2)
        matrix[:, 2] = place - matrix[:, :2] @ centre
        moved = cv2.warpAffine(np.ascontiguousarray(mask), matrix, (side, side), flags=cv2.INTER_LINEAR)
        if moved.sum() >= INSIDE * area:
            break
    clean = without_seam(image, mask)
    warped = cv2.warpAffine(
        np.ascontiguousarray(clean), matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).reshape(image.shape)
    share = moved[..., None]
    return np.rint(share * warped + (1 - share) * ground).astype(np.uint8)
