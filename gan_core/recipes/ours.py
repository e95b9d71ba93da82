"""Our own recipes: what was found to work, see docs/recipes.md."""

from gan_core.config import TrainConfig
from gan_core.recipes.recipe import Recipe

RECIPES: dict[str, Recipe] = {
    "quick": Recipe(
        title="Quick",
        sentence="Small networks with a loss that keeps variety: recognisable images in minutes on a laptop.",
        shortfall="Shapes and colours come early; fine detail does not come at all.",
        source="R3GAN loss, arXiv:2501.05441, on DCGAN-sized networks; projection, arXiv:1802.05637",
        config=TrainConfig(
            recipe="quick",
            family="r3lite",
            loss="relativistic",
            gamma=0.5,
            batch=64,
            lr_G=5e-4,
            lr_D=5e-4,
            beta1=0.0,
            beta2=0.99,
            z_dim=64,
            width=96,
            ema_images=10_000,
            epochs=30.0,
        ),
    ),
}
