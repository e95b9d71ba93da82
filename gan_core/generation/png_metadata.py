"""How an image was generated, as text inside its PNG: a line for people under `parameters`, where image viewers look for it, and
everything as JSON under `ganvas`. It names no time and no computer, so the same request makes the same bytes.
"""

import json
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gan_core import __version__
from gan_core.settings.schema import TrainConfig

Notes = dict[str, Any]
LINE = {  # key of the notes -> its name in the line
    "seed": "Seed",
    "noise_scale": "Truncation",
    "images_seen": "Images seen",
    "recipe": "Recipe",
    "family": "Networks",
    "dataset": "Dataset",
    "run": "Run",
    "version": "Ganvas",
}


def notes_of(
    run: str, dataset: str, config: TrainConfig, images_seen: int, *, seed: int, truncation: float, **more: Any
) -> Notes:
    """run: its id; dataset: its name; more: JSON values of this image alone, such as its class."""
    facts = {"run": run, "dataset": dataset, "recipe": config.recipe, "family": config.family}
    facts |= {"images_seen": images_seen, "seed": seed, "noise_scale": truncation, **more}
    return {**facts, "version": __version__, "settings": config.model_dump()}


def png_info(notes: Notes) -> PngInfo:
    """As text chunks: tEXt, or iTXt where a name has other than Latin letters."""
    line = ", ".join(f"{name}: {quoted(notes[key])}" for key, name in LINE.items() if key in notes)
    info = PngInfo()
    info.add_text("parameters", f"{' '.join(str(notes.get('class') or 'Sample grid').split())}\n{line}")
    info.add_text("ganvas", json.dumps(notes, ensure_ascii=True, allow_nan=False))
    return info


def quoted(value: object) -> str:
    """A value of the line, in quotes where it contains a separator."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if any(sign in text for sign in ',:"\n\r') else text


def read_notes(path: Path) -> Notes | None:
    """The notes in a PNG of Ganvas, None in any other. Raises OSError where the file is no image."""
    with Image.open(path) as picture:
        text = getattr(picture, "text", {}).get("ganvas")
    try:
        found = json.loads(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
