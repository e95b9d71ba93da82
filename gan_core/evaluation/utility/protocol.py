"""The words of the comparison, without torch: how a classifier is trained (baseline), and how it is shown synthetic images (use).

An arm is a baseline with a way to make images and a use of them. Every arm of a comparison has the same classifier, the same
number of updates and, of a baseline, the same real images in the same order: synthetic images are slots added to a batch, so
they never take the place of a real image.
"""

from collections.abc import Iterable
from typing import Literal, Self, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

VERSION = 2  # of the protocol; 1 mixed synthetic images in among the real ones and chose nothing on validation

ClassifierName = Literal["small", "resnet", "lite0"]
Sampling = Literal["natural", "balanced", "deferred"]
Policy = Literal["none", "light", "classical", "strong"]
Mix = Literal["none", "mixup", "cutmix", "cmo"]
Phase = Literal["throughout", "first", "pretrain"]

CLASSIFIERS: tuple[ClassifierName, ...] = get_args(ClassifierName)
CLASSIFIER_TITLES: dict[ClassifierName, str] = {
    "small": "small convolutional network",
    "resnet": "residual network",
    "lite0": "EfficientNet-Lite0 with ImageNet weights",
}
BATCH: dict[ClassifierName, int] = {"small": 64, "resnet": 64, "lite0": 32}  # real images of an update
# Numbers of updates that are tried on validation, the least first.
UPDATES: dict[ClassifierName, tuple[int, ...]] = {
    "small": (150, 300, 600, 1200, 2400),
    "resnet": (150, 300, 600, 1200),
    "lite0": (40, 80, 160, 320),
}
FIRST_PART = 0.6  # of the updates: `deferred` samples as the data are, and the phase `first` shows synthetic images
RARE_BELOW = 0.5  # a class with less than this share of the largest class's training images is rare
MOST_FILLED = 3.0  # `fill` adds at most so many synthetic slots for each real one

NO_IMAGES = "none"  # the way of an arm without synthetic images
AGAIN = "again"  # the way of a control: the real training images again in the place of the synthetic ones


class Part(BaseModel):
    """Frozen, hashable, and JSON by model_dump."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Baseline(Part):
    """How a classifier is trained on real images.

    sampling: natural shows every image equally often, balanced every class, deferred is natural for the first 60 % of the updates
    and then balanced (arXiv:1910.09217, 1906.07413). policy: of augmentation, see classifier_augment.py. mix: MixUp
    (arXiv:1710.09412), CutMix (1905.04899) or CMO, which pastes images of rare classes on others (2112.00412).
    """

    sampling: Sampling = "balanced"
    policy: Policy = "classical"
    mix: Mix = "none"

    @property
    def name(self) -> str:
        return "+".join([self.sampling, self.policy] + ([self.mix] if self.mix != "none" else []))


class Use(Part):
    """How a classifier is shown synthetic images.

    share: of the slots of a batch that are synthetic: share / (1 - share) synthetic slots are added for each real one; 1 is
    synthetic images alone. classes: which get them; with rare, the other classes have none and the batch grows by less. phase:
    throughout, the first 60 % of the updates, or pretrain: updates of synthetic images alone before those of the real ones, as
    many images as `throughout` would show. labels: hard, or soft, a teacher's (Pool.soft). fill: share is 0, and each class is
    filled up to the largest one, as `export --balance largest` does.
    """

    share: float = Field(0.5, ge=0, le=1)
    classes: Literal["all", "rare"] = "all"
    phase: Phase = "throughout"
    labels: Literal["hard", "soft"] = "hard"
    fill: bool = False

    @model_validator(mode="after")
    def shows_something(self) -> Self:
        if self.fill != (self.share == 0):
            raise ValueError("share is 0 where classes are filled, and above 0 where they are not")
        if self.share == 1 and self.phase != "throughout":
            raise ValueError("synthetic images alone have no other phase")
        return self

    @property
    def name(self) -> str:
        words = ["fill" if self.fill else f"{self.share:.0%}"]
        words += ["rare"] if self.classes == "rare" else []
        words += [self.phase] if self.phase != "throughout" else []
        words += ["soft"] if self.labels == "soft" else []
        return " ".join(words)


class Arm(Part):
    """way: none, copies, pasted, gan, a mixture such as gan+copies, or again; a key of the pools that train_arm is given."""

    baseline: Baseline = Baseline()
    way: str = NO_IMAGES
    use: Use | None = None

    @model_validator(mode="after")
    def uses_its_images(self) -> Self:
        if (self.way == NO_IMAGES) != (self.use is None):
            raise ValueError("an arm has a way to make images and a use of them, or neither")
        return self

    @property
    def name(self) -> str:
        """Readable, and another for every other arm."""
        return self.baseline.name if self.use is None else f"{self.baseline.name} | {self.way} {self.use.name}"


PLAIN = Baseline()  # what every gain is first measured against: balanced sampling, classical augmentation
AS_IT_IS = Baseline(sampling="natural", policy="none")
ALONE = Use(share=1.0)
FILL = Use(share=0, fill=True)
USES: tuple[Use, ...] = (
    Use(share=0.25),
    Use(share=0.5),
    Use(share=0.5, phase="first"),
    Use(share=0.5, phase="pretrain"),
    Use(share=0.5, classes="rare"),
    Use(share=0.5, labels="soft"),
    FILL,
)


def rare_classes(counts: np.ndarray | Iterable[int]) -> np.ndarray:
    """bool [K]: whether a class of so many training images is rare beside the largest; one without images is not."""
    counts = np.asarray(list(counts))
    return (counts > 0) & (counts < RARE_BELOW * counts.max(initial=0))


def uses_for(counts: np.ndarray | Iterable[int], uses: Iterable[Use] = USES) -> list[Use]:
    """Those uses that are different arms on a dataset of so many training images: rare and fill need an uneven one."""
    counts = np.asarray(list(counts))
    rare, uneven = rare_classes(counts), len(set(counts[counts > 0].tolist())) > 1
    return [use for use in uses if (rare.any() or use.classes == "all") and (uneven or not use.fill)]


def baseline_for(baseline: Baseline, use: Use) -> Baseline:
    """The baseline that a use goes with: a filled dataset is even by itself, and is shown image by image."""
    return baseline.model_copy(update={"sampling": "natural"}) if use.fill else baseline


def stages(even: bool) -> list[list[dict[str, str]]]:
    """Changes of a baseline to choose among, stage after stage; those of a stage are made to the best of the stages before it.

    Sampling, then policy, then mix: at most nine arms in place of 48. even: whether all classes have as many images, so that
    sampling makes no difference.
    """
    sampling = [] if even else [{"sampling": name} for name in ("deferred", "natural")]
    policy = [{"policy": name} for name in ("none", "light", "strong")]
    mix = [{"mix": name} for name in ("mixup", "cutmix", "cmo")]
    return [stage for stage in (sampling, policy, mix) if stage]
