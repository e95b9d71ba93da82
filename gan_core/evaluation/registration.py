"""Registration: an image against training images over small shifts, zooms, mirroring, blur, brightness and contrast.

An image becomes blocks of pixel means inside its frame, less each channel's mean and over their length, so that gain and offset
do not count and the product of two images is their normalised cross-correlation. A view of it for each of ZOOMS and of a grid of
shifts is compared with the blocks of training images as they are, mirrored, slightly blurred, and both; the distance of the best
pair counts, from 0 to 2. That costs too much for every training image, so only CANDIDATES of them are compared, those whose
coarse features lie nearest: principal components of blurred blocks, of a few shifts of the image where it is and where its
content is centered.
"""

from typing import NamedTuple

import numpy as np

SIDE_BLOCKS = 16  # about so many blocks fit into an image's side
ZOOMS = (1.0, 0.95, 1.05)
LEAST_ZOOMED = 14  # px; a smaller image is compared at its own scale
SHIFTS = 5  # steps from one end of the reach to the other
COMPONENTS = 32
COMPONENT_IMAGES = 2000  # training images that the components are computed from
CANDIDATES = 16
FLAT_LEVELS = 2.0  # grey levels; images that vary less are not stretched
AT_ONCE = 32  # images in memory with all their views
MOST_VALUES = 30_000_000  # of the training set in single precision; a larger one is kept in half


class Found(NamedTuple):
    """The nearest training images of N images, nearest first: distance float64, row int64 and flipped bool [N, k]."""

    distance: np.ndarray
    row: np.ndarray
    flipped: np.ndarray


