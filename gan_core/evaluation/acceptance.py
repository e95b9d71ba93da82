"""Is one generated image good enough beside the real ones of its class? Asked image by image, while they are drawn.

check     an image is refused where
label     the dataset's classifier sees another class, and in the class asked for it believes less than in all but a fifth of
          the held-out images of that class: what it confuses in real images it does not refuse in drawn ones
realism   it lies further from the real images of its class than all but 1 % of held-out real ones do: realism of
          arXiv:1904.06991, section 5, in that classifier's features
copy      it is a near copy of a training image of its class, mirrored or not, by the lines of closeness.py
twin      it lies closer to one of the images kept last (WINDOW, or as many as there are real ones) than all but 1 % of new real
          images would, were there so many to come close to: the more there are, the closer by chance, see twin_limit
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gan_core.errors import Stopped
from gan_core.evaluation.classifier import FEATURES, Classifier
from gan_core.evaluation.features.extractors import Features
from gan_core.evaluation.near_copies import (
    COPY_PERCENTILE,
    NEXT_TIMES,
    TRAIN_SAMPLE,
    in_pixels,
    mirrored,
    pixel_side,
    two_nearest,
)
from gan_core.evaluation.neighbors import distance_blocks, few_nearest, radii

NEIGHBOURS = 3  # k of the realism score
REALISM_PERCENTILE = 1.0
LABEL_PERCENTILE = 20.0
LEAST_POWER = (
    0.5  # of the held-out images of other classes, refused by the line of a class: else its label is not judged
)
LEAST_RECALL = 0.5  # of a class with too few held-out images for a line
LEAST_FOR_LINE = 20  # real images of a class that a line is taken from; with fewer only what is all but equal is a copy
MOST_IMAGES = 10_000  # training images of a class that are looked at
MOST_LOOKED = 2000  # of them by the classifier, for realism
WINDOW = 500  # images kept last, at least, that a new one is compared with


class Looked(NamedTuple):
    """refused [n]: '' or the check that refused; facts by name, numbers [n]: agreement, realism, nearest_distance, nearest_row."""

    refused: list[str]
    facts: dict[str, np.ndarray]


class Ground(NamedTuple):
    """What the training images of one class say. rows [n] of the training set; limit: distance of a near copy, 0 for none."""

    rows: np.ndarray
    pixels: np.ndarray  # float32 [n, D]
    squares: np.ndarray  # float32 [n], their squared lengths
    limit: float
    twin_limit: float
    features: np.ndarray  # float32 [m, F] of those with the smaller half of the radii
    radii: np.ndarray  # float32 [m]
    least_realism: float  # 0 for no line
    variance: float  # of all its features, or pixels where there is no classifier: the trace of their covariance


class Selection:
    """A judge of export/gate.py. images uint8 [N, S, S, C]; classifier: trained on them, None where labels and realism cannot be
    judged. checks: of label, realism, copy, twin.
    """

    def __init__(
        self,
        train_images: np.ndarray,
        train_labels: np.ndarray,
        held_images: np.ndarray,
        held_labels: np.ndarray,
        *,
        classifier: Classifier | None,
        checks: tuple[str, ...],
        seed: int = 0,
        should_stop: Callable[[], bool] = lambda: False,
    ):
        self.train_images, self.train_labels = train_images, np.asarray(train_labels)
        self.held_images, self.held_labels = held_images, np.asarray(held_labels)
        self.classifier, self.seed, self.should_stop = classifier, seed, should_stop
        known = {"copy", "twin"} if classifier is None else {"label", "realism", "copy", "twin"}
        self.checks = tuple(check for check in checks if check in known)
        self.lines = self.label_lines() if "label" in self.checks or "realism" in self.checks else {}
        self.unknown = frozenset(np.unique(self.train_labels).tolist()) - self.lines.keys()
        self.side = pixel_side(train_images)
        self.mirror = mirrored(self.side, train_images.shape[3])
        self.ground: Ground | None = None
        self.seen = np.empty((0, 0), np.float32)  # pixels of good images, a ring
        self.squares = np.empty(0, np.float32)  # their squared lengths
        self.count = self.kept = 0  # good images, and those of them that nobody took out
        self.realism_known: set[int] = set()
        self.label: int | None = None
        self.diversity: dict[int, float] = {}  # class -> variance of the kept images over that of the real ones
        self.moments: tuple[np.ndarray, float] = np.zeros(1), 0.0  # of what was kept: sum [F], sum of squares

    def label_lines(self) -> dict[int, float]:
        """class -> the belief below which an image is refused where another class is seen; classes that cannot be judged lack."""
        assert self.classifier is not None
        rows = np.random.default_rng(self.seed).permutation(len(self.held_labels))[:MOST_IMAGES]
        if not len(rows):
            return {}
        seen, belief = beliefs(self.look_at(self.held_images, np.sort(rows)).logits)
        labels, lines = self.held_labels[np.sort(rows)], dict[int, float]()
        for label in np.unique(self.train_labels).tolist():
            own, line = labels == label, 1.0
            if own.sum() >= LEAST_FOR_LINE:
                line = float(np.percentile(belief[own, label], LABEL_PERCENTILE))
            elif not own.any() or (seen[own] == label).mean() < LEAST_RECALL:
                continue
            refused = (seen[~own] != label) & (belief[~own, label] < line)
            if own.all() or refused.mean() >= LEAST_POWER:
                lines[label] = line
        return lines

    def begin(self, label: int) -> None:
        """Forget what was kept; look at the real images of a class, unless it is the class of last time."""
        if label != self.label:
            self.label, self.ground = label, self.look(label)
        window = max(WINDOW, len(self.ground.rows)) if self.ground and "twin" in self.checks else 0
        self.seen, self.squares = np.empty((window, len(self.mirror)), np.float32), np.empty(window, np.float32)
        self.count = 0
        self.kept, self.moments = 0, (np.zeros(1), 0.0)
        self.diversity.pop(label, None)

    def look(self, label: int) -> Ground:
        rng = np.random.default_rng([self.seed, label])
        rows = np.sort(rng.permutation(np.flatnonzero(self.train_labels == label))[:MOST_IMAGES])
        pixels = in_pixels(self.train_images[rows], self.side)
        limit = twins = 0.0
        if len(rows) > 2:
            some = np.sort(rng.permutation(len(rows))[:TRAIN_SAMPLE])
            near = two_nearest(pixels[some], pixels, some).distance
            limit = twins = float(np.median(near)) / 1000
            if len(rows) >= LEAST_FOR_LINE:
                limit = max(limit, float(np.percentile(near, COPY_PERCENTILE)))
                twins = max(twins, twin_limit(near, len(rows), max(WINDOW, len(rows))))
        features = (
            pixels
            if self.classifier is None
            else self.features(self.train_images, np.sort(rng.permutation(rows)[:MOST_LOOKED]))
        )
        variance = float(features.var(axis=0, dtype=np.float64).sum()) if len(rows) > 1 else 0.0
        empty = Ground(
            rows,
            pixels,
            np.square(pixels).sum(1),
            limit,
            twins,
            np.empty((0, 1), np.float32),
            np.empty(0, np.float32),
            0.0,
            variance,
        )
        if self.classifier is None or len(rows) <= NEIGHBOURS + 1 or label in self.unknown:
            return empty
        balls = radii(features, NEIGHBOURS, self.should_stop)
        if not balls.any():
            return empty
        small = balls <= np.median(balls)  # as the paper has it: a large ball is an outlier's and makes all realistic
        found = empty._replace(features=features[small], radii=balls[small])
        held = np.flatnonzero(self.held_labels == label)[:TRAIN_SAMPLE]
        if len(held) < LEAST_FOR_LINE:
            return found
        self.realism_known.add(label)
        usual = realism(self.features(self.held_images, held), found)
        return found._replace(least_realism=float(np.percentile(usual, REALISM_PERCENTILE)))

    def look_at(self, images: np.ndarray, rows: np.ndarray) -> Features:
        """Of images[rows], a thousand in memory at a time."""
        assert self.classifier is not None
        parts = [Features(np.empty((0, FEATURES), np.float32), np.empty((0, self.classifier.num_classes), np.float32))]
        for start in range(0, len(rows), 1000):
            if self.should_stop():
                raise Stopped
            parts.append(self.classifier.classify(np.asarray(images[rows[start : start + 1000]])))
        return Features(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def features(self, images: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self.look_at(images, rows).features

    def __call__(self, label: int, images: np.ndarray, skip: np.ndarray) -> Looked:
        """images uint8 [n, S, S, C] in the order they are drawn, skip bool [n]: taken out by a person."""
        assert self.ground is not None and label == self.label
        refused, facts = [""] * len(images), dict[str, np.ndarray]()

        def refuse(check: str, bad: np.ndarray) -> None:
            for row in np.flatnonzero(bad) if check in self.checks else ():
                refused[row] = refused[row] or check

        if self.classifier is not None:
            seen = self.classifier.classify(images)  # on the CPU: the same choice everywhere
            classes, belief = beliefs(seen.logits)
            facts["agreement"] = belief[:, label]
            if label not in self.unknown:
                refuse("label", (classes != label) & (belief[:, label] < self.lines[label]))
            if len(self.ground.features):
                facts["realism"] = realism(seen.features, self.ground)
                refuse("realism", facts["realism"] < self.ground.least_realism)
        pixels = in_pixels(images, self.side)
        features = pixels if self.classifier is None else seen.features
        if len(self.ground.rows) > 2:
            distance, second, row = self.nearest_real(pixels)
            facts["nearest_distance"], facts["nearest_row"] = distance, self.ground.rows[row]
            close = np.flatnonzero(distance <= self.ground.limit)
            if len(close):  # a twin among the training images is as close to a good image as the image it is a twin of
                own = two_nearest(self.ground.pixels[row[close]], self.ground.pixels, row[close]).distance
                alone = (distance[close] < NEXT_TIMES * second[close]) | (own <= self.ground.limit)
                bad = np.zeros(len(images), bool)
                bad[close[alone]] = True
                refuse("copy", bad)
        self.remember(pixels, refused)
        self.measure(label, features[[not reason and not out for reason, out in zip(refused, skip, strict=True)]])
        return Looked(refused, facts)

    def nearest_real(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """pixels [n, D] -> distance to the nearest training image of the class, to the next, and its place in Ground.rows.

        The image as it is or mirrored, whichever is closer.
        """
        assert self.ground is not None
        both = np.concatenate([pixels, pixels[:, self.mirror]])
        distances, rows = few_nearest(both, self.ground.pixels, self.ground.squares, 2)
        n = len(pixels)
        flipped = distances[n:, 0] < distances[:n, 0]
        pick = np.where(flipped, np.arange(n) + n, np.arange(n))
        return distances[pick, 0], distances[pick, 1], rows[pick, 0]

    def measure(self, label: int, features: np.ndarray) -> None:
        """Count features [n, F] of kept images into the class's diversity."""
        assert self.ground is not None
        features = features.astype(np.float64)
        self.moments = self.moments[0] + features.sum(axis=0), self.moments[1] + float(np.square(features).sum())
        self.kept += len(features)
        if self.kept > 1 and self.ground.variance > 0:
            spread = self.moments[1] / self.kept - float(np.square(self.moments[0] / self.kept).sum())
            self.diversity[label] = max(0.0, spread) / self.ground.variance

    def remember(self, pixels: np.ndarray, refused: list[str]) -> None:
        """Refuse twins of good images, also of those that a person took out; remember the rest."""
        assert self.ground is not None
        if not len(self.seen):
            return
        good = np.array([row for row in range(len(pixels)) if not refused[row]], np.int64)
        nearest = np.full(len(pixels), np.inf)
        if len(good) and self.count:
            there = min(self.count, len(self.seen))
            nearest[good] = few_nearest(pixels[good], self.seen[:there], self.squares[:there], 1)[0][:, 0]
        new: list[int] = []
        for row in good.tolist():
            apart = np.linalg.norm(pixels[new] - pixels[row], axis=1).min() if new else np.inf
            if min(nearest[row], apart) <= self.ground.twin_limit:
                refused[row] = "twin"
            else:
                new.append(row)
        places = (self.count + np.arange(len(new))) % len(self.seen)
        self.seen[places], self.squares[places] = pixels[new], np.square(pixels[new]).sum(1)
        self.count += len(new)


