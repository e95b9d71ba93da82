"""Spec: the arguments of a pair of networks in one frozen object, so that a new option does not change every signature."""

from dataclasses import dataclass

from gan_core.settings.families import inner_size
from gan_core.settings.schema import TrainConfig


@dataclass(frozen=True)
class Spec:
    size: int  # px side of the networks' images: that of the dataset, or 32 instead of 28 where a family pads
    channels: int  # 1 or 3
    num_classes: int  # 1 for a dataset without labels
    z_dim: int = 64
    width: int = 64
    condition: str = "projection"  # how D receives the class: projection, concat, auxiliary
    minibatch_std: bool = False
    mapping_layers: int = 2
    normalize_z: bool = False
    mixing: float = 0.9
    image_border: str = "repeat"
    published_layers: bool = False
    feature_size: int = 128  # px

    @classmethod
    def of(cls, config: TrainConfig, *, size: int, channels: int, num_classes: int) -> "Spec":
        """size: px of the dataset's images."""
        return cls(
            inner_size(config.family, size),
            channels,
            num_classes,
            config.z_dim,
            config.width,
            config.condition,
            config.minibatch_std,
            config.mapping_layers,
            config.normalize_z,
            config.mixing,
            config.image_border,
            config.published_layers,
            config.feature_size,
        )
