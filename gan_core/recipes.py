"""RECIPES: named starting points, each with its source and one sentence on when to use it.

A recipe's name is a key in run folders: never rename one, only add.
"""

from typing import NamedTuple

from gan_core.config import FAMILY_SIZES, TrainConfig, largest_batch


class Recipe(NamedTuple):
    title: str
    sentence: str  # when to use it
    shortfall: str  # where it falls short
    source: str
    config: TrainConfig

    @property
    def sizes(self) -> tuple[int, ...]:
        return FAMILY_SIZES[self.config.family]


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


def start(recipe: str, *, size: int, train_images: int) -> TrainConfig:
    """The recipe's settings fitted to a dataset: a batch that it can fill and augmentation where images are few."""
    config = RECIPES[recipe].config
    changes: dict[str, object] = {"batch": min(config.batch, largest_batch(train_images))}
    if recipe == "quick" and size >= 64:
        # More pixels and, as a rule, fewer photographs: a stronger penalty, smaller batches, and shifted copies for D.
        changes |= {
            "batch": min(32, largest_batch(train_images)),
            "augment": "translation",
            "gamma": 1.0,
            "epochs": 100.0,
        }
    return config.model_copy(update=changes)
