"""ADA (Karras et al., arXiv:2006.06676): images are augmented before D sees them, more often the more D overfits.

p is the probability of each transformation, for each image. It rises while D overfits its training images, and falls otherwise.
Departs from the paper: bilinear resampling without the wavelet filter; gradient penalties are taken at the augmented image
(step.discriminate), as this resampling has no second derivative.
"""

import math

import torch
from torch.nn import functional as F

from gan_core.training import global_batch

STEPS = 4  # between two updates of p
IMAGES_TO_FULL = 500_000  # images in which p can go from 0 to 1
LEAKS_ABOVE = 0.8  # p; from about here on augmentations leak into the generated images
LEAK_IMAGES = 20_000  # shown in a row above it before the run says so

Chance = float | torch.Tensor


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
            memory[1:] = 0
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


def pipe(x: torch.Tensor, p: Chance = 1.0) -> torch.Tensor:
    """images [N, C, S, S] in [-1, 1] -> the same shape, a little beyond that range; flips, geometry, color.

    Each transformation is applied with probability p, drawn for each image. Differentiable once.
    """
    with torch.autocast(x.device.type, enabled=False):
        return color(geometry(x.float(), p), p)


def chosen(x: torch.Tensor, p: Chance, changed: torch.Tensor, neutral: torch.Tensor | float) -> torch.Tensor:
    """changed [N] with probability p for each image, else neutral."""
    return torch.where(global_batch.rand(len(x), device=x.device) < p, changed, neutral)


def geometry(x: torch.Tensor, p: Chance) -> torch.Tensor:
    """Mirror, quarter turns, whole-pixel shifts to 1/8, scale, rotation, stretch, shift; with reflection padding."""
    n, _, side, _ = x.shape
    device = x.device
    rand, randn = (lambda: global_batch.rand(n, device=device)), (lambda: global_batch.randn(n, device=device))
    pick = lambda changed, neutral, p=p: chosen(x, p, changed, neutral)
    rotation_p = 1 - (1 - p) ** 0.5  # rotated before the stretch or after it: p in all
    # Where a pixel of the result comes from, in [-1, 1]: the product of all changes, read from right to left.
    where = stretch(pick(torch.where(rand() < 0.5, -1.0, 1.0), 1.0), torch.ones_like(rand()))
    where = where @ rotation(pick((rand() * 4).floor() * (math.pi / 2), 0.0))
    pixels = lambda: ((rand() * 2 - 1) * (side / 8)).round() * (2 / side)
    where = where @ shift(pick(pixels(), 0.0), pick(pixels(), 0.0))
    scale = pick((0.2 * randn()).exp2(), 1.0)
    where = where @ stretch(scale, scale)
    where = where @ rotation(pick((rand() * 2 - 1) * math.pi, 0.0, rotation_p))
    scale = pick((0.2 * randn()).exp2(), 1.0)
    where = where @ stretch(scale, 1 / scale)
    where = where @ rotation(pick((rand() * 2 - 1) * math.pi, 0.0, rotation_p))
    where = where @ shift(pick(0.25 * randn(), 0.0), pick(0.25 * randn(), 0.0))  # 1/8 of the side, which is 2 long
    grid = F.affine_grid(where[:, :2], [n, 1, side, side], align_corners=False)
    moved = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    still = (where == torch.eye(3, device=device)).all(2).all(1)[:, None, None, None]
    return torch.where(still, x, moved)


def matrix(*entries: torch.Tensor) -> torch.Tensor:
    """Nine [N] -> [N, 3, 3]."""
    return torch.stack(entries, 1).view(-1, 3, 3)


def stretch(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return matrix(x, zero, zero, zero, y, zero, zero, zero, one)


def rotation(angle: torch.Tensor) -> torch.Tensor:
    zero, one, c, s = torch.zeros_like(angle), torch.ones_like(angle), angle.cos(), angle.sin()
    return matrix(c, -s, zero, s, c, zero, zero, zero, one)


def shift(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return matrix(one, zero, x, zero, one, y, zero, zero, one)


def color(x: torch.Tensor, p: Chance) -> torch.Tensor:
    """Brightness, contrast, mirrored luma, hue, saturation: one matrix and one offset for the colors of an image."""
    n, c = x.shape[:2]
    randn = lambda: global_batch.randn(n, device=x.device)
    pick = lambda changed, neutral: chosen(x, p, changed, neutral)[:, None, None]
    eye = torch.eye(3, device=x.device)
    luma = torch.full([3, 3], 1 / 3, device=x.device)  # projects a color on the greys
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]], device=x.device) / math.sqrt(3)
    offset = pick(0.2 * randn(), 0.0)
    contrast = pick((0.5 * randn()).exp2(), 1.0)
    flip = pick((global_batch.rand(n, device=x.device) < 0.5).float(), 0.0)
    hue = pick((global_batch.rand(n, device=x.device) * 2 - 1) * math.pi, 0.0)
    saturation = pick(randn().exp2(), 1.0)
    # About the axis of greys: grey does not change; other colors are rotated by the hue and scaled by the saturation.
    mixed = (1 - 2 * flip) * luma + saturation * (hue.cos() * (eye - luma) + hue.sin() * cross)
    mixed, offset = contrast * mixed, contrast * offset
    if c == 1:
        mixed = mixed.sum(2, keepdim=True).mean(1, keepdim=True)  # the effect on grey
    out = (mixed @ x.flatten(2) + offset).view_as(x)
    plain = (mixed == torch.eye(c, device=x.device)).all(2).all(1)[:, None, None, None] & (offset == 0)[..., None]
    return torch.where(plain, x, out)
