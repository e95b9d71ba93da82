"""One progress bar for all stages of a job."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_core.evaluation.inputs import Progress


class Stages:
    """stages(name) is the Progress of a stage, in the order of their names. weights: about how long each takes, by name."""

    def __init__(self, progress: "Progress", weights: Mapping[str, float]):
        self.progress, self.weights, self.done = progress, weights, 0.0

    def __call__(self, name: str) -> "Progress":
        start, total = self.done, sum(self.weights.values())
        self.done += self.weights[name]
        return self.progress.part(start / total, self.done / total, name)
