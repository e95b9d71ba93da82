"""DESIGNS: what the recipe `best` is on a dataset, by its size and number of training images; docs/recipes.md has the same table.

Each design starts from the recipe of a published method and is changed to what its paper has and the recipe, made for smaller
machines, has not. Budgets are images shown, in thousands (kimg, as in the papers): about what the papers call reasonable, not
where they stop improving. Patience ends a run that no longer gains. FastGAN and Projected GAN keep our layers
(`published_layers` off), which use the labels sooner: a class that is not drawn cannot be filled.
"""

import math
from typing import Any, NamedTuple

from gan_core.errors import UserError

BEST = "best"
PATIENCE = 5  # checks without gain
PHOTOGRAPHS, SMALL = (64, 128, 256), (28, 32)  # px
A_FEW, SOME_THOUSAND, MANY = 300, 3_000, 20_000  # training images
# The networks and ADA of stylegan2-ada-pytorch (arXiv:2006.06676): `width` 512 has paper256's channels, 256 half of them. z is not
# normalised, which alone departs: truncation, which an export uses, would have no effect.
STYLEGAN2: dict[str, Any] = {
    **{"z_dim": 512, "condition": "mapped", "mapping_layers": 8, "image_border": "zero"},
    **{"ada_resampling": "wavelet"},
}


class Design(NamedTuple):
    """images: at least so many training images, and fewer than the second number. kimg: thousand images to show."""

    sizes: tuple[int, ...]  # px
    images: tuple[int, float]
    recipe: str
    kimg: int
    changes: dict[str, Any]


DESIGNS = (
    Design(PHOTOGRAPHS, (0, A_FEW), "fastgan", 400, {"width": 64, "margin_noise": 0.2}),
    Design(
        PHOTOGRAPHS,
        (A_FEW, SOME_THOUSAND),
        "projected",
        1_000,
        {"width": 64, "feature_size": 224, "augment": "color+translation+cutout"},
    ),
    Design((64,), (SOME_THOUSAND, MANY), "stylegan2-ada", 3_000, {**STYLEGAN2, "width": 256}),
    Design((128,), (SOME_THOUSAND, MANY), "stylegan2-ada", 5_000, {**STYLEGAN2, "width": 512}),
    Design((256,), (SOME_THOUSAND, MANY), "stylegan2-ada", 5_000, {**STYLEGAN2, "width": 512, "path_length": 2.0}),
    Design(
        SMALL,
        (0, MANY),
        "stylegan2-ada",
        5_000,
        {**STYLEGAN2, "width": 512, "mapping_layers": 2, "mixing": 0.0, "batch": 64, "ema_images": 500_000.0},
    ),
    Design((*SMALL, 64), (MANY, math.inf), "r3gan", 20_000, {}),
    Design((128, 256), (MANY, math.inf), "r3gan", 10_000, {}),
)


def design_of(size: int, train_images: int) -> Design:
    """The design for a dataset of that size in px. Raises UserError no_recipe where there is none."""
    for design in DESIGNS:
        if size in design.sizes and design.images[0] <= train_images < design.images[1]:
            return design
    raise UserError("no_recipe", f"No recipe draws {size} px yet.", "Import the images again at a smaller size.")


def shown(design: Design, train_images: int) -> float:
    """The budget in epochs."""
    return round(1000 * design.kimg / max(1, train_images), 2)
