"""The parts of results.py as typed models: a result of an older version reads too, and is written as it was read.

A missing key has its default, an unknown key is kept, and a null where a list or a table belongs counts as missing.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Interval = list[float]  # [low, high], of 95 %


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


class Verdict(Part):
    """A part with a verdict of names_and_thresholds.LEVELS."""

    verdict: str = ""
    sentence: str = ""
    todo: str = ""


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


class Collapse(Verdict):
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


class Memorization(Verdict):
    """spaces: by key of names_and_thresholds.SPACES. beside: whose distances the generated images' are compared with."""

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
