"""Recipe: a named starting point with its source. A recipe states only what differs from its family's defaults."""

from typing import Any, NamedTuple

from gan_core.settings.families import TRAITS
from gan_core.settings.schema import TrainConfig

# The settings of the DCGAN paper (arXiv:1511.06434), which later tutorials took over.
CLASSIC: dict[str, Any] = {
    "loss": "nonsaturating",
    "penalty": "none",
    "beta1": 0.5,
    "beta2": 0.999,
    "z_dim": 100,
    "ema_images": 0,
    "epochs": 50.0,
}
FEW_SHOT: dict[str, Any] = {
    "loss": "hinge",
    "penalty": "none",
    "z_dim": 256,
    "width": 32,
    "augment": "color+translation",
    "epochs": 200.0,
}
# What a family's recipes share, where it is not the default of TrainConfig.
FAMILY_DEFAULTS: dict[str, dict[str, Any]] = {
    "r3lite": {"width": 96},
    "mlp": CLASSIC | {"batch": 128},
    "dcgan": CLASSIC,
    "dcgan-sn": {"z_dim": 100},
    "dcgan28": CLASSIC | {"lr_G": 1e-4, "lr_D": 1e-4},
    "cgan28": CLASSIC | {"condition": "concat", "width": 128, "epochs": 100.0},
    "garbage128": CLASSIC | {"lr_G": 1e-4, "lr_D": 1e-4, "z_dim": 32, "width": 256, "epochs": 100.0},
    "fashion28": CLASSIC | {"lr_G": 1e-4, "lr_D": 1e-4},
    "egan": CLASSIC | {"batch": 32, "width": 32, "ema_images": 10_000},
    "vae": {
        **{"loss": "nonsaturating", "penalty": "none", "condition": "concat", "batch": 32},
        **{"lr_G": 1e-3, "lr_D": 1e-3, "beta1": 0.9, "beta2": 0.999},
    },
    "cyclegan": {
        **{"loss": "least-squares", "penalty": "none", "batch": 4, "beta1": 0.5, "beta2": 0.999, "schedule": "linear"},
        **{"lr_end": 0.0, "width": 32, "ema_images": 1000.0, "epochs": 50.0},
    },
    "kmeans": {"loss": "nonsaturating", "penalty": "none", "width": 16, "ema_images": 0.0, "epochs": 2.0},
    "sngan-projection": {
        **{"loss": "hinge", "penalty": "none", "lr_D": 4e-4, "beta2": 0.9, "schedule": "linear", "lr_end": 0.0},
        **{"z_dim": 128, "width": 128, "epochs": 100.0},
    },
    "stylegan2-lite": {"minibatch_std": True, "batch": 32, "z_dim": 128, "width": 128},
    "progressive": {"minibatch_std": True, "batch": 32, "z_dim": 128, "width": 128},
    "fastgan": FEW_SHOT,
    "projected": FEW_SHOT,
    "r3gan": {"width": 768, "schedule": "cosine", "lr_end": 0.25, "gamma_end": 0.1, "ema_images": 500_000.0},
}


class Recipe(NamedTuple):
    title: str
    sentence: str  # when to use it
    shortfall: str  # where it falls short
    source: str
    config: TrainConfig
    only: tuple[int, ...] = ()  # px sides that it is meant for; empty: all that its networks can do

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.only or TRAITS[self.config.family].sizes


def settings(recipe: str, family: str, **own: Any) -> TrainConfig:
    """The family's defaults with the recipe's own settings."""
    return TrainConfig(**{**FAMILY_DEFAULTS.get(family, {}), **own, "recipe": recipe, "family": family})
