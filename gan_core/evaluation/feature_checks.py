"""Checks before any score is computed: enough images, and finite features. All scores use these sentences."""

import numpy as np

from gan_core.errors import UserError

BLOCK_ROWS = 4096  # looked at together, so that a memory map of any length needs little memory


def check_features(real: np.ndarray, fake: np.ndarray, at_least: int) -> None:
    """UserError too_few_images or bad_features unless both sides [N, D] can be scored."""
    if min(len(real), len(fake)) < at_least:
        raise UserError(
            "too_few_images",
            f"This score needs at least {at_least} images on each side, and there are {len(real)} and {len(fake)}.",
            "Sample or import more images.",
        )
    if not (all_finite(real) and all_finite(fake)):
        raise UserError(
            "bad_features",
            "The features of some images are not finite numbers.",
            "Evaluate an earlier checkpoint: the images of this one may be broken.",
        )


def all_finite(values: np.ndarray) -> bool:
    """No NaN and no infinity in values [N, ...], read block by block."""
    return all(
        bool(np.isfinite(values[start : start + BLOCK_ROWS]).all()) for start in range(0, len(values), BLOCK_ROWS)
    )
