"""The five student systems that this project answers to, with their authors' settings."""

from gan_core.config import TrainConfig
from gan_core.recipes.recipe import Recipe

RECIPES: dict[str, Recipe] = {
    "fashion-dcgan-28": Recipe(
        title="Fashion DCGAN, 28 px",
        sentence="The classic DCGAN of a student survey on Fashion-MNIST: shows how a plain GAN learns, and how it wobbles.",
        shortfall="Filters can fall into one oscillating mode: a shirt at epoch 25 may be trousers at epoch 56.",
        source="DCGAN, arXiv:1511.06434, with the survey's own layers and rates",
        config=TrainConfig(
            recipe="fashion-dcgan-28",
            family="dcgan28",
            loss="nonsaturating",
            gamma=0.0,
            batch=256,
            lr_G=1e-4,
            lr_D=1e-4,
            beta1=0.9,
            beta2=0.999,
            z_dim=100,
            width=64,
            ema_images=0,
            epochs=50.0,
            conditional=False,
            balance_classes=False,
        ),
    ),
}
