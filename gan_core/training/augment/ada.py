"""ADA (Karras et al., arXiv:2006.06676): images are augmented before D sees them, more often the more D overfits.

p is the probability of each transformation, for each image. It rises while D overfits its training images, and falls otherwise.
With the resampling "bilinear" it departs from the paper: images are not filtered, and gradient penalties are taken at the augmented
image (step.discriminate), as that resampling has no second derivative.
"""

import torch

from gan_core.models.precision import at_least_float32, full_precision
from gan_core.training import global_batch
from gan_core.training.augment.ada_color import color
from gan_core.training.augment.ada_corruption import cutout, frequency_bands, noise
from gan_core.training.augment.ada_geometry import bilinear, filtered
from gan_core.training.augment.luck import Chance

STEPS = 4  # between two updates of p
IMAGES_TO_FULL = 500_000  # images in which p can go from 0 to 1
LEAKS_ABOVE = 0.8  # p; from about here on augmentations leak into the generated images
LEAK_IMAGES = 20_000  # shown in a row above it before the run says so


def adapt(memory: torch.Tensor, margin: torch.Tensor, step: int, batch: int, target: float) -> torch.Tensor:
    """Count one step of D, and update p at every fourth one. Returns p without waiting for the device.

    memory [3]: p, sum of the mean signs, their count; updated in place. margin [N] or [N, K]: logits of reals, above 0 where D
    takes them for real. batch: images of all processes together.
    """
    with torch.no_grad():
        memory[1] += global_batch.all_reduce_mean(margin.float().sign().mean())
        memory[2] += 1
        if step % STEPS == STEPS - 1:
            direction = (memory[1] / memory[2] - target).sign()
            memory[0] = (memory[0] + direction * (batch * STEPS / IMAGES_TO_FULL)).clamp(0, 1)
            memory[1:].zero_()
    return memory[0].clone()


class LeakWatch:
    """Returns a notice once p has stayed where augmentations leak into generated images."""

    def __init__(self) -> None:
        self.since: int | None = None
        self.said = False

    def __call__(self, p: float | None, images_seen: int) -> str | None:
        """p is None where a run has no ADA."""
        if p is None or p <= LEAKS_ABOVE:
            self.since = None
            return None
        self.since = images_seen if self.since is None else self.since
        if self.said or images_seen - self.since < LEAK_IMAGES:
            return None
        self.said = True
        return (
            f"ADA augments nearly every image (p = {p:.2f}), so generated images may be turned, shifted or miscoloured too: "
            f"add training images, or choose a lower 'ADA target' or another augmentation."
        )


def pipe(x: torch.Tensor, p: Chance = 1.0, transforms: str = "bgc", resampling: str = "bilinear") -> torch.Tensor:
    """images [N, C, S, S] in [-1, 1] -> the same shape, a little beyond that range.

    Each transformation is applied with probability p, drawn for each image. transforms and resampling: see the settings
    ada_transforms and ada_resampling. Differentiable twice with the resampling "wavelet", once with "bilinear".
    """
    chosen = "b" if transforms == "blit" else transforms
    resample = filtered if resampling == "wavelet" else bilinear
    with full_precision(x):
        x = resample(at_least_float32(x), p, general="g" in chosen)
        for letter, change in (("c", color), ("f", frequency_bands), ("n", noise)):
            x = change(x, p) if letter in chosen else x
        return cutout(x, p) if chosen.endswith("nc") else x
