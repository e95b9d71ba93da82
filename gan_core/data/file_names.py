"""Names of files and folders: how they are shown and sorted, and which have an image's file ending."""

import re
import unicodedata
from pathlib import PurePosixPath

NOISE = re.compile(r"(^|/)(\.|__macosx(/|$)|thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
SHOWN_LETTERS = 100


def shown(text: str, limit: int = SHOWN_LETTERS) -> str:
    """text as it may be stored and shown: NFC, no control characters or broken code points, at most `limit` long."""
    if len(text) <= limit and text.isascii() and text.isprintable():  # nearly all, and 60,000 at a time
        return text
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    text = "".join("?" if unicodedata.category(letter) == "Cc" else letter for letter in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key that puts 2 before 10 and ignores case."""
    parts = re.split("([0-9]+)", text.casefold())  # digits stay text: int() refuses very long ones
    return [(0, len(part.lstrip("0")), part.lstrip("0")) if at % 2 else (1, 0, part) for at, part in enumerate(parts)]


def is_picture(name: str) -> bool:
    return name[-4:].lower() in PICTURES or PurePosixPath(name).suffix.lower() in PICTURES
