"""Variants of real training images by a run's generator, for the job `variants` and for files."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.settings.families import inner_size
from gan_core.storage.workspace import Workspace


class RealVariants:
    """Training images of a class, inverted; a run that ignored labels has one class."""

    def __init__(
        self,
        generator: RunSampler,
        workspace: Workspace,
        label: int,
        most: int,
        seed: int,
        on_progress: Callable[[float, str], None] = lambda fraction, message: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        from gan_core.generation import inversion

        self.generator, self.seed = generator, seed
        self.label = label if generator.config.conditional else 0
        data = dataset_folder.load(workspace.dataset(generator.run.dataset_id), "train")
        members = np.flatnonzero(data.labels == label) if generator.config.conditional else np.arange(len(data.labels))
        if not len(members):
            raise UserError("empty_class", "This class has no training images.", "Choose another class.")
        chosen = np.random.default_rng([seed, label]).permutation(members)[:most]
        self.reals = np.array(data.images[np.sort(chosen)])
        self.inverted = inversion.invert(
            generator.G,
            self.reals,
            np.full(len(self.reals), self.label),
            z_dim=generator.config.z_dim,
            inner=inner_size(generator.config.family, generator.info.size),
            seed=seed,
            on_progress=on_progress,
            should_stop=should_stop,
        )

    def draw(self, of: np.ndarray, strength: float, start: int = 0) -> np.ndarray:
        """of int64 [N]: numbers of real images -> uint8 [N, S, S, C], a variant of each; its reconstruction at strength 0."""
        from gan_core.generation import inversion, sampling

        z = inversion.vary(self.inverted.z[of], strength, self.seed, start)
        return sampling.generate(self.generator.G, z, np.full(len(of), self.label), self.generator.info.size)

    def errors(self) -> dict[str, Any]:
        """The number of real images and the mean error of their reconstructions, see inversion.Inverted."""
        return {
            "images": len(self.reals),
            "error": float(self.inverted.error.mean()),
            "error_at_random": self.inverted.error_at_random,
        }
