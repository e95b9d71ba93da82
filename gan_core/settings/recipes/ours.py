"""Our own recipes: what was found to work, see docs/recipes.md."""

from typing import Any

from gan_core.settings.recipes.recipe import Recipe
from gan_core.settings.schema import TrainConfig

R3LITE = "R3GAN loss, arXiv:2501.05441, on DCGAN-sized networks; projection, arXiv:1802.05637"
SHARED: dict[str, Any] = {"family": "r3lite", "loss": "relativistic", "gamma": 0.5, "beta1": 0.0, "beta2": 0.99}
# The lesson: one pair of networks, two losses, all else the same. Fast rates and much momentum, at which one of them breaks.
TEACH: dict[str, Any] = {
    "family": "r3lite",
    "gamma": 0.5,
    "batch": 64,
    "width": 96,
    "lr_G": 2e-3,
    "lr_D": 2e-3,
    "beta1": 0.9,
    "beta2": 0.99,
    "ema_images": 500,
    "epochs": 60.0,
}

RECIPES: dict[str, Recipe] = {
    "quick": Recipe(
        title="Quick",
        sentence="Small networks with a loss that keeps variety: recognisable images in minutes on a laptop.",
        shortfall="Shapes and colours come early; fine detail does not come at all.",
        source=R3LITE,
        config=TrainConfig(
            recipe="quick",
            family="r3lite",
            loss="relativistic",
            gamma=1.5,
            batch=64,
            lr_G=5e-4,
            lr_D=5e-4,
            beta1=0.0,
            beta2=0.99,
            z_dim=64,
            width=96,
            guide=True,
            ema_images=10_000,
            epochs=30.0,
        ),
    ),
    "balanced": Recipe(
        title="Balanced",
        sentence="The networks of Quick nearly three times as wide: for ten minutes and more on a GPU.",
        shortfall="On two CPU cores Quick is further after the same minutes.",
        source=R3LITE,
        config=TrainConfig(
            **SHARED, recipe="balanced", width=256, batch=128, lr_G=3e-4, lr_D=3e-4, guide=True, epochs=100.0
        ),
    ),
    "best": Recipe(
        title="Best",
        sentence="Wide networks, rates that fall to the end, a longer average: for an hour or more on a GPU.",
        shortfall="Needs a GPU; on a CPU it takes hours to days. Its settings are the papers', not yet measured by us.",
        source=R3LITE,
        config=TrainConfig(
            **SHARED,
            recipe="best",
            width=512,
            batch=128,
            lr_G=2e-4,
            lr_D=2e-4,
            schedule="cosine",
            lr_end=0.25,
            gamma_end=0.1,
            ema_images=50_000,
            epochs=300.0,
        ),
    ),
    "few-shot": Recipe(
        title="Few images",
        sentence="For less than 500 images, or classes of less than 100: D sees changed copies, and labels come in by and by.",
        shortfall="A hundred images hold no more than they hold: look at the copies on Measure before you export.",
        source=f"{R3LITE}; DiffAugment, arXiv:2006.10738; late labels, arXiv:2201.06578",
        config=TrainConfig(
            **SHARED,
            recipe="few-shot",
            width=96,
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
        sentence="The networks of Quick with the classic loss and nothing that holds D back: watch the variety go.",
        shortfall="Made to fail: each class soon has a handful of images, whatever the noise. The cure is the next card.",
        source="Minimax game, arXiv:1406.2661; mode collapse as in arXiv:1611.02163",
        config=TrainConfig(**TEACH, recipe="teach-collapse", loss="nonsaturating", penalty="none"),
    ),
    "teach-cure": Recipe(
        title="Teach: cure",
        sentence="The same networks, rates and seed as in Collapse; only loss and penalty are Quick's, and variety stays.",
        shortfall="The rates are those of the lesson, not the best ones: for work take Quick.",
        source=R3LITE,
        config=TrainConfig(**TEACH, recipe="teach-cure", loss="relativistic", penalty="r1+r2"),
    ),
}
