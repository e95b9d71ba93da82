"""Images from a checkpoint of a run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.export.quality_filter import FilterOptions, LabelCheck, QualityFilter
from gan_core.generation.png_metadata import Notes, notes_of, png_info
from gan_core.jobs.shared.evaluation_inputs import dataset_classifier_of, feature_cache, real_images, teacher_of
from gan_core.settings.families import TRAITS
from gan_core.settings.schema import build
from gan_core.storage import checkpoints
from gan_core.storage.store import Run
from gan_core.storage.workspace import Workspace
from gan_core.text import no_such

if TYPE_CHECKING:
    from gan_core.evaluation.realism import Lite0Realism

WRITTEN_TOGETHER = 250  # images that are drawn before they are written
DETECTOR_SEED = 1_000_000_007  # between the seeds of an export and of the images that its detector learns from


class RunSampler:
    """The averaged generator of a run's checkpoint, with the settings of the run and its dataset."""

    def __init__(self, run: Run, workspace: Workspace, at: checkpoints.At = None) -> None:
        """at: which checkpoint, see checkpoints.At. Raises UserError no_checkpoint."""
        from gan_core.generation import sampling
        from gan_core.training import checkpoint, device

        self.run, self.config, self.workspace = run, build(run.config), workspace
        self.on_written: Callable[[int], None] = lambda count: None  # told how many images write_pngs has just written
        self.info = dataset_folder.read_info(workspace.dataset(run.dataset_id))
        weights, self.images_seen, self.sha256 = checkpoint.generator_weights(workspace.run(run.id) / "checkpoints", at)
        self.device = device.choose(
            "cpu" if self.config.device == "cpu" else "auto"
        )  # its GPU may be of another computer
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
        """The classes that can be drawn: those of the dataset, or 'all' where the run ignored labels."""
        return self.info.classes if self.config.conditional else ["all"]

    def label_of(self, name: str) -> int:
        """Raises UserError unknown_class."""
        if name not in self.classes:
            raise UserError(
                "unknown_class",
                no_such("class", name, self.classes),
                f"Choose one of {', '.join(self.classes[:20])}.",
            )
        return self.classes.index(name)

    def notes(self, seed: int, truncation: float) -> Notes:
        """The metadata of the PNG of an image."""
        return notes_of(self.run.id, self.info.name, self.config, self.images_seen, seed=seed, truncation=truncation)

    def draw(
        self, labels: Sequence[int] | np.ndarray, *, seed: int, start: int = 0, truncation: float = 1.0
    ) -> np.ndarray:
        """uint8 [N, S, S, C] for int64 labels [N]; a run that ignored labels draws class 0."""
        from gan_core.generation import sampling

        y = np.asarray(labels, np.int64)
        return sampling.draw(
            self.G,
            y if self.config.conditional else np.zeros_like(y),
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
        """The quality filter of an export. folder: of the dataset; checks: keys of quality_filter.CHECKS."""
        from gan_core.evaluation.acceptance import AcceptanceChecks

        def draw(label: int, count: int, start: int, truncation: float = 1.0) -> np.ndarray:
            return self.draw([label] * count, seed=seed + label, start=start, truncation=truncation)

        if TRAITS[self.config.family].game in ("kmeans", "cycle"):  # their latent code picks one of a few images
            options = options._replace(truncation=1.0)
        classifier, unchecked, lite0 = None, "", None
        if {"label", "realism"} & set(checks):
            classifier, unchecked = self.label_classifier(folder, on_progress, should_stop)
        if "realism" in checks:
            on_progress(0.0, "Looking at real images with EfficientNet-Lite0")
            checked = "label" in checks and classifier is not None  # as in QualityFilter.truncation_of
            lite0 = self.lite0_realism(folder, seed, options.truncation if checked else 1.0, should_stop)
        image_checks = AcceptanceChecks(
            real_images(folder),
            classifier.classifier if classifier else None,
            checks,
            should_stop=should_stop,
            keep_found=options.keep_found,
            lite0=lite0,
            teacher=teacher_of(self.workspace, folder, should_stop) if "teacher" in checks else None,
        )
        label_check = LabelCheck(
            {"weights": classifier.weights_hash, "accuracy": classifier.accuracy} if classifier else {},
            unchecked or ("" if "label" in checks else "not checked."),
        )
        return QualityFilter(draw, image_checks, self.info.classes, options, label_check, should_stop)

    def lite0_realism(
        self, folder: Path, seed: int, truncation: float, should_stop: Callable[[], bool]
    ) -> "Lite0Realism":
        """Looks on the CPU, so that the same request keeps the same images everywhere; what it saw is cached by content."""
        from gan_core.evaluation.features.cache import FeatureReader
        from gan_core.evaluation.features.extractors import load_efficientnet_lite0
        from gan_core.evaluation.realism import Lite0Realism

        extractor = load_efficientnet_lite0()
        cached = FeatureReader(feature_cache(self.workspace), "cpu", should_stop)

        def read(images: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
            if rows is None:
                return extractor.extract(images, should_stop=should_stop).features
            return cached(extractor, images, rows).features

        def draw(labels: np.ndarray) -> np.ndarray:
            return self.draw(labels, seed=seed + DETECTOR_SEED, truncation=truncation)

        return Lite0Realism(real_images(folder), read, draw, seed, should_stop)

    def label_classifier(
        self, folder: Path, on_progress: Callable[[float, str], None], should_stop: Callable[[], bool]
    ) -> tuple[Any, str]:
        """(the dataset classifier, '') or (None, why it is not to check labels)."""
        try:
            found = dataset_classifier_of(
                folder, self.device.type, lambda share, said: on_progress(0.0, said), should_stop
            )
        except UserError as error:
            return None, f"not checked: {error.what}"
        if found.accuracy is None:
            return None, "not checked: no held-out images to try a classifier on."
        return found, ""

    def write(self, out: Path, per_class: int, only: str | None, seed: int, truncation: float) -> int:
        """PNG files of one class or all; returns how many. Raises UserError unknown_class."""
        labels = range(len(self.classes)) if only is None else [self.label_of(only)]
        for label in labels:
            draw = lambda count, start, label=label: self.draw(
                [label] * count, seed=seed + label, start=start, truncation=truncation
            )
            self.write_pngs(out, label, per_class, self.notes(seed, truncation), draw)
        return per_class * len(labels)

    def write_pngs(
        self, out: Path, label: int, count: int, notes: Notes, draw: Callable[[int, int], np.ndarray]
    ) -> None:
        """out/<class>/<number>.png with their metadata inside. draw(count, start) -> uint8 [count, S, S, C]."""
        from gan_core.export.safe_names import folder_names
        from gan_core.generation.sampling import picture_of

        folder = out / folder_names(self.classes)[label]
        folder.mkdir(parents=True, exist_ok=True)
        for start in range(0, count, WRITTEN_TOGETHER):
            for number, image in enumerate(draw(min(WRITTEN_TOGETHER, count - start), start), start):
                info = png_info(notes | {"class": self.classes[label], "number": number})
                picture_of(image).save(folder / f"{number:06d}.png", pnginfo=info)
            self.on_written(min(WRITTEN_TOGETHER, count - start))
