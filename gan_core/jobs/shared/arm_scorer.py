"""Train the arms of a race and score them on the validation images; the finalists' classifiers are kept for the test images."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan_core.evaluation.inputs import Labeled, Progress, RealImages
from gan_core.evaluation.utility import candidates
from gan_core.evaluation.utility.arms import ArmOptions, Fitted, Pool, train_arm
from gan_core.evaluation.utility.candidates import Speed
from gan_core.evaluation.utility.protocol import Arm
from gan_core.evaluation.utility.race import Rung
from gan_core.evaluation.utility.validation_scores import ValidationScores

MEASURED_UPDATES = 10


class Task(NamedTuple):
    """What is trained, and on what. progress: of the whole race; it stops a classifier that is trained."""

    real: RealImages
    pools: Mapping[str, Pool]
    options: ArmOptions
    folder: Path
    progress: Progress


class ArmScorer:
    """A Scorer of race.race. Only the training and validation images of the task are looked at, until `right` is called."""

    def __init__(self, task: Task, rungs: Sequence[Rung], validation: ValidationScores):
        self.task, self.rungs, self.validation = task, rungs, validation
        self.counts = np.bincount(np.asarray(task.real.train.labels), minlength=len(task.real.classes)).tolist()

    def score(self, arm: Arm, rung: int) -> list[float]:
        rows = []
        for seed in self.rungs[rung].seeds:
            fitted = self.fitted(arm, self.rungs[rung].updates, seed)
            rows.append(fitted.right(self.task.real.validation))
            if rung == len(self.rungs) - 1:
                fitted.save(self.file(arm, seed))
        return self.validation.add(rung, arm.name, np.array(rows))

    def cost(self, arm: Arm) -> float:
        return candidates.cost(arm, self.counts)

    def image_error(self, one: Arm, other: Arm, rung: int) -> float:
        return self.validation.error(one.name, other.name, rung)

    def fitted(self, arm: Arm, updates: int, seed: int) -> Fitted:
        task = self.task
        options = task.options._replace(updates=updates, seed=seed)
        return train_arm(arm, task.real, task.pools, options, task.progress)

    def file(self, arm: Arm, seed: int) -> Path:
        digest = hashlib.sha256(arm.name.encode()).hexdigest()[:12]
        return self.task.folder / f"fitted_{digest}_{seed}.pt"

    def right(self, arm: Arm, split: Labeled) -> np.ndarray:
        """bool [1, 1, seeds, N]: of the classifiers of an arm in the last rung, one draw and one generator."""
        _, size, _, channels = self.task.real.train.images.shape
        classes, rows = len(self.task.real.classes), []
        for seed in self.rungs[-1].seeds:
            path = self.file(arm, seed)
            fitted = Fitted.load(path, self.task.options.classifier, size, channels, classes)
            fitted.network.to(self.task.options.device)
            rows.append(fitted.right(split))
        return np.array(rows)[None, None]


def measured_speed(task: Task) -> Speed:
    """Seconds of an update of the plain baseline and of the rest of a classifier, by training three of hardly any updates."""
    seconds = {}
    for updates in (1, 1, 1 + MEASURED_UPDATES):  # the first one warms up
        started = time.monotonic()
        fitted = train_arm(Arm(), task.real, {}, task.options._replace(updates=updates), task.progress)
        seconds[updates] = time.monotonic() - started
    started = time.monotonic()
    fitted.right(task.real.validation)
    scoring = time.monotonic() - started
    update = max(1e-4, (seconds[1 + MEASURED_UPDATES] - seconds[1]) / MEASURED_UPDATES)
    return Speed(update, max(0.0, seconds[1] - update) + scoring)
