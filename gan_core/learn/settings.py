"""The settings of a game, the values that a link may give them, and the key under which their frames are stored for all readers."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from gan_core.errors import UserError
from gan_core.learn import data
from gan_core.learn.losses import LOSSES

VERSION = 1  # of the game; raise it when a change alters the frames
RATES = (0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 1.0)
GAMMAS = (0.0, 0.01, 0.1, 0.3, 1.0)
BLURS = (0.0, 0.1, 0.2, 0.3, 0.5)
NOISES = {"square": "Square (2-D)", "line": "Line (1-D)"}
MOST_D_STEPS, MOST_SEED = 10, 999


@dataclass(frozen=True)
class Settings:
    """shape: a key of SHAPES; drawing: its points, for 'drawn'; noise: distribution of the latent codes; lr_d, lr_g: rates;
    d_steps: updates in a turn of D; gamma: strength of R1 + R2; blur: standard deviation of noise added to the inputs of D; crowd:
    whether D also sees how varied its batch is; labels: whether both networks get the class; seed: of weights and noise.
    """

    shape: str = "ring"
    drawing: str = ""
    noise: str = "square"
    loss: str = "nonsaturating"
    lr_d: float = 0.002
    lr_g: float = 0.002
    d_steps: int = 1
    gamma: float = 0.0
    blur: float = 0.0
    crowd: bool = False
    labels: bool = False
    seed: int = 1

    @property
    def key(self) -> str:
        """24 hex digits, the same for equal settings."""
        text = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


OFFERED: dict[str, tuple[Any, ...]] = {
    "shape": tuple(data.SHAPES),
    "noise": tuple(NOISES),
    "loss": tuple(LOSSES),
    "lr_d": RATES,
    "lr_g": RATES,
    "d_steps": tuple(range(1, MOST_D_STEPS + 1)),
    "gamma": GAMMAS,
    "blur": BLURS,
    "crowd": (False, True),
    "labels": (False, True),
    "seed": tuple(range(MOST_SEED + 1)),
}


def build(values: dict[str, Any]) -> Settings:
    """Settings from the values of a link or of JSON. Raises UserError bad_settings, bad_drawing."""
    settings = Settings(**{field.name: values[field.name] for field in fields(Settings) if field.name in values})
    for name, offered in OFFERED.items():
        value = getattr(settings, name)
        if not any(value == one and isinstance(value, type(one)) for one in offered):
            raise UserError(
                "bad_settings", f"The laboratory has no {name} of {value!r:.40}.", "Choose it on the Learn page."
            )
    if not isinstance(settings.drawing, str):
        raise UserError("bad_drawing", "This drawing is none.", "Draw again on the Learn page.")
    if settings.shape == "drawn":
        data.decode(settings.drawing)
    elif settings.drawing:
        raise UserError("bad_settings", "Only a drawn shape has a drawing.", "Choose Drawn by hand.")
    return settings