def beliefs(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """logits [n, K] -> the class seen [n], and the share of belief in each class [n, K]."""
    chances = np.exp(logits - logits.max(1, keepdims=True))
    return logits.argmax(1), chances / chances.sum(1, keepdims=True)


def twin_limit(near: np.ndarray, n: int, window: int) -> float:
    """The distance that COPY_PERCENTILE of images come to the nearest of `window` others. near: that of n images to theirs.

    Nearest distances follow a Weibull law where points fill a space evenly (a pair is as close as d with a chance that goes by
    a power of d); its power is read off the 10th and 50th percentile, which few images already tell.
    """
    low, middle = np.percentile(near, [10, 50])
    if low <= 0:
        return 0.0
    hazard = -np.log1p(-np.array([0.1, 0.5, COPY_PERCENTILE / 100]))
    power = np.log(hazard[1] / hazard[0]) / max(np.log(middle / low), 1e-3)
    return float(low * (hazard[2] * n / window / hazard[0]) ** (1 / max(power, 1.0)))


def realism(features: np.ndarray, ground: Ground) -> np.ndarray:
    """features [n, F] -> [n]: the largest of radius / distance over the real balls; 1 or more is inside one."""
    found = np.zeros(len(features))
    for block in distance_blocks(features, ground.features):
        ratio = ground.radii[block.base] / np.maximum(block.distances, 1e-9)
        found[block.queries] = np.maximum(found[block.queries], ratio.max(1))
    return found
