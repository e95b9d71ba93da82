"""The request to import a dataset: its source, what becomes of the images, how folders become classes and splits."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, field_validator

from gan_core.errors import UserError
from gan_core.requests.base import NO_OPTION, Option, Request, Seed, field
from gan_core.settings.families import SIZES

BACKGROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}
HEX = re.compile(r"#[0-9a-fA-F]{6}")


def as_today(split: object) -> object:
    """given+validation, of an older Ganvas, held the validation folder out too, as given does today."""
    return "given" if split == "given+validation" else split


class Choices(Request):
    """How folders become classes and splits."""

    split: Annotated[Literal["given", "pool"], BeforeValidator(as_today)] = field(
        "given",
        "Folders train, validation, test",
        "The folders train, validation, test: given (each is the split that it is named) or pool (mix them and cut new "
        "splits).",
    )
    level: Literal["auto", "top", "last"] = field(
        "auto",
        "Which folder names the class?",
        "The folder that names the class: auto, top (the first below the outer folders) or last (the one that holds "
        "the image).",
    )
    loose: Literal["skip", "class"] = field(
        "skip",
        "Images in no class folder",
        "Images in no class folder: skip them, or make them the class unlabelled (class).",
    )


class ImportRequest(Request):
    """The import of a zip, a folder, 'demo:<ready set>', 'upload:<id>' or 'again:<dataset>'."""

    source: str = field(
        ...,
        "Source",
        "A zip, a folder of class folders, demo:digits, demo:shapes, ..., or again:DATASET.",
        option=NO_OPTION,
    )
    name: str = field("", "Name", "Name of the dataset; without it that of its source.")
    size: Literal[SIZES] = field(  # type: ignore[valid-type]
        32, "Size", "Side of the images in pixels: 28, 32, 64, 128 or 256. Smaller trains faster."
    )
    mode: Literal["auto", "L", "RGB"] = field("auto", "Colour", "auto (as in the images), L (grey) or RGB.")
    fit: Literal["crop", "pad", "stretch"] = field("crop", "Fit", "How an image becomes square: crop, pad or stretch.")
    test_fraction: float = field(
        0.15,
        "Test share",
        "Share of the images of each class that is kept for the last verdict, where no test folder is given. Nothing is decided "
        "by them.",
        ge=0,
        le=0.5,
    )
    validation_fraction: float = field(
        0.15,
        "Validation share",
        "Share of the other images that is kept for validation, where no validation folder is given: thresholds and choices "
        "come from them, and no network trains on them. 0 cuts none.",
        ge=0,
        le=0.5,
    )
    seed: Seed = field(0, "Seed", "Decides which images are held out.")
    background: str = field(
        "white",
        "Background",
        "Colour behind transparent images and beside padded ones: white, black, grey or #rrggbb.",
        option=Option(metavar="COLOUR"),
    )
    choices: Choices = field(Choices(), "Folders")

    @field_validator("background")
    @classmethod
    def is_a_color(cls, background: str) -> str:
        rgb(background)
        return background


def rgb(background: str) -> tuple[int, int, int]:
    """(red, green, blue) of a name in BACKGROUNDS or of '#rrggbb'. Raises UserError bad_background."""
    if background in BACKGROUNDS:
        return BACKGROUNDS[background]
    if not isinstance(background, str) or not HEX.fullmatch(background):
        raise UserError(
            "bad_background",
            f"The background {str(background)[:40]!r} is not a colour.",
            f"Choose {', '.join(BACKGROUNDS)} or a colour such as #ffcc00.",
        )
    red, green, blue = bytes.fromhex(background[1:])
    return red, green, blue
