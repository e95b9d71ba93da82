"""Requests for the balanced zip of an export, for its preview, and for the model bundle."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field

from gan_core.errors import UserError
from gan_core.requests.base import NO_OPTION, Checkpoint, Option, Request, Seed, checkpoint_field, field
from gan_core.text import no_such

Method = Literal["gan", "classical", "composite"]  # ways to make an image
Check = Literal["label", "realism", "copy", "teacher", "twin"]  # what a drawn image may be refused for, in this order
METHODS: tuple[Method, ...] = get_args(Method)
ALL_CHECKS: tuple[Check, ...] = get_args(Check)
# Without a choice. What the teacher knows is partly ImageNet's, so that it is asked on request only.
CHECKS: tuple[Check, ...] = ("label", "realism", "copy", "twin")


def read_methods(value: Any) -> Any:
    """'gan', 'gan,classical', 'gan=3,classical=1' or weights by method -> weights by method. '' leaves the choice open.

    Raises UserError unknown_method, bad_method, no_method.
    """
    if value is None or value == "":
        return None
    weights = parse_methods(value) if isinstance(value, str) else value
    for name, weight in weights.items():
        if name not in METHODS:
            raise UserError("unknown_method", no_such("method", name, METHODS), f"Choose among {', '.join(METHODS)}.")
        if not 0 <= weight < float("inf"):
            raise UserError("bad_method", f"The share of {name} cannot be {weight}.", "Give a number such as 1 or 0.5.")
    if not any(weights.values()):
        raise UserError("no_method", "No way to make images is chosen.", f"Choose among {', '.join(METHODS)}.")
    return {name: float(weights[name]) for name in METHODS if weights.get(name)}


def parse_methods(text: str) -> dict[str, float]:
    """'gan=3,classical=1' -> weights by method. Raises UserError bad_method."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition("=")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            raise UserError("bad_method", f"{part!r} is no share.", "Write it as in gan=3,classical=1.") from None
    return weights


def read_checks(value: Iterable[str]) -> tuple[str, ...]:
    """'label,twin', 'none' or names -> names of ALL_CHECKS in their order. Raises UserError unknown_check."""
    if isinstance(value, str):
        value = [] if value.strip() == "none" else [name.strip() for name in value.split(",")]
    wanted = set(value)
    for name in sorted(wanted - set(ALL_CHECKS)):
        raise UserError("unknown_check", no_such("check", name, ALL_CHECKS), f"Choose among {', '.join(ALL_CHECKS)}.")
    return tuple(check for check in ALL_CHECKS if check in wanted)


Methods = Annotated[dict[str, float] | None, BeforeValidator(read_methods)]
Checks = Annotated[tuple[str, ...], BeforeValidator(read_checks)]


class Policy(Request):
    """The changes that do not alter the class of an image."""

    flips: bool = field(
        False, "Mirrored", "Copies and objects may be mirrored: not for digits, letters, or left and right hands."
    )
    turns: bool = field(True, "Turned", "Copies and objects may be turned, by at most 10 degrees either way.")
    light: bool = field(True, "Relit", "Changed copies may be lighter, darker, of other contrast and colour.")


class ExportRequest(Request):
    """The balanced zip of a run, or of a dataset without a run (then no GAN draws images)."""

    OLDER: ClassVar[dict[str, Any]] = {"methods": {"gan": 1.0}, "layout": "imagefolder"}

    run: str | None = field(None, "Run", "Draws the images.", option=NO_OPTION)
    dataset: str | None = field(None, "Dataset", "Of the run, where there is one.", option=NO_OPTION)
    balance: str | Annotated[int, Field(strict=True)] | dict[str, int] = field(
        "largest",
        "Balance to",
        "largest, median, a total per class, class=total,..., or none (no synthetic images).",
        option=Option(text="largest"),
    )
    as_found: bool = field(
        False,
        "As found",
        "Follow what the search improve found: which images, and how many of each class. Balance and methods are not used then.",
        option=Option("--as-found"),
    )
    found: dict[str, Any] | None = field(
        None,
        "What was found",
        "The answer of the search improve that the zip tells and its train.py follows.",
        option=NO_OPTION,
    )
    originals: bool = field(
        True,
        "Include the real images",
        "Put the real training images into the zip, not only synthetic ones.",
        option=Option("--originals/--no-originals"),
    )
    held_out: bool = field(
        True,
        "Include the held-out images",
        "Put the validation and test images into the zip too, in val/ and test/; its train.py tests itself on them.",
        option=Option("--held-out/--no-held-out"),
    )
    seed: Seed = field(0, "Seed", "The same seed draws the same images.")
    check_copies: bool = field(
        True,
        "Refuse copies of training images",
        "Compare the drawn images with the training images before writing, and stop where they are copies.",
        alias="gate",
        option=Option("--gate/--no-gate"),
    )
    checks: Checks = field(
        CHECKS,
        "Leave out drawn images that are",
        "Checks of the drawn images: label, realism, copy, teacher, twin; or none. An image that fails a check is left out.",
        option=Option(text=",".join(CHECKS)),
    )
    removed: dict[str, list[int]] = field(
        {}, "Left out by hand", "Numbers of drawn images, by class, that a person left out.", option=NO_OPTION
    )
    methods: Methods = field(
        None,
        "Fill with",
        "gan, classical (changed copies), composite (objects on other backgrounds), or shares: gan=3,classical=1.",
        option=Option("--method", text=""),
    )
    policy: Policy = field(Policy(), "Changed copies may be")
    format: Literal["png", "jpeg", "webp"] = field("png", "Format", "png, jpeg or webp.")
    side: int | None = field(
        None,
        "Pixels",
        "Images are resized to this side; without it they keep the size of the dataset.",
        ge=8,
        le=1024,
        option=Option("--size"),
    )
    layout: Literal["auto", "imagefolder", "webdataset"] = field(
        "auto",
        "Files",
        "imagefolder (a folder per class), webdataset (tar shards), or auto: shards for more than 100,000 images.",
    )
    unpad: bool = field(
        False,
        "Cut the padding off",
        "Cut off what the import added to make the images square.",
        option=Option("--unpad"),
    )
    at: Checkpoint = checkpoint_field()

    @classmethod
    def from_payload(cls, payload: Any) -> "ExportRequest":
        return super().from_payload(payload | checks_before(payload))


class PreviewRequest(Request):
    """The preview: the first images of each class that an export with the same seed and checks would keep and refuse."""

    seed: Seed = field(0, "Seed", "The same seed draws the same images.")
    checks: Checks = field(CHECKS, "Leave out drawn images that are")
    at: Checkpoint = checkpoint_field()

    @classmethod
    def from_payload(cls, payload: Any) -> "PreviewRequest":
        return super().from_payload(payload | checks_before(payload))


class ExportModelRequest(Request):
    """The generator of a run as a zip with its weights, ONNX and scripts that draw."""

    run: str = field(..., "Run", option=NO_OPTION)
    at: Checkpoint = checkpoint_field()


def checks_before(payload: dict[str, Any]) -> dict[str, Any]:
    """The checks of an older payload, which only knew labels."""
    return {} if payload.get("check_labels", True) or "checks" in payload else {"checks": ()}
