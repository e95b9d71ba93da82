"""What the jobs `evaluate`, `utility` and `detect` write and pages and reports read, as typed models without torch.

The JSON keys are the fields' names or aliases and never change. Results of older versions are read too, see result_parts.py.
"""

# ruff: noqa: RUF012  (pydantic copies the default of a field)

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import Field

from gan_core.evaluation.names_and_thresholds import DISTANCES, MEANINGS
from gan_core.evaluation.result_parts import (
    Agreement,
    ClassifierQuality,
    Collapse,
    DetectorTest,
    Interval,
    Memorization,
    Modes,
    Part,
)

# What must be equal before two results are compared: key of the result -> how a sentence calls it.
CONDITIONS = {
    "dataset": "the dataset",
    "size": "the image size",
    "extractor": "the extractor",
    "weights": "the extractor's weights",
    "resize": "the resize",
    "against": "the split compared with",
    "n_real": "the number of real images",
    "n_fake": "the number of generated images",
}


class Scores(Part):
    """Values by key of names_and_thresholds.MEANINGS; a key that was not computed is missing or None."""

    fid: float | None = None
    frechet_distance: float | None = None
    kid: float | None = None
    inception_score: float | None = None
    inception_score_formula: float | None = None
    precision: float | None = None
    recall: float | None = None
    density: float | None = None
    coverage: float | None = None

    def score(self, key: str) -> float | None:
        return getattr(self, key, None)

    @property
    def distance(self) -> float | None:
        """The Frechet distance, under whatever name this extractor gives it."""
        return next((value for key in DISTANCES if (value := self.score(key)) is not None), None)


class ClassScores(Scores):
    """One row of the table per class. absent: {key: why there is no value}."""

    n_real: int | None = None
    n_fake: int | None = None
    kid_ci: Interval | None = None
    variance_ratio: float | None = None
    coverage_ratio: float | None = None
    agreement: float | None = None
    real_agreement: float | None = None
    absent: dict[str, str] = {}

    @property
    def reasons(self) -> str:
        """Why values are missing, each reason once."""
        return " ".join(dict.fromkeys(self.absent.values()))


class Floor(Scores):
    """The scores of real images against real images, n on each side."""

    n: int = 0
    held_out: "Floor | None" = None


class Score(NamedTuple):
    """One score with everything that stands beside it. spread: the standard deviation over splits, in old results only."""

    key: str
    name: str
    value: float | None
    ci: Interval | None
    spread: float | None
    floor: float | None
    held_out_floor: float | None
    meaning: str
    absent: str  # why there is no value, else ''


class EvaluationResult(Scores):
    """result.json of the job `evaluate`. labels: {key of a score: display name}. absent: {key: why it is missing}.

    images_seen, epoch and checkpoint say which generator it was; n_real and n_fake how many images were compared.
    """

    run: str | None = None
    dataset: str | None = None
    images_seen: int | None = None
    epoch: float | None = None
    checkpoint: str | None = None
    ema: bool = False
    truncation: float | None = None
    extractor: str = ""
    extractor_title: str | None = None
    weights: str | None = None
    resize: str | None = None
    against: str = "train"
    seed: int | None = None
    draws: int | None = None
    n_real: int | None = None
    n_fake: int | None = None
    size: int | None = None
    mode: str | None = None
    classes: list[str] = []
    labels: dict[str, str] = {}
    floor: Floor = Floor()
    times_floor: float | None = None
    caveats: list[str] = []
    absent: dict[str, str] = {}
    per_class: dict[str, ClassScores] = {}
    dataset_classifier: ClassifierQuality | None = Field(None, alias="referee")
    agreement: Agreement | None = None
    collapse: Collapse | None = None
    memorization: Memorization | None = Field(None, alias="memorisation")
    modes: Modes | None = None
    detector: DetectorTest | None = Field(None, alias="two_sample")

    @property
    def score_keys(self) -> list[str]:
        """Keys of the scores over all classes, in the order of the labels."""
        return [key for key in self.labels if key in self.model_fields_set]

    @property
    def scores(self) -> list[Score]:
        extra = self.model_extra or {}
        held_out = self.floor.held_out or Floor()
        return [
            Score(
                key,
                self.labels[key],
                value := self.score(key),
                extra.get(f"{key}_ci"),
                extra.get(f"{key}_std"),
                self.floor.score(key),
                held_out.score(key),
                MEANINGS.get(key, ""),
                "" if value is not None else self.absent.get(key, "It could not be computed."),
            )
            for key in self.score_keys
        ]

    @property
    def classes_by_coverage(self) -> list[str]:
        """Names of per_class, the lowest coverage first; those without one last, in their own order."""
        covered = {name: row.coverage for name, row in self.per_class.items()}
        return sorted(covered, key=lambda name: (covered[name] is None, covered[name] or 0.0))

    @property
    def about_checkpoint(self) -> str:
        """Which images the result is about, for the end of a sentence."""
        return about_checkpoint(self.images_seen, self.epoch)


def about_checkpoint(images_seen: int | None, epoch: float | None) -> str:
    """'the checkpoint at 1,000 images (epoch 2.5)'"""
    if images_seen is None:
        return "an unknown checkpoint"
    return f"the checkpoint at {images_seen:,} images" + (f" (epoch {epoch:.3g})" if epoch is not None else "")


