"""What the jobs `evaluate`, `utility` and `detect` write and pages and reports read, as typed models without torch.

The JSON keys are the fields' names or aliases and never change. Results of older versions are read too: a missing key has its
default, an unknown key is kept, and a null where a list or a table belongs counts as missing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gan_core.evaluation.vocabulary import DISTANCES, MEANINGS

Interval = list[float]  # [low, high], of 95 %

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


class Part(BaseModel):
    """A result or a part of one."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        nullable = {field.alias or name for name, field in cls.model_fields.items() if field.default is None}
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: item for key, item in value.items() if item is not None or key in nullable or key not in known}

    @classmethod
    def read(cls, value: Any) -> Self:
        """A stored result, of any version; an empty one where there is none."""
        return cls.model_validate(value or {})

    def to_json(self) -> dict[str, Any]:
        """The dict that is stored: the keys that were set, as they were set."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Judged(Part):
    """A part with a verdict of vocabulary.LEVELS."""

    verdict: str = ""
    sentence: str = ""
    todo: str = ""


# -- evaluate ----------------------------------------------------------------------------------------------------------


class IndicatorResult(Part):
    """One indicator of collapse. class_name: the worst alarmed class; classes: all of them."""

    key: str
    name: str = ""
    value: float | None = None
    level: str = ""
    amber: float | None = None
    red: float | None = None
    class_name: str | None = Field(None, alias="class")
    classes: list[str] = []
    sentence: str = ""


class Collapse(Judged):
    """absent: {key of an indicator: why it has no value}."""

    indicators: list[IndicatorResult] = []
    absent: dict[str, str] = {}


class SpaceResult(Part):
    """How close generated images come to training images in one space, beside held-out images."""

    median_ratio: float | None = None
    ct_z: float | None = None
    authenticity: float | None = None
    authenticity_held_out: float | None = None
    near_copies: float | None = None
    near_copies_held_out: float | None = None


class Histogram(Part):
    """Images by their distance to the nearest training image; edges has one value more than the counts."""

    space: str = "pixels"
    edges: list[float] = []
    fake: list[int] = []
    held_out: list[int] = []


class ClosePair(Part):
    """Rows of a generated and of a training image. ratio: over the median distance of held-out images."""

    fake: int
    train: int
    distance: float
    ratio: float | None = None
    flipped: bool = False


class Memorization(Judged):
    """spaces: by key of vocabulary.SPACES. beside: whose distances the generated images' are compared with."""

    n_fake: int = 0
    n_train: int = 0
    n_held_out: int = 0
    beside: str = "held-out"
    spaces: dict[str, SpaceResult] = {}
    histogram: Histogram | None = None
    pairs: list[ClosePair] = []


class ClassifierQuality(Part):
    """How often the dataset classifier is right on held-out real images."""

    accuracy: float | None = None
    accuracy_ci: Interval | None = None
    n_test: int = 0
    per_class: dict[str, float | None] = {}


class Agreement(Part):
    """Shares of images in which the dataset classifier sees the requested class, and of held-out real images in which it is right.

    confusion [K][K]: images by requested class (row) and predicted class.
    """

    overall: float | None = None
    real: float | None = None
    confusion: list[list[int]] = []


class Modes(Part):
    """Known modes counted in the images. kl: KL(counts || uniform) in nats."""

    kind: str = ""
    found: int = 0
    of: int = 0
    kl: float | None = None
    counts: dict[str, int] = {}
    rejected: int = 0
    sentence: str = ""


class DetectorTest(Part):
    """How well the detector tells real from generated images that it was not trained on."""

    accuracy: float | None = None
    ci95: Interval | None = None
    n_test: int = 0
    p_value: float | None = None
    sentence: str = ""


class Scores(Part):
    """Values by key of vocabulary.MEANINGS; a key that was not computed is missing or None."""

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
    methods: dict[str, float] = {}
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
        return about_checkpoint(self.images_seen, self.epoch, self.methods)


def about_checkpoint(images_seen: int | None, epoch: float | None, methods: dict[str, float]) -> str:
    """'the checkpoint at 1,000 images (epoch 2.5)'"""
    if methods and "gan" not in methods:
        return "images made without the run"
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
    """A difference to the arm `classical`."""

    gain: float | None = None
    ci95: Interval | None = None


class SweepRow(Part):
    """The arm with another share of synthetic images for each real one."""

    share: float
    balanced_accuracy: float | None = None
    ci95: Interval | None = None
    gain: float | None = None
    gain_ci95: Interval | None = None


class UtilityResult(Part):
    """utility/<job>.json: does synthetic data help a classifier? arms: by key of utility.TITLES.

    gain_ci95 is over seeds, test_bootstrap_ci95 over held-out images. quality_filter: its sentence on the synthetic images.
    """

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
    def about_checkpoint(self) -> str:
        return about_checkpoint(self.images_seen, self.epoch, self.methods)


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
