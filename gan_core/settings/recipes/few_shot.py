"""Published methods for a few hundred to a few thousand images, made for a GPU."""

from gan_core.settings.recipes.recipe import Recipe
from gan_core.settings.schema import TrainConfig

RECIPES: dict[str, Recipe] = {
    "fastgan": Recipe(
        title="FastGAN",
        sentence="For a hundred to a few thousand photographs: D must also redraw the reals that it sees, which keeps it honest.",
        shortfall="Made for one kind of thing at a time: the paper has no labels, and on a CPU a step takes long.",
        source="arXiv:2101.04775, at half its width, labels added",
        config=TrainConfig(
            recipe="fastgan",
            family="fastgan",
            loss="hinge",
            penalty="none",
            batch=8,
            lr_G=2e-4,
            lr_D=2e-4,
            beta1=0.5,
            beta2=0.999,
            z_dim=256,
            width=32,
            ema_images=5_000,
            augment="color+translation",
            reuse_fakes=True,
            epochs=200.0,
        ),
        only=(64, 128, 256),
    ),
    "projected": Recipe(
        title="Projected GAN",
        sentence="D looks through a network trained on photographs, so shapes come early: for 300 to 5,000 photographs and a GPU.",
        shortfall="May fall to few images per class: watch variety. Scores by ImageNet networks flatter it.",
        source="arXiv:2111.01007, with the light G and separable heads, images shown at max(128, size) px",
        config=TrainConfig(
            recipe="projected",
            family="projected",
            loss="hinge",
            penalty="none",
            batch=64,
            lr_G=2e-4,
            lr_D=2e-4,
            beta1=0.0,
            beta2=0.99,
            z_dim=256,
            width=32,
            ema_images=20_000,
            augment="color+translation",
            epochs=200.0,
        ),
        only=(64, 128, 256),
    ),
}
