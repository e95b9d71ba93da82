"""What a person may choose about an import, and the refusal of everything else."""

import re
from typing import Any, Literal, NamedTuple

from gan_core.data.color import Color
from gan_core.data.dataset import SIZES
from gan_core.errors import UserError

MODES = ("auto", "L", "RGB")
FITS = ("crop", "pad", "stretch")
SPLITS = ("given", "given+validation", "pool")
LEVELS = ("auto", "top", "last")
LOOSE = ("skip", "class")
BACKGROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}
HEX = re.compile(r"#[0-9a-fA-F]{6}")


class Choices(NamedTuple):
    """How folders become classes and splits.

    split: 'given' holds out a test folder, 'given+validation' a validation folder as well, 'pool' mixes them all and cuts
    anew. level: the folder that names the class: 'auto', 'top' (the first one below what wraps everything) or 'last' (the one
    that holds the picture). loose: pictures in no class folder are left out ('skip') or become the class unlabelled ('class').
    """

    split: Literal["given", "given+validation", "pool"] = "given"
    level: Literal["auto", "top", "last"] = "auto"
    loose: Literal["skip", "class"] = "skip"


def check_choices(choices: Choices) -> None:
    """Raises UserError: bad_split, bad_level, bad_loose."""
    one_of("bad_split", "split", choices.split, SPLITS)
    one_of("bad_level", "level", choices.level, LEVELS)
    one_of("bad_loose", "choice for loose pictures", choices.loose, LOOSE)


def check_settings(size: int, mode: str, fit: str, test_fraction: float, background: str) -> None:
    """Raises UserError: bad_size, bad_mode, bad_fit, bad_test_fraction, bad_background."""
    if size not in SIZES:
        raise UserError("bad_size", f"The size {size} is not offered.", f"Choose one of {', '.join(map(str, SIZES))}.")
    one_of("bad_mode", "mode", mode, MODES)
    one_of("bad_fit", "fit", fit, FITS)
    if not 0 <= test_fraction <= 0.5:
        raise UserError(
            "bad_test_fraction", f"The test share {test_fraction} is not possible.", "Choose a share between 0 and 0.5."
        )
    colour(background)


def colour(background: str) -> Color:
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


def one_of(code: str, what: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UserError(code, f"The {what} {str(value)[:40]!r} is not known.", f"Choose one of {', '.join(known)}.")
