"""The request of the search `improve`: what helps a classifier of this dataset?"""

from typing import Literal

from gan_core.requests.base import NO_OPTION, Checkpoint, Request, Seed, checkpoint_field, field

TRAINING_SHARE = 0.4  # of the minutes, for a generator where the dataset has none yet


class ImproveRequest(Request):
    """What helps a classifier: no synthetic images, another way to train, or images of some way, used in some way?"""

    minutes: float = field(
        15.0,
        "Minutes",
        f"The search ends in time. Where the dataset has no trained run, {TRAINING_SHARE:.0%} of the minutes train one.",
        ge=0.001,
        le=10_000.0,
    )
    classifier: Literal["small", "resnet", "lite0"] = field(
        "small",
        "Classifier",
        "small: a small convolutional network. resnet: a residual network. Both are trained from scratch. lite0: "
        "EfficientNet-Lite0 with ImageNet weights, fine-tuned.",
    )
    seed: Seed = field(0, "Seed", "The same seed makes the same images and classifiers.")
    at: Checkpoint = checkpoint_field()
    run: str | None = field(None, "Run", "Draws the images.", option=NO_OPTION)
    dataset: str = field("", "Dataset", option=NO_OPTION)
    training_minutes: float = field(0.0, "Minutes of training", "Of the minutes.", ge=0.0, option=NO_OPTION)
    notes: tuple[str, ...] = field((), "Notes", "What was decided before the search.", option=NO_OPTION)
