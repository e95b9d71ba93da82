"""The size that a run of `quick` is trained at: the largest one for which its device and its minutes show enough images.

docs/recipes.md, under 'Training size', has what was measured: with too few images shown, half the size or less
gives better samples after the same minutes, since a step costs a half to a third and shapes are learnt from fewer pixels. A refiner
enlarges the samples.
"""

from gan_core.settings.run_time import CPU_SPEED
from gan_core.settings.schema import TrainConfig

LEAST_SIDE = 64  # px of a dataset that may be trained at a smaller size
SMALLEST, LARGEST_FACTOR = 16, 4
# Images to show at each size: four times as many for twice the side. At 32 px 34,000 were too few; the rest is not measured.
ENOUGH = {32: 400_000, 64: 1_600_000, 128: 6_400_000}


def training_size(size: int, *, gpu: bool, train_images: int, epochs: float, minutes: float | None) -> int:
    """px, or 0 for the dataset's size. A GPU always trains at the dataset's size."""
    if gpu or size < LEAST_SIDE:
        return 0
    for side in (size, size // 2):
        shown = epochs * train_images
        if minutes is not None:
            shown = min(shown, minutes * 60 * CPU_SPEED[side])
        if shown >= ENOUGH.get(side, ENOUGH[128]):
            return 0 if side == size else side
    return max(SMALLEST, size // LARGEST_FACTOR)


def sentence(config: TrainConfig, size: int) -> str:
    """What size is trained and why, in a sentence; '' where it is the dataset's."""
    if not config.train_size:
        return ""
    return (
        f"G and D are trained at {config.train_size} px, where a step is several times faster than at {size} px, and a refiner "
        f"enlarges the images to {size} px: on a CPU this gives clearer images in the same time."
    )
