"""What a picture was made with, written inside its PNG: a line that people read under `parameters`, where tools for pictures
look for it, and everything as JSON under `ganvas`. No time and no machine in it: the same request makes the same bytes.
"""

import json
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gan_core import __version__
from gan_core.settings.schema import TrainConfig

Notes = dict[str, Any]
LINE = {  # key of the notes -> what the line calls it
    "seed": "Seed",
    "noise_scale": "Noise scale",
    "images_seen": "Images seen",
    "recipe": "Recipe",
    "family": "Networks",
    "dataset": "Dataset",
    "run": "Run",
    "version": "Ganvas",
}


def notes_of(
    run: str, dataset: str, config: TrainConfig, images_seen: int, *, seed: int, noise_scale: float, **more: Any
) -> Notes:
    """run: its id; dataset: its name; more: what else is known of this one picture, as its class, as JSON values."""
    facts = {"run": run, "dataset": dataset, "recipe": config.recipe, "family": config.family}
    facts |= {"images_seen": images_seen, "seed": seed, "noise_scale": noise_scale, **more}
    return {**facts, "version": __version__, "settings": config.model_dump()}


def png_info(notes: Notes) -> PngInfo:
    """As text chunks: tEXt, or iTXt where a name needs more than Latin letters."""
    line = ", ".join(f"{name}: {quoted(notes[key])}" for key, name in LINE.items() if key in notes)
    info = PngInfo()
    info.add_text("parameters", f"{' '.join(str(notes.get('class') or 'Sample grid').split())}\n{line}")
    info.add_text("ganvas", json.dumps(notes, ensure_ascii=True, allow_nan=False))
    return info


def quoted(value: object) -> str:
    """A value of the line; quoted where it would read as the start of the next one."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if any(sign in text for sign in ',:"\n\r') else text


def read_notes(path: Path) -> Notes | None:
    """What stands in a PNG of ours; None where it holds nothing of the kind. Raises OSError where it is no picture."""
    with Image.open(path) as picture:
        text = getattr(picture, "text", {}).get("ganvas")
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
