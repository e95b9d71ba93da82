"""The size that a run of `quick` is trained at: the largest one for which its device and its minutes show enough images.

docs/recipes.md, under 'Training size', has what was measured: with too few images shown, half the size or less
gives better samples after the same minutes, since a step costs a half to a third and shapes are learnt from fewer pixels. A refiner
enlarges the samples.
"""

from gan_core.settings.run_time import CPU_SPEED
from gan_core.settings.schema import TrainConfig

LEAST_SIDE = 64  # px of a dataset that may be trained at a smaller size
SMALLEST, LARGEST_FACTOR = 16, 8
# Images to show at each size: four times as many for twice the side. At 32 px 34,000 were too few; the rest is not measured.
ENOUGH = {32: 400_000, 64: 1_600_000, 128: 6_400_000}


def training_size(size: int, *, gpu: bool, train_images: int, epochs: float, minutes: float | None) -> int:
    """px, or 0 for the dataset's size. A GPU always trains at the dataset's size."""
    if gpu or size < LEAST_SIDE:
        return 0
    *larger, smallest = sides(size)
    paid = (side for side in larger if images_shown(side, train_images, epochs, minutes) >= enough(side))
    side = next(paid, smallest)
    return 0 if side == size else side


def sides(size: int) -> list[int]:
    """px: the sizes that a dataset of this size may be trained at, from its own to the smallest."""
    found = [size]
    while found[-1] > max(SMALLEST, size // LARGEST_FACTOR):
        found.append(found[-1] // 2)
    return found


def images_shown(side: int, train_images: int, epochs: float, minutes: float | None) -> float:
    """About how many images a run on a CPU shows at this side before its epochs or its minutes end it."""
    shown = epochs * train_images
    return shown if minutes is None else min(shown, minutes * 60 * CPU_SPEED[side])


def enough(side: int) -> int:
    return ENOUGH.get(side, ENOUGH[128])


def why(size: int, *, gpu: bool, train_images: int, epochs: float, minutes: float | None) -> str:
    """Why training_size() proposes its size, in a sentence."""
    proposed = training_size(size, gpu=gpu, train_images=train_images, epochs=epochs, minutes=minutes)
    if gpu:
        return "0 is proposed: a GPU trains at the dataset's size."
    if size < LEAST_SIDE:
        return f"0 is proposed: below {LEAST_SIDE} px a run is trained at the dataset's size."
    side, smallest = proposed or size, sides(size)[-1]
    measured = 2 * side if side == smallest else side  # the smallest one is for what the next has too few images
    shown = f"about {images_shown(measured, train_images, epochs, minutes):,.0f} images"
    if side == measured:
        return f"{proposed} is proposed: this run shows {shown} at {side} px, and {enough(side):,} are enough for that size."
    return f"{proposed} is proposed: this run would show {shown} at {measured} px, and {enough(measured):,} are needed there."


def sentence(config: TrainConfig, size: int) -> str:
    """What size is trained and why, in a sentence; '' where it is the dataset's."""
    if not config.train_size:
        return ""
    return (
        f"G and D are trained at {config.train_size} px, where a step is several times faster than at {size} px, and a refiner "
        f"enlarges the images to {size} px: on a CPU this gives clearer images in the same time."
    )