class Views:
    """The views of images of one size: linear maps from pixel rows to block rows, an entry of `maps` for each zoom.

    blocks: of a side of the frame. reach: the largest shift in px.
    """

    def __init__(self, size: int):
        zooms = ZOOMS if size >= LEAST_ZOOMED else ZOOMS[:1]
        self.size, step = size, max(1, round(size / SIDE_BLOCKS))
        self.reach = max(size // 32, min(2, size // 14))
        margin = self.reach + int(np.ceil(size / 2 * (max(zooms) - 1)))
        self.blocks = (size - 2 * margin) // step
        first = (size - self.blocks * step) // 2
        self.shifts = np.unique(np.linspace(-self.reach, self.reach, SHIFTS).round().astype(int))
        pixels = first + np.arange(self.blocks * step)
        middle = (size - 1) / 2
        places = [
            middle + (pixels + self.shifts[:, None] - middle) * zoom for zoom in zooms
        ]  # where a zoomed copy has them
        self.maps = [interpolation(place.clip(0, size - 1), size, step) for place in places]
        self.plain = len(self.shifts) // 2  # the shift by 0
        self.own_map = self.maps[0][self.plain * self.blocks :][: self.blocks]
        near = sorted({self.plain - 1, self.plain + 1} & set(range(len(self.shifts))))
        pairs = [(self.plain, self.plain), *((y, x) for y in near for x in near)]
        self.coarse = [y * len(self.shifts) + x for y, x in pairs]  # views that candidates are searched with
        line = np.arange(self.blocks)
        self.blur = (0.75 * np.eye(self.blocks)).astype(np.float32)  # a Gaussian of half a block
        for other in (line - 1, line + 1):
            np.add.at(self.blur, (line, other.clip(0, self.blocks - 1)), np.float32(0.125))

    def plain_view(self, images: np.ndarray) -> np.ndarray:
        """uint8 [n, S, S, C] -> float32 [n, D], as they are."""
        n, channels = len(images), images.shape[3]
        rows = np.matmul(self.own_map, images.astype(np.float32).reshape(n, self.size, -1))
        blocks = np.matmul(self.own_map, rows.reshape(n, self.blocks, self.size, channels))
        return normalized(blocks.reshape(n, -1, channels))

    def all_views(self, images: np.ndarray) -> np.ndarray:
        """uint8 [n, S, S, C] -> float32 [n, zooms x shifts x shifts, D]."""
        n, channels, shifts, blocks = len(images), images.shape[3], len(self.shifts), self.blocks
        pixels, found = images.astype(np.float32).reshape(n, self.size, -1), []
        for each in self.maps:
            rows = np.matmul(each, pixels).reshape(n, shifts * blocks, self.size, channels)
            both = np.matmul(each, rows).reshape(n, shifts, blocks, shifts, blocks, channels)
            found.append(both.transpose(0, 1, 3, 2, 4, 5).reshape(n, shifts * shifts, blocks * blocks, channels))
        return normalized(np.concatenate(found, axis=1))

    def mirrored(self, views: np.ndarray) -> np.ndarray:
        """Of views [..., D]."""
        split = views.reshape(*views.shape[:-1], self.blocks, self.blocks, -1)
        return split[..., ::-1, :].reshape(views.shape)

    def smoothed(self, views: np.ndarray) -> np.ndarray:
        """views [..., D] after a slight blur, a symmetric linear map."""
        split = views.reshape(*views.shape[:-1], self.blocks, self.blocks, -1)
        split = np.matmul(self.blur, split).reshape(*views.shape[:-1], self.blocks, -1)
        return np.matmul(self.blur, split).reshape(views.shape)


class Registration:
    """Training images uint8 [M, S, S, C] that other images are compared with; rows: of those that count, None for all."""

    def __init__(self, images: np.ndarray, rows: np.ndarray | None = None):
        self.images, self.rows = images, np.arange(len(images)) if rows is None else rows
        self.views = Views(images.shape[1])
        dimensions = self.views.blocks**2 * images.shape[3]
        exact = len(self.rows) * dimensions <= MOST_VALUES
        self.vectors = np.empty((len(self.rows), dimensions), np.float32 if exact else np.float16)
        for start in range(0, len(self.rows), AT_ONCE):
            some = self.views.plain_view(self.pixels(np.arange(start, min(start + AT_ONCE, len(self.rows)))))
            self.vectors[start : start + AT_ONCE] = some
        chosen = np.sort(np.random.default_rng(0).permutation(len(self.rows))[:COMPONENT_IMAGES])
        sample = self.views.smoothed(self.vectors[chosen].astype(np.float32))
        components = np.linalg.svd(sample, full_matrices=False)[2][:COMPONENTS]
        self.components = np.ascontiguousarray(
            self.views.smoothed(components).T
        )  # they blur what they are multiplied with
        self.coarse, self.centered = (np.empty((len(self.rows), len(components)), np.float32) for _ in range(2))
        for start in range(0, len(self.rows), AT_ONCE):
            these = slice(start, start + AT_ONCE)
            self.coarse[these] = self.project(self.vectors[these].astype(np.float32))
            pixels = self.pixels(np.arange(start, min(start + AT_ONCE, len(self.rows))))
            self.centered[these] = self.project(self.views.plain_view(centered(pixels, 0, 0)))

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(self.images[self.rows[rows]])

    def project(self, views: np.ndarray) -> np.ndarray:
        """views [..., D] -> coarse features [..., at most COMPONENTS] of length 1."""
        return of_length_1(views @ self.components)

    def nearest(self, images: np.ndarray, k: int, own: np.ndarray | None = None) -> Found:
        """The k <= CANDIDATES nearest training images of at most AT_ONCE images uint8 [n, S, S, C]; fewer where there are not k.

        own [n]: rows of training images that the images are, so that none is its own neighbor.
        """
        views = self.views.all_views(images)
        candidates = self.candidates(images, views[:, self.views.coarse], own)
        n, count = candidates.shape
        plain = self.vectors[candidates].astype(np.float32)  # [n, count, D]
        soft = of_length_1(self.views.smoothed(plain))
        kinds = np.stack([plain, self.views.mirrored(plain), soft, self.views.mirrored(soft)], axis=1)
        alike = np.matmul(views, kinds.reshape(n, 4 * count, -1).transpose(0, 2, 1)).reshape(n, len(views[0]), 4, count)
        best = alike.argmax(axis=1)  # the view of each kind and candidate
        kind = np.take_along_axis(alike, best[:, None], axis=1)[:, 0].argmax(axis=1)[:, None]  # [n, 1, count]
        view = np.take_along_axis(best, kind, axis=1)[:, 0]
        ours = np.take_along_axis(views, view[..., None], axis=1)
        theirs = np.take_along_axis(kinds, kind[..., None], axis=1)[:, 0]
        distance = np.linalg.norm(ours.astype(np.float64) - theirs, axis=2)
        order = np.lexsort((candidates, distance), axis=1)[:, :k]
        found = distance, candidates, kind[:, 0] % 2 == 1
        return Found(*(np.take_along_axis(values, order, axis=1) for values in found))

    def candidates(self, images: np.ndarray, views: np.ndarray, own: np.ndarray | None) -> np.ndarray:
        """Rows int64 [n, at most CANDIDATES], sorted. views [n, some, D]: of the images, that are searched where they are."""
        floors = [self.views.plain_view(centered(images, y, x)) for y in (0, 1) for x in (0, 1)]
        alike = np.maximum(self.most_alike(views, self.coarse), self.most_alike(np.stack(floors, 1), self.centered))
        if own is not None:
            alike[np.arange(len(images)), own] = -np.inf
        count = min(CANDIDATES, alike.shape[1] - (own is not None))
        if count == alike.shape[1]:
            return np.tile(np.arange(count), (len(images), 1))
        return np.sort(np.argpartition(-alike, count - 1, axis=1)[:, :count], axis=1)

    def most_alike(self, views: np.ndarray, base: np.ndarray) -> np.ndarray:
        """views [n, some, D], base [M, F] -> float32 [n, M]: the greatest product of coarse features over views and mirroring."""
        found = None
        for each in np.concatenate([views, self.views.mirrored(views)], axis=1).swapaxes(0, 1):
            products = self.project(each) @ base.T
            found = products if found is None else np.maximum(found, products, out=found)
        assert found is not None
        return found


def interpolation(places: np.ndarray, size: int, step: int) -> np.ndarray:
    """places [shifts, blocks * step]: where pixels come from -> float32 [shifts * blocks, size], means of `step` of them."""
    weights = np.maximum(0, 1 - np.abs(places[..., None] - np.arange(size)))
    return weights.reshape(-1, step, size).mean(axis=1).astype(np.float32)


def normalized(blocks: np.ndarray) -> np.ndarray:
    """blocks [..., pixels, channels] -> [..., D]: less the mean of each channel, and of length 1 unless flat."""
    blocks = blocks - blocks.mean(axis=-2, keepdims=True)
    blocks = blocks.reshape(*blocks.shape[:-2], -1)
    return of_length_1(blocks, FLAT_LEVELS * blocks.shape[-1] ** 0.5)


def of_length_1(vectors: np.ndarray, least: float = 1e-6) -> np.ndarray:
    """vectors [..., D] over their lengths, or over `least` where that is more."""
    lengths = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))
    return vectors / np.maximum(lengths, least)[..., None]


def centered(images: np.ndarray, up_y: int, up_x: int) -> np.ndarray:
    """uint8 [n, S, S, C] moved by whole pixels so that the centroid of what differs from the border lies in the middle.

    up_y, up_x: 0 rounds the centroid to the nearest pixel, 1 to the second nearest, since a small change may round otherwise.
    """
    n, size = images.shape[:2]
    grey = images.mean(axis=3, dtype=np.float32)
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    content = np.abs(grey - np.median(border, axis=1)[:, None, None])
    total, line = np.maximum(content.sum(axis=(1, 2)), 1e-6), np.arange(size)
    empty = total < FLAT_LEVELS
    moved = []
    for axis, up in ((2, up_y), (1, up_x)):
        place = np.where(empty, 0, content.sum(axis=axis) @ line / total - (size - 1) / 2)
        nearest = np.floor(place + 0.5)
        shift = nearest if not up else nearest + np.where(place >= nearest, 1, -1)
        moved.append((line + shift.astype(int)[:, None]).clip(0, size - 1))
    rows, columns = moved
    return images[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
