"""More images of a class without a network: real training images, slightly moved, turned, enlarged and relit.

With torchvision's transforms. All random numbers of an image come from (seed, class, number), so that the same request makes the
same pixels in any order. What leaves the frame on one side returns mirrored on the other, so that no corner is empty.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gan_core.data.dataset import ImageSet
from gan_core.errors import Stopped, UserError
from gan_core.requests import Policy

TURN_DEGREES, ZOOM, SHIFT = 10.0, 0.1, 1 / 14  # either way; SHIFT is a share of the side
LIGHT, CONTRAST, SATURATION = 0.15, 0.2, 0.2  # either way, of 1


class Classical:
    """A maker of contents.Contents: changed copies of the training images of a class, each image as often as any other."""

    def __init__(self, train: ImageSet, seed: int, policy: Policy, should_stop: Callable[[], bool] = lambda: False):
        self.train, self.seed, self.policy, self.should_stop = train, seed, policy, should_stop

    def __call__(self, label: int, count: int, start: int) -> np.ndarray:
        """Images start, start + 1, ... of an endless sequence, uint8 [count, H, W, C]. Raises UserError no_images, Stopped."""
        return np.stack([self.one(label, number) for number in range(start, start + count)])

    def source(self, label: int, number: int) -> int:
        """The row of the training set that image `number` is a changed copy of."""
        rows = self.train.rows_of_class[label]
        if not len(rows):
            name = self.train.classes[label]
            raise UserError("no_images", f"Class {name!r} has no training images to change.", "Leave this class out.")
        turn, place = divmod(number, len(rows))
        return int(np.random.default_rng([self.seed, label, turn]).permutation(rows)[place])

    def one(self, label: int, number: int) -> np.ndarray:
        if self.should_stop():
            raise Stopped
        image = np.asarray(self.train.images[self.source(label, number)])
        return changed_copy(image, np.random.default_rng([self.seed, label, number, 1]), self.policy)

    def entry(self, label: int, number: int) -> dict[str, Any]:
        """For the manifest: what is needed to make file `number` of a class again, counted from 0."""
        return {"index": number, "source_row": self.source(label, number)}


def changed_copy(image: np.ndarray, rng: np.random.Generator, policy: Policy) -> np.ndarray:
    """uint8 [H, W, C] -> the same shape."""
    import torch

    picture = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    return changed(picture, rng.uniform(-1, 1, 8), policy).permute(1, 2, 0).numpy()


def changed(picture: Any, draws: np.ndarray, policy: Policy) -> Any:
    """picture uint8 tensor [C, H, W] -> the same shape; draws: eight numbers in [-1, 1]."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2 import functional as F

    flip, turn, zoom, down, right, light, contrast, saturation = draws.tolist()
    side = picture.shape[-1]
    if policy.flips and flip < 0:
        picture = F.horizontal_flip(picture)
    margin = side // 4  # more than turn, zoom and shift together bring into the frame
    picture = F.pad(picture, [margin] * 4, padding_mode="reflect")
    picture = F.affine(
        picture,
        angle=TURN_DEGREES * turn if policy.turns else 0.0,
        translate=[SHIFT * side * right, SHIFT * side * down],
        scale=1 + ZOOM * zoom,
        shear=[0.0, 0.0],
        interpolation=InterpolationMode.BILINEAR,
    )
    picture = F.center_crop(picture, [side, side])
    if policy.light:
        picture = F.adjust_brightness(picture, 1 + LIGHT * light)
        picture = F.adjust_contrast(picture, 1 + CONTRAST * contrast)
        if picture.shape[0] == 3:
            picture = F.adjust_saturation(picture, 1 + SATURATION * saturation)
    return picture
