"""Images from a checkpoint of a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.export.quality_filter import FilterOptions, LabelCheck, QualityFilter
from gan_core.generation.png_metadata import Notes, notes_of, png_info
from gan_core.jobs.shared.evaluation_inputs import referee_of, splits
from gan_core.settings.families import TRAITS
from gan_core.settings.schema import build
from gan_core.storage.store import Run
from gan_core.storage.workspace import Workspace


class Sampling:
    """The averaged generator of a run's checkpoint, with the facts of its dataset."""

    def __init__(self, run: Run, workspace: Workspace, at: int | None = None):
        """at: images that the checkpoint had seen; None for the newest. Raises UserError no_checkpoint."""
        from gan_core.generation import sampling
        from gan_core.training import checkpoint, device

        self.run, self.config = run, build(run.config)
        self.info = dataset_folder.read_info(workspace.dataset(run.dataset_id))
        weights, self.images_seen, self.sha256 = checkpoint.generator_weights(workspace.run(run.id) / "checkpoints", at)
        self.device = device.choose("auto" if self.config.device == "auto" else self.config.device)
        device.prepare(self.device)
        self.G = sampling.load_generator(
            self.config,
            weights,
            size=self.info.size,
            channels=1 if self.info.mode == "L" else 3,
            num_classes=len(self.info.classes) if self.config.conditional else 1,
            device=self.device,
        )

    @property
    def classes(self) -> list[str]:
        """What can be asked for: those of the dataset, or 'all' where the run ignored labels."""
        return self.info.classes if self.config.conditional else ["all"]

    def label_of(self, name: str) -> int:
        """Raises UserError unknown_class."""
        if name not in self.classes:
            raise UserError(
                "unknown_class",
                f"There is no class {name!r} in this run.",
                f"Choose one of {', '.join(self.classes[:20])}.",
            )
        return self.classes.index(name)

    def notes(self, seed: int, noise_scale: float) -> Notes:
        """What is written into an image that is drawn with these."""
        return notes_of(self.run.id, self.info.name, self.config, self.images_seen, seed=seed, noise_scale=noise_scale)

    def draw(self, labels, *, seed: int, start: int = 0, truncation: float = 1.0):
        """uint8 [N, S, S, C] for int64 labels [N] (a list or an array); a run that ignored labels is asked for class 0."""
        import torch

        from gan_core.generation import sampling

        y = torch.as_tensor(labels, dtype=torch.int64)
        return sampling.draw(
            self.G,
            y if self.config.conditional else torch.zeros_like(y),
            z_dim=self.config.z_dim,
            size=self.info.size,
            seed=seed,
            start=start,
            truncation=truncation,
        )

    def quality_filter(
        self,
        folder: Path,
        seed: int,
        checks: tuple[str, ...],
        on_progress: Callable[[float, str], None],
        should_stop: Callable[[], bool],
        options: FilterOptions = FilterOptions(),  # noqa: B008  it is immutable
    ) -> QualityFilter:
        """What an export's drawn images pass through. folder: of the dataset; checks: of quality_filter.CHECKS."""
        from gan_core.evaluation.acceptance import Selection

        def draw(label: int, count: int, start: int, truncation: float = 1.0) -> np.ndarray:
            return self.draw([label] * count, seed=seed + label, start=start, truncation=truncation)

        classifier, unchecked = None, ""
        if {"label", "realism"} & set(checks):
            classifier, unchecked = self.label_classifier(folder, on_progress, should_stop)
        train, test = splits(folder)
        selection = Selection(
            train.images,
            train.labels,
            test.images,
            test.labels,
            classifier=classifier.classifier if classifier else None,
            checks=checks,
            should_stop=should_stop,
        )
        if TRAITS[self.config.family].game in ("kmeans", "cycle"):  # there the noise says which image it is
            options = options._replace(truncation=1.0)
        label_check = LabelCheck(
            {"weights": classifier.weights_hash, "accuracy": classifier.accuracy} if classifier else {},
            unchecked or ("" if "label" in checks else "not checked."),
        )
        return QualityFilter(draw, selection, self.info.classes, options, label_check, should_stop)

    def label_classifier(
        self, folder: Path, on_progress: Callable[[float, str], None], should_stop: Callable[[], bool]
    ) -> tuple[Any, str]:
        """(the dataset classifier, '') or (None, why it is not to check labels)."""
        try:
            found = referee_of(folder, self.device.type, lambda share, said: on_progress(0.0, said), should_stop)
        except UserError as error:
            return None, f"not checked: {error.what}"
        if found.accuracy is None:
            return None, "not checked: no held-out images to try a classifier on."
        return found, ""

    def write(self, out: Path, per_class: int, only: str | None, seed: int, truncation: float) -> int:
        """PNG files out/<class>/<number>.png with their settings inside; returns how many. Raises UserError unknown_class."""
        from gan_core.export.safe_names import folder_names
        from gan_core.generation.sampling import picture_of

        labels = range(len(self.classes)) if only is None else [self.label_of(only)]
        facts = self.notes(seed, truncation)
        for label in labels:
            name, folder = self.classes[label], out / folder_names(self.classes)[label]
            folder.mkdir(parents=True, exist_ok=True)
            for start in range(0, per_class, 250):
                count = min(250, per_class - start)
                drawn = self.draw([label] * count, seed=seed + label, start=start, truncation=truncation)
                for number, image in enumerate(drawn, start):
                    notes = png_info(facts | {"class": name, "number": number})
                    picture_of(image).save(folder / f"{number:06d}.png", pnginfo=notes)
        return per_class * len(labels)
