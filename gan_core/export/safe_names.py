"""Class names as safe folder names and as text in Markdown; they may come from strangers."""

import html
import re
import unicodedata

MAX_FOLDER_BYTES = 100
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
DEVICE = re.compile(r"^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])$", re.IGNORECASE)
MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:])")


def folder_names(classes: list[str]) -> list[str]:
    """One folder name per class, in the same order; the same classes always give the same names.

    No path separator, leading dot, device stem, trailing dot or space; at most 100 bytes of UTF-8; unique where case
    and Unicode form are ignored.
    """
    taken = {"metadata.csv", "metadata.jsonl"}  # lie beside the folders
    result = []
    for name in classes:
        stem = plain_folder(name)
        candidate, number = stem, 2
        while fold(candidate) in taken:
            suffix = f"_{number}"
            candidate, number = cut(stem, MAX_FOLDER_BYTES - len(suffix)) + suffix, number + 1
        taken.add(fold(candidate))
        result.append(candidate)
    return result


def plain_folder(name: str) -> str:
    name = unicodedata.normalize("NFC", name)
    # category C: control, format (hidden direction marks), surrogates, unassigned
    name = "".join("_" if unicodedata.category(c).startswith("C") else c for c in FORBIDDEN.sub("_", name))
    name = cut(name.strip().lstrip(".").strip(), MAX_FOLDER_BYTES - 1)
    if DEVICE.match(name.partition(".")[0].strip()):
        name = f"_{name}"  # Windows reads NUL.txt as the device NUL
    return name or "class"


def cut(name: str, limit_bytes: int) -> str:
    """name within so many bytes, whole characters only, without a trailing dot or space."""
    return name.encode()[:limit_bytes].decode(errors="ignore").rstrip(". ")


def fold(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def markdown(text: str) -> str:
    """text on one line that Markdown and the HTML in it show literally."""
    return MARKDOWN.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))
