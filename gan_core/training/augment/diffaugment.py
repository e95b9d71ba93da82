"""DiffAugment (Zhao et al., arXiv:2006.10738): the same random transformations for real and fake, differentiable.

Departs from the paper: translation repeats the border, and cutout takes the color of the image's corner, not mid-grey, so that
a plain background stays plain.
"""

from collections.abc import Callable

import torch

from gan_core.training import global_batch
from gan_core.training.augment import ada


def color(x: torch.Tensor) -> torch.Tensor:
    """Brightness +-0.5, saturation x0..2 about the pixel's mean, contrast x0.5..1.5 about the image's mean; for each image."""
    draw = lambda: global_batch.rand(len(x), 1, 1, 1, device=x.device)
    x = x + (draw() - 0.5)
    mean = x.mean(1, keepdim=True)
    x = (x - mean) * (draw() * 2) + mean
    mean = x.mean([1, 2, 3], keepdim=True)
    return (x - mean) * (draw() + 0.5) + mean


def translation(x: torch.Tensor) -> torch.Tensor:
    """Shift each image by up to 1/8 of its side. Two gathers, so it has a second derivative (R1 and R2 need one).

    They work on [N, S, S, C], so that images in channels_last stay so.
    """
    n, _, side, _ = x.shape
    reach = side // 8
    shift = [global_batch.randint(0, 2 * reach + 1, n, 1, device=x.device) for _ in range(2)]
    rows, columns = ((torch.arange(side, device=x.device) + one - reach).clamp(0, side - 1) for one in shift)  # [N, S]
    last = x.permute(0, 2, 3, 1)
    moved = last.gather(1, rows[:, :, None, None].expand(last.shape))
    return moved.gather(2, columns[:, None, :, None].expand(last.shape)).permute(0, 3, 1, 2)


def cutout(x: torch.Tensor) -> torch.Tensor:
    """Replace a square of half the side by the color of the image's corner."""
    n, _, side, _ = x.shape
    corner = [global_batch.randint(-side // 4, side - side // 4, n, 1, device=x.device) for _ in range(2)]
    line = torch.arange(side, device=x.device)
    inside = lambda start: (line >= start) & (line < start + side // 2)  # [N, S]
    hole = (inside(corner[0])[:, :, None] & inside(corner[1])[:, None, :])[:, None]  # [N, 1, S, S]
    return torch.where(hole, x[:, :, :1, :1], x)


AUGMENTS: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], ...]] = {
    "none": (),
    "translation": (translation,),
    "color+translation": (color, translation),
    "color+translation+cutout": (color, translation, cutout),
    "ada": (ada.pipe,),  # with p = 1; training uses the adaptive p, see step.augmented
}


def augment(name: str, x: torch.Tensor) -> torch.Tensor:
    """images [N, C, S, S] in [-1, 1] -> the same shape; each image gets its own random numbers."""
    for change in AUGMENTS[name]:
        x = change(x)
    return x
