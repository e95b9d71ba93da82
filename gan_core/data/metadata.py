"""Labels from a metadata file beside the pictures, as Hugging Face's `imagefolder` has it: metadata.csv or metadata.jsonl.

Text from a stranger: at most MAX_BYTES of it are read, and its file names are only looked up, never opened.
"""

import csv
import io
import json
import posixpath
from collections.abc import Callable, Sequence

FILES = ("metadata.csv", "metadata.jsonl")
COLUMNS = ("label", "class", "category", "class_name", "label_name", "target")  # the first that is there
MAX_BYTES = 64 << 20
LONGEST_FIELD = 1 << 20


def labels(names: Sequence[str], read: Callable[[int], bytes | None]) -> dict[str, str]:
    """File name -> label, from every metadata file among names. read(index) -> its bytes, or None where it is too large."""
    found: dict[str, str] = {}
    for index, name in enumerate(names):
        folder, file = posixpath.split(name)
        if file.lower() in FILES and (data := read(index)) is not None:
            for inner, label in rows(data, file.lower()):
                found[posixpath.normpath(posixpath.join(folder, inner))] = label
    return found


def rows(data: bytes, file: str) -> list[tuple[str, str]]:
    """(file name, label) of every row that has both; nothing where the file is not what its name says."""
    text = data.decode("utf-8-sig", "replace")
    try:
        if file.endswith(".jsonl"):
            values = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            csv.field_size_limit(LONGEST_FIELD)
            values = list(csv.DictReader(io.StringIO(text, newline="")))
    except (ValueError, csv.Error, RecursionError):
        return []
    told = []
    for value in values:
        if isinstance(value, dict):
            name = value.get("file_name")
            label = next((value[column] for column in COLUMNS if value.get(column) not in (None, "")), None)
            if isinstance(name, str) and isinstance(label, str | int) and str(label).strip():
                told.append((name, str(label).strip()))
    return told