def differences(results: Sequence[EvaluationResult]) -> list[str]:
    """What keeps results from being compared, in words; [] where nothing does."""
    return [word for key, word in CONDITIONS.items() if len({repr(getattr(one, key)) for one in results}) > 1]


def score_rows(results: Sequence[EvaluationResult]) -> list[dict[str, Any]]:
    """The scores of one run against the epoch, for a curve: {"epoch", "images_seen", "floor", score: value, ...}, by epoch.

    results: the newest first. Only those with the conditions of the newest count, and of each checkpoint the newest; "floor" is
    the floor of the distance.
    """
    rows: dict[int, dict[str, Any]] = {}
    for result in results:
        seen, epoch = result.images_seen, result.epoch
        if seen is None or epoch is None or seen in rows or differences([results[0], result]):
            continue
        values = {key: result.score(key) for key in result.score_keys}
        rows[seen] = {"epoch": epoch, "images_seen": seen, "floor": result.floor.distance, **values}
    return [rows[seen] for seen in sorted(rows)]


def variety_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of collapse.jsonl with their values beside the epoch, for a curve: {"epoch", "variance_ratio", ...}."""
    return [
        {"epoch": row["epoch"], "images_seen": row.get("images_seen"), **row["values"]}
        for row in rows
        if row.get("epoch") is not None and isinstance(row.get("values"), dict)
    ]


# -- utility -----------------------------------------------------------------------------------------------------------


class Arm(Part):
    """Classifiers trained in one way. values: balanced accuracy by seed; per_class: recall."""

    title: str = ""
    balanced_accuracy: float
    ci95: Interval | None = None
    values: list[float] = []
    per_class: dict[str, float | None] = {}
    updates: int | None = None


class Gain(Part):
    """A difference of balanced accuracy or recall between two arms."""

    gain: float | None = None
    ci95: Interval | None = None


class SweepRow(Part):
    """The arm with another share of synthetic images for each real one."""

    share: float
    balanced_accuracy: float | None = None
    ci95: Interval | None = None
    gain: float | None = None
    gain_ci95: Interval | None = None


class ChoiceRow(Part):
    """A baseline or a use of synthetic images, and its balanced accuracy on the validation images."""

    name: str
    validation: float | None = None


class UtilityResult(Part):
    """utility/<job>.json: does synthetic data help a classifier? arms: by key of utility.comparison.TITLES.

    protocol 1: gain over the arm `classical`, gain_ci95 over seeds, a sweep over shares. protocol 2: gain over the arm `baseline`,
    which was chosen on validation (baselines), in a use that was chosen there too (uses; chosen: it was better there);
    gain_ci95 over draws of the training images and generators; baseline_gain, total_gain: of baseline and of synthetic over
    `classical`; own_gain: of synthetic over `control`. test_bootstrap_ci95 is over test images. quality_filter: its sentence
    on the synthetic images.
    """

    protocol: int = 1
    classifier: str = "small"
    draws: int = 1
    way: str | None = None
    baseline: str | None = None
    use: str | None = None
    chosen: bool = False
    n_validation: int | None = None
    baseline_gain: Gain | None = None
    total_gain: Gain | None = None
    own_gain: Gain | None = None
    baselines: list[ChoiceRow] = []
    uses: list[ChoiceRow] = []
    runs: list[str] = []
    run: str | None = None
    checkpoint: str | None = None
    images_seen: int | None = None
    epoch: float | None = None
    methods: dict[str, float] = {}
    quality_filter: str = Field("", alias="gate_said")
    seeds: int | None = None
    updates: int | None = None
    batch: int | None = None
    shots: int | None = None
    share: float | None = None
    n_train: int | None = None
    n_test: int | None = None
    n_synthetic: int | None = None
    gan_seeds: int = 1
    arms: dict[str, Arm] = {}
    gain: float | None = None
    gain_ci95: Interval | None = None
    per_class_gain: dict[str, Gain] = {}
    test_bootstrap_ci95: Interval | None = None
    verdict: str = ""
    sentence: str = ""
    sweep: list[SweepRow] = []
    caveats: list[str] = []

    @property
    def helps(self) -> bool:
        return self.verdict == "helps"

    @property
    def of_run(self) -> bool:
        """Whether the run drew the synthetic images, all or some of them."""
        return not self.methods or "gan" in self.methods

    @property
    def about_checkpoint(self) -> str:
        if not self.of_run:
            return "images made without the run"
        return about_checkpoint(self.images_seen, self.epoch)


# -- detect ------------------------------------------------------------------------------------------------------------


class DetectedImage(Part):
    """verdict: 'generated' or 'real'."""

    file: str
    p_generated: float
    verdict: str


class RejectedImage(Part):
    file: str
    reason: str


class DetectionResult(Part):
    """The first images of a folder with their chance of being generated. n: images scored; accuracy: of the detector's test."""

    folder: str = ""
    n: int = 0
    generated: int = 0
    accuracy: float | None = None
    accuracy_ci: Interval | None = None
    n_rejected: int | None = None
    rejected: list[RejectedImage] = []
    rows: list[DetectedImage] = []
