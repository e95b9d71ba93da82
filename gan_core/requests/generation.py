"""Requests of the Samples page: samples, new images with their nearest real ones, a latent walk, variants, the timelapse."""

from typing import Literal

from gan_core.requests.base import Checkpoint, Option, Request, Seed, checkpoint_field, field

CLASS = "The class to draw; without it all of them."
TRUNCATION = (
    "Multiplier of the latent code z. 1: as trained. Below 1: safer images that are more alike; at 0 one image per class. Above 1: "
    "more variety, and more broken images."
)
STRENGTH = "Share of fresh noise. 0: only the reconstruction of the real image. 1: any image of the class."


class SampleRequest(Request):
    """Images of each class as files. The command line draws them itself, without a job."""

    per_class: int = field(..., "Images per class", "Images to draw of each class.", ge=1, le=100_000)
    class_name: str | None = field(None, "Class", CLASS, alias="class", option=Option("--class"))
    seed: Seed = field(0, "Seed", "The same seed draws the same images.")
    truncation: float = field(1.0, "Truncation", TRUNCATION, ge=0, le=4)
    from_images: bool = field(
        False,
        "Variants of real images",
        "Variants of real training images, as far as the run can draw them.",
        option=Option("--from-images"),
    )
    strength: float = field(0.3, "Fresh noise", f"With --from-images: {STRENGTH[0].lower()}{STRENGTH[1:]}", ge=0, le=1)
    at: Checkpoint = checkpoint_field()


class ExploreRequest(Request):
    """A grid of new images with their nearest real ones."""

    class_name: str | None = field(None, "Class", CLASS, alias="class", option=Option("--class"))
    seed: Seed = field(0, "Seed", "The same seed draws the same images.")
    truncation: float = field(
        1.0, "Truncation", TRUNCATION, alias="noise_scale", option=Option("--truncation"), ge=0, le=1.5
    )
    at: Checkpoint = checkpoint_field()


class WalkEnd(Request):
    """An image of a class by its number, as `sample` and `explore` count them with the same seed."""

    class_name: str = field(..., "Class", "The class of the image.", alias="class")
    number: int = field(0, "Number", "Images of a class are numbered from 0.", ge=0)


class WalkRequest(Request):
    """The way from one image to another through the latent space."""

    start: WalkEnd = field(..., "From", "The image it starts at.", alias="from")
    end: WalkEnd = field(..., "To", "The image it ends at.", alias="to")
    same_noise: bool = field(
        False, "Change the class only", "The latent code stays that of the start, and only the class changes."
    )
    seed: Seed = field(0, "Seed", "The same seed draws the same images.")
    truncation: float = field(
        1.0, "Truncation", TRUNCATION, alias="noise_scale", option=Option("--truncation"), ge=0, le=1.5
    )
    frames: int = field(33, "Steps", "Steps from one end to the other.", ge=3, le=120)
    at: Checkpoint = checkpoint_field()


class VariantsRequest(Request):
    """A sheet of variants of real images of a class."""

    class_name: str = field(..., "Class", "The class of the real images.", alias="class")
    strength: float = field(0.3, "Fresh noise", STRENGTH, ge=0, le=1)
    seed: Seed = field(0, "Seed", "The same seed draws the same variants.")
    at: Checkpoint = checkpoint_field()


class TimelapseRequest(Request):
    """The sample grids of a run as one animation."""

    format: Literal["webp", "gif", "mp4"] = field(
        "webp", "Format", "webp: the smallest files. gif: opens everywhere. mp4: for slides and video sites."
    )
