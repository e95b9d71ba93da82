"""Our own recipes; docs/recipes.md has what was tried and measured."""

from typing import Any

from gan_core.settings.recipes import published
from gan_core.settings.recipes.designs import BEST, PATIENCE, STYLEGAN2
from gan_core.settings.recipes.recipe import Recipe, settings

R3LITE = "R3GAN loss, arXiv:2501.05441, on DCGAN-sized networks; projection, arXiv:1802.05637"
# The lesson on mode collapse: the same networks with two losses, at fast rates and high momentum, where one of the two collapses.
LESSON: dict[str, Any] = {"lr_G": 2e-3, "lr_D": 2e-3, "beta1": 0.9, "ema_images": 500, "epochs": 60.0}
# `quick` where it is trained at a smaller size than that of the dataset, see training_size.py.
SMALL: dict[str, Any] = {"width": 64, "gamma": 0.4, "lr_G": 1e-3, "lr_D": 1e-3}

RECIPES: dict[str, Recipe] = {
    "quick": Recipe(
        title="Quick",
        sentence="Small networks with a loss that keeps variety: recognisable images in minutes on a laptop.",
        shortfall="Shapes and colours come early, but fine detail does not appear.",
        source=R3LITE,
        config=settings("quick", "r3lite", gamma=1.5, lr_G=5e-4, lr_D=5e-4, guide=True),
    ),
    "balanced": Recipe(
        title="Balanced",
        sentence="The networks of Quick, nearly three times as wide: for ten minutes and more on a GPU.",
        shortfall="On two CPU cores Quick gives better images in the same time.",
        source=R3LITE,
        config=settings("balanced", "r3lite", width=256, batch=128, lr_G=3e-4, lr_D=3e-4, guide=True, epochs=100.0),
    ),
    "best": Recipe(
        title="Best",
        sentence="The strongest published design for the size and number of your images: for an hour or more on a GPU.",
        shortfall="Needs a GPU; on a CPU it takes days to months. The settings are those of the papers and not measured by us.",
        source="FastGAN, Projected GAN, StyleGAN2 with ADA or R3GAN, by the table under 'Best'",
        config=published.RECIPES["stylegan2-ada"].config.model_copy(
            update={**STYLEGAN2, "recipe": BEST, "width": 256, "patience": PATIENCE}
        ),
    ),
    "few-shot": Recipe(
        title="Few images",
        sentence="For fewer than 500 images, or classes of fewer than 100: augmentation in D and label warm-up.",
        shortfall="A model of a hundred images has little variety: check for near copies on Evaluate before you export.",
        source=f"{R3LITE}; DiffAugment, arXiv:2006.10738; label warm-up, arXiv:2201.06578",
        config=settings(
            "few-shot",
            "r3lite",
            batch=32,
            lr_G=3e-4,
            lr_D=3e-4,
            augment="color+translation+cutout",
            label_start=0.25,
            label_full=0.5,
            epochs=400.0,
        ),
    ),
    "teach-collapse": Recipe(
        title="Teach: collapse",
        sentence="The networks of Quick with the classic loss and no penalty: watch the variety disappear.",
        shortfall="Made to fail: each class soon has a handful of images, whatever the noise. The next recipe is the cure.",
        source="Minimax game, arXiv:1406.2661; mode collapse as in arXiv:1611.02163",
        config=settings("teach-collapse", "r3lite", **LESSON, loss="nonsaturating", penalty="none"),
    ),
    "teach-cure": Recipe(
        title="Teach: cure",
        sentence="The networks, rates and seed of Collapse; only loss and penalty are those of Quick, and variety stays.",
        shortfall="The rates are those of the lesson and not the best ones: use Quick for real work.",
        source=R3LITE,
        config=settings("teach-cure", "r3lite", **LESSON),
    ),
}
