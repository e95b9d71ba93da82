"""A toy family and a toy loss, added as CONTRIBUTING.md says, and a short run: `python -m tests.builders.toy_family DIR`.

A program of its own, as a developer would write the rows into the tables, which other modules read when they are imported.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn

from gan_core.data.dataset import ImageSet
from gan_core.settings import families

families.LOSSES = (*families.LOSSES, "toy-loss")
families.TRAITS["toy-family"] = families.FamilyTraits("Toy", (28, 32), pads=False, losses=("toy-loss",))

# Only now, as these read the tables.
from gan_core import models  # noqa: E402
from gan_core.models.layers import ClassEmbedding, ConditionalDiscriminator  # noqa: E402
from gan_core.settings import rules  # noqa: E402
from gan_core.settings.schema import TrainConfig, build  # noqa: E402
from gan_core.training import loop, losses  # noqa: E402
from gan_core.training.hooks import Hooks  # noqa: E402
from tests.builders.toy_images import toy_images  # noqa: E402


class Generator(nn.Module):
    def __init__(self, spec: models.Spec):
        super().__init__()
        self.shape = (spec.channels, spec.size, spec.size)
        self.embed = ClassEmbedding(spec.num_classes, spec.z_dim)
        self.to_image = nn.Linear(spec.z_dim, spec.channels * spec.size**2)

    def forward(self, z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.to_image(z + self.embed(y)).tanh().view(-1, *self.shape)


class Discriminator(ConditionalDiscriminator):
    def __init__(self, spec: models.Spec):
        super().__init__(spec, spec.width)
        self.dense = nn.Linear(self.in_channels * spec.size**2, spec.width)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(x.flatten(1)).relu()


models.FAMILIES["toy-family"] = models.Family(Generator, Discriminator)
losses.LOSSES["toy-loss"] = losses.Loss(
    d=lambda real, fake: (1 - real).abs().mean() + (1 + fake).abs().mean(), g=lambda real, fake: -fake.mean()
)


def main(folder: Path) -> None:
    choices = {name: TrainConfig.model_fields[name].annotation.__args__ for name in ("family", "loss")}
    config = build(
        {
            "family": "toy-family",
            "loss": "toy-loss",
            "penalty": "none",
            "batch": 8,
            "epochs": 4.0,
            "width": 8,
            "device": "cpu",
        }
    )
    images, labels = toy_images(32, 32, 1, 2)
    rules.check(config, size=32, train_counts={"a": 16, "b": 16})
    refused = rules.check_family(config.model_copy(update={"loss": "hinge"}))
    status = loop.train(config, ImageSet(images, labels, ["a", "b"]), folder, Hooks(log=lambda line: None))
    print(json.dumps({"choices": choices, "refused": list(refused), "images_seen": status["images_seen"]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
